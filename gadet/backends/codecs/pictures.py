"""Pictures as text: base64, made once for each `View`."""

from __future__ import annotations

from base64 import b64encode
from weakref import WeakKeyDictionary

from gadet.view import View

__all__ = ["data_url"]

# References are sent again with every item, so their text is kept for as long as the view lives.
# Two threads may compute the same entry; they write the same value.
_texts: WeakKeyDictionary[View, str] = WeakKeyDictionary()


def data_url(view: View) -> str:
    """The view as a `data:` URL with base64."""
    text = _texts.get(view)
    if text is None:
        text = f"data:{view.encoding};base64,{b64encode(view.data).decode('ascii')}"
        _texts[view] = text
    return text
