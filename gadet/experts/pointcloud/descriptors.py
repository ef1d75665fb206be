"""Fast point feature histograms: what the surface around a point looks like, in 33 numbers."""

from __future__ import annotations

import numpy as np

from gadet.experts.pointcloud.cells import Floats, Indices
from gadet.media.pointcloud.needs import needed

__all__ = ["BINS", "descriptors", "pair_angles"]

BINS = 11
"""Of each of three angles."""


def pair_angles(away: Floats, here: Floats, there: Floats) -> tuple[Floats, Floats, Floats]:
    """The three angles between pairs of oriented points.

    Args:
        away: `(..., 3)` from one point to the other.
        here: `(..., 3)` normals of the first.
        there: `(..., 3)` normals of the second.

    Returns:
        α = v·n₂ in [-1, 1], φ = u·d in [-1, 1], θ = atan2(w·n₂, u·n₂) in [-π, π], where u = n₁,
        v = d × u, w = u × v of the unit vector d from the first to the second.

    Source: Rusu, Blodow, Beetz, Fast Point Feature Histograms for 3D Registration, ICRA 2009,
    equation 1, doi:10.1109/ROBOT.2009.5152473.
    """
    length = np.linalg.norm(away, axis=-1, keepdims=True)
    ahead = away / np.maximum(length, 1e-300)
    side = np.cross(ahead, here)
    side /= np.maximum(np.linalg.norm(side, axis=-1, keepdims=True), 1e-12)
    up = np.cross(here, side)
    alpha = (side * there).sum(axis=-1)
    phi = (here * ahead).sum(axis=-1)
    theta = np.arctan2((up * there).sum(axis=-1), (here * there).sum(axis=-1))
    return alpha, phi, theta


def descriptors(points: Floats, normals: Floats, near: Indices, reach: Floats) -> Floats:
    """Fast point feature histograms.

    The histogram of a point's own pairs, plus those of its neighbours weighted by the inverse of
    their distance. Each of the three histograms sums to 1.

    Args:
        points: `(N, 3)`.
        normals: `(N, 3)` of length 1.
        near: `(N, K)` rows of the neighbours, the point itself first.
        reach: `(N, K)` their distances.

    Returns:
        float64 `(N, 33)`.

    Source: Rusu, Blodow, Beetz, ICRA 2009, doi:10.1109/ROBOT.2009.5152473. We weight by the
    distance over the point's mean distance, so that units do not matter.
    """
    sparse = needed("scipy.sparse", "Comparing point clouds")
    count, width = near.shape
    others, apart = near[:, 1:], reach[:, 1:]
    away = points[others] - points[:, None]
    angles = pair_angles(away, np.broadcast_to(normals[:, None], away.shape), normals[others])
    own = np.zeros((count, 3 * BINS))
    for turn, (values, low, high) in enumerate(
        zip(angles, (-1.0, -1.0, -np.pi), (1.0, 1.0, np.pi), strict=True)
    ):
        bins = ((values - low) * (BINS / (high - low))).astype(np.int64).clip(0, BINS - 1)
        flat = (np.arange(count)[:, None] * BINS + bins).ravel()
        share = np.bincount(flat, minlength=count * BINS).reshape(count, BINS)
        own[:, turn * BINS : (turn + 1) * BINS] = share / max(width - 1, 1)
    usual = np.maximum(apart.mean(axis=1, keepdims=True), 1e-300)
    weights = 1 / np.maximum(apart / usual, 0.1)
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.repeat(np.arange(count), width - 1)
    spread = sparse.csr_matrix((weights.ravel(), (rows, others.ravel())), shape=(count, count))
    return np.asarray((own + spread @ own) / 2)
