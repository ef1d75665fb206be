"""From where a cloud is shown, and what of it: the `Plan` and the cameras of its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError
from gadet.media.pointcloud.cloud import Cloud, Indices
from gadet.media.pointcloud.render.camera import Camera, facing
from gadet.media.pointcloud.render.poses import around, canonical, covering, from_sensor
from gadet.media.pointcloud.render.scene import Scene
from gadet.media.pointcloud.render.shade import Mode

__all__ = ["GRID", "Plan", "cameras_of", "holding", "plan_of", "sensor_of", "upright"]

Floats = npt.NDArray[np.float64]

ALL_AROUND: Final = 6
"""Views of a body: together they see nearly all of it, and they fill a sheet of 3 × 2."""
ONE_SIDE: Final = 3
GRID: Final = (3, 2)
"""Columns and rows of a sheet."""

_TILT: Final = np.radians(30.0)
_WIDEST: Final = 1.5  # tangent of half the angle within which a sensor is taken for a camera
_COLOURFUL: Final = 6.0  # of 255, the spread of colours that are worth a picture
_LOOKED_AT: Final = 20_000
_MARGIN: Final = 0.03
_FAR: Final = 1000.0  # diagonals


@dataclass(frozen=True)
class Plan:
    """What is shown of a cloud; known before anything is rendered.

    Attributes:
        directions: How many directions it is looked at from.
        modes: What is shown from each of them.
    """

    directions: int
    modes: tuple[Mode, ...]

    @property
    def shots(self) -> tuple[tuple[int, Mode], ...]:
        """The direction and the mode of each picture, all directions in one mode first."""
        return tuple((number, mode) for mode in self.modes for number in range(self.directions))


def plan_of(cloud: Cloud) -> Plan:
    """Plan the pictures of a cloud.

    A scan from one side is shown from there and turned to both sides, shaded and once more: in its
    own colours where it has such, else by its curvature, in which shallow dents show. A body is
    shown from all around, shaded, and in its colours where it has such.
    """
    colourful = cloud.colours is not None and _spread(cloud) > _COLOURFUL
    if cloud.grid is not None or cloud.sensor is not None:
        return Plan(ONE_SIDE, ("shaded", "rgb" if colourful else "curvature"))
    return Plan(ALL_AROUND, ("shaded", "rgb") if colourful else ("shaded",))


def _spread(cloud: Cloud) -> float:
    colours = cloud.colours
    if colours is None:
        return 0.0
    some = colours[:: -(-len(colours) // _LOOKED_AT)].astype(np.float64)
    return float(some.std(axis=0).max())


def upright(cloud: Cloud) -> Floats:
    """What is up in the pictures of a cloud, `(3,)` of length 1.

    Of a sensor's picture, from its lower rows to its upper ones; else the axis of the cloud that is
    nearest to z, so that what is turned a little is shown as if it were not.
    """
    if cloud.grid is not None:
        down = _along(cloud, cloud.grid, 0)
        if np.linalg.norm(down) > 0:
            return np.asarray(-down / np.linalg.norm(down))
    axes = canonical(cloud.points[:: -(-len(cloud) // _LOOKED_AT)])
    nearest = axes[int(np.argmax(np.abs(axes[:, 2])))]
    return np.asarray(nearest if nearest[2] >= 0 else -nearest)


def sensor_of(cloud: Cloud) -> Floats | None:
    """Where the sensor of a scan stood, `(3,)`; None of a body that was scanned from all around.

    Where only the grid of its pixels is known, as good as infinitely far away in front of it.
    """
    if cloud.sensor is not None or cloud.grid is None:
        return cloud.sensor
    ahead = np.cross(_along(cloud, cloud.grid, 1), _along(cloud, cloud.grid, 0))
    length = float(np.linalg.norm(ahead))
    if length == 0:
        return None
    return np.asarray(cloud.points.mean(axis=0) - ahead * (_FAR * cloud.diagonal / length))


def _along(cloud: Cloud, grid: Indices, axis: int) -> Floats:
    """From the first third of the rows (0) or columns (1) of a grid to the last one."""
    there = grid >= 0
    place = np.nonzero(there)[axis]
    points = cloud.points[grid[there]]
    low, high = np.quantile(place, (0.33, 0.67))
    return np.asarray(points[place >= high].mean(axis=0) - points[place <= low].mean(axis=0))


def cameras_of(scene: Scene, cloud: Cloud, count: int, *, size: int = 512) -> tuple[Camera, ...]:
    """Cameras that show a cloud from `count` directions.

    From the sensor of a scan and turned from there, else chosen to cover the surface.
    """
    first = _from_sensor(scene, cloud, size)
    if first is None:
        return covering(scene, count, size=size)
    return (first, *around(scene, _turned(first.rotation, count - 1), size=size))


def _from_sensor(scene: Scene, cloud: Cloud, size: int) -> Camera | None:
    sensor = sensor_of(cloud)
    if sensor is None:
        return None
    ahead = scene.origin - sensor
    distance = float(np.linalg.norm(ahead))
    if distance <= 0:
        return None
    x, y, z = facing(ahead, scene.up) @ (scene.points.astype(np.float64) + ahead[:, None])
    front = z > 1e-3 * distance
    # A sensor that stands among its points looked around itself, and has no picture.
    if not front.all() or max(np.abs(x / z).max(), np.abs(y / z).max()) > _WIDEST:
        return None
    try:
        return from_sensor(scene, sensor, up=scene.up, size=size)
    except ConfigurationError:
        return None


def _turned(rotation: Floats, count: int) -> Floats:
    """Directions to the left, right, above and below of that of a camera."""
    right, down, ahead = rotation
    sides = (-right, right, -down, down, -right - down)
    ways = [np.cos(_TILT) * ahead + np.sin(_TILT) * side for side in sides[:count]]
    return np.asarray(ways).reshape(-1, 3)


def holding(cameras: Sequence[Camera], scene: Scene) -> tuple[Camera, ...]:
    """The same views, all smaller by one factor, where the scene would reach out of one."""
    most = 1.0
    for camera in cameras:
        u, v, _ = camera.project(scene.points, scene.origin)
        across = np.nanmax(np.abs(u - camera.width / 2)) / camera.width
        down = np.nanmax(np.abs(v - camera.height / 2)) / camera.height
        most = max(most, float(max(across, down)) / (0.5 - _MARGIN))
    if most == 1.0:
        return tuple(cameras)
    return tuple(replace(camera, scale=camera.scale / most) for camera in cameras)
