"""A smooth surface through points, and how far others lie before or behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gadet.experts.pointcloud.cells import Floats, Indices, Thinned
from gadet.experts.pointcloud.sheets import sheets
from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.render.normals import relief

__all__ = ["Offsets", "Surface", "own_spacing", "spacing_of", "surface_of"]

NEAREST = 12
"""Planes that a distance is averaged over …"""
WIDTH = 1.2
"""… with a Gaussian of this many spacings."""
_BLOCK = 100_000


class Offsets(NamedTuple):
    """How points lie to a surface.

    Attributes:
        signed: float64 `(N,)` distance along the normal, positive outside.
        site: int64 `(N,)` the nearest site.
        apart: float64 `(N,)` how far that is.
    """

    signed: Floats
    site: Indices
    apart: Floats


@dataclass(frozen=True, eq=False)
class Surface:
    """A smooth surface.

    Attributes:
        sites: float64 `(S, 3)` points of it.
        normals: float64 `(S, 3)` outwards.
        spacing: The distance between sites.
        tree: Finds the nearest sites.
    """

    sites: Floats
    normals: Floats
    spacing: float
    tree: Any

    def offsets(self, points: Floats, cells: Thinned | None = None) -> Offsets:
        """How far points `(N, 3)` lie from the surface.

        The mean distance to the planes at the nearest sites, weighted by their nearness and by
        how far their normals agree with the nearest one's: an implicit moving-least-squares
        surface.

        Args:
            points: `(N, 3)`.
            cells: Of the points, when the sites are their means: each point is then measured
                against what the others alone would have made of its site.

        Source: Kolluri 2008, Provably good moving least squares, doi:10.1145/1361192.1361195,
        equation 1, with the nearest sites alone.
        """
        parts = [
            self._offsets(points, slice(start, start + _BLOCK), cells)
            for start in range(0, len(points), _BLOCK)
        ]
        return Offsets(*(np.concatenate(column) for column in zip(*parts, strict=True)))

    def _offsets(self, points: Floats, block: slice, cells: Thinned | None) -> Offsets:
        points = points[block]
        apart, near = self.tree.query(points, k=min(NEAREST, len(self.sites)))
        apart, near = apart.reshape(len(points), -1), near.reshape(len(points), -1)
        normals = self.normals[near]
        alike = np.maximum((normals * normals[:, :1]).sum(axis=2), 0.0) ** 2
        # Relative to the nearest, so that far from the surface some weight is left.
        close = np.exp((apart[:, :1] ** 2 - apart**2) / (2 * (WIDTH * self.spacing) ** 2))
        weights = close * alike
        off = ((points[:, None] - self.sites[near]) * normals).sum(axis=2)
        if cells is not None:
            home = cells.home[block][:, None]
            held = cells.held[home]
            # The mean of a cell's other points lies h / (h - 1) times as far from each.
            off = np.where(near == home, off * held / np.maximum(held - 1, 1), off)
            weights = np.where((near == home) & (held == 1), 0.0, weights)
        signed = (weights * off).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-300)
        return Offsets(signed, near[:, 0], apart[:, 0])


def spacing_of(reach: Floats, neighbours: int) -> float:
    """Median side of the square that a point has for itself, by how far neighbours are."""
    return float(np.median(reach)) * float(np.sqrt(np.pi / max(neighbours, 1)))


def own_spacing(points: Floats) -> float:
    """`spacing_of` points `(N, 3)` by their eighth neighbours; never 0, even if all are double."""
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(points)
    count = min(8, len(points) - 1)
    extent = float(np.ptp(points, axis=0).max())
    return max(spacing_of(tree.query(points, k=[count + 1])[0], count), 1e-6 * extent, 1e-300)


def surface_of(sites: Floats, sensor: Floats | None = None) -> Surface:
    """The surface through sites `(S, 3)`.

    Args:
        sites: `(S, 3)`.
        sensor: `(3,)` where the sensor stood: normals are turned towards it.
    """
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(sites)
    normals = relief(sites, sensor=sensor, most=len(sites)).normals.astype(np.float64)
    normals = sheets(sites, normals).spread(normals, 1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return Surface(sites, normals, own_spacing(sites), tree)
