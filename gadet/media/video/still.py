"""A `Still`: one frame of a video, decoded."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Still", "clock"]

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Still:
    """One frame of a video.

    Attributes:
        index: Its number in the clip, from 0.
        seconds: Its time on the clip's own clock.
        pixels: `(H, W, 3)` uint8 RGB, upright, read-only; smaller than native when a size was asked
            for.
        native: `(width, height)` of the clip's frames in pixels.
    """

    index: int
    seconds: float
    pixels: Pixels = field(repr=False)
    native: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """`(width, height)` of `pixels`."""
        return self.pixels.shape[1], self.pixels.shape[0]


def clock(seconds: float, digits: int = 1) -> str:
    """A time as people write it: `0:07.4`, `12:03.0`, `1:02:03.4`.

    Args:
        seconds: The time; below zero it gets a minus sign.
        digits: Digits after the second.
    """
    units = round(abs(seconds) * 10**digits)
    whole, part = divmod(units, 10**digits)
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    head = f"{hours}:{minute:02d}:{second:02d}" if hours else f"{minute}:{second:02d}"
    sign = "-" if seconds < 0 and units else ""
    return f"{sign}{head}" + (f".{part:0{digits}d}" if digits else "")
