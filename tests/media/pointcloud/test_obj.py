"""OBJ files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.media.pointcloud.support import COLOURS, NORMALS, POINTS, lines, load, refused, same

FAN = [[0, n, n + 1] for n in range(1, 39)]


def rows(word: str, values: object) -> str:
    return "".join(f"{word} {row}\n" for row in lines(values).splitlines())  # type: ignore[arg-type]


def corners(form: str, faces: list[list[int]] = FAN) -> str:
    return "".join(f"f {' '.join(form.format(n + 1) for n in face)}\n" for face in faces)


VERTICES = rows("v", POINTS)


@pytest.mark.parametrize("form", ["{0}", "{0}/7", "{0}//3", "{0}/1/{0}"])
def test_points_and_faces_keep_their_order(form: str) -> None:
    head = "mtllib nowhere.mtl\no thing\nvt 0 0\nvn 0 0 1\nusemtl red\ns off\n"
    text = corners(form, FAN[:20]) + "usemtl blue\ng more\n" + corners(form, FAN[20:])
    cloud = load((head + VERTICES + text).encode()).cloud
    same(cloud.points, POINTS)
    same(cloud.faces, FAN)


def test_polygons_continued_lines_and_numbers_from_behind() -> None:
    faces = "f 1 2 \\\n 3 4\nf -1 -2 -3 # the last three\n"
    text = rows("v", POINTS[:10]) + faces + rows("v", POINTS[10:]) + "f -40 -1 -2\nf 1 2\n"
    cloud = load(text.encode(), format="obj").cloud
    same(cloud.faces, [[0, 1, 2], [0, 2, 3], [9, 8, 7], [0, 39, 38]])


def test_colours_and_points_alone() -> None:
    cloud = load(rows("v", np.hstack([POINTS, COLOURS / 255])).encode()).cloud
    same(cloud.colours, COLOURS)
    assert cloud.faces is None
    same(load(rows("v", np.hstack([POINTS, np.ones((40, 1))])).encode()).cloud.points, POINTS)


def test_normals_that_belong_to_the_vertices() -> None:
    both = rows("v", POINTS) + rows("vn", NORMALS)
    for text in (both, both + corners("{0}//{0}"), both + corners("{0}")):
        np.testing.assert_allclose(load(text.encode()).cloud.normals, NORMALS, atol=1e-9)
    assert load((both + corners("{0}//1")).encode()).cloud.normals is None
    assert load((both + corners("{0}//{0}1")).encode()).cloud.normals is None


def test_a_path(tmp_path: Path) -> None:
    path = tmp_path / "part.obj"
    path.write_text("# made by hand\n" + VERTICES)
    assert load(path).info.name == "part.obj"
    path.write_text("# made by hand\n")
    refused(path, rf"^{path}: .*got 0 of 0 numbers")


REFUSED: dict[str, tuple[str, str]] = {
    "nothing": ("f 1 2 3\n", "got 0 of 0 numbers"),
    "two coordinates": (rows("v", POINTS[:, :2]), "got 40 of 2 numbers"),
    "a word": (VERTICES + "v 1 2 x\n", "could not convert"),
    "a normal of words": (VERTICES + "vn a b c\n" * 40, "could not convert"),
    "zero": (VERTICES + "f 0 1 2\n", "one names 0"),
    "words": (VERTICES + "f a b c\n", "got words"),
    "large": (VERTICES + "f 1 2 99999999999999999999\n", "got words"),
    "no such vertex": (VERTICES + "f 1 2 41\n", "from 0 to 39; got 0 to 40"),
    "none so far behind": (VERTICES + "f 1 2 -41\n", "got -1 to 1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    text, match = REFUSED[name]
    refused(text.encode(), match, {"format": "obj"})


def test_bounds() -> None:
    refused(VERTICES.encode(), "at most 40 lines; got 41", {"format": "obj"}, max_pixels=40)
