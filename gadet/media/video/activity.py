"""An `Activity`: how much a clip changes from moment to moment, and where scenes begin."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from gadet._lazy import lazy
from gadet.media.video.clip import Clip
from gadet.media.video.still import Pixels

__all__ = ["Activity"]

Floats = npt.NDArray[np.float64]

# Looked at with so many pixels on the longer side: noise and compression vanish, movement stays.
_SIDE: Final = 96
_RATE: Final = 8.0
_MOST: Final = 2400
# A scene begins where the picture changes by at least so many grey levels and by so many times what
# is usual around; after the adaptive detector of PySceneDetect, with a median for its mean.
_CUT: Final = 12.0
_TIMES_USUAL: Final = 4.0
_AROUND: Final = 8
# Differences up to so many grey levels are noise, compression and flicker, no movement.
_NOISE: Final = 5.0


@dataclass(frozen=True, eq=False)
class Activity:
    """How much a clip changes.

    Attributes:
        clip: The frames.
        looked: int `(N,)`: the frames that were looked at, increasing.
        change: float64 `(N,)`: the mean absolute difference of each to the one before, in grey
            levels from 0 to 255; the first is 0.
        moved: float64 `(N,)`: the same of only what differs by more than noise does, so that
            something small that moves counts more than a picture that flickers.
    """

    clip: Clip = field(repr=False)
    looked: npt.NDArray[np.intp] = field(repr=False)
    change: Floats = field(repr=False)
    moved: Floats = field(repr=False)

    @classmethod
    def of(cls, clip: Clip, rate: float = _RATE, most: int = _MOST) -> Activity:
        """Look through a clip once, at small size.

        Args:
            clip: The frames.
            rate: Frames per second to look at.
            most: Most frames to look at; of long clips fewer per second.
        """
        rate = min(rate, most / clip.duration)
        looked: list[int] = []
        change: list[tuple[float, float]] = []
        before: npt.NDArray[np.float32] | None = None
        for still in clip.scan(rate=rate, size=_small(clip.size)):
            grey = _grey(still.pixels)
            looked.append(still.index)
            change.append(_change(grey if before is None else before, grey))
            before = grey
        changed, moved = np.array(change, np.float64).T
        return cls(clip, np.array(looked, np.intp), changed, moved)

    @lazy
    def cuts(self) -> tuple[int, ...]:
        """The frames at which a scene begins, but for the first; as exact as was looked."""
        change = self.change
        found = []
        for number in range(1, len(change)):
            low, high = max(number - _AROUND, 1), number + _AROUND + 1
            around = np.delete(change[low:high], number - low)
            usual = float(np.median(around)) if len(around) else 0.0
            if change[number] >= max(_CUT, _TIMES_USUAL * usual):
                found.append(int(self.looked[number]))
        return tuple(found)

    @property
    def scenes(self) -> tuple[tuple[int, int], ...]:
        """The scenes as frames `(start, stop)`, half-open."""
        edges = (0, *self.cuts, len(self.clip))
        return tuple(pairwise(edges))

    def between(self, start: float, end: float) -> tuple[Floats, Floats]:
        """How much happens in the stretches between the frames that were looked at.

        A cut counts as nothing: the picture is another one, but nothing has moved.

        Args:
            start: Seconds.
            end: Seconds, after `start`.

        Returns:
            The edges of the stretches in seconds, increasing from `start` to `end`, and the change
            in each stretch.
        """
        times = self.clip.times[self.looked]
        inner = times[(times > start) & (times < end)]
        edges = np.concatenate(([start], inner, [end]))
        steps = np.where(np.isin(self.looked, self.cuts), 0.0, self.moved)
        # The change up to each moment; between two frames it is taken to be even.
        upto = np.interp(edges, times, np.cumsum(steps))
        return edges, np.diff(upto)


def _small(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, _SIDE / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _change(before: npt.NDArray[np.float32], after: npt.NDArray[np.float32]) -> tuple[float, float]:
    """The mean absolute difference, and that of what is above noise."""
    difference = np.abs(after - before)
    moved = np.maximum(difference - np.float32(_NOISE), 0)
    return float(difference.mean()), float(moved.mean())


def _grey(pixels: Pixels) -> npt.NDArray[np.float32]:
    weights = np.array([0.299, 0.587, 0.114], np.float32)
    grey: npt.NDArray[np.float32] = pixels.astype(np.float32) @ weights
    return grey
