"""Which adapter reads an item."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from gadet.errors import InputError
from gadet.media.array import is_tensor
from gadet.media.base import Adapter
from gadet.report import Modality

__all__ = ["adapter_for"]

_WRAPPINGS: Final[dict[Modality, str]] = {
    "image": "ImageInput(item)",
    "series": "SeriesInput(item)",
    "pointcloud": "PointCloudInput(item)",
    "video": "VideoInput(item)",
}
"""What says how an item is meant that may be several things."""


def adapter_for(item: Any, available: Mapping[Modality, Adapter]) -> Adapter:
    """Find the adapter that reads an item.

    Args:
        item: What to inspect.
        available: The adapters to ask, by modality.

    Raises:
        InputError: None takes the item, or more than one does.
    """
    takers = [name for name, adapter in available.items() if adapter.accepts(item)]
    if len(takers) == 1:
        return available[takers[0]]
    if takers:
        raise InputError(
            f"expected an item of one kind; {_describe(item)} can be read as "
            f"{' and as '.join(takers)}: wrap it, in {_wrapped(takers)}"
        )
    if len(available) == 1 and _holds_data(item):
        # Its own error says what is wrong with the data; this one could only say that it is wrong.
        return next(iter(available.values()))
    raise InputError(
        f"expected an item that can be read as {' or '.join(available)}; got {_describe(item)}. "
        "Accepted are paths, http(s) and data URLs, bytes, file objects, PIL images, NumPy arrays, "
        "torch tensors, tables, lists of numbers or of frames, point clouds and meshes; wrap it in "
        f"{_wrapped(available)} to say what it is"
    )


def _wrapped(names: Iterable[Modality]) -> str:
    return " or ".join(_WRAPPINGS[name] for name in names if name in _WRAPPINGS)


def _holds_data(item: Any) -> bool:
    return (
        isinstance(item, str | os.PathLike | bytes | bytearray | memoryview | np.ndarray)
        or is_tensor(item)
        or callable(getattr(item, "read", None))
    )


def _describe(item: Any) -> str:
    """The item in a few words, without its content."""
    kind = type(item).__name__
    if isinstance(item, str | os.PathLike):
        shown = repr(str(item)[:80])
        if _is_folder(item):
            return f"{shown}, a folder, which may hold many items or the frames of one video"
        return f"{shown}, which is no file of a kind that is known"
    shape = getattr(item, "shape", None)
    if isinstance(shape, tuple):
        return f"{kind} of shape {tuple(shape)} and dtype {getattr(item, 'dtype', 'unknown')}"
    return f"{kind} of {len(item):,} bytes" if isinstance(item, bytes | bytearray) else kind


def _is_folder(item: str | os.PathLike[Any]) -> bool:
    try:
        return os.path.isdir(item)
    except ValueError:
        return False
