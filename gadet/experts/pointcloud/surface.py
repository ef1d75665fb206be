"""A smooth surface through points, and how far others lie before or behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gadet.experts.pointcloud.cells import Floats, Indices, Thinned
from gadet.experts.pointcloud.jets import jet_normals
from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.render.normals import relief

__all__ = ["Offsets", "Surface", "own_spacing", "spacing_of", "surface_of"]

NEAREST = 12
"""Sites that a distance is averaged over …"""
WIDTH = 0.8
"""… with a Gaussian of this many spacings."""
WIDER = 1.5
"""Spacings over which it is looked at how much they disagree."""
_UNLIKE = 1e-3
"""Cosine that is taken for normals that look another way: those sites count where no others are."""
_BLOCK = 100_000


class Offsets(NamedTuple):
    """How points lie to a surface.

    Attributes:
        signed: float64 `(N,)` distance along the normal, positive outside.
        site: int64 `(N,)` the nearest site.
        apart: float64 `(N,)` how far that is.
        doubt: float64 `(N,)` how much the nearest sites disagree about it, as a variance.
    """

    signed: Floats
    site: Indices
    apart: Floats
    doubt: Floats


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

        The mean distance to the nearest sites, weighted by their nearness and by how far their
        normals agree with the nearest one's: an implicit moving-least-squares surface. Each
        distance is taken along the mean of the site's normal and the one at the point, which comes
        near to it where the surface bends; along the site's own it is off by half the bend.

        Args:
            points: `(N, 3)`.
            cells: Of the points, when the sites are their means: each point is then measured
                against what the others alone would have made of its site.

        Source: Kolluri 2008, Provably good moving least squares, doi:10.1145/1361192.1361195,
        equation 1, with the nearest sites alone; for the mean of the normals Rusinkiewicz 2019,
        A symmetric objective function for ICP, doi:10.1145/3306346.3323037.
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
        own = np.zeros(near.shape, dtype=bool)
        if cells is not None:
            home = cells.home[block][:, None]
            held = cells.held[home]
            own = (near == home) & (held == 1)
        normals = self.normals[near]
        alike = np.maximum((normals * normals[:, :1]).sum(axis=2), _UNLIKE) ** 2 * ~own
        # Relative to the nearest, so that far from the surface some weight is left.
        beyond = apart**2 - np.where(own, np.inf, apart).min(axis=1, keepdims=True) ** 2
        beyond = np.where(own, 0.0, beyond) / (2 * self.spacing**2)
        weights = np.exp(-beyond / WIDTH**2) * alike
        middle = np.einsum("nk,nkc->nc", weights, normals)
        middle /= np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-300)
        between = normals + middle[:, None]
        between /= np.maximum(np.linalg.norm(between, axis=2, keepdims=True), 1e-300)
        off = np.einsum("nkc,nkc->nk", points[:, None] - self.sites[near], between)
        if cells is not None:
            # The mean of a cell's other points lies h / (h - 1) times as far from each.
            off = np.where(near == home, off * held / np.maximum(held - 1, 1), off)
        signed = (weights * off).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-300)
        wide = np.exp(-beyond / WIDER**2) * ~own
        spread = (wide * (off - signed[:, None]) ** 2).sum(axis=1)
        doubt = spread / np.maximum(wide.sum(axis=1), 1e-300)
        return Offsets(signed, near[:, 0], apart[:, 0], doubt)


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
    spacing = own_spacing(sites)
    return Surface(sites, jet_normals(sites, normals, spacing, tree), spacing, tree)
