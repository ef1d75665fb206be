"""Made clouds: a lopsided ball of diagonal 1 with defects, and the noise of a sensor."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud import PointCloudAdapter, PointCloudInput, PointCloudSample

Floats = npt.NDArray[np.float64]
NOISE = 0.001


def ball(count: int, seed: int) -> Floats:
    """Directions `(N, 3)`, uniform on a ball."""
    directions = np.random.default_rng(seed).normal(size=(count, 3))
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def body(directions: Floats) -> Floats:
    """A smooth body without any symmetry, about 1 across its box."""
    x, y, z = directions.T
    radius = 0.24 + 0.08 * x + 0.06 * x * y + 0.05 * z**3 + 0.05 * np.sin(3 * y + 1)
    return directions * radius[:, None]


def seen(points: Floats, seed: int) -> Floats:
    """With the noise of a sensor."""
    return points + np.random.default_rng(seed).normal(0, NOISE, points.shape)


def pose(seed: int) -> Floats:
    """A random rigid pose `(4, 4)`."""
    rng = np.random.default_rng(seed)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    found = np.eye(4)
    found[:3, :3] = turn * np.sign(np.linalg.det(turn))
    found[:3, 3] = rng.normal(0, 0.5, 3)
    return found


def sample(points: Floats, units: str | None = None) -> PointCloudSample:
    """A loaded cloud."""
    item = PointCloudInput(points, columns=("x", "y", "z"), units=units)
    return PointCloudAdapter().load(item)
