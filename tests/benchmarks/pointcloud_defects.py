"""Defects made on clean shapes, with exact labels, by shared/protocols/pointcloud.md.

Lengths are in diagonals of the shape. `size` is the radius of a defect.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from tests.benchmarks.pointcloud_shapes import NOISE, Drawn, Shape, drawn, rng_of

__all__ = ["KINDS", "SIZES", "Query", "query", "reference", "spacing_of"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Made = tuple[Floats, Bools]
SIZES = (0.01, 0.025, 0.05)
SHOWS = 0.1
"""What is displaced by less than this share of the peak is not labelled."""


@dataclass(frozen=True, eq=False)
class Query:
    """A cloud under test.

    Attributes:
        points: `(N, 3)` in a random pose.
        labels: `(N,)` True in the defect.
        pose: `(4, 4)` takes the shape's frame to the query's.
        kind: "good" or one of `KINDS`.
        size: Radius of the defect, 0 of a good one.
        index: Its number among the good ones.
    """

    points: Floats
    labels: Bools
    pose: Floats
    kind: str
    size: float
    index: int


def spacing_of(points: Floats) -> float:
    """The side of the square that a point has for itself: from the median of the 8th neighbour."""
    reach = cKDTree(points).query(points, k=9)[0][:, -1]
    return float(np.median(reach)) * float(np.sqrt(np.pi / 8))


def sheet(clean: Drawn, centre: int, radius: float) -> tuple[Floats, Bools]:
    """Distances to a point, and which points lie within a radius on its side of the surface."""
    apart = np.linalg.norm(clean.points - clean.points[centre], axis=1)
    alike = clean.normals @ clean.normals[centre] > 0.2
    return apart, (apart < radius) & alike


def swell(clean: Drawn, size: float, rng: np.random.Generator, height: float) -> Made:
    """A smooth bump, or a dent of negative height."""
    apart, there = sheet(clean, int(rng.integers(len(clean.points))), size)
    share = np.where(there, (1 - (apart / size) ** 2) ** 2, 0.0)
    return clean.points + height * share[:, None] * clean.normals, share > SHOWS


def bump(clean: Drawn, size: float, rng: np.random.Generator) -> Made:
    """A bump 0.4 radii high."""
    return swell(clean, size, rng, 0.4 * size)


def dent(clean: Drawn, size: float, rng: np.random.Generator) -> Made:
    """A dent 0.4 radii deep."""
    return swell(clean, size, rng, -0.4 * size)


def rim(size: float, spacing: float) -> float:
    """Width of the ring around a gap that is labelled."""
    return max(0.25 * size, 1.5 * spacing)


def hole(clean: Drawn, size: float, rng: np.random.Generator) -> Made:
    """All points in a ball are gone; a ring around it is labelled."""
    apart = np.linalg.norm(clean.points - clean.points[rng.integers(len(clean.points))], axis=1)
    left = apart > size
    return clean.points[left], apart[left] <= size + rim(size, spacing_of(clean.points))


def crack(clean: Drawn, size: float, rng: np.random.Generator) -> Made:
    """A groove along a random walk on the surface."""
    spacing = spacing_of(clean.points)
    tree = cKDTree(clean.points)
    here = int(rng.integers(len(clean.points)))
    ahead = rng.normal(size=3)
    path = [here]
    for _ in range(round(max(4 * size, 12 * spacing) / spacing)):
        ahead = ahead + 0.3 * rng.normal(size=3) * np.linalg.norm(ahead)
        ahead -= (ahead @ clean.normals[here]) * clean.normals[here]
        ahead /= np.linalg.norm(ahead)
        here = int(tree.query(clean.points[here] + spacing * ahead)[1])
        path.append(here)
    apart, nearest = cKDTree(clean.points[path]).query(clean.points)
    wide = max(0.15 * size, 1.5 * spacing)
    alike = (clean.normals * clean.normals[path][nearest]).sum(axis=1) > 0.2
    share = np.where(alike & (apart < wide), 1 - (apart / wide) ** 2, 0.0)
    depth = max(0.25 * size, 0.004)
    return clean.points - depth * share[:, None] * clean.normals, share > SHOWS


def missing(clean: Drawn, size: float, rng: np.random.Generator) -> Made:
    """A protruding end is cut off; a ring around the cut is labelled."""
    height = clean.points @ unit(rng)
    order = np.argsort(height, kind="stable")
    cut = round(size * len(order))
    gone, left = order[len(order) - cut :], np.sort(order[: len(order) - cut])
    apart = cKDTree(clean.points[gone]).query(clean.points[left])[0]
    return clean.points[left], apart <= rim(size, spacing_of(clean.points))


def extra(clean: Drawn, size: float, rng: np.random.Generator) -> Made:
    """A ball, box or cylinder that is stuck on, drawn as densely as the shape."""
    place = int(rng.integers(len(clean.points)))
    radius = 0.7 * size
    body = (ball, box, cylinder)[int(rng.integers(3))]
    count, solid = body(rng, round(40 * (radius / spacing_of(clean.points)) ** 2))
    out = clean.normals[place]
    frame = np.linalg.qr(np.column_stack([out, rng.normal(size=(3, 2))]))[0]
    frame *= np.sign(frame[:, 0] @ out)
    solid = radius * solid[:count] @ frame[:, [1, 2, 0]].T + 0.7 * radius * out
    solid = solid[solid @ out > 0] + clean.points[place]
    labels = np.arange(len(clean.points) + len(solid)) >= len(clean.points)
    return np.concatenate([clean.points, solid]), labels


def ball(rng: np.random.Generator, most: int) -> tuple[int, Floats]:
    """Points on a ball of radius 1, and how many of `most` = 40 per unit of area it takes."""
    points = rng.normal(size=(most, 3))
    return round(most * 4 * np.pi / 40), points / np.linalg.norm(points, axis=1, keepdims=True)


def box(rng: np.random.Generator, most: int) -> tuple[int, Floats]:
    """Points on a cube of side 2."""
    points = rng.uniform(-1, 1, (most, 3))
    side = rng.integers(3, size=most)
    points[np.arange(most), side] = rng.choice([-1.0, 1.0], most)
    return round(most * 24 / 40), points


def cylinder(rng: np.random.Generator, most: int) -> tuple[int, Floats]:
    """Points on a cylinder of radius 1 and height 2."""
    turn, height = rng.uniform(0, 2 * np.pi, most), rng.uniform(-1, 1, most)
    cap = rng.random(most) < 1 / 3
    wide = np.where(cap, np.sqrt(rng.random(most)), 1.0)
    height = np.where(cap, np.sign(height), height)
    return round(most * 6 * np.pi / 40), np.column_stack(
        [wide * np.cos(turn), wide * np.sin(turn), height]
    )


def wavy(clean: Drawn, size: float, rng: np.random.Generator) -> Made:
    """A patch of waves."""
    centre = int(rng.integers(len(clean.points)))
    along = np.cross(clean.normals[centre], rng.normal(size=3))
    along /= np.linalg.norm(along)
    _, there = sheet(clean, centre, 2 * size)
    phase = 2 * np.pi * ((clean.points - clean.points[centre]) @ along) / size
    moved = np.where(there, max(0.15 * size, 0.003) * np.sin(phase), 0.0)
    return clean.points + moved[:, None] * clean.normals, there


def good(clean: Drawn, size: float, rng: np.random.Generator) -> Made:
    """Nothing is wrong."""
    return clean.points, np.zeros(len(clean.points), dtype=bool)


KINDS: dict[str, Callable[[Drawn, float, np.random.Generator], Made]] = {
    "bump": bump,
    "dent": dent,
    "hole": hole,
    "crack": crack,
    "missing": missing,
    "extra": extra,
    "wavy": wavy,
}


def unit(rng: np.random.Generator) -> Floats:
    """A random direction."""
    direction = rng.normal(size=3)
    return np.asarray(direction / np.linalg.norm(direction))


def turned(rng: np.random.Generator) -> Floats:
    """A rotation `(3, 3)`, uniform in SO(3)."""
    w, x, y, z = unit4 = rng.normal(size=4)
    w, x, y, z = unit4 / np.linalg.norm(unit4)
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])  # fmt: skip


def reference(shape: Shape, index: int) -> Floats:
    """A normal cloud `(N, 3)` as the sensor sees it, in the frame that all references share."""
    rng = rng_of(shape.name, "reference", 0, index)
    points = drawn(shape, rng, query=False).points
    return points + rng.normal(0, NOISE, points.shape)


def query(shape: Shape, kind: str, size: float, index: int) -> Query:
    """A cloud to be judged, in a random pose, its points in random order."""
    rng = rng_of(shape.name, kind, size, index)
    clean = drawn(shape, rng, query=True)
    points, labels = KINDS.get(kind, good)(clean, size, rng)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = turned(rng), rng.normal(0, 0.5, 3)
    seen = points + rng.normal(0, NOISE, points.shape)
    order = rng.permutation(len(points))
    return Query(
        (seen @ pose[:3, :3].T + pose[:3, 3])[order], labels[order], pose, kind, size, index
    )
