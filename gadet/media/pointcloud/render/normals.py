"""Normals, curvature and spacing of a cloud, from the nearest neighbours of its points.

Neighbours come from scipy's `cKDTree`, which the `pointcloud` extra brings. A grid of our own would
need no package, but it suits one density alone, and clouds from a scanner have many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud.needs import needed

__all__ = ["Relief", "relief"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

NEIGHBOURS = 16
MOST_SITES = 60_000
_LINKS = 8  # neighbours along which an orientation is handed on
_FEATURE = "Estimating normals"
_CREASE = 8  # power of the cosine: 60 degrees apart counts for nothing
_FLAT = 0.02  # of the mean distance to the middle: below it a surface has no inside


@dataclass(frozen=True, eq=False)
class Relief:
    """What the neighbourhood of each of N points says.

    Attributes:
        normals: float32 `(N, 3)` of length 1, outwards where the surface has an inside.
        curvature: float32 `(N,)` mean curvature in 1 / unit of length, positive where convex.
        spacing: float32 `(N,)` the mean distance between points around it.
    """

    normals: npt.NDArray[np.float32]
    curvature: npt.NDArray[np.float32]
    spacing: npt.NDArray[np.float32]


def relief(
    points: Floats,
    *,
    normals: Floats | None = None,
    sensor: Floats | None = None,
    most: int = MOST_SITES,
) -> Relief:
    """Estimate normals that agree in their direction, curvature and spacing.

    A normal is the direction of least variance among 16 neighbours. Directions are then made
    consistent along a minimum spanning tree of neighbours, whose edges cost less the better two
    normals agree, and each connected part is turned outwards. Clouds of more than `most` points are
    measured at the means of as many small cells: that costs less, and averages away the noise that
    would otherwise dominate such small neighbourhoods.

    Args:
        points: `(N, 3)` finite.
        normals: `(N, 3)` known ones, which are kept; a row of zeros is estimated.
        sensor: `(3,)` where the sensor stood: normals are then turned towards it.
        most: Most places at which neighbours are looked for.

    Raises:
        MissingDependencyError: scipy is not installed.

    Source: Hoppe et al., Surface Reconstruction from Unorganized Points, SIGGRAPH 1992, sections
    3.2 and 3.3, https://doi.org/10.1145/133994.134011. We depart from it in turning each part by
    the sign of the volume it encloses rather than by its highest point.
    """
    sites, home, share = _sites(points, most)
    count = min(NEIGHBOURS, len(sites))
    tree = needed("scipy.spatial", _FEATURE).cKDTree(sites)
    reach, near = tree.query(sites, k=count)
    reach, near = reach.reshape(len(sites), count), near.reshape(len(sites), count)
    known = None if normals is None else _mean_of(normals, home, len(sites))
    found = _directions(sites, near)
    if sensor is not None:
        found *= _sign(((sensor - sites) * found).sum(axis=1))[:, None]
    elif known is None:
        found = _oriented(sites, found, near[:, : _LINKS + 1])
    if known is not None:
        length = np.linalg.norm(known, axis=1, keepdims=True)
        found = np.where(length > 0.1, known / np.maximum(length, 1e-12), found)
    # Before they are calmed, since calm normals bend less than the surface.
    bent = _curvature(sites, found, near)
    found = _calmed(found, near)
    spacing = _spacing(reach) / np.sqrt(share[near].mean(axis=1))
    each = found if home is None else found[home]
    if normals is not None:
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        each = np.where(length > 0, normals / np.maximum(length, 1e-12), each)
    if home is not None:
        bent, spacing = bent[home], spacing[home]
    return Relief(each.astype(np.float32), bent.astype(np.float32), spacing.astype(np.float32))


def _sites(points: Floats, most: int) -> tuple[Floats, Indices | None, Floats]:
    """Means of the points in small cells, the cell of each point, and how many points it holds."""
    if len(points) <= most:
        return points, None, np.ones(len(points))
    low = points.min(axis=0)
    extent = float((points.max(axis=0) - low).max()) or 1.0
    cells = math.sqrt(most)
    for _ in range(3):
        place = ((points - low) * (cells / extent)).astype(np.int64)
        key = (place[:, 0] << 42) | (place[:, 1] << 21) | place[:, 2]
        _, home, held = np.unique(key, return_inverse=True, return_counts=True)
        if len(held) <= most:
            break
        # A surface fills cells in proportion to the square of their number along one side.
        cells *= 0.95 * math.sqrt(most / len(held))
    return _mean_of(points, home, len(held)), home, held.astype(np.float64)


def _mean_of(values: Floats, home: Indices | None, count: int) -> Floats:
    if home is None:
        return values
    held = np.bincount(home, minlength=count)
    sums = [np.bincount(home, values[:, axis], minlength=count) for axis in range(3)]
    return np.stack(sums, axis=1) / held[:, None]


def _sign(values: Floats) -> Floats:
    return np.where(values < 0, -1.0, 1.0)


def _directions(sites: Floats, near: Indices) -> Floats:
    """The direction of least variance around each site, `(M, 3)`, of either sign."""
    found = np.empty_like(sites)
    for start in range(0, len(sites), 50_000):
        part = sites[near[start : start + 50_000]]
        part = part - part.mean(axis=1, keepdims=True)
        found[start : start + 50_000] = np.linalg.eigh(part.transpose(0, 2, 1) @ part)[1][:, :, 0]
    return found


def _calmed(normals: Floats, near: Indices) -> Floats:
    """Means with the neighbours' normals, which count the less the more they differ (creases)."""
    calm = np.empty_like(normals)
    for start in range(0, len(normals), 50_000):
        block = slice(start, start + 50_000)
        there = normals[near[block]]
        alike = np.maximum((there * normals[block][:, None]).sum(axis=2), 0) ** _CREASE
        calm[block] = (there * alike[:, :, None]).sum(axis=1)
    return np.asarray(calm / np.linalg.norm(calm, axis=1, keepdims=True))


def _spacing(reach: Floats) -> Floats:
    """The side of the square that each site has for itself, from how far its neighbours are."""
    count = reach.shape[1] - 1
    side = reach[:, -1] * math.sqrt(math.pi / count) if count else np.zeros(len(reach))
    # Several points in one place have no distance; they are drawn like their denser neighbours.
    return np.maximum(side, float(np.median(side)) * 0.05)


def _oriented(sites: Floats, normals: Floats, near: Indices) -> Floats:
    """Normals whose directions agree along the surface and lead out of it."""
    sparse = needed("scipy.sparse", _FEATURE)
    graphs = needed("scipy.sparse.csgraph", _FEATURE)
    count = len(sites)
    start = np.repeat(np.arange(count), near.shape[1] - 1)
    stop = near[:, 1:].ravel()
    agreed = _agreement(normals, start, stop)
    # Shorter edges first among those that agree; a cost of 0 would be no edge at all.
    long = np.linalg.norm(sites[stop] - sites[start], axis=1)
    cost = 1e-3 + (1 - np.abs(agreed)) + 1e-2 * long / (long.max(initial=0.0) or 1.0)
    graph = sparse.coo_matrix((cost, (start, stop)), shape=(count, count)).tocsr()
    graph = graph.maximum(graph.T)
    parts, part = graphs.connected_components(graph, directed=False)
    tree = graphs.minimum_spanning_tree(graph).tocoo()
    # One root above all parts, so that a single walk reaches everything.
    first = np.unique(part, return_index=True)[1]
    rows = np.concatenate([tree.row, np.full(parts, count)])
    columns = np.concatenate([tree.col, first])
    links = sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count + 1, count + 1))
    parent = graphs.breadth_first_order(links.tocsr(), count, directed=False)[1].astype(np.int64)
    parent[count] = count
    turn = np.ones(count + 1)
    inner = parent[:count] < count
    child = np.flatnonzero(inner)
    turn[child] = _sign(_agreement(normals, parent[child], child))
    while (parent != count).any():
        turn *= turn[parent]
        parent = parent[parent]
    normals = normals * turn[:count, None]
    return np.asarray(normals * _outwards(sites, normals, part, parts)[part][:, None])


def _agreement(normals: Floats, start: Indices, stop: Indices) -> Floats:
    """The cosine between the normals of two sites."""
    return np.asarray((normals[start] * normals[stop]).sum(axis=1))


def _outwards(sites: Floats, normals: Floats, part: Indices, parts: int) -> Floats:
    """The sign for each part under which its normals lead out, or up where it has no inside."""
    held = np.bincount(part, minlength=parts)
    middle = np.stack([np.bincount(part, sites[:, a], minlength=parts) for a in range(3)], axis=1)
    away = sites - (middle / held[:, None])[part]
    # By the divergence theorem the flux through a closed surface is three times its volume.
    flux = np.bincount(part, (away * normals).sum(axis=1), minlength=parts)
    span = np.bincount(part, np.linalg.norm(away, axis=1), minlength=parts)
    up = np.bincount(part, normals[:, 2], minlength=parts)
    return _sign(np.where(np.abs(flux) > _FLAT * span, flux, up))


def _curvature(sites: Floats, normals: Floats, near: Indices) -> Floats:
    """Mean curvature `(M,)`: how fast the normal turns away along the surface, smoothed once."""
    bent = np.zeros(len(sites))
    for start in range(0, len(sites), 50_000):
        block = slice(start, start + 50_000)
        away = sites[near[block]] - sites[block][:, None]
        there, here = normals[near[block]], normals[block][:, None]
        there = there * _sign((there * here).sum(axis=2))[:, :, None]
        turned = ((there - here) * away).sum(axis=(1, 2))
        bent[block] = turned / np.maximum((away**2).sum(axis=(1, 2)), 1e-300)
    return np.asarray(bent[near].mean(axis=1))
