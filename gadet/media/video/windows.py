"""Windows: stretches of frames that overlap, by which a long video is looked through."""

from __future__ import annotations

from typing import Final

import numpy as np

from gadet.errors import InputError
from gadet.media.video.clip import Clip

__all__ = ["windows"]

_OVERLAP: Final = 0.25
_ROUNDING: Final = 1e-9


def windows(
    clip: Clip, seconds: float, *, overlap: float = _OVERLAP, most: int | None = None
) -> tuple[tuple[int, int], ...]:
    """Cut a clip into windows of equal time that overlap.

    What lies across the edge of one window and is no longer than the overlap lies whole in the
    next. Every frame is in a window.

    Args:
        clip: The frames.
        seconds: Length of a window.
        overlap: The share of a window that the next one repeats at least, from 0 to below 1.
        most: Most windows; they grow until so many are enough.

    Returns:
        `(start, stop)` frames, half-open, in order; one for a clip that is no longer.

    Raises:
        InputError: A number that cannot be meant.
    """
    if not seconds > 0 or not 0 <= overlap < 1 or (most is not None and most < 1):
        raise InputError(
            f"expected seconds above 0, overlap from 0 to below 1 and most from 1; got {seconds}, "
            f"{overlap} and {most}"
        )
    duration = clip.duration
    if most is not None:
        seconds = max(seconds, duration / (1 + (most - 1) * (1 - overlap)))
    if duration <= seconds * (1 + _ROUNDING):
        return ((0, len(clip)),)
    stride = seconds * (1 - overlap)
    count = int(np.ceil((duration - seconds) / stride - _ROUNDING)) + 1
    # Spread evenly, so that the last window is no shorter and repeats no more than the others.
    starts = clip.start + (duration - seconds) * np.arange(count) / (count - 1)
    first = np.searchsorted(clip.times, starts - _ROUNDING)
    stop = np.searchsorted(clip.times, starts + seconds - _ROUNDING)
    stop[-1] = len(clip)
    found = [(int(a), int(b)) for a, b in zip(first, stop, strict=True) if b > a]
    return tuple(dict.fromkeys(found))
