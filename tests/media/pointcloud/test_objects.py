"""Geometries of other libraries: trimesh itself, and stand-ins with the attributes of Open3D."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.media.pointcloud.support import (
    ADAPTER,
    COLOURS,
    NORMALS,
    POINTS,
    load,
    refused,
    same,
)

FACES = np.array([[0, 1, 2], [3, 4, 5]])


def stand_in(name: str, **attributes: Any) -> Any:
    """An object whose class says that it is from Open3D."""
    kind = type(name, (), {"__module__": "open3d.cpu.pybind.geometry"})
    item = kind()
    vars(item).update(attributes)
    return item


class Tensor:
    """As much of a tensor of Open3D as is used."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __len__(self) -> int:
        return len(self.array)

    def cpu(self) -> Tensor:
        return self

    def numpy(self) -> Any:
        return self.array


class TensorMap:
    """As a dict, of which Open3D promises no more than these."""

    def __init__(self, **parts: Any) -> None:
        self.parts = {name: Tensor(part) for name, part in parts.items()}

    def __contains__(self, name: str) -> bool:
        return name in self.parts

    def __getitem__(self, name: str) -> Tensor:
        return self.parts[name]


FULL = {"positions": POINTS, "colors": COLOURS, "normals": NORMALS}
OPEN3D: dict[str, Any] = {
    "cloud": stand_in("PointCloud", points=POINTS, colors=COLOURS / 255, normals=NORMALS),
    "mesh": stand_in(
        "TriangleMesh",
        vertices=POINTS,
        triangles=FACES.astype("i4"),
        vertex_colors=COLOURS / 255,
        vertex_normals=NORMALS,
    ),
    "tensor cloud": stand_in("PointCloud", point=TensorMap(**FULL)),
    "tensor mesh": stand_in(
        "TriangleMesh", vertex=TensorMap(**FULL), triangle=TensorMap(indices=FACES)
    ),
}


@pytest.mark.parametrize("name", OPEN3D)
def test_open3d(name: str) -> None:
    assert ADAPTER.accepts(OPEN3D[name])
    cloud = load(OPEN3D[name], units="m").cloud
    same(cloud.points, POINTS)
    same(cloud.colours, COLOURS)
    np.testing.assert_allclose(cloud.normals, NORMALS, atol=1e-12)
    if "mesh" in name:
        same(cloud.faces, FACES)
    refused(OPEN3D[name], "at most 39 points", max_pixels=39)


def test_open3d_says_with_nothing_that_there_is_none() -> None:
    empty = np.empty((0, 3))
    cloud = load(stand_in("PointCloud", points=POINTS, colors=empty, normals=empty)).cloud
    assert cloud.colours is None
    assert cloud.normals is None
    bare = load(stand_in("PointCloud", point=TensorMap(positions=POINTS))).cloud
    assert bare.colours is None
    refused(stand_in("PointCloud", points=empty, colors=empty, normals=empty), "it has none")


def test_another_object_of_open3d_and_a_broken_one() -> None:
    assert not ADAPTER.accepts(stand_in("LineSet"))
    refused(stand_in("LineSet"), "got LineSet")
    refused(stand_in("PointCloud"), r"PointCloud cannot \(AttributeError\)")


def test_trimesh() -> None:
    trimesh = pytest.importorskip("trimesh")
    mesh = trimesh.Trimesh(
        POINTS, FACES, vertex_colors=COLOURS, vertex_normals=NORMALS, process=False
    )
    mesh.units = "mm"
    assert ADAPTER.accepts(mesh)
    cloud = load(mesh).cloud
    same(cloud.points, POINTS)
    same(cloud.colours, COLOURS)
    same(cloud.faces, FACES)
    np.testing.assert_allclose(cloud.normals, NORMALS, atol=1e-12)
    assert cloud.units == "mm"
    assert load(trimesh.Trimesh(POINTS, FACES, process=False)).cloud.normals is None
    points = load(trimesh.PointCloud(POINTS, colors=COLOURS)).cloud
    same(points.points, POINTS)
    same(points.colours, COLOURS)
    refused(trimesh.Scene(), "a scene with points or meshes; it has none")
    refused(trimesh.Scene([mesh, mesh]), "at most 79 points; got 80", max_pixels=79)


def test_tensors() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(POINTS, requires_grad=True)
    assert ADAPTER.accepts(tensor)
    same(load(tensor).cloud.points, POINTS)
    assert not ADAPTER.accepts(torch.zeros(3, 40, 40))
    grid = load(torch.tensor(POINTS.reshape(5, 8, 3)), units="m").cloud.grid
    assert grid is not None
    assert grid.shape == (5, 8)


def test_lists() -> None:
    assert not ADAPTER.accepts(POINTS.tolist())
    same(load(POINTS.tolist(), units="m").cloud.points, POINTS)
