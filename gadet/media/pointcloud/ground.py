"""What stands on the plane behind a scan: the points that its pictures show."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.render.plane import background

__all__ = ["standing"]

Floats = npt.NDArray[np.float64]

_CELLS: Final = 64
"""Cells along the longest side of what is left: what lies farther apart is in pieces."""
_SMALL: Final = 0.02  # of the points that are left
_LOW: Final = 0.25  # of the highest point above the plane


def standing(points: Floats, least: float) -> npt.NDArray[np.int64]:
    """The rows of points `(N, 3)` that do not belong to a plane that the rest lies on.

    A table is never quite flat: pieces of it that are left, small and low, go with it. All rows
    where there is no such plane, or where so little would be left that the plane may be the part.

    Args:
        points: `(N, 3)` finite.
        least: The share of the points that must be left.

    Raises:
        MissingDependencyError: scipy is not installed.
    """
    plane = background(points)
    if plane is None:
        return np.arange(len(points))
    left = np.flatnonzero(~plane.holds(points))
    part = _pieces(points[left])
    held = np.bincount(part)
    top = np.zeros(len(held))
    height = plane.height(points[left])
    np.maximum.at(top, part, height)
    kept = (held >= _SMALL * len(left)) | (top >= _LOW * height.max())
    rows = left[kept[part]]
    return np.arange(len(points)) if len(rows) < least * len(points) else np.asarray(rows)


def _pieces(points: Floats) -> npt.NDArray[np.int64]:
    """The number of the connected piece that each point belongs to, `(N,)` from 0."""
    feature = "Showing a point cloud"
    graphs, sparse = needed("scipy.sparse.csgraph", feature), needed("scipy.sparse", feature)
    trees = needed("scipy.spatial", feature)
    low = points.min(axis=0)
    size = float(np.ptp(points, axis=0).max()) / _CELLS
    cells, home = np.unique(np.floor((points - low) / size), axis=0, return_inverse=True)
    pairs = trees.cKDTree(cells).query_pairs(1.8, output_type="ndarray")
    links = sparse.coo_matrix(
        (np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(cells), len(cells))
    )
    numbers = graphs.connected_components(links, directed=False)[1]
    return np.asarray(numbers.astype(np.int64)[home.ravel()])
