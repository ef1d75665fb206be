"""PCD files of each storage, and the compression within them."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import InputError
from gadet.media.pointcloud.lzf import lzf_unpacked
from tests.media.pointcloud.support import (
    COLOURS,
    NAN,
    NORMALS,
    POINTS,
    load,
    lzf,
    notes,
    packed,
    pcd,
    refused,
    same,
)

STORAGES = ("ascii", "binary", "binary_compressed")
XYZ = {name: POINTS[:, number].astype("f4") for number, name in enumerate("xyz")}


def columns(kind: str = "f4") -> dict[str, npt.NDArray[Any]]:
    return {
        "label": np.arange(40, dtype="u2"),
        **{name: POINTS[:, number].astype(kind) for number, name in enumerate("xyz")},
        "_1": np.zeros((40, 4), "u1"),
        "normal_x": NORMALS[:, 0].astype(kind),
        "normal_y": NORMALS[:, 1].astype(kind),
        "normal_z": NORMALS[:, 2].astype(kind),
        "_2": np.zeros((40, 3), "u1"),
        "rgb": packed(COLOURS),
    }


@pytest.mark.parametrize("storage", STORAGES)
@pytest.mark.parametrize("kind", ["f4", "f8"])
def test_points_colours_and_normals(storage: str, kind: str) -> None:
    cloud = load(pcd(columns(kind), storage)).cloud
    same(cloud.points, POINTS.astype(kind))
    same(cloud.colours, COLOURS)
    np.testing.assert_allclose(cloud.normals, NORMALS, atol=1e-6)
    assert cloud.grid is None
    assert cloud.sensor is None


@pytest.mark.parametrize("storage", STORAGES)
def test_colours_packed_into_a_float(storage: str) -> None:
    bits = packed(COLOURS).view("f4")
    same(load(pcd({**XYZ, "rgb": bits}, storage)).cloud.colours, COLOURS)


@pytest.mark.parametrize("storage", STORAGES)
def test_organised_with_holes(storage: str) -> None:
    holes = {name: values.copy() for name, values in XYZ.items()}
    for values in holes.values():
        values[[3, 17]] = NAN
    sample = load(pcd(holes, storage, size=(8, 5), viewpoint="1 2 3 1 0 0 0"))
    cloud, kept = sample.cloud, np.delete(np.arange(40), [3, 17])
    assert cloud.grid is not None
    assert cloud.grid.shape == (5, 8)
    assert (cloud.grid[0, 3], cloud.grid[2, 1], cloud.grid[0, 4]) == (-1, -1, 3)
    same(cloud.points, POINTS.astype("f4")[kept])
    same(cloud.index, kept)
    same(cloud.sensor, [1, 2, 3])
    assert notes(sample) == "2 pixels of 40 are holes"


def test_the_sensor_of_a_cloud_that_is_not_organised() -> None:
    same(load(pcd(XYZ, viewpoint="0 0 2 1 0 0 0")).cloud.sensor, [0, 0, 2])
    assert load(pcd(XYZ, viewpoint="0 0 nan 1 0 0 0")).cloud.sensor is None


def test_an_old_header() -> None:
    data = pcd(XYZ).replace(b"VERSION 0.7", b"VERSION .7").replace(b"COUNT 1 1 1\n", b"")
    same(load(data.replace(b"\nPOINTS 40", b"")).cloud.points, POINTS.astype("f4"))


@given(st.binary(max_size=300) | st.lists(st.sampled_from(b"ab"), max_size=600).map(bytes))
@settings(max_examples=80, deadline=None)
def test_what_was_packed_comes_back(data: bytes) -> None:
    assert lzf_unpacked(lzf(data), len(data)) == data


@given(st.binary(max_size=60), st.integers(0, 400))
@settings(max_examples=200, deadline=None)
def test_any_packed_bytes_are_unpacked_or_refused(data: bytes, size: int) -> None:
    with contextlib.suppress(InputError):
        assert len(lzf_unpacked(data, size)) == size


def test_a_run_that_repeats_itself() -> None:
    assert lzf_unpacked(b"\x01ab\xe0\x05\x01", 16) == b"ab" * 8


LZF_REFUSED = {
    "before the start": (b"\x00a\x20\x05", 4),
    "within a literal": (b"\x05ab", 6),
    "within a run": (b"\x00a\xe0\x05", 15),
    "too little": (b"\x00a", 2),
    "too much": (b"\x01ab\xe0\xff\x00", 3),
    "a bomb": (b"\x00a", 10**12),
}


@pytest.mark.parametrize("name", LZF_REFUSED)
def test_packed_bytes_refused(name: str) -> None:
    with pytest.raises(InputError, match="compressed data"):
        lzf_unpacked(*LZF_REFUSED[name])


GOOD = pcd(XYZ)
SQUEEZED = pcd(XYZ, "binary_compressed")
REFUSED: dict[str, tuple[bytes, str]] = {
    "no data": (b"# .PCD v0.7\nVERSION 0.7\nFIELDS x y z\n", "no line DATA"),
    "storage": (GOOD.replace(b"DATA binary", b"DATA wax"), "got 'wax'"),
    "no z": (pcd({"x": XYZ["x"], "y": XYZ["y"]}), "z not among 'x', 'y'"),
    "fields": (GOOD.replace(b"SIZE 4 4 4", b"SIZE 4 4"), "as many of FIELDS.*3, 2, 3 and 3"),
    "no fields": (GOOD.replace(b"FIELDS x y z", b"FIELDS"), "as many of FIELDS"),
    "type": (GOOD.replace(b"TYPE F F F", b"TYPE F F Q"), "got Q 4"),
    "size": (GOOD.replace(b"SIZE 4 4 4", b"SIZE 4 4 3"), "got F 3"),
    "no number": (GOOD.replace(b"SIZE 4 4 4", b"SIZE 4 4 x"), "whole numbers for SIZE"),
    "count": (GOOD.replace(b"COUNT 1 1 1", b"COUNT 1 1 99999"), "COUNT of 0 to 65,536"),
    "no width": (GOOD.replace(b"WIDTH 40\n", b"").replace(b"POINTS 40\n", b""), "WIDTH and HEIGHT"),
    "negative": (GOOD.replace(b"WIDTH 40", b"WIDTH -40"), "one number each from 0"),
    "product": (GOOD.replace(b"HEIGHT 1", b"HEIGHT 2"), "POINTS to be WIDTH × HEIGHT; got 40"),
    "many": (
        GOOD.replace(b"WIDTH 40", b"WIDTH 900000000").replace(b"POINTS 40", b"POINTS 900000000"),
        "at most 200,000,000 points",
    ),
    "truncated": (GOOD[:-1], "480 bytes of data and 479 follow"),
    "rows": (pcd(XYZ, "ascii")[:-40], "numbers in every|lines of numbers follow|columns changed"),
    "squeezed, cut": (SQUEEZED[:-1], "truncated"),
    "squeezed, no sizes": (SQUEEZED[: SQUEEZED.index(b"compressed\n") + 15], "8 bytes of data"),
    "squeezed, another size": (
        SQUEEZED.replace(struct.pack("<I", 480), struct.pack("<I", 481), 1),
        "40 points of 12 bytes each.*unpack to 481",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    refused(*REFUSED[name])


def test_what_it_unpacks_to_is_bounded() -> None:
    refused(SQUEEZED, "unpacks to at most|at most", max_bytes=59)
    wide = pcd({**XYZ, "histogram": np.zeros((40, 30), "f8")}, "binary_compressed")
    refused(wide, "unpacks to at most", max_bytes=len(wide))
    refused(GOOD, "at most 39 points; got 40", max_pixels=39)
