"""Clean shapes of diagonal 1: meshes to draw points from, and point sets to be halved."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud import PointCloudAdapter
from gadet.media.pointcloud.render.normals import relief

__all__ = [
    "NOISE",
    "OTHERS",
    "SHAPES",
    "Drawn",
    "Shape",
    "data_root",
    "drawn",
    "rng_of",
    "shape_of",
]

Floats = npt.NDArray[np.float64]
COUNT = 40_000
NOISE = 0.001
"""Of the sensor, along each axis, in diagonals."""
SHAPES = {
    "bunny": "meshes/stanford-bunny.obj",
    "spot": "meshes/spot.obj",
    "fandisk": "meshes/fandisk.obj",
    "milk": "pcl/milk.pcd",
    "cat": "pcl/ism_train_cat.pcd",
    "wolf": "pcl/ism_train_wolf.pcd",
    "face0": "pcl/object_template_0.pcd",
    "face1": "pcl/object_template_1.pcd",
}
"""Where each lies below GADET_DATA/pointcloud."""
OTHERS = {"cat2": "pcl/ism_test_cat.pcd", "face2": "pcl/object_template_2.pcd"}
"""Shapes that are judged only when they are named: constants were set on other draws of these."""


@dataclass(frozen=True, eq=False)
class Shape:
    """A clean shape.

    Attributes:
        name: Its name.
        points: `(V, 3)` corners of a mesh, or the points of a set.
        faces: `(M, 3)` of a mesh; None of a set.
        normals: `(V, 3)` of a set, outwards; None of a mesh, whose faces have theirs.
    """

    name: str
    points: Floats
    faces: npt.NDArray[np.int64] | None
    normals: Floats | None


@dataclass(frozen=True, eq=False)
class Drawn:
    """Points of a shape, `(N, 3)`, with its normals there, before the sensor saw them."""

    points: Floats
    normals: Floats


def data_root() -> Path:
    """Where the data sets lie."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("GADET_DATA", beside))


def rng_of(*words: object) -> np.random.Generator:
    """Randomness from a checksum of `shape|defect|size|index`."""
    return np.random.default_rng(zlib.crc32("|".join(map(str, words)).encode()))


@cache
def shape_of(name: str) -> Shape:
    """Read a shape and scale it to a diagonal of 1."""
    cloud = PointCloudAdapter().load(data_root() / "pointcloud" / (SHAPES | OTHERS)[name]).cloud
    points = (cloud.points - cloud.low) / cloud.diagonal
    if cloud.faces is not None:
        return Shape(name, points, np.asarray(cloud.faces), None)
    return Shape(name, points, None, relief(points).normals.astype(np.float64))


def drawn(shape: Shape, rng: np.random.Generator, *, query: bool) -> Drawn:
    """Points of a query or of a reference.

    Of a mesh they are drawn anew, evenly by area; of a set they are one of two halves, which are
    the same in all clouds.
    """
    if shape.faces is None:
        assert shape.normals is not None
        order = rng_of(shape.name, "halves").permutation(len(shape.points))
        half = np.array_split(order, 2)[int(query)]
        return Drawn(shape.points[half], shape.normals[half])
    first, second, third = shape.points[shape.faces].transpose(1, 0, 2)
    across = np.cross(second - first, third - first)
    area = np.linalg.norm(across, axis=1)
    face = rng.choice(len(area), COUNT, p=area / area.sum())
    u, v = rng.random((2, COUNT))
    u, v = np.where(u + v > 1, (1 - u, 1 - v), (u, v))
    points = first[face] + u[:, None] * (second - first)[face] + v[:, None] * (third - first)[face]
    return Drawn(points, across[face] / area[face, None])
