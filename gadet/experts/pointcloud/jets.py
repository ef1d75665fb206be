"""Normals of the quadrics that lie closest to points."""

from __future__ import annotations

from typing import Any

import numpy as np

from gadet.experts.pointcloud.cells import Floats

__all__ = ["jet_normals", "tangents"]

NEIGHBOURS = 20
"""Points that a quadric is laid through …"""
WIDTH = 1.75
"""… weighted by a Gaussian of so many spacings."""
STIFF = 0.01
"""How much a quadric is held back from bending, by the weight of its points."""
_BLOCK = 20_000


def jet_normals(points: Floats, normals: Floats, spacing: float, tree: Any) -> Floats:
    """Normals `(N, 3)` of the quadrics through the neighbourhoods of points.

    The mean direction of a neighbourhood, which is what its directions of least variance tell, is
    wrong by a part of its bend wherever points do not lie evenly. Over the plane of the first
    normal the heights of the neighbours are told by a polynomial of degree 2; its slope in the
    middle corrects the normal. Neighbours count less the more their first normal differs, so that
    a quadric is not laid across an edge or through a thin wall.

    Args:
        points: `(N, 3)`.
        normals: `(N, 3)` first normals, of length 1, outwards.
        spacing: The distance between neighbours.
        tree: A k-d tree of the points.

    Source: Cazals and Pouget 2005, doi:10.1016/j.cagd.2004.09.004, with jets of degree 2.
    """
    blocks = [slice(start, start + _BLOCK) for start in range(0, len(points), _BLOCK)]
    return np.concatenate([_of_block(points, normals, spacing, tree, one) for one in blocks])


def _of_block(points: Floats, normals: Floats, spacing: float, tree: Any, block: slice) -> Floats:
    here, up = points[block], normals[block]
    reach, near = tree.query(here, k=min(NEIGHBOURS, len(points)))
    reach, near = reach.reshape(len(here), -1), near.reshape(len(here), -1)
    first, second = tangents(up)
    wide = WIDTH * spacing
    away = (points[near] - here[:, None]) / wide
    x, y, z = (np.einsum("nkc,nc->nk", away, axis) for axis in (first, second, up))
    alike = np.maximum(np.einsum("nkc,nc->nk", normals[near], up), 0.0) ** 2
    weights = np.exp(-((reach / wide) ** 2) / 2) * alike
    terms = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=2)
    weighted = terms * weights[:, :, None]
    held = np.diag([1e-9, 1e-9, 1e-9, STIFF, STIFF, STIFF]) * weights.sum(axis=1)[:, None, None]
    left = terms.transpose(0, 2, 1) @ weighted + held
    right = np.einsum("nki,nk->ni", weighted, z)
    slope = np.linalg.solve(left, right[:, :, None])[:, 1:3, 0]
    found = up - slope[:, :1] * first - slope[:, 1:] * second
    return np.asarray(found / np.linalg.norm(found, axis=1, keepdims=True))


def tangents(normals: Floats) -> tuple[Floats, Floats]:
    """Two directions `(N, 3)` across each normal, of length 1 and across each other."""
    helper = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(normals, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12)
    return first, np.cross(normals, first)
