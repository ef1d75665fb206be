"""What is taken for a cloud without being told, and by whom."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.media.choice import adapter_for
from gadet.media.image import ImageAdapter, ImageInput
from gadet.media.pointcloud import PointCloudInput
from gadet.media.series import SeriesAdapter
from tests.media.pointcloud.support import (
    ADAPTER,
    COLOURS,
    NORMALS,
    POINTS,
    lines,
    load,
    npy,
    npz,
    pcd,
    ply,
    refused,
    same,
)

ALL = {"image": ImageAdapter(), "series": SeriesAdapter(), "pointcloud": ADAPTER}
WIDE = np.hstack([POINTS, NORMALS, COLOURS])
TAKEN: dict[str, Any] = {
    "points": POINTS,
    "normals": WIDE[:, :6],
    "single": POINTS.astype("f4"),
    "ply": ply(),
    "ply, mutable": bytearray(ply()),
    "ply in a file": io.BytesIO(ply()),
    "pcd": pcd({name: POINTS[:, n] for n, name in enumerate("xyz")}),
    "off": b"OFF\n1 0 0\n",
    "las": b"LASF" + bytes(200),
    "glb": b"glTF" + bytes(200),
    "url": "https://host/a/part.PLY?x=1",
    **{suffix: f"part.{suffix}" for suffix in ("obj", "stl", "laz", "xyz", "pts", "STL")},
    "wrapped": PointCloudInput(b"1 2 3"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name: str) -> None:
    assert adapter_for(TAKEN[name], ALL) is ADAPTER


NOT_TAKEN: dict[str, Any] = {
    "picture": np.zeros((40, 40, 3), "u1"),
    "grid of floats": np.zeros((40, 40, 3)),
    "whole numbers": np.zeros((40, 3), int),
    "series": np.zeros(40),
    "table": np.zeros((40, 4)),
    "text": "points.txt",
    "csv": "points.csv",
    "url": "https://host/points.png",
    "broken url": "http://[a/points.ply",
    "data url": "data:image/png;base64,AAAA",
    "bytes": b"1 2 3\n4 5 6\n",
    "ply within a word": b"plywood",
    "file object of text": io.StringIO("ply\n"),
    "nothing": None,
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_not_taken(name: str) -> None:
    assert not ADAPTER.accepts(NOT_TAKEN[name])


def test_files_by_their_header(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    for array, taken in ((POINTS, True), (WIDE, True), (COLOURS, False), (POINTS[:, 0], False)):
        path.write_bytes(npy(array))
        assert ADAPTER.accepts(path) == taken
        assert ADAPTER.accepts(str(path)) == taken
    path.write_bytes(b"nothing")
    assert not ADAPTER.accepts(path)
    archive = tmp_path / "a.npz"
    archive.write_bytes(npz(points=POINTS))
    with pytest.raises(InputError, match="as series and as pointcloud: wrap it"):
        adapter_for(archive, ALL)
    archive.write_bytes(npz(train=POINTS))
    assert not ADAPTER.accepts(archive)
    archive.write_bytes(b"nothing")
    assert not ADAPTER.accepts(archive)
    assert not ADAPTER.accepts(tmp_path / "none.npy")


def test_a_tiff_of_coordinates_is_no_picture_unless_it_is_said(tmp_path: Path) -> None:
    tifffile = pytest.importorskip("tifffile")
    path = tmp_path / "scan.tiff"
    tifffile.imwrite(path, np.ones((20, 30, 3), "f4"), photometric="rgb")
    assert adapter_for(path, ALL) is ADAPTER
    assert adapter_for(str(path), ALL) is ADAPTER
    assert adapter_for(ImageInput(path), ALL) is ALL["image"]
    tifffile.imwrite(path, np.zeros((20, 30, 3), "u1"), photometric="rgb")
    assert adapter_for(path, ALL) is ALL["image"]


def test_the_wrappings_are_named() -> None:
    with pytest.raises(InputError, match=r"ImageInput\(item\) or PointCloudInput\(item\)$"):
        adapter_for(WIDE, ALL)
    with pytest.raises(InputError, match=r"SeriesInput\(item\) or PointCloudInput\(item\) to say"):
        adapter_for({1: 2}.keys(), ALL)


def test_an_array_of_nine_columns_may_be_a_picture() -> None:
    with pytest.raises(InputError, match="as image and as pointcloud: wrap it"):
        adapter_for(WIDE, ALL)


def test_content_decides_before_the_ending(tmp_path: Path) -> None:
    path = tmp_path / "part.xyz"
    path.write_bytes(ply())
    same(load(path).cloud.points, POINTS)
    path = tmp_path / "part.txt"
    path.write_text(lines(POINTS))
    sample = load(path, units="mm")
    same(sample.cloud.points, POINTS)
    assert (sample.info.name, sample.info.source) == ("part.txt", str(path))
    assert sample.info.modality == "pointcloud"
    memory = load(ply())
    assert (memory.info.name, memory.info.source) == ("point cloud", None)


def test_a_file_object_is_left_where_it_was() -> None:
    file = io.BytesIO(b"..." + ply())
    file.seek(3)
    assert ADAPTER.accepts(file)
    assert file.tell() == 3
    same(load(file).cloud.points, POINTS)
    assert file.tell() == 3


def test_missing_and_empty_files(tmp_path: Path) -> None:
    refused(str(tmp_path / "none.ply"), "there is none at")
    (tmp_path / "a.ply").write_bytes(b"")
    refused(tmp_path / "a.ply", "is empty")
    refused(tmp_path, "is a folder")
    (tmp_path / "a.ply").write_bytes(ply())
    refused(tmp_path / "a.ply", "at most 99 bytes", max_bytes=99)
    (tmp_path / "a.ply").write_bytes(b"<!DOCTYPE html>")
    refused(tmp_path / "a.ply", "error page of a download")


def test_reading_loads_no_package_that_it_does_not_need() -> None:
    code = (
        "import sys, numpy; from gadet.media.pointcloud import PointCloudAdapter as A;"
        "A().load(numpy.random.rand(50, 3));"
        "print({'trimesh', 'laspy', 'tifffile', 'open3d', 'scipy', 'torch'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
