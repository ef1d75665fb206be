"""PLY files, beside plyfile."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media.pointcloud.support import (
    COLOURS,
    CUBE,
    NORMALS,
    POINTS,
    SQUARES,
    TRIANGLES,
    load,
    ply,
    refused,
    same,
)

FORMATS = ("ascii", "<", ">")


def written(form: str, *elements: Any) -> bytes:
    plyfile = pytest.importorskip("plyfile")
    buffer = io.BytesIO()
    order = "=" if form == "ascii" else form
    plyfile.PlyData(list(elements), text=form == "ascii", byte_order=order).write(buffer)
    return buffer.getvalue()


def vertices(kind: str = "f8") -> Any:
    plyfile = pytest.importorskip("plyfile")
    names = [(name, kind) for name in ("x", "y", "z", "nx", "ny", "nz")]
    names += [(name, "u1") for name in ("red", "green", "blue", "alpha")]
    table = np.zeros(len(POINTS), names)
    for number, name in enumerate(("x", "y", "z")):
        table[name], table[f"n{name}"] = POINTS[:, number], NORMALS[:, number]
    for number, name in enumerate(("red", "green", "blue")):
        table[name] = COLOURS[:, number]
    return plyfile.PlyElement.describe(table, "vertex")


def faces(polygons: list[list[int]], extra: bool = False) -> Any:
    plyfile = pytest.importorskip("plyfile")
    kinds = [("quality", "f4"), ("vertex_indices", "O"), ("flags", "u1")]
    table = np.zeros(len(polygons), kinds if extra else kinds[1:2])
    for row, polygon in enumerate(polygons):
        table["vertex_indices"][row] = np.array(polygon, "i4")
    return plyfile.PlyElement.describe(
        table, "face", len_types={"vertex_indices": "u1"}, val_types={"vertex_indices": "i4"}
    )


@pytest.mark.parametrize("form", FORMATS)
def test_points_colours_and_normals(form: str) -> None:
    cloud = load(written(form, vertices())).cloud
    same(cloud.points, POINTS)
    same(cloud.colours, COLOURS)
    np.testing.assert_allclose(cloud.normals, NORMALS, atol=1e-12)
    assert cloud.faces is None
    assert cloud.index is None


def test_single_precision() -> None:
    same(load(written("<", vertices("f4"))).cloud.points, POINTS.astype("f4"))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("extra", [False, True])
def test_triangles_and_mixed_polygons(form: str, extra: bool) -> None:
    triangles = load(written(form, vertices(), faces(TRIANGLES.tolist(), extra))).cloud.faces
    same(triangles, TRIANGLES)
    mixed = [[0, 1, 2], [3, 4, 5, 6, 7], [8, 9], [9, 8, 7, 6], [1, 2, 3]]
    fans = [[0, 1, 2], [3, 4, 5], [3, 5, 6], [3, 6, 7], [9, 8, 7], [9, 7, 6], [1, 2, 3]]
    same(load(written(form, vertices(), faces(mixed, extra))).cloud.faces, fans)
    quads = load(written(form, vertices(), faces(SQUARES.tolist(), extra))).cloud.faces
    assert quads is not None
    same(quads[:2], [[0, 1, 3], [0, 3, 2]])


@pytest.mark.parametrize("form", FORMATS)
def test_other_elements_are_passed_over(form: str) -> None:
    plyfile = pytest.importorskip("plyfile")
    cameras = plyfile.PlyElement.describe(np.zeros(3, [("view_px", "f4"), ("k", "u1")]), "camera")
    lights = plyfile.PlyElement.describe(np.ones(2, [("power", "f8")]), "light")
    data = written(form, cameras, faces(TRIANGLES.tolist()), vertices(), lights)
    cloud = load(data).cloud
    same(cloud.points, POINTS)
    same(cloud.faces, TRIANGLES)


@given(st.lists(st.tuples(*[st.floats(-1e5, 1e5)] * 3), min_size=10, max_size=20))
@settings(max_examples=30, deadline=None)
def test_numbers_of_a_text_come_back_exactly(rows: list[tuple[float, ...]]) -> None:
    rows = [*rows, (3e5, 0.0, 0.0), (0.0, 3e5, 0.0), (0.0, 0.0, 3e5)]
    head = ply(np.zeros((len(rows), 3))).partition(b"end_header\n")[0] + b"end_header\n"
    body = "".join(" ".join(map(repr, row)) + "\n" for row in rows)
    cloud = load(head + body.encode()).cloud
    same(cloud.points, np.array(rows)[cloud.in_input(np.arange(len(cloud)))])


def test_line_ends_of_windows() -> None:
    same(load(ply().replace(b"\n", b"\r\n")).cloud.points, POINTS)


HEAD = "ply\nformat {} 1.0\nelement vertex {}\n" + "".join(
    f"property float {name}\n" for name in "xyz"
)
REFUSED: dict[str, tuple[bytes, str]] = {
    "no end": (b"ply\nformat ascii 1.0\n", "no line end_header"),
    "no format": (b"ply\nelement vertex 1\nproperty float x\nend_header\n1\n", "with a format"),
    "another format": (HEAD.format("morse", 1).encode() + b"end_header\n", "with a format"),
    "no vertices": (b"ply\nformat ascii 1.0\nend_header\n", "an element vertex"),
    "no x": (ply(CUBE[:, :2], ("y", "z")), "columns x, y and z; x not among 'y', 'z'"),
    "a type": (ply().replace(b"double x", b"quad x"), "got 'quad'"),
    "a line": (ply().replace(b"property double x", b"oops"), "it has a line 'oops'"),
    "negative": (ply().replace(b"vertex 40", b"vertex -4"), "a line 'element vertex -4'"),
    "twice": (ply().replace(b"double y", b"double x"), "each property of 'vertex' once"),
    "two elements": (ply().replace(b"end_header", b"element vertex 1\nend_header"), "element once"),
    "huge": (HEAD.format("binary_little_endian", 10**17).encode() + b"end_header\n", "at most"),
    "many": (HEAD.format("binary_little_endian", 10**8).encode() + b"end_header\n", "truncated"),
    "many lines": (ply().replace(b"vertex 40", b"vertex 41"), "41 PLY vertices; 40 lines"),
    "short rows": (ply(POINTS[:, :2]), "3 numbers in every row; got 2"),
    "a word": (ply().replace(b"\n1", b"\nfoo 1", 1), "could not convert|the number of columns"),
    "a face that is nowhere": (ply(faces=[[0, 1, 99]]), "name points from 0 to 39; got 0 to 99"),
    "a face before all": (ply(faces=[[0, 1, -1]]), "got -1 to 1"),
    "a face too long": (ply(faces=[[0, 1, 2]]).replace(b"3 0 1 2", b"9 0 1 2"), "truncated"),
    "a face of less than none": (
        ply(faces=[[0, 1, 2], [0, 1]]).replace(b"3 0 1 2", b"-3 0 1 2"), "length from 0; got -3"
    ),
    "a face of words": (ply(faces=[[0, 1, 2]]).replace(b"3 0 1 2", b"3 a b c"), "got words"),
    "few faces": (ply(faces=[[0, 1, 2]]).replace(b"face 1", b"face 2"), "truncated"),
    "lists of points": (
        ply().replace(b"property double x", b"property list uchar int a\nproperty double x"),
        "vertices of single values",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    refused(*REFUSED[name])


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("share", [0.5, 0.9, 0.99])
def test_truncated(form: str, share: float) -> None:
    data = written(form, vertices(), faces([*TRIANGLES.tolist(), [0, 1, 2, 3]]))
    refused(data[: int(len(data) * share)], "truncated|as many numbers|numbers in every row")


def test_points_and_faces_are_counted_before_they_are_read() -> None:
    refused(ply(), "at most 39 rows of the PLY element 'vertex'; got 40", max_pixels=39)
    refused(ply(faces=[[0, 1, 2]] * 50), "'face'; got 50", max_pixels=45)
