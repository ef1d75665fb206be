"""Parts of a surface that can be pointed at, where an expert saw nothing too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from gadet.experts.base import Suspect
from gadet.media.pointcloud import PointCloudSample
from gadet.media.pointcloud.needs import needed

__all__ = ["Patch", "Segment", "connected", "further_peaks", "surface_segments"]

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

FEATURE: Final = "Dividing a point cloud into parts"
BELOW: Final = 0.49
"""The highest score of what no expert calls a candidate: under the boundary."""

_SITES: Final = 6_000
_LINKS: Final = 8
_BEND: Final = 12.0
"""How much longer a way is across a crease of 90 degrees than along a flat surface."""
_LEAST_PEAK: Final = 0.2
_PEAK_REACH: Final = 0.04  # of the diagonal
_PEAK_SHARE: Final = 0.6  # of the peak's score
_LEAST_ROWS: Final = 8
_SPECK: Final = 0.02  # of all places
_WIDE: Final = 3.0  # spacings within which points are of one surface


@runtime_checkable
class Patch(Suspect, Protocol):
    """A suspect that is made of points of a cloud, an expert's or a segment."""

    @property
    def rows(self) -> Ids:
        """int64 rows of `cloud.points`."""


@dataclass(frozen=True, eq=False)
class Segment:
    """Part of a surface that is no expert's candidate.

    Attributes:
        rows: int64 `(n,)` rows of `cloud.points`, rising.
        score: How suspicious, in [0, 0.5): an expert would have named it otherwise.
        label: A short noun.
        sentence: Where it is and how large.
    """

    rows: Ids = field(repr=False)
    score: float
    label: str
    sentence: str

    @property
    def box(self) -> None:
        """None: a part of a cloud has no box in a plane."""
        return


def further_peaks(
    sample: PointCloudSample, scores: npt.NDArray[np.float32], taken: Bools, *, most: int
) -> list[Segment]:
    """The next most suspicious places outside of what is taken, each with what is nearly as high.

    Args:
        sample: The cloud.
        scores: `(N,)` in [0, 1].
        taken: `(N,)` which points to leave alone.
        most: At most so many.
    """
    left = np.where(_near(sample, taken), 0.0, scores)
    found: list[Segment] = []
    while len(found) < most:
        top = int(np.argmax(left))
        if left[top] < _LEAST_PEAK:
            break
        reach = _PEAK_REACH * sample.cloud.diagonal
        around = np.asarray(sample.tree.query_ball_point(sample.cloud.points[top], reach), np.int64)
        rows = np.sort(around[left[around] >= _PEAK_SHARE * left[top]])
        score = min(float(left[top]), BELOW)
        left[around] = 0.0
        if len(rows) >= _LEAST_ROWS:
            found.append(_segment(sample, rows, score, "weak peak"))
    return found


def _near(sample: PointCloudSample, taken: Bools) -> Bools:
    """The points taken and those around them, where scores fall off."""
    if not taken.any():
        return taken
    points = sample.cloud.points
    trees = needed("scipy.spatial", FEATURE)
    away = trees.cKDTree(points[taken]).query(
        points, distance_upper_bound=_PEAK_REACH * sample.cloud.diagonal
    )[0]
    return np.asarray(np.isfinite(away))


def surface_segments(
    sample: PointCloudSample,
    count: int,
    *,
    scores: npt.NDArray[np.float32] | None = None,
    within: Ids | None = None,
) -> list[Segment]:
    """Divide a surface into parts of about one size, which end at creases where there are any.

    Places are spread so that each next one is farthest from all before it, by ways along the
    surface that are the longer the more it bends; each point belongs to the place that is nearest
    on such a way.

    Args:
        sample: The cloud.
        count: How many parts.
        scores: `(N,)` in [0, 1]; None scores all parts 0.
        within: Rows to divide; None divides all that pictures show.

    Source: the idea of supervoxels, Papon et al. 2013, doi:10.1109/CVPR.2013.264; distances along
    the surface take the place of their grid.
    """
    rows = sample.rows if within is None else np.intersect1d(within, sample.rows)
    if len(rows) < _LEAST_ROWS or count < 1:
        return []
    points = sample.cloud.points[rows]
    sites = _sites(points)
    graph = _graph(points[sites], _normals(sample, rows[sites]))
    graphs = needed("scipy.sparse.csgraph", FEATURE)
    trees = needed("scipy.spatial", FEATURE)
    pieces = graphs.connected_components(graph, directed=False)[1]
    held = np.bincount(pieces)
    # Specks are no part of their own; they go with what is nearest.
    large = (held >= _SPECK * len(sites))[pieces] | (pieces == int(np.argmax(held)))
    sites, graph = sites[large], graph[large][:, large]
    away = np.linalg.norm(points[sites] - points[sites].mean(axis=0), axis=1)
    nearest, owner = np.full(len(sites), np.inf), np.zeros(len(sites), np.int64)
    seed = int(np.argmax(away))
    for number in range(count):
        ways = graphs.dijkstra(graph, directed=False, indices=seed)
        closer = ways < nearest
        nearest[closer], owner[closer] = ways[closer], number
        if not (nearest > 0).any():
            break
        # What no way leads to comes first, since no part holds it yet.
        seed = int(np.argmax(nearest))
    home = trees.cKDTree(points[sites]).query(points)[1]
    part = np.where(np.isfinite(nearest), owner, -1)[home]
    found = []
    for number in range(count):
        mine = rows[part == number]
        if len(mine) >= _LEAST_ROWS:
            high = 0.0 if scores is None else float(np.quantile(scores[mine], 0.99))
            found.append(_segment(sample, mine, min(high, BELOW), "part of the surface"))
    return found


def connected(sample: PointCloudSample, rows: Ids, core: Ids) -> Ids:
    """Those of some rows that are one piece of surface: the piece with most of the core."""
    if len(rows) < 2:
        return rows
    trees = needed("scipy.spatial", FEATURE)
    sparse, graphs = needed("scipy.sparse", FEATURE), needed("scipy.sparse.csgraph", FEATURE)
    points = sample.cloud.points[rows]
    count = min(_LINKS, len(rows) - 1)
    reach, near = trees.cKDTree(points).query(points, k=count + 1)
    limit = _WIDE * float(np.median(reach[:, min(4, count)]))
    start = np.repeat(np.arange(len(rows)), count)
    kept = reach[:, 1:].ravel() <= limit
    links = sparse.coo_matrix(
        (np.ones(int(kept.sum()), np.int8), (start[kept], near[:, 1:].ravel()[kept])),
        shape=(len(rows), len(rows)),
    )
    part = graphs.connected_components(links, directed=False)[1]
    inner = np.isin(rows, core)
    held = np.bincount(part[inner] if inner.any() else part, minlength=int(part.max()) + 1)
    return np.asarray(rows[part == int(np.argmax(held))])


def _segment(sample: PointCloudSample, rows: Ids, score: float, label: str) -> Segment:
    points = sample.cloud.points[rows]
    unit = f" {sample.cloud.units}" if sample.cloud.units else ""
    x, y, z = points.mean(axis=0).tolist()
    sides = " × ".join(f"{side:.3g}" for side in np.ptp(points, axis=0).tolist())
    where = f"around ({x:.4g}, {y:.4g}, {z:.4g}){unit}, {sides}{unit} along x, y, z"
    return Segment(rows, score, label, where)


def _sites(points: Floats) -> Ids:
    """Some points, about as many in every part of the surface: the first of each small cell."""
    if len(points) <= _SITES:
        return np.arange(len(points))
    low, extent = points.min(axis=0), float(np.ptp(points, axis=0).max())
    cells = np.sqrt(_SITES)
    while True:
        place = np.floor((points - low) * (cells / extent)).astype(np.int64)
        key = (place[:, 0] << 42) | (place[:, 1] << 21) | place[:, 2]
        first = np.unique(key, return_index=True)[1]
        if len(first) <= _SITES:
            return np.sort(first)
        cells *= 0.9 * np.sqrt(_SITES / len(first))


def _normals(sample: PointCloudSample, rows: Ids) -> Floats:
    place = np.searchsorted(sample.rows, rows)
    return np.asarray(sample.scene.normals[:, place].T, np.float64)


def _graph(points: Floats, normals: Floats) -> Any:
    """Ways between neighbouring places, longer where the surface bends."""
    sparse, trees = needed("scipy.sparse", FEATURE), needed("scipy.spatial", FEATURE)
    count = min(_LINKS, len(points) - 1)
    reach, near = trees.cKDTree(points).query(points, k=count + 1)
    start, stop = np.repeat(np.arange(len(points)), count), near[:, 1:].ravel()
    alike = np.abs((normals[start] * normals[stop]).sum(axis=1))
    long = np.maximum(reach[:, 1:].ravel(), 1e-12) * (1 + _BEND * (1 - alike))
    kept = reach[:, 1:].ravel() <= 2 * _WIDE * float(np.median(reach[:, 1]) + 1e-12)
    shape = (len(points), len(points))
    graph = sparse.coo_matrix((long[kept], (start[kept], stop[kept])), shape=shape).tocsr()
    return graph.maximum(graph.T)
