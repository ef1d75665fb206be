"""Any bytes are read or refused in our own words, and soon."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import InputError, MissingDependencyError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud import PointCloudInput
from gadet.media.pointcloud.options import Format
from tests.media.pointcloud.support import (
    ADAPTER,
    COLOURS,
    CUBE,
    NORMALS,
    POINTS,
    TRIANGLES,
    lines,
    npy,
    npz,
    packed,
    pcd,
    ply,
)

LIMITS = LoadLimits(max_bytes=100_000, max_pixels=100_000)
COLUMNS = {
    **{name: POINTS[:, number].astype("f4") for number, name in enumerate("xyz")},
    "rgb": packed(COLOURS),
}


def _exported(kind: str) -> bytes:
    trimesh = pytest.importorskip("trimesh")
    mesh = trimesh.Trimesh(POINTS, [[0, n, n + 1] for n in range(1, 39)], process=False)
    data = mesh.export(file_type=kind)
    return data if isinstance(data, bytes) else data.encode()


def _tiff() -> bytes:
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    array = POINTS.reshape(5, 8, 3).astype("f4")
    tifffile.imwrite(buffer, array, photometric="rgb", compression="zlib")
    return buffer.getvalue()


def _las(compress: bool) -> bytes:
    laspy = pytest.importorskip("laspy")
    records = laspy.LasData(laspy.LasHeader(point_format=2, version="1.2"))
    records.x, records.y, records.z = POINTS.T
    buffer = io.BytesIO()
    records.write(buffer, do_compress=compress)
    return buffer.getvalue()


def _ply_of_numbers() -> bytes:
    kinds = [(name, "<f4") for name in "xyz"]
    head = "ply\nformat binary_little_endian 1.0\nelement vertex 40\n"
    head += "".join(f"property float {name}\n" for name in "xyz")
    head += "element face 12\nproperty list uchar int vertex_indices\nend_header\n"
    rows = np.zeros(40, kinds)
    for number, name in enumerate("xyz"):
        rows[name] = POINTS[:, number]
    faces = b"".join(b"\x03" + row.astype("<i4").tobytes() for row in TRIANGLES)
    return head.encode() + rows.tobytes() + faces


OBJ = "".join(f"v {row}\n" for row in lines(POINTS).splitlines()) + "f 1 2 3\nf 2/1/2 3/1/3 4/1/4\n"
GOOD: dict[str, tuple[Format, Callable[[], bytes]]] = {
    "ply, ascii": ("ply", lambda: ply(faces=TRIANGLES.tolist())),
    "ply, binary": ("ply", _ply_of_numbers),
    "pcd, ascii": ("pcd", lambda: pcd(COLUMNS, "ascii")),
    "pcd, binary": ("pcd", lambda: pcd(COLUMNS, size=(8, 5))),
    "pcd, compressed": ("pcd", lambda: pcd(COLUMNS, "binary_compressed")),
    "obj": ("obj", lambda: OBJ.encode()),
    "stl": ("stl", lambda: _exported("stl")),
    "stl, ascii": ("stl", lambda: _exported("stl_ascii")),
    "off": ("off", lambda: _exported("off")),
    "glb": ("glb", lambda: _exported("glb")),
    "text": ("text", lambda: lines(np.hstack([POINTS, NORMALS])).encode()),
    "csv": ("text", lambda: b"x,y,z\n" + lines(POINTS, ",").encode()),
    "npy": ("npy", lambda: npy(POINTS)),
    "npz": ("npz", lambda: npz(points=POINTS, colours=COLOURS)),
    "tiff": ("tiff", _tiff),
    "las": ("las", lambda: _las(False)),
    "laz": ("las", lambda: _las(True)),
}  # fmt: skip


def read_or_refused(data: bytes, **options: Any) -> None:
    with contextlib.suppress(InputError, MissingDependencyError):
        cloud = ADAPTER.load(PointCloudInput(data, **options), LIMITS).cloud
        assert len(cloud) >= 10
        assert np.isfinite(cloud.points).all()
        for rows in (cloud.faces, cloud.grid):
            assert rows is None or rows.max() < len(cloud)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_file_is_read(name: str) -> None:
    form, make = GOOD[name]
    assert len(ADAPTER.load(PointCloudInput(make(), format=form), LIMITS).cloud) == 40


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", GOOD)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_a_spoilt_file_is_read_or_refused(name: str, seed: int) -> None:
    form, make = GOOD[name]
    random = np.random.default_rng(seed)
    data = bytearray(make())
    for _ in range(int(random.integers(1, 6))):
        if not data:
            data = bytearray(make())
        at = int(random.integers(len(data)))
        match int(random.integers(5)):
            case 0:
                data[at] = int(random.integers(256))
            case 1:
                data[at : at + 4] = b"\xff" * 4
            case 2:
                del data[at : at + int(random.integers(1, 40))]
            case 3:
                data[at:at] = data[: int(random.integers(60))]
            case _:
                del data[max(at, 1) :]
    read_or_refused(bytes(data), format=form)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", [None, *get_args(Format)])
@settings(max_examples=30, deadline=None)
@given(data=st.binary(min_size=1, max_size=300) | st.text("0123456789.,; \nvf/-xyz#e", min_size=1))
def test_any_bytes_are_read_or_refused(form: Format | None, data: bytes | str) -> None:
    read_or_refused(data.encode() if isinstance(data, str) else data, format=form)


ARRAYS = st.tuples(
    st.integers(0, 2**32), st.sampled_from([(30, 3), (30, 6), (30, 9), (5, 6, 3), (12, 4), (3,)])
)


@given(ARRAYS, st.sampled_from([1e300, 1e18, 1.0, 1e-200, 5e-324]))
@settings(max_examples=60, deadline=None)
def test_any_array_is_read_or_refused(given_: tuple[int, tuple[int, ...]], size: float) -> None:
    seed, shape = given_
    random = np.random.default_rng(seed)
    with np.errstate(over="ignore"):
        array = random.normal(size=shape) * random.choice([size, 1.0], shape)
    array[random.random(shape) < 0.05] = random.choice([np.nan, np.inf, -np.inf, 0.0])
    with contextlib.suppress(InputError):
        cloud = ADAPTER.load(PointCloudInput(array, units="mm"), LIMITS).cloud
        assert np.isfinite(cloud.points).all()
        assert np.isfinite(cloud.diagonal)


def test_the_corners_of_a_cube_are_too_few() -> None:
    with pytest.raises(InputError, match="at least 10 points; got 8"):
        ADAPTER.load(ply(CUBE))
