"""Values spread along a surface: averages over neighbours that lie on the same side of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gadet.experts.pointcloud.cells import Floats
from gadet.media.pointcloud.needs import needed

__all__ = ["LINKS", "STEPS", "Sheets", "partakers", "sheets"]

LINKS = 12
"""Neighbours of a point, itself among them."""
_SAME_SIDE = 0.2  # cosine between the normals of two points of one sheet
STEPS = (1, 2, 4, 8, 16, 32)
"""How often values are averaged: the scales that are looked at."""
_SHARES = (1.04, 0.93, 0.81, 0.74, 0.72, 0.72)


def partakers(steps: int) -> float:
    """How many independent values take part in an average after some of `STEPS`.

    The inverse of the variance that white noise of variance 1 is left with, which would be
    `LINKS · steps` if points stood in a lattice; measured on points of a uniform random scatter.
    """
    return LINKS * steps * _SHARES[STEPS.index(steps)]


@dataclass(frozen=True, eq=False)
class Sheets:
    """How N points hang together along the surface.

    Attributes:
        mean: sparse `(N, N)`, the mean over the neighbours of each point.
        reach: float64 `(N,)` distance to its last neighbour.
    """

    mean: Any
    reach: Floats

    def spread(self, values: Floats, steps: int) -> Floats:
        """Values `(N,)` or `(N, C)` averaged over neighbours `steps` times."""
        for _ in range(steps):
            values = self.mean @ values
        return values


def sheets(points: Floats, normals: Floats) -> Sheets:
    """Join every point with its nearest ones whose normals look the same way.

    Two points are joined when one is among the nearest of the other, and twice as strongly when
    that holds both ways. Without the symmetry, points that many others are near to would take part
    in too many averages, and noise would not average away.

    Args:
        points: `(N, 3)`.
        normals: `(N, 3)` of length 1, or 0 where unknown.
    """
    sparse = needed("scipy.sparse", "Comparing point clouds")
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(points)
    count = len(points)
    reach, near = tree.query(points, k=min(LINKS, count))
    reach, near = reach.reshape(count, -1), near.reshape(count, -1)
    alike = np.einsum("nkc,nc->nk", normals[near], normals) > _SAME_SIDE
    alike[:, 0] = True
    starts = np.arange(count + 1) * near.shape[1]
    one = sparse.csr_matrix(
        (alike.ravel().astype(np.float64), near.ravel(), starts), shape=(count, count)
    )
    both = (one + one.T).tocsr()
    both.eliminate_zeros()
    shares = sparse.diags(1 / np.asarray(both.sum(axis=1)).ravel())
    return Sheets((shares @ both).tocsr(), reach[:, -1])
