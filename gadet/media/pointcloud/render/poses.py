"""Poses that show a cloud: its own axes, directions all around, and those that show most of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError
from gadet.media.pointcloud.render.camera import Camera, facing
from gadet.media.pointcloud.render.scene import Scene
from gadet.media.pointcloud.render.splat import nearest

__all__ = ["around", "canonical", "covering", "from_sensor", "sphere"]

Floats = npt.NDArray[np.float64]

MARGIN = 0.06  # of a picture's side stays free
MOST_VIEWS = 64
CANDIDATES = 42
_GLANCE = 96  # pixels of the pictures that coverage is judged by
_GOOD = 0.5  # cosine from which a surface counts as seen in full


def canonical(points: npt.NDArray[np.floating]) -> Floats:
    """The axes of a cloud: a rotation `(3, 3)` whose rows are its directions from long to short.

    Each of the first two points to the side where the cloud reaches farther out (its third moment),
    so that a cloud and a turned copy of it get the same pose, as far as its shape tells them apart.

    Args:
        points: `(N, 3)`.
    """
    local = np.asarray(points, np.float64)
    local = local - local.mean(axis=0)
    axes = np.linalg.eigh(local.T @ local)[1][:, ::-1].T
    skew = ((local @ axes.T) ** 3).sum(axis=0)
    axes = axes * np.where(skew < 0, -1.0, 1.0)[:, None]
    axes[2] = np.cross(axes[0], axes[1])
    return np.asarray(axes)


def sphere(count: int) -> Floats:
    """`count` directions spread evenly over a sphere, `(count, 3)` of length 1.

    Source: the Fibonacci lattice, Swinbank and Purser 2006, https://doi.org/10.1256/qj.05.227

    Raises:
        ConfigurationError: The count is out of range.
    """
    if not 1 <= count <= 10_000:
        raise ConfigurationError(f"expected 1 to 10,000 directions; got {count}")
    height = 1 - (2 * np.arange(count) + 1) / count
    turn = np.arange(count) * (math.pi * (3 - math.sqrt(5)))
    wide = np.sqrt(1 - height**2)
    return np.stack([wide * np.cos(turn), wide * np.sin(turn), height], axis=1)


def around(scene: Scene, directions: npt.ArrayLike, *, size: int = 512) -> tuple[Camera, ...]:
    """Orthographic cameras along some directions, all of one scale, in which the whole scene fits.

    Args:
        scene: What is looked at.
        directions: `(K, 3)` from the viewer into the scene.
        size: Width and height in pixels.
    """
    ways = np.asarray(directions, np.float64)
    if ways.ndim != 2 or ways.shape[1] != 3 or not 1 <= len(ways) <= MOST_VIEWS:
        raise ConfigurationError(
            f"expected 1 to {MOST_VIEWS} directions of shape (K, 3); got {ways.shape}"
        )
    turns = [facing(way, scene.up) for way in ways]
    middles, halves = zip(*(_span(scene, turn) for turn in turns), strict=True)
    # A point has no extent: any scale shows it.
    scale = size * (0.5 - MARGIN) / (max(halves) or scene.radius)
    return tuple(
        Camera(turn, scene.origin + middle @ turn[:2], scale, size, size)
        for turn, middle in zip(turns, middles, strict=True)
    )


def covering(scene: Scene, count: int, *, size: int = 512) -> tuple[Camera, ...]:
    """Cameras chosen one after the other so that together they show most of the surface.

    A point counts in a view by how squarely it is seen, in full from 60 degrees of tilt on; each
    next view is the one that adds most. The candidates are the directions of an even lattice and
    both ways along the axes of the cloud.

    Args:
        scene: What is looked at.
        count: How many views.
        size: Width and height in pixels.

    Raises:
        ConfigurationError: The count is out of range.
    """
    if not 1 <= count <= CANDIDATES:
        raise ConfigurationError(f"expected 1 to {CANDIDATES} views; got {count}")
    axes = canonical(scene.points.T)
    ways = np.concatenate([sphere(CANDIDATES), axes, -axes])
    seen = np.stack([_seen(scene, way) for way in ways])
    best = np.zeros(len(scene), np.float32)
    chosen: list[int] = []
    for _ in range(count):
        gain = np.maximum(seen, best).sum(axis=1, dtype=np.float64)
        gain[chosen] = -1
        chosen.append(int(np.argmax(gain)))
        best = np.maximum(best, seen[chosen[-1]])
    return around(scene, ways[chosen], size=size)


def from_sensor(
    scene: Scene, sensor: Sequence[float] | Floats, *, up: npt.ArrayLike, size: int = 512
) -> Camera:
    """The view from where the sensor stood, in perspective, with the whole scene in the picture.

    Args:
        scene: What was scanned.
        sensor: `(3,)` the place of the sensor in the cloud's frame.
        up: `(3,)` what is up for the sensor; (0, -1, 0) for a camera whose y axis points down.
        size: Longest side in pixels.

    Raises:
        ConfigurationError: The sensor stands where the scene's middle is.
    """
    stand = np.asarray(sensor, np.float64)
    ahead = scene.origin - stand
    distance = float(np.linalg.norm(ahead))
    turn = facing(ahead, up)
    x, y, z = turn @ (scene.points.astype(np.float64) + ahead[:, None])
    front = z > 1e-3 * distance
    if not front.any():
        raise ConfigurationError(f"expected a sensor in front of points; at {stand} it sees none")
    half = max(np.abs(x[front] / z[front]).max(), np.abs(y[front] / z[front]).max(), 1e-9)
    scale = size * (0.5 - MARGIN) / (half * distance)
    return Camera(turn, scene.origin, scale, size, size, distance)


def _span(scene: Scene, turn: Floats) -> tuple[Floats, float]:
    """The middle of what a view shows, right and down of the origin, and half its longer side."""
    flat = turn[:2].astype(np.float32) @ scene.points
    low, high = flat.min(axis=1).astype(np.float64), flat.max(axis=1).astype(np.float64)
    return (low + high) / 2, float((high - low).max()) / 2


def _seen(scene: Scene, way: Floats) -> npt.NDArray[np.float32]:
    """How well each point shows from one direction, `(N,)` in [0, 1]."""
    camera = Camera.towards(
        way, scene.up, centre=scene.origin, radius=scene.radius, size=_GLANCE, margin=0.02
    )
    shown = np.unique(nearest(scene, camera)[1])
    shown = shown[shown >= 0]
    square = -(camera.rotation[2].astype(np.float32) @ scene.normals.take(shown, axis=1))
    worth = np.zeros(len(scene), np.float32)
    worth[shown] = np.clip(square / np.float32(_GOOD), 0, 1)
    return worth
