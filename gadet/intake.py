"""From a caller's arguments to a request, and references that are loaded once for many items."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gadet.errors import ConfigurationError
from gadet.inspection import References
from gadet.prompts.domain import load_domain
from gadet.request import DetectRequest, Normality

__all__ = ["LoadedReferences", "request_of"]

# So many sets of references of one batch are kept.
MOST_REFERENCE_SETS = 16


class LoadedReferences:
    """The references of a batch: items that name the same ones share what was loaded."""

    def __init__(self, load: Callable[[Sequence[Any]], References]) -> None:
        self._load = load
        self._kept: OrderedDict[tuple[Any, ...], tuple[tuple[Any, ...], References]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, request: DetectRequest) -> References:
        """The loaded references of a request."""
        # The objects are kept beside the result, so that an id stays theirs.
        key = tuple(r if isinstance(r, str | Path) else id(r) for r in request.references)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (request.references, self._load(request.references))
                while len(self._kept) > MOST_REFERENCE_SETS:
                    self._kept.popitem(last=False)
            return self._kept[key][1]


def request_of(item: Any, references: Sequence[Any], **settings: Any) -> DetectRequest:
    """Build a request, with an error that a caller can act on."""
    if isinstance(references, str | bytes | Path) or not isinstance(references, Iterable):
        raise ConfigurationError(
            "references needs a list of normal samples, also for one: references=[sample]; got "
            f"{type(references).__name__}"
        )
    settings["normality"] = settings["normality"] or Normality()
    settings["domain"] = load_domain(settings["domain"])
    try:
        return DetectRequest(item=item, references=tuple(references), **settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"argument `{name}` cannot be used: {first['msg']}") from None
