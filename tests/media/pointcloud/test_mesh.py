"""Meshes that trimesh reads, and points drawn from their surface."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pytest

from gadet.errors import MissingDependencyError
from gadet.media.pointcloud import needs
from gadet.media.pointcloud.reading import Reading
from gadet.media.pointcloud.surface import sampled
from tests.media.pointcloud.support import (
    CUBE,
    POINTS,
    SQUARES,
    TRIANGLES,
    load,
    notes,
    refused,
    same,
)

trimesh = pytest.importorskip("trimesh")
FAN = np.array([[0, n, n + 1] for n in range(1, 39)])


def exported(kind: str) -> bytes:
    data = trimesh.Trimesh(POINTS, FAN, process=False).export(file_type=kind)
    return data if isinstance(data, bytes) else data.encode()


def test_off() -> None:
    cloud = load(exported("off")).cloud
    np.testing.assert_allclose(cloud.points, POINTS, atol=1e-9)
    same(cloud.faces, FAN)


@pytest.mark.parametrize("kind", ["stl", "stl_ascii"])
def test_stl_has_one_point_for_equal_corners(kind: str) -> None:
    sample = load(exported(kind))
    cloud = sample.cloud
    assert len(cloud) == len(POINTS)
    assert cloud.faces is not None
    expected = POINTS[FAN].astype("f4").astype(float)
    np.testing.assert_allclose(cloud.points[cloud.faces], expected, atol=1e-5)
    assert "made one point" in notes(sample)


def test_glb_is_in_metres() -> None:
    cloud = load(exported("glb")).cloud
    np.testing.assert_allclose(cloud.points, POINTS.astype("f4"), atol=1e-6)
    same(cloud.faces, FAN)
    assert cloud.units == "m"
    assert load(exported("glb"), units="mm").cloud.units == "mm"


def test_a_scene_is_joined_where_its_parts_stand() -> None:
    scene = trimesh.Scene()
    mesh = trimesh.Trimesh(POINTS, FAN, process=False)
    mirror = np.diag([-1.0, 1.0, 1.0, 1.0])
    scene.add_geometry(mesh, geom_name="a")
    scene.add_geometry(mesh, geom_name="b", transform=mirror)
    for sample in (load(scene), load(scene.export(file_type="glb"))):
        cloud = sample.cloud
        assert len(cloud) == 80
        low = -POINTS[:, 0].max()
        np.testing.assert_allclose(cloud.low[0], low, atol=1e-5)
        assert "2 parts of a scene joined" in notes(sample)
    faces = load(scene).cloud.faces
    assert faces is not None
    points = load(scene).cloud.points
    whole, mirrored = (
        np.cross(points[part[:, 1]] - points[part[:, 0]], points[part[:, 2]] - points[part[:, 0]])
        for part in (faces[:38], faces[38:])
    )
    np.testing.assert_allclose(mirrored, whole * (-1, 1, 1), atol=1e-9)


def glb(tree: Any, body: bytes = b"") -> bytes:
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    part = struct.pack("<II", len(body), 0x4E4942) + body if body else b""
    head = struct.pack("<4sIIII", b"glTF", 2, 20 + len(text) + len(part), len(text), 0x4E4F534A)
    return head + text + part


NODES = [{"children": [1, 2]}, {"children": [2]}, {"mesh": 0}]
REFUSED: dict[str, tuple[bytes, str, str]] = {
    "glb cut": (exported("glb")[:300], "glb", "truncated"),
    "glb without words": (b"glTF" + bytes(30), "glb", "not its description"),
    "glb of a list": (glb([]), "glb", "a list of buffers"),
    "glb elsewhere": (glb({"buffers": [{"uri": "file:///etc/passwd"}]}), "glb", "other files"),
    "glb huge": (glb({"accessors": [{"count": 10**12}]}), "glb", "values of a glTF accessor"),
    "glb wide": (
        glb({"accessors": [{"count": 10**8, "type": "MAT4"}]}), "glb", "unpacks to at most",
    ),
    "glb no tree": (glb({"nodes": NODES}), "glb", "one has several parents"),
    "glb empty": (glb({"asset": {"version": "2.0"}}), "glb", "whole file|points or meshes"),
    "stl cut": (exported("stl")[:-1], "stl", "truncated"),
    "stl short": (b"\0" * 50, "stl", "truncated"),
    "off cut": (exported("off")[:200], "off", r"format off; this one cannot be read \("),
    "off huge": (b"OFF\n99999999999 1 0\n0 0 0\n", "off", "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    data, kind, match = REFUSED[name]
    refused(data, match, {"format": kind})


def test_a_coarse_mesh_is_refused_with_the_way_out() -> None:
    cube = trimesh.Trimesh(CUBE, TRIANGLES, process=False)
    refused(cube, r"at least 10 points; got 8: .*sample=40_000")
    sample = load(cube, sample=600)
    cloud = sample.cloud
    assert len(cloud) == 600
    assert cloud.faces is None
    assert "600 points drawn from 12 faces" in notes(sample)
    assert load(cube, sample=600).info.sha256 == sample.info.sha256
    # Each lies on a side of the cube, to which its normal is upright; each side has its share.
    assert cloud.normals is not None
    axis = np.abs(cloud.normals).argmax(axis=1)
    where = cloud.points[np.arange(600), axis]
    assert set(where.round(12)) == {0.0, 1.0}
    np.testing.assert_allclose(np.abs(cloud.normals).max(axis=1), 1)
    sides = np.bincount(axis * 2 + (where > 0.5), minlength=6)
    assert np.abs(sides - 100).max() <= 2
    assert len(SQUARES) == len(sides)


def test_points_are_drawn_evenly_within_a_triangle() -> None:
    corners = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
    drawn = sampled(Reading(corners, colours=colours, faces=np.array([[0, 1, 2]])), 4000)
    x, y = drawn.points[:, 0], drawn.points[:, 1]
    assert (x >= 0).all()
    assert (y >= 0).all()
    assert (x + y <= 1 + 1e-12).all()
    # The four triangles between the middles of the sides have equal areas.
    shares = [(x > 0.5).mean(), (y > 0.5).mean(), (x + y < 0.5).mean()]
    np.testing.assert_allclose(shares, 0.25, atol=0.03)
    assert drawn.colours is not None
    assert np.abs(drawn.colours[:, 0] - 255 * x).max() <= 0.5


def test_drawing_refused() -> None:
    refused(POINTS, "a mesh for sample=50; got points without faces", {"sample": 50})
    coarse = trimesh.Trimesh(CUBE, TRIANGLES, process=False)
    refused(coarse, "at most 20 points to draw; got 50", {"sample": 50}, max_pixels=20)
    flat = trimesh.Trimesh(CUBE, [[0, 0, 1]], process=False)
    refused(flat, "all faces have none", {"sample": 50})
    mesh = trimesh.Trimesh(CUBE, [[0, 1, 88]], process=False)
    refused(mesh, "vertices from 0 to 7; got 0 to 88", {"sample": 50})


def test_without_trimesh(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(_: str) -> Any:
        raise ImportError

    monkeypatch.setattr(needs, "import_module", absent)
    with pytest.raises(MissingDependencyError, match=r"STL needs the `trimesh` .*\[pointcloud\]"):
        load(exported("stl"))
