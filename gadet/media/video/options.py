"""A `VideoInput`: an item together with what only the caller knows about how to read it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gadet.errors import InputError
from gadet.media.scale import Window

__all__ = ["VideoInput"]


@dataclass(frozen=True, eq=False)
class VideoInput:
    """An item together with what only the caller knows about how to read it.

    It may be given wherever an item or a reference is:
    `detector.detect(VideoInput("frames/", rate=10))`.

    Attributes:
        item: Anything that `VideoAdapter` accepts, and a folder of numbered pictures, a list of
            such files, an array `(T, H, W)`, or a GIF, which would be ambiguous without this
            wrapping.
        rate: Frames per second of what does not say so itself: folders, lists and arrays; of a
            video file in place of what it says.
        timestamps: Instead of `rate`: when each frame is shown, in seconds, increasing.
        start: Seconds at which the video is cut off in front; frames before it are left out.
        end: Seconds at which it ends; the frame shown then and later ones are left out.
        normal_until: Seconds on the video's own clock up to which it is known to be normal; the
            rest is then compared with that.
        window: The values shown as black and as white, for frames of 16 bits or floats.

    Raises:
        InputError: An option is not of a kind that can be meant.
    """

    item: Any = field(repr=False)
    rate: float | None = None
    timestamps: Any = field(default=None, repr=False)
    start: float | None = None
    end: float | None = None
    normal_until: float | None = None
    window: Window | None = None

    def __post_init__(self) -> None:
        """Check the options where they are written."""
        if isinstance(self.item, VideoInput):
            raise InputError("expected an item inside VideoInput; got another VideoInput: use one")
        if self.rate is not None and not (_is_number(self.rate) and self.rate > 0):
            raise InputError(
                f"expected rate to be frames per second, a number above 0; got {self.rate!r}"
            )
        if self.timestamps is not None:
            if self.rate is not None:
                raise InputError("expected rate or timestamps; got both: leave one out")
            object.__setattr__(self, "timestamps", _checked_times(self.timestamps))
        for name in ("start", "end"):
            value = getattr(self, name)
            if value is not None and not (_is_number(value) and value >= 0):
                raise InputError(f"expected {name} to be seconds from 0; got {value!r}")
        if self.end is not None and self.end <= (self.start or 0.0):
            raise InputError(
                f"expected end after start; got start={self.start or 0.0} and end={self.end}"
            )
        if self.normal_until is not None and not (
            _is_number(self.normal_until) and self.normal_until > (self.start or 0.0)
        ):
            raise InputError(
                "expected normal_until to be seconds, after the start; got "
                f"{self.normal_until!r}: leave it out if no part is known to be normal"
            )
        if self.window is not None:
            _check_window(self.window)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return False
    return math.isfinite(value)


def _checked_times(given: Any) -> tuple[float, ...]:
    wanted = "expected timestamps to be seconds, increasing, one for each frame"
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise InputError(f"{wanted}; got {type(given).__name__}")
    try:
        times = np.asarray(list(given), np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{wanted}; got values that are no numbers") from error
    if times.ndim != 1 or not len(times) or not np.isfinite(times).all():
        raise InputError(f"{wanted}; got an array of shape {times.shape}, or one with NaN")
    if (np.diff(times) <= 0).any():
        first = int(np.flatnonzero(np.diff(times) <= 0)[0])
        raise InputError(f"{wanted}; number {first + 1} is not after the one before")
    return tuple(times.tolist())


def _check_window(window: object) -> None:
    if not (isinstance(window, tuple) and len(window) == 2 and all(map(_is_number, window))):
        raise InputError(f"expected window to be two finite numbers, a tuple; got {window!r}")
    if not window[1] > window[0]:
        raise InputError(f"expected window to have low < high; got {window!r}")
