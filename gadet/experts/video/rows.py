"""What is usual at each height of the picture: far away things move fewer pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Rows"]

Floats = npt.NDArray[np.float64]

STEP = 8
"""Pixels between the heights at which it is learned; between them it is interpolated."""
BAND = 15.0
"""Pixels above and below that are learned from."""
ENOUGH = 100
"""Values that are learned from at least: where fewer lie in the band, the nearest ones."""
ALIKE = 0.2
"""Share of the median by which values differ at least, though the few that were seen agree."""


class Rows:
    """Middle, high and extreme values by height.

    Args:
        y: `(n,)` heights in pixels.
        values: `(n,)` what was measured there.
        height: Of the picture, in pixels.
    """

    def __init__(self, y: Floats, values: Floats, height: int) -> None:
        """Take quantiles of the band around each of some heights."""
        self._heights = np.arange(0, height + STEP, STEP, dtype=np.float64)
        self._levels = np.zeros((3, self._heights.size))
        self._levels[1:] = 1.0
        if not values.size:
            return
        for index, middle in enumerate(self._heights):
            away = np.abs(y - middle)
            near = np.flatnonzero(away < BAND)
            if len(near) < ENOUGH:
                near = np.argsort(away, kind="stable")[:ENOUGH]
            self._levels[:, index] = np.quantile(values[near], [0.5, 0.9, 0.99])

    def middle(self, y: Floats) -> Floats:
        """The median `(n,)` at some heights."""
        return self._at(y, 0)

    def most(self, y: Floats) -> Floats:
        """What 99 % stay below `(n,)` at some heights."""
        return self._at(y, 2)

    def beyond(self, y: Floats, values: Floats) -> Floats:
        """How far values lie above the median, in distances from it to the 0.9 quantile `(n,)`."""
        middle = self.middle(y)
        unit = np.maximum(self._at(y, 1) - middle, ALIKE * np.maximum(middle, 1e-3))
        return (values - middle) / unit

    def _at(self, y: Floats, level: int) -> Floats:
        level_there: Floats = np.interp(y, self._heights, self._levels[level])
        return level_there
