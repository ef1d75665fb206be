"""Meshes in FBX: read by Open3D, bounded before they are unpacked."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.errors import MissingDependencyError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.fbx import read_fbx, unpacked
from tests.media.pointcloud.support import ADAPTER, TRIANGLES, load, refused

HEAD = b"Kaydara FBX Binary  \0\x1a\0"


@pytest.fixture(scope="module")
def open3d() -> Any:
    try:
        import open3d
    except ImportError:
        pytest.skip("open3d is not installed: pip install 'gadet[open3d]'")
    except OSError as error:
        pytest.skip(f"open3d finds no library of the system ({error}): apt install libusb-1.0-0")
    return open3d


def text(points: np.ndarray, faces: np.ndarray) -> bytes:
    """A mesh as FBX in letters; the last corner of a face is written as its complement."""
    corners = faces.copy()
    corners[:, 2] = ~corners[:, 2]
    numbers = ",".join(map(str, points.ravel()))
    ends = ",".join(map(str, corners.ravel()))
    return f"""; FBX 7.3.0 project file
FBXHeaderExtension:  {{
    FBXHeaderVersion: 1003
    FBXVersion: 7300
}}
Definitions:  {{
    Version: 100
}}
Objects:  {{
    Geometry: 1000, "Geometry::part", "Mesh" {{
        Vertices: *{points.size} {{
            a: {numbers}
        }}
        PolygonVertexIndex: *{corners.size} {{
            a: {ends}
        }}
        GeometryVersion: 124
    }}
    Model: 2000, "Model::part", "Mesh" {{
        Version: 232
    }}
}}
Connections:  {{
    C: "OO",2000,0
    C: "OO",1000,2000
}}
""".encode()


def node(start: int, name: bytes, properties: bytes, count: int, children: bytes = b"") -> bytes:
    size = 13 + len(name) + len(properties) + len(children)
    return (
        struct.pack("<IIIB", start + size, count, len(properties), len(name))
        + name
        + (properties + children)
    )


def binary(length: int, packed: int = 1) -> bytes:
    """A binary file with an array of doubles in a node within a node."""
    stored = b"x" * 10 if packed else b"\0" * 8 * length
    array = b"d" + struct.pack("<III", length, packed, len(stored)) + stored
    label = b"S" + struct.pack("<I", 4) + b"part" + b"L" + bytes(8)
    inner = node(27 + 13 + 7 + len(label), b"Vertices", array, 1) + bytes(13)
    whole = node(27, b"Objects", label, 2, inner)
    return HEAD + struct.pack("<I", 7300) + whole + bytes(13) + b"footer"


@pytest.mark.parametrize(("length", "packed"), [(3, 0), (3, 1), (500_000_000, 1)])
def test_what_arrays_hold_is_known_before_they_are_unpacked(length: int, packed: int) -> None:
    assert unpacked(binary(length, packed)) == 8 * length


def test_a_file_that_unpacks_to_too_much_is_refused() -> None:
    assert ADAPTER.accepts(binary(3))
    refused(binary(500_000_000), "unpacks to at most")
    refused(binary(3)[:25], "cannot be read")


def test_points_and_faces(open3d: Any, tmp_path: Path) -> None:
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 2) for z in (0, 3)], float)
    points = np.vstack([corners, corners + 10])
    path = tmp_path / "part.fbx"
    path.write_bytes(text(points, np.vstack([TRIANGLES, TRIANGLES + 8])))
    assert ADAPTER.accepts(path)
    cloud = load(path).cloud
    assert {tuple(point) for point in cloud.points} == {tuple(point) for point in points}
    assert cloud.faces is not None
    assert len(cloud.faces) == 24
    refused(path, "at most 9 points", max_pixels=9)


def test_no_mesh(open3d: Any) -> None:
    refused(b"; FBX 7.3.0 project file\nnothing", "Open3D reads none")


def test_a_missing_library_of_the_system_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str) -> None:
        raise OSError("libusb-1.0.so.0: cannot open shared object file")

    monkeypatch.setattr("gadet.media.pointcloud.needs.import_module", fails)
    with pytest.raises(MissingDependencyError, match=r"apt-get install libusb-1\.0-0"):
        read_fbx(b"; FBX 7.3.0", LoadLimits())


def test_without_open3d_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr("gadet.media.pointcloud.needs.import_module", fails)
    with pytest.raises(MissingDependencyError, match=r"gadet\[open3d\]"):
        read_fbx(b"; FBX 7.3.0", LoadLimits())
