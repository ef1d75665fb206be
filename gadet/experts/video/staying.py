"""How long what moves stays where it is, and what is usual."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray, local_max
from gadet.experts.regions import bounding_box, label_components
from gadet.experts.video.looks import CELL

if TYPE_CHECKING:
    from gadet.experts.video.glimpse import Glimpse

__all__ = ["Dwell", "Staying"]

GAP = 2.0
"""Seconds for which what stays may hold still."""
LEAST_RADIUS = 16.0
"""Pixels within which something may always move and still stay …"""
USUAL = 0.99
"""Share of the stays in normal footage that are usual."""
LONGER = 3.0
"""Times the longest usual stay from which on it is loitering …"""
LEAST = 10.0
"""… and seconds: nobody loiters for less."""
BUSY = 0.5
"""Share of a stretch from which on a stay says that there is always something: leaves, water."""


class Dwell:
    """For how long something has stayed around each cell, frame by frame.

    What passes through leads away: once the mean motion in a cell adds up to more than the smaller
    side of what moves there, the count starts anew.

    Args:
        shape: Rows and columns of cells.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        """Nothing is there."""
        self._since = np.full(shape, np.nan)
        self._last = np.full(shape, -np.inf)
        self._led = np.zeros((*shape, 2))
        self._clock = np.nan

    def step(
        self, seconds: float, places: npt.NDArray[np.float64], velocities: npt.NDArray[np.float64]
    ) -> FloatArray:
        """Take in the points that move.

        Args:
            seconds: When, later than before.
            places: `(n, 2)` pixels.
            velocities: `(n, 2)` pixels per second.

        Returns:
            `(h, w)` float32 seconds up to when it was last seen, 0 where nothing is.
        """
        shape = self._since.shape
        passed = 0.0 if np.isnan(self._clock) else seconds - self._clock
        self._clock = seconds
        cells = (places / CELL).astype(np.int64)
        total = np.zeros((*shape, 3))
        np.add.at(total, (cells[:, 1], cells[:, 0]), np.c_[velocities, np.ones(len(cells))])
        there = local_max((total[..., 2] > 0).astype(np.float32), 1) > 0
        near = np.pad(total, ((1, 1), (1, 1), (0, 0)))
        near = sum(
            (near[y : y + shape[0], x : x + shape[1]] for y in range(3) for x in range(3)),
            start=np.zeros_like(total),
        )
        self._led += near[..., :2] / np.maximum(near[..., 2:], 1) * passed
        gone = seconds - self._last > GAP
        passes = np.hypot(self._led[..., 0], self._led[..., 1]) > _radii(total[..., 2] > 0)
        new = there & (gone | passes)
        self._led[new | gone] = 0
        self._since[new] = seconds
        self._last[there] = seconds
        stays = seconds - self._last <= GAP
        return np.where(stays, self._last - self._since, 0).astype(np.float32)


def _radii(there: npt.NDArray[np.bool_]) -> FloatArray:
    """The smaller side of what is in each cell or beside it `(h, w)`, in pixels."""
    labels = label_components(there)
    radii = np.full(there.shape, LEAST_RADIUS, dtype=np.float32)
    for name in range(1, int(labels.max()) + 1):
        mask = labels == name
        x0, y0, x1, y1 = bounding_box(mask)
        radii[mask] = max(LEAST_RADIUS, CELL * min(x1 - x0, y1 - y0))
    return local_max(radii, 1)


class Staying:
    """How long things usually stay.

    Args:
        clips: Glimpses to learn from, by clip, at least one.
    """

    def __init__(self, clips: Sequence[Sequence[Glimpse]]) -> None:
        """Take the 0.99 quantile of the stays, and where there is always something."""
        stays: list[FloatArray] = []
        self._busy = np.zeros(clips[0][0].dwell.shape, np.bool_)
        for clip in clips:
            for now, after in zip(clip, [*clip[1:], None], strict=True):
                ended = now.dwell > (0 if after is None else after.dwell)
                stays.append(now.dwell[ended])
                if now.watched >= LEAST / 2:
                    self._busy |= now.dwell >= max(BUSY * now.watched, LEAST / 2)
        every = np.concatenate(stays)
        usual = float(np.quantile(every, USUAL)) if every.size else 0.0
        self.limit = max(LEAST, LONGER * usual)

    def beyond(self, glimpse: Glimpse) -> FloatArray:
        """How long things stay, in times of what is loitering `(h, w)`, at most 2."""
        stays = glimpse.dwell / np.float32(self.limit)
        return np.asarray(np.where(self._busy, 0, np.minimum(stays, 2)), dtype=np.float32)
