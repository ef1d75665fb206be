"""What sensors write: XYZ TIFF with a picture beside it, depth maps, LAS and LAZ."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from gadet.errors import InputError, MissingDependencyError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud import PointCloudInput, needs
from tests.media.pointcloud.support import (
    ADAPTER,
    COLOURS,
    POINTS,
    load,
    notes,
    npy,
    refused,
    same,
)

GRID = POINTS.astype("f4").reshape(5, 8, 3).copy()
GRID[0, 1] = GRID[3, 3] = 0
PICTURE = COLOURS.reshape(5, 8, 3)
SEEN = np.flatnonzero(GRID.reshape(-1, 3).any(axis=1))


def tiff(array: npt.NDArray[Any], **options: Any) -> bytes:
    tifffile = pytest.importorskip("tifffile")
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def png(pixels: npt.NDArray[Any]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("planes", ["contig", "separate"])
def test_tiff(compression: str | None, planes: str) -> None:
    array = GRID if planes == "contig" else np.moveaxis(GRID, -1, 0)
    data = tiff(array, photometric="rgb", planarconfig=planes, compression=compression)
    sample = load(data)
    cloud = sample.cloud
    same(cloud.points, GRID.reshape(-1, 3)[SEEN])
    same(cloud.index, SEEN)
    assert cloud.grid is not None
    assert cloud.grid.shape == (5, 8)
    assert cloud.grid[0, 1] == cloud.grid[3, 3] == -1
    same(cloud.sensor, [0, 0, 0])
    assert notes(sample) == "2 pixels of 40 are holes"


def test_an_array_kept_as_a_page_for_each_row(tmp_path: Path) -> None:
    data = tiff(GRID, photometric="minisblack")
    cloud = load(data).cloud
    same(cloud.points, GRID.reshape(-1, 3)[SEEN])
    (tmp_path / "a.tif").write_bytes(data)
    assert ADAPTER.accepts(tmp_path / "a.tif")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The layout of MVTec 3D-AD."""
    for name in ("xyz", "rgb"):
        (tmp_path / name).mkdir()
    (tmp_path / "xyz" / "000.tiff").write_bytes(tiff(GRID, photometric="rgb"))
    (tmp_path / "rgb" / "000.png").write_bytes(png(PICTURE))
    return tmp_path


def test_the_picture_beside_a_tiff(folder: Path) -> None:
    path = folder / "xyz" / "000.tiff"
    assert ADAPTER.accepts(path)
    assert ADAPTER.accepts(str(path))
    sample = load(path)
    same(sample.cloud.colours, COLOURS[SEEN])
    assert "colours taken from the picture beside it" in notes(sample)
    other = 255 - PICTURE
    same(load(path, colours=other).cloud.colours, 255 - COLOURS[SEEN])
    (folder / "rgb" / "000.png").unlink()
    assert load(path).cloud.colours is None
    (folder / "rgb" / "000.png").write_bytes(png(PICTURE[:4]))
    refused(path, r"a pixel for each point; got \(4, 8\) pixels and points of shape \(5, 8\)")


def test_another_tiff_is_no_cloud(tmp_path: Path) -> None:
    path = tmp_path / "a.tiff"
    for array in (PICTURE, GRID[:, :, 0]):
        path.write_bytes(tiff(array))
        assert not ADAPTER.accepts(path)
        refused(path, r"TIFF of shape \(H, W, 3\) and floats, x, y and z; got")
    path.write_bytes(b"II*\0" + bytes(30))
    assert not ADAPTER.accepts(path)
    refused(path, "cannot be read")
    assert not ADAPTER.accepts(tmp_path / "none.tiff")
    large = tiff(np.zeros((50, 50, 3), "f4"), photometric="rgb", compression="zlib")
    refused(large, "at most 2,499 points", max_pixels=2499)
    refused(large, "unpacks to at most", max_bytes=len(large))


INTRINSICS = (4.0, 5.0, 3.5, 2.0)
DEPTH = (np.arange(40).reshape(5, 8) * 37 % 11 * 100 + 500).astype("u2")
DEPTH[1, 1] = 0


def by_hand() -> npt.NDArray[np.float64]:
    fx, fy, cx, cy = INTRINSICS
    rows = []
    for v in range(5):
        for u in range(8):
            z = float(DEPTH[v, u]) / 1000
            if z:
                rows.append([(u - cx) * z / fx, (v - cy) * z / fy, z])
    return np.array(rows)


class Matrix:
    intrinsic_matrix = np.array([[4.0, 0, 3.5], [0, 5, 2], [0, 0, 1]])


@pytest.mark.parametrize("intrinsics", [INTRINSICS, Matrix(), Matrix.intrinsic_matrix.tolist()])
def test_a_depth_map(intrinsics: Any) -> None:
    sample = load(DEPTH, intrinsics=intrinsics, depth_scale=1000, units="m", colours=PICTURE)
    cloud = sample.cloud
    np.testing.assert_allclose(cloud.points, by_hand(), atol=1e-12)
    assert cloud.grid is not None
    assert cloud.grid[1, 1] == -1
    same(cloud.colours, np.delete(COLOURS, 9, axis=0))
    same(cloud.sensor, [0, 0, 0])
    assert cloud.units == "m"


def test_a_depth_map_in_any_form(tmp_path: Path) -> None:
    options = {"intrinsics": INTRINSICS, "depth_scale": 1000}
    path = tmp_path / "depth.png"
    path.write_bytes(png(DEPTH))
    buffer = io.BytesIO()
    Image.fromarray(DEPTH.astype("f4")).save(buffer, "TIFF")
    missing = DEPTH.astype(float)
    missing[1, 1] = np.nan
    forms = (path, path.read_bytes(), io.BytesIO(png(DEPTH)), Image.open(path), npy(DEPTH),
             buffer.getvalue(), DEPTH[:, :, None], missing, DEPTH.tolist())  # fmt: skip
    for form in forms:
        np.testing.assert_allclose(load(form, **options).cloud.points, by_hand(), atol=1e-12)
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(missing)
    np.testing.assert_allclose(load(tensor, **options).cloud.points, by_hand(), atol=1e-12)


def test_depth_maps_refused() -> None:
    options = {"intrinsics": INTRINSICS}
    refused(png(PICTURE), "depth map of one channel .* mode RGB", options)
    refused(PICTURE, r"depth map \(H, W\) of numbers .* got shape \(5, 8, 3\)", options)
    refused(DEPTH * 0, "all 40 are NaN, infinite or holes", options)
    refused(DEPTH, "at most 39 points; got 40", options, max_pixels=39)
    refused(DEPTH, "a pixel for each point", {**options, "colours": PICTURE[:2]})
    refused(Image.fromarray(PICTURE), "an array, or a file; got Image", {"units": "m"})
    refused(object(), "array.* cannot be made one|numbers", options)
    refused(POINTS, "got .* pixels and points: give", {"colours": PICTURE})


def las(kind: int = 2, version: str = "1.2", compress: bool = False) -> bytes:
    laspy = pytest.importorskip("laspy")
    header = laspy.LasHeader(point_format=kind, version=version)
    header.scales, header.offsets = np.full(3, 1e-4), np.array([500_000.0, 5_000_000.0, 0])
    records = laspy.LasData(header)
    records.x, records.y, records.z = (POINTS + header.offsets).T
    if kind == 2:
        records.red, records.green, records.blue = COLOURS.T.astype("u2") * 257
    buffer = io.BytesIO()
    records.write(buffer, do_compress=compress)
    return buffer.getvalue()


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(("kind", "version"), [(2, "1.2"), (0, "1.2"), (6, "1.4")])
def test_las(compress: bool, kind: int, version: str) -> None:
    if compress:
        pytest.importorskip("lazrs")
    cloud = load(las(kind, version, compress)).cloud
    shifted = POINTS + np.array([500_000.0, 5_000_000.0, 0])
    np.testing.assert_allclose(cloud.points, shifted, atol=1e-8, rtol=0)
    if kind == 2:
        same(cloud.colours, COLOURS)
    else:
        assert cloud.colours is None


def test_las_refused() -> None:
    data = las()
    refused(data[:-1], "truncated")
    refused(data[:100], "227 bytes of data and 100 follow")
    refused(data[:24] + b"\x07\x09" + data[26:], r"las; this one cannot be read \(|truncated")
    refused(data[:100] + b"\xff" * 4 + data[104:], "truncated")
    newer = las(6, "1.4")
    refused(newer[:243] + b"\xff" * 4 + newer[247:], "truncated")
    refused(data, "at most 39 points; got 40", max_pixels=39)
    many = data[:107] + struct.pack("<I", 10_000_000) + data[111:]
    refused(many, "unpacks to at most", max_bytes=10**6)
    refused(many, "truncated")


def test_laz_refused() -> None:
    pytest.importorskip("lazrs")
    data = las(compress=True)
    (start,) = struct.unpack_from("<I", data, 96)
    (table,) = struct.unpack_from("<q", data, start)
    chunks = data[: table + 4] + struct.pack("<I", 2**32 - 1) + data[table + 8 :]
    refused(chunks, "at most a chunk a point in a LAZ file; it says 4,294,967,295")
    nowhere = data[:start] + struct.pack("<q", 2**50) + data[start + 8 :]
    refused(nowhere, "its table of chunks is not in it")
    refused(data[: start + 4], "truncated|cannot be read")


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"LASF" + bytes(300), r"LAS needs the `laspy` .*\[pointcloud\]"),
        (b"II*\0" + bytes(300), "TIFF needs the `tifffile`"),
    ],
)
def test_without_the_packages(monkeypatch: pytest.MonkeyPatch, data: bytes, match: str) -> None:
    def absent(_: str) -> Any:
        raise ImportError

    monkeypatch.setattr(needs, "import_module", absent)
    with pytest.raises(MissingDependencyError, match=match):
        load(data)


OPTIONS_REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "units": ({"units": ""}, "units to be a name; got ''"),
    "array": ({"array": 3}, "array to be a name; got 3"),
    "format": ({"format": "docx"}, "format to be one of 'ply', .*; got 'docx'"),
    "columns": ({"columns": "xyz"}, "columns to be a tuple of names"),
    "columns twice": ({"columns": ("x", "x")}, "each name in columns once"),
    "no numbers": ({"columns": (1, 2, 3)}, "columns to be a tuple of names"),
    "intrinsics": ({"intrinsics": (1, 2, 3)}, r"\(fx, fy, cx, cy\)"),
    "intrinsics of words": ({"intrinsics": "pinhole"}, r"\(fx, fy, cx, cy\)"),
    "no focal length": ({"intrinsics": (0, 1, 2, 3)}, "fx and fy above 0"),
    "scale": ({"depth_scale": 0}, "depth_scale to be a number above 0; got 0"),
    "endless": ({"depth_scale": float("inf")}, "depth_scale to be a number"),
    "sample": ({"sample": 0}, "sample to be a count of points; got 0"),
    "half a sample": ({"sample": 1.5}, "sample to be a count of points; got 1.5"),
}


@pytest.mark.parametrize("name", OPTIONS_REFUSED)
def test_options_refused(name: str) -> None:
    options, match = OPTIONS_REFUSED[name]
    with pytest.raises(InputError, match=match):
        PointCloudInput(POINTS, **options)


def test_an_input_in_an_input() -> None:
    with pytest.raises(InputError, match="another PointCloudInput: use one"):
        PointCloudInput(PointCloudInput(POINTS))
    assert str(float(POINTS[0, 0])) not in repr(PointCloudInput(POINTS, units="mm"))
    assert load(POINTS, LoadLimits(max_pixels=40)).cloud.units is None
