"""Fewer points: the means of those in small cells."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Indices", "Thinned", "thinned"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

_FITS = 6  # rounds in which the size of the cells is fitted to the number that is wanted


@dataclass(frozen=True, eq=False)
class Thinned:
    """The means of points in cells.

    Attributes:
        points: float64 `(M, 3)`.
        home: int64 `(N,)` the cell of each point.
        held: int64 `(M,)` how many points each cell holds.
    """

    points: Floats
    home: Indices
    held: Indices

    def mean(self, values: Floats) -> Floats:
        """Means of values `(N,)` or `(N, C)` of the points over each cell."""
        columns = values.reshape(len(self.home), -1).T
        sums = [np.bincount(self.home, one, minlength=len(self.held)) for one in columns]
        means = np.stack(sums, axis=1) / self.held[:, None]
        return np.asarray(means.reshape(len(self.held), *values.shape[1:]))


def thinned(points: Floats, most: int) -> Thinned:
    """Means of the points in equal cubes, at most `most` and, of a surface, nearly as many.

    Args:
        points: `(N, 3)` finite.
        most: Largest number of means; at or below it the points stay as they are.
    """
    count = len(points)
    if count <= most:
        return Thinned(points, np.arange(count), np.ones(count, np.int64))
    low = points.min(axis=0)
    extent = float((points.max(axis=0) - low).max()) or 1.0
    cells = math.sqrt(most)
    for _ in range(_FITS):
        place = np.minimum((points - low) * (cells / extent), 2**20).astype(np.int64)
        key = (place[:, 0] << 42) | (place[:, 1] << 21) | place[:, 2]
        _, home, held = np.unique(key, return_inverse=True, return_counts=True)
        if 0.8 * most <= len(held) <= most:
            break
        # A surface fills cells in proportion to the square of their number along one side.
        cells *= math.sqrt(0.9 * most / len(held))
    if len(held) > most:
        home = home % most
        held = np.bincount(home, minlength=most)
    means = [np.bincount(home, points[:, axis], minlength=len(held)) for axis in range(3)]
    return Thinned(np.stack(means, axis=1) / held[:, None], home.astype(np.int64), held)
