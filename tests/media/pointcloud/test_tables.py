"""Texts, arrays and archives: which number means what."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media.pointcloud.support import (
    COLOURS,
    NORMALS,
    POINTS,
    lines,
    load,
    notes,
    npy,
    npz,
    refused,
    same,
    zipped,
)

COLOURED = np.hstack([POINTS, COLOURS])
FULL = np.hstack([POINTS, COLOURS, NORMALS])
TEXTS: dict[str, str] = {
    "blanks": lines(POINTS),
    "many blanks": lines(POINTS, "   ").replace("\n", "  \n  "),
    "commas": lines(POINTS, ","),
    "commas and blanks": lines(POINTS, ", "),
    "semicolons": lines(POINTS, ";"),
    "tabs": lines(POINTS, "\t"),
    "comments": "# x y z\n// by hand\n\n" + lines(POINTS) + "# end\n",
    "names": "x,y,z\n" + lines(POINTS, ","),
    "quoted names": '"X";"Y";"Z"\n' + lines(POINTS, ";"),
    "a count": "40\n" + lines(POINTS),
    "windows": lines(POINTS).replace("\n", "\r\n"),
    "mark": "\ufeff" + lines(POINTS),
    "a value more": lines(np.hstack([POINTS, POINTS[:, :1]])),
    "other names": "z [mm],time,x [mm],y [mm]\n"
    + lines(np.column_stack([POINTS[:, 2], POINTS[:, 0], POINTS[:, :2]]), ","),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(name: str) -> None:
    sample = load(TEXTS[name].encode(), format="text")
    same(sample.cloud.points, POINTS)
    assert sample.cloud.units == ("mm" if "[mm]" in TEXTS[name] else None)
    assert ("fourth column" in notes(sample)) == (name == "a value more")


def test_empty_fields_are_missing() -> None:
    text = "x,y,z\n" + lines(POINTS, ",") + "1,,3\n,,\n"
    sample = load(text.encode(), format="text")
    same(sample.cloud.points, POINTS)
    assert "2 points without finite coordinates" in notes(sample)


def test_columns_of_a_text() -> None:
    rows = np.hstack([POINTS, NORMALS[:, :1], COLOURS])
    sample = load(lines(rows).encode(), columns=("x", "y", "z", "_", "r", "g", "b"))
    same(sample.cloud.colours, COLOURS)
    named = "a,b,c\n" + lines(POINTS, ",")
    same(load(named.encode(), columns=["z", "x", "y"]).cloud.points, POINTS[:, [1, 2, 0]])


@given(
    st.lists(st.lists(st.floats(-1e5, 1e5), min_size=3, max_size=3), min_size=10, max_size=20),
    st.sampled_from([" ", ",", ";", "\t"]),
)
@settings(max_examples=40, deadline=None)
def test_numbers_come_back_exactly(rows: list[list[float]], separator: str) -> None:
    anchored = [*rows, *(np.eye(3) * 3e5).tolist()]
    text = "".join(separator.join(map(repr, row)) + "\n" for row in anchored)
    cloud = load(text.encode(), format="text").cloud
    same(cloud.points, np.array(anchored)[cloud.in_input(np.arange(len(cloud)))])


KINDS: dict[str, Any] = {
    "bytes": (COLOURED, True, False),
    "floats": (np.hstack([POINTS, COLOURS / 255]), True, False),
    "normals": (np.hstack([POINTS, NORMALS]), False, True),
    "both": (FULL, True, True),
    "both, swapped": (np.hstack([POINTS, NORMALS, COLOURS]), True, True),
    "single": (FULL.astype("f4"), True, True),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("form", ["array", "npy", "npz", "text"])
def test_six_and_nine_columns(name: str, form: str) -> None:
    rows, coloured, normal = KINDS[name]
    item = {"array": rows, "npy": npy(rows), "npz": npz(a=rows), "text": lines(rows).encode()}
    cloud = load(item[form], format="text" if form == "text" else None, units="mm").cloud
    np.testing.assert_allclose(cloud.points, POINTS, atol=1e-6)
    assert (cloud.colours is not None) == coloured
    assert (cloud.normals is not None) == normal
    if coloured:
        same(cloud.colours, COLOURS)
    if normal:
        np.testing.assert_allclose(cloud.normals, NORMALS, atol=1e-6)


def test_named_fields_and_masked_values() -> None:
    table = np.zeros(40, [("X", "f4"), ("Y", "f4"), ("Z", "f4"), ("intensity", "u2")])
    for number, name in enumerate("XYZ"):
        table[name] = POINTS[:, number]
    same(load(table, units="m").cloud.points, POINTS.astype("f4"))
    masked = np.ma.masked_array(POINTS, np.zeros_like(POINTS, bool))
    masked[5, 1] = np.ma.masked
    same(load(masked).cloud.index, np.delete(np.arange(40), 5))


def test_whole_numbers() -> None:
    rows = np.arange(60).reshape(20, 3) ** 2 % 17
    same(load(rows, units="mm").cloud.points, rows)


def test_an_archive_of_parts() -> None:
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    data = npz(points=POINTS, colors=COLOURS, normals=NORMALS, faces=faces, other=np.zeros(7))
    cloud = load(data, units="mm").cloud
    same(cloud.points, POINTS)
    same(cloud.colours, COLOURS)
    same(cloud.faces, faces)
    assert cloud.normals is not None
    same(load(npz(a=POINTS, b=POINTS + 1), array="b").cloud.points, POINTS + 1)


REFUSED: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "words": (b"hello there world\n1 2 3\n", "x and y and z not among 'hello'", {}),
    "a word": (b"1 2 3\n1 two 3\n", "could not convert", {}),
    "a word below names": (b"x,y,z\n1,2,3\n1,a,3\n", "row 2 below the 1 at the top|convert", {}),
    "rows": (b"1 2 3\n1 2\n", "as many numbers in every line", {}),
    "blank": (b"\n \n# x\n", "the text holds none", {"format": "text"}),
    "names alone": (b"x,y,z\n", "the text holds none", {"format": "text"}),
    "names and fewer": (b"x,y,z,nx\n1,2,3\n", "4 numbers in every row, as many as", {}),
    "binary": (b"1 2 3\n\0", "got binary data", {}),
    "two columns": (b"1 2\n3 4\n", "3, 6 or 9 columns .*; got 2", {}),
    "seven columns": (lines(np.ones((20, 7))).encode(), "got 7: say what they are", {}),
    "neither": (np.hstack([POINTS, POINTS]), "columns 3 to 5; the numbers can be neither", {}),
    "one colour": (np.hstack([POINTS, np.tile([1.0, 0, 0], (40, 1))]), "neither or both", {}),
    "colours twice": (np.hstack([COLOURED, COLOURS]), "columns 6 to 8; .* neither or both", {}),
    "no normals": (np.hstack([POINTS, np.zeros((40, 3))]), "neither or both", {}),
    "names of another number": (POINTS, "a name for each of 3 columns", {"columns": ("x", "y")}),
    "names without z": (POINTS, "z not among", {"columns": ("x", "y", "_")}),
    "shape": (np.zeros((3, 40)), r"got shape \(3, 40\)|3, 6 or 9 columns", {"units": "m"}),
    "flat": (np.zeros(40), r"\(N, 3\), \(N, 6\).*got shape \(40,\)", {"units": "m"}),
    "upright": (np.zeros((3, 2)), "give item.T", {"units": "m"}),
    "complex": (np.zeros((40, 3), complex), "numbers; got complex128", {"units": "m"}),
    "objects": (npz(a=np.array([{}], object)), "allow_pickle=False", {}),
    "several": (npz(a=POINTS, b=POINTS), "choose one with PointCloudInput.*array=", {}),
    "no such array": (npz(a=POINTS), "array to be one of 'a'; got 'b'", {"array": "b"}),
    "another archive": (zipped(readme=b"hello"), "got no arrays", {}),
    "half an archive": (npz(a=POINTS)[:-30], r"npz; this one cannot be read \(BadZipFile", {}),
    "half an array": (npy(POINTS)[:-8], "it is truncated", {}),
    "gzip": (b"\x1f\x8b" + bytes(30), "gzip data: unpack it", {}),
    "a picture": (b"\x89PNG\r\n", r"a depth map needs .*intrinsics", {}),
    "a list of words": ([["a", "b", "c"]], "array of numbers", {}),
    "a ragged list": ([[1, 2, 3], [1, 2]], "array of numbers; list cannot be made one", {}),
    "a set": ({1, 2}, "Open3D or trimesh, an array, or a file; got set", {}),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    item, match, options = REFUSED[name]
    refused(item, match, options or {"units": None, "depth_scale": 2})


def test_bounds() -> None:
    refused(lines(POINTS).encode(), "at most 39 lines; got 41", {"format": "text"}, max_pixels=39)
    refused(POINTS, "at most 39 points; got 40", max_pixels=39)
    bomb = zipped(**{"points.npy": npy(np.zeros((20_000, 3)))})
    refused(bomb, "unpacks to at most", {"units": "m"}, max_bytes=len(bomb))
    refused(io.BytesIO(npy(POINTS)), "at most 99 bytes", {"units": "m"}, max_bytes=99)
