"""Clouds whose surface is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud.render import Scene

Floats = npt.NDArray[np.float64]


def ball(count: int, *, seed: int = 0, noise: float = 0.0) -> Floats:
    """Random points on a ball of radius 1."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return points + rng.normal(0, noise, points.shape) if noise else points


def box(count: int, sides: tuple[float, float, float] = (2.0, 1.2, 0.7)) -> tuple[Floats, Floats]:
    """Random points on the faces of a box around the origin, and the normals of their faces."""
    rng = np.random.default_rng(1)
    half = np.array(sides) / 2
    areas = np.array([half[1] * half[2], half[0] * half[2], half[0] * half[1]])
    axis = rng.choice(3, count, p=areas / areas.sum())
    sign = rng.choice((-1.0, 1.0), count)
    points = rng.uniform(-1, 1, (count, 3)) * half
    points[np.arange(count), axis] = sign * half[axis]
    normals = np.zeros((count, 3))
    normals[np.arange(count), axis] = sign
    return points, normals


def sheet(count: int, *, seed: int = 2) -> Floats:
    """Random points of the square from -1 to 1 in the plane z = 0."""
    flat = np.random.default_rng(seed).uniform(-1, 1, (count, 2))
    return np.column_stack([flat, np.zeros(count)])


def bare(points: Floats, *, reach: float = 0.02, **more: Any) -> Scene:
    """A scene with given reach, whose normals all point to z, without any estimation."""
    count = len(points)
    up = np.tile(np.array([[0.0], [0.0], [1.0]], np.float32), (1, count))
    facts: dict[str, Any] = {
        "origin": np.zeros(3),
        "points": np.ascontiguousarray(points.T.astype(np.float32)),
        "normals": up,
        "curvature": np.zeros(count, np.float32),
        "reach": np.full(count, reach, np.float32),
        "colours": None,
        "up": np.array([0.0, 0.0, 1.0]),
        "radius": 1.0,
    }
    return Scene(**(facts | more))
