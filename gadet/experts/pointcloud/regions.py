"""Points that depart from normal, gathered into parts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.experts.pointcloud.cells import Floats, Indices
from gadet.media.pointcloud.needs import needed

__all__ = ["LEAST", "parts_of"]

APART = 2.5
"""Spacings between points that still belong together."""
LEAST = 4
"""Fewer points than this are no part."""


def parts_of(points: Floats, chosen: npt.NDArray[np.bool_], spacing: float) -> list[Indices]:
    """The rows of each part, the largest part first.

    Args:
        points: `(N, 3)`.
        chosen: `(N,)` the points that depart from normal.
        spacing: The distance between points.
    """
    rows = np.flatnonzero(chosen)
    if len(rows) < LEAST:
        return []
    sparse = needed("scipy.sparse", "Comparing point clouds")
    graphs = needed("scipy.sparse.csgraph", "Comparing point clouds")
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(points[rows])
    reach, near = tree.query(
        points[rows], k=min(16, len(rows)), distance_upper_bound=APART * spacing
    )
    start, column = np.nonzero(np.isfinite(reach))
    graph = sparse.csr_matrix(
        (np.ones(len(start)), (start, near[start, column])), shape=(len(rows), len(rows))
    )
    count, part = graphs.connected_components(graph, directed=False)
    held = np.bincount(part, minlength=count)
    order = np.argsort(-held, kind="stable")
    return [rows[part == one] for one in order if held[one] >= LEAST]
