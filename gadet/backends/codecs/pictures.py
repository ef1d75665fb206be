"""Pictures as text: base64, made once for each `View`."""

from __future__ import annotations

from base64 import b64encode
from weakref import WeakKeyDictionary

from gadet.view import View

__all__ = ["base64_text", "data_url"]

# References are sent again with every item, so their text is kept for as long as the view lives.
# Two threads may compute the same entry; they write the same value.
_texts: WeakKeyDictionary[View, str] = WeakKeyDictionary()


def base64_text(view: View) -> str:
    """The view's file as base64, without anything before it."""
    text = _texts.get(view)
    if text is None:
        text = b64encode(view.data).decode("ascii")
        _texts[view] = text
    return text


def data_url(view: View) -> str:
    """The view as a `data:` URL with base64."""
    return f"data:{view.encoding};base64,{base64_text(view)}"
