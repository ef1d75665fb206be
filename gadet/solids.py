"""Makes the point clouds of the sample data: parts as a scanner would see them from all around.

Each function makes one kind of part with a seeded generator, with whatever defects are named, and
says which points belong to them. Lengths are in millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud import PointCloudInput

__all__ = ["Scan", "bearing_block"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Defects = tuple[str, ...]

DENSITY: Final = 1.0
"""Points per square millimetre."""
NOISE: Final = 0.04

_PLATE: Final = (90.0, 60.0, 8.0)
_BOSS: Final = (-20.0, 0.0, 16.0, 20.0)  # x, y, radius, height above the plate's underside
_BORE: Final = 9.0
_PINS: Final = ((27.0, 17.0), (27.0, -17.0))
_PIN: Final = (4.0, 18.0)  # radius, height above the plate's underside
_DENT: Final = (24.0, 0.0, 9.0, 1.2)  # x, y, radius, depth
_EDGE: Final = 0.1  # of a dent's depth, from which its points count as part of it


@dataclass(frozen=True, eq=False)
class Scan:
    """Points of a part, and which of them are wrong.

    Attributes:
        points: float64 `(N, 3)` in millimetres.
        truth: `(N,)` bool, the points of the defects; where something is missing, of its place.
    """

    points: Floats = field(repr=False)
    truth: Bools = field(repr=False)

    @property
    def item(self) -> PointCloudInput:
        """The cloud as it is given to a detector."""
        return PointCloudInput(self.points.copy(), units="mm")


def bearing_block(random: np.random.Generator, defects: Defects, *, turned: bool) -> Scan:
    """A plate with a bored boss and two pins.

    Args:
        random: Draws points, noise, order and pose.
        defects: Of `dent` and `missing pin`.
        turned: Whether it lies in a pose of its own, as if it had been put down anyhow.
    """
    pins = _PINS[1:] if "missing pin" in defects else _PINS
    points = np.concatenate([*_plate(random, pins), *_boss(random), *_pins(random, pins)])
    truth = np.zeros(len(points), bool)
    if "dent" in defects:
        x, y, radius, depth = _DENT
        away = np.hypot(points[:, 0] - x, points[:, 1] - y) / radius
        sunk = np.where(points[:, 2] == _PLATE[2], depth * np.maximum(1 - away**2, 0) ** 2, 0)
        points[:, 2] -= sunk
        truth |= sunk > _EDGE * depth
    if "missing pin" in defects:
        x, y = _PINS[0]
        place = np.hypot(points[:, 0] - x, points[:, 1] - y) <= _PIN[0]
        truth |= place & (points[:, 2] == _PLATE[2])
    points += random.normal(0, NOISE, points.shape)
    order = random.permutation(len(points))
    points, truth = points[order], truth[order]
    if turned:
        points = points @ _rotation(random).T + random.uniform(-50, 50, 3)
    return Scan(points, truth)


def _plate(random: np.random.Generator, pins: tuple[tuple[float, float], ...]) -> list[Floats]:
    long, wide, high = _PLATE
    x, y, radius, _ = _BOSS
    bottom = _off(_rectangle(random, long, wide, 0.0), x, y, _BORE)
    top = _off(_rectangle(random, long, wide, high), x, y, radius)
    for pin_x, pin_y in pins:
        top = _off(top, pin_x, pin_y, _PIN[0])
    faces = [bottom, top]
    for side in (-1, 1):
        flat = _rectangle(random, long, high, 0.0)
        faces.append(np.column_stack([flat[:, 0], np.full(len(flat), side * wide / 2),
                                      flat[:, 1] + high / 2]))  # fmt: skip
        flat = _rectangle(random, wide, high, 0.0)
        faces.append(np.column_stack([np.full(len(flat), side * long / 2), flat[:, 0],
                                      flat[:, 1] + high / 2]))  # fmt: skip
    return faces


def _boss(random: np.random.Generator) -> list[Floats]:
    x, y, radius, top = _BOSS
    ring = _off(_disc(random, x, y, radius, top), x, y, _BORE)
    outside = _wall(random, x, y, radius, _PLATE[2], top)
    return [ring, outside, _wall(random, x, y, _BORE, 0.0, top)]


def _pins(random: np.random.Generator, pins: tuple[tuple[float, float], ...]) -> list[Floats]:
    radius, top = _PIN
    walls = [_wall(random, x, y, radius, _PLATE[2], top) for x, y in pins]
    return walls + [_disc(random, x, y, radius, top) for x, y in pins]


def _rectangle(random: np.random.Generator, long: float, wide: float, z: float) -> Floats:
    count = round(long * wide * DENSITY)
    flat = random.uniform((-long / 2, -wide / 2), (long / 2, wide / 2), (count, 2))
    return np.column_stack([flat, np.full(count, z)])


def _disc(random: np.random.Generator, x: float, y: float, radius: float, z: float) -> Floats:
    count = round(np.pi * radius**2 * DENSITY)
    away, turn = radius * np.sqrt(random.random(count)), random.uniform(0, 2 * np.pi, count)
    return np.column_stack([x + away * np.cos(turn), y + away * np.sin(turn), np.full(count, z)])


def _wall(
    random: np.random.Generator, x: float, y: float, radius: float, low: float, high: float
) -> Floats:
    count = round(2 * np.pi * radius * (high - low) * DENSITY)
    turn, z = random.uniform(0, 2 * np.pi, count), random.uniform(low, high, count)
    return np.column_stack([x + radius * np.cos(turn), y + radius * np.sin(turn), z])


def _off(points: Floats, x: float, y: float, radius: float) -> Floats:
    """The points that do not lie on a disc."""
    return points[np.hypot(points[:, 0] - x, points[:, 1] - y) > radius]


def _rotation(random: np.random.Generator) -> Floats:
    """A rotation drawn evenly from all."""
    turn, upper = np.linalg.qr(random.normal(size=(3, 3)))
    turn = turn * np.sign(np.diag(upper))
    return np.asarray(turn if np.linalg.det(turn) > 0 else turn[:, [1, 0, 2]])
