"""What a watched source is: numbers, or frames."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

import numpy as np
from PIL import Image

from gadet.media.array import is_tensor
from gadet.media.video import Still, VideoAdapter, VideoInput
from gadet.media.video.live import is_live_url

__all__ = ["is_clip", "looked_into", "shows_frames"]


def is_clip(source: Any) -> bool:
    """Whether a source has an end and can be read like any other clip."""
    if isinstance(source, VideoInput):
        return True
    if isinstance(source, Iterator) or is_live_url(source):
        return False
    return VideoAdapter().accepts(source)


def looked_into(source: Any) -> tuple[Any, Any]:
    """The first entry of a source, None where there is none, and the source with nothing missing.

    An address, a path and a `VideoInput` are not looked into.
    """
    if not isinstance(source, Iterable) or isinstance(source, str | os.PathLike | VideoInput):
        return None, source
    entries = iter(source)
    first = next(entries, None)
    if entries is not source:
        return first, source
    return first, iter(()) if first is None else chain([first], entries)


def shows_frames(source: Any, first: Any) -> bool:
    """Whether a source shows frames, by its type and its first entry.

    Args:
        source: What is to be watched.
        first: Its first entry, where it has been looked into.
    """
    if isinstance(source, str | os.PathLike | VideoInput) or is_clip(source):
        return True
    picture = first[1] if isinstance(first, tuple) and len(first) == 2 else first
    if isinstance(picture, Image.Image | Still):
        return True
    if not (isinstance(picture, np.ndarray) or is_tensor(picture)):
        return False
    return len(picture.shape) in (2, 3) and min(picture.shape[:2]) > 1
