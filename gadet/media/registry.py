"""Which adapter reads an item: a dict by modality, and the entry-point group `gadet.media`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from gadet.errors import ConfigurationError, InputError
from gadet.media.array import is_tensor
from gadet.media.base import Adapter, LoadLimits, Sample
from gadet.media.image import ImageAdapter
from gadet.report import Modality

__all__ = ["adapter_for", "adapters", "load", "register"]

GROUP = "gadet.media"
_registered: dict[Modality, Adapter] = {}


def register(adapter: Adapter) -> None:
    """Add an adapter under its modality.

    Raises:
        ConfigurationError: There is one for this modality already.
    """
    known = _registered.setdefault(adapter.modality, adapter)
    if known is not adapter:
        raise ConfigurationError(
            f"expected one adapter for {adapter.modality!r}; got {_name(adapter)} beside "
            f"{_name(known)}: pass your own with adapters={{…}} instead"
        )


def adapters() -> dict[Modality, Adapter]:
    """The adapters by modality: the built-in ones, then those of installed packages."""
    _load_plugins()
    return dict(_registered)


def adapter_for(
    item: Any,
    available: Mapping[Modality, Adapter] | None = None,
    *,
    modality: Modality | None = None,
) -> Adapter:
    """Find the adapter that reads an item.

    Args:
        item: What to inspect.
        available: The adapters to ask, by modality; None asks all that are registered.
        modality: The caller's choice; None lets the adapters look at the item.

    Raises:
        InputError: None takes the item, or more than one does.
        ConfigurationError: There is no adapter for the chosen modality.
    """
    known = adapters() if available is None else available
    if modality is not None:
        if modality not in known:
            raise ConfigurationError(
                f"expected modality to be one of {', '.join(sorted(known))}; got {modality!r}"
            )
        return known[modality]
    takers = [name for name, adapter in known.items() if adapter.accepts(item)]
    if len(takers) == 1:
        return known[takers[0]]
    if takers:
        raise InputError(
            f"expected an item of one kind; {_describe(item)} can be read as "
            f"{' and as '.join(takers)}: say which with modality={takers[0]!r}"
        )
    if len(known) == 1 and _holds_data(item):
        # Its own error says what is wrong with the data; this one could only say that it is wrong.
        return next(iter(known.values()))
    raise InputError(
        f"expected an item that can be read as {' or '.join(known) or 'anything'}; got "
        f"{_describe(item)}. Accepted are paths, http(s) and data URLs, bytes, file objects, PIL "
        "images, NumPy arrays and torch tensors, and what installed extras add; if it is an image "
        "all the same, wrap it in ImageInput(item)"
    )


def load(
    item: Any,
    limits: LoadLimits | None = None,
    available: Mapping[Modality, Adapter] | None = None,
    *,
    modality: Modality | None = None,
) -> Sample:
    """Find the adapter and read the item.

    Args:
        item: What to inspect.
        limits: The bounds; None takes the defaults.
        available: The adapters to ask, by modality; None asks all that are registered.
        modality: The caller's choice; None lets the adapters look at the item.

    Raises:
        InputError: None takes the item, more than one does, or it cannot be read.
        ConfigurationError: There is no adapter for the chosen modality.
    """
    return adapter_for(item, available, modality=modality).load(item, limits or LoadLimits())


@lru_cache(maxsize=1)
def _load_plugins() -> None:
    for point in entry_points(group=GROUP):
        try:
            register(point.load()())
        except Exception as error:
            # A broken plugin must not take the built-in adapters with it.
            warnings.warn(
                f"the media adapter {point.name!r} from {point.value!r} was left out: "
                f"{type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=4,
            )


def _holds_data(item: Any) -> bool:
    return (
        isinstance(item, str | os.PathLike | bytes | bytearray | memoryview | np.ndarray)
        or is_tensor(item)
        or callable(getattr(item, "read", None))
    )


def _name(adapter: Adapter) -> str:
    return f"{type(adapter).__module__}.{type(adapter).__qualname__}"


def _describe(item: Any) -> str:
    """The item in a few words, without its content."""
    kind = type(item).__name__
    if isinstance(item, str | os.PathLike):
        return f"{str(item)[:80]!r}, which is no file of a kind that is known"
    shape = getattr(item, "shape", None)
    if isinstance(shape, tuple):
        return f"{kind} of shape {tuple(shape)} and dtype {getattr(item, 'dtype', 'unknown')}"
    return f"{kind} of {len(item):,} bytes" if isinstance(item, bytes | bytearray) else kind


register(ImageAdapter())
