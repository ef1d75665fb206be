"""A `Clip`: the frames of a video and when each of them is, without holding them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.video.still import Pixels, Still, clock

__all__ = ["Clip", "Reel", "nearest"]

Floats = npt.NDArray[np.float64]
Size = tuple[int, int]


class Reel(Protocol):
    """What a clip's frames are read from."""

    def read(self, wanted: Sequence[int], size: Size) -> Iterator[tuple[int, Pixels]]:
        """Give frames in order, each once.

        Args:
            wanted: Numbers of frames, increasing.
            size: `(width, height)` that the frames are given in.
        """

    @property
    def keys(self) -> npt.NDArray[np.int64]:
        """The frames that are decoded without others; none where all are."""


@dataclass(frozen=True, eq=False)
class Clip:
    """The frames of a video.

    Nothing is kept between calls: every call opens what it reads for itself, so that one clip
    serves several threads, and two calls give the same frames.

    Attributes:
        reel: What the frames are read from, which counts them from the start of the file.
        size: `(width, height)` of a frame in pixels, upright.
        times: float64 `(T,)`, increasing, read-only: when each frame is shown, in seconds from the
            first frame of the file.
        first: The number that frame 0 of the clip has in the file; above 0 when the start was cut.
        lasting: Seconds for which the last frame is shown.
    """

    reel: Reel = field(repr=False)
    size: Size
    times: Floats = field(repr=False)
    first: int = 0
    lasting: float = 0.04

    def __len__(self) -> int:
        """Number of frames, T."""
        return len(self.times)

    @property
    def start(self) -> float:
        """When the first frame is shown, in seconds."""
        return float(self.times[0])

    @property
    def end(self) -> float:
        """When the last frame is no longer shown, in seconds."""
        return float(self.times[-1]) + self.lasting

    @property
    def duration(self) -> float:
        """Seconds from the first frame until the last one is no longer shown."""
        return self.end - self.start

    @property
    def rate(self) -> float:
        """Frames per second, on average."""
        return len(self) / self.duration

    @property
    def keys(self) -> npt.NDArray[np.int64]:
        """int64, increasing: the frames that are decoded without others; none where all are."""
        keys = self.reel.keys - self.first
        return keys[(keys >= 0) & (keys < len(self))]

    def stamp(self, index: int, digits: int = 1) -> str:
        """The time of a frame as people write it, `0:12.3`."""
        return clock(float(self.times[index]), digits)

    def index_of(self, seconds: float) -> int:
        """The frame that is shown at a moment; the first or last one beyond the ends."""
        return int(np.clip(np.searchsorted(self.times, seconds, "right") - 1, 0, len(self) - 1))

    def scan(
        self,
        start: int = 0,
        stop: int | None = None,
        *,
        step: int = 1,
        rate: float | None = None,
        size: Size | None = None,
    ) -> Iterator[Still]:
        """Read frames in order, holding one at a time.

        Args:
            start: First frame.
            stop: Frame before which to stop; None reads to the end.
            step: Every how many frames one is read.
            rate: Instead of `step`: about how many frames per second are read, evenly in time
                whatever the clip's own rate is; never a frame twice.
            size: `(width, height)` to give the frames in; None gives them as they are.

        Raises:
            InputError: Frames that there are not, or a step, rate or size that is none.
        """
        stop = len(self) if stop is None else stop
        if not 0 <= start <= stop <= len(self):
            raise InputError(
                f"expected 0 <= start <= stop <= {len(self)}; got start={start}, stop={stop}"
            )
        if step < 1 or (rate is not None and not 0 < rate < float("inf")):
            raise InputError(f"expected step from 1 and rate above 0; got {step} and {rate}")
        wanted: Sequence[int] = range(start, stop, step)
        if rate is not None and start < stop:
            wanted = self._spread(start, stop, rate)
        return self._stills(wanted, size)

    def frames(self, indices: Sequence[int], size: Size | None = None) -> list[Still]:
        """Read exactly these frames.

        The fewest frames are decoded that this takes: from the key frame before each, or on from
        the one before where that is nearer; only what was asked for is converted.

        Args:
            indices: Numbers of frames in any order, also several times.
            size: `(width, height)` to give the frames in; None gives them as they are.

        Returns:
            The frames in the order of `indices`.

        Raises:
            InputError: There is no such frame, or the size is none.
        """
        wanted = [int(index) for index in indices]
        for index in wanted:
            if not 0 <= index < len(self):
                raise InputError(f"expected frames from 0 to {len(self) - 1}; got {index}")
        found = {still.index: still for still in self._stills(sorted(set(wanted)), size)}
        return [found[index] for index in wanted]

    def _stills(self, wanted: Sequence[int], size: Size | None) -> Iterator[Still]:
        shown = self.size if size is None else (int(size[0]), int(size[1]))
        if min(shown) < 1:
            raise InputError(f"expected a size (width, height) from 1 x 1; got {size!r}")
        return self._read(wanted, shown)

    def _read(self, wanted: Sequence[int], size: Size) -> Iterator[Still]:
        if not len(wanted):
            return
        in_file = wanted if not self.first else [index + self.first for index in wanted]
        for number, pixels in self.reel.read(in_file, size):
            index = number - self.first
            yield Still(index, float(self.times[index]), pixels, self.size)

    def _spread(self, start: int, stop: int, rate: float) -> Sequence[int]:
        times = self.times[start:stop]
        ticks = times[0] + np.arange(int((times[-1] - times[0]) * rate + 1e-6) + 1) / rate
        chosen: list[int] = (start + np.unique(nearest(times, ticks))).tolist()
        return chosen


def nearest(times: Floats, moments: Floats) -> npt.NDArray[np.intp]:
    """Of each moment the number of the time nearest to it; the earlier one of two as near."""
    after = np.clip(np.searchsorted(times, moments), 1, max(len(times) - 1, 1))
    if len(times) == 1:
        return np.zeros(len(moments), np.intp)
    before = after - 1
    return np.where(moments - times[before] <= times[after] - moments, before, after)
