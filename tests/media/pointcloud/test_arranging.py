"""What becomes of points that are none, and of clouds that cannot be looked at."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.media.pointcloud.arrange import arrange
from gadet.media.pointcloud.reading import Reading
from tests.media.pointcloud.support import COLOURS, NAN, NORMALS, POINTS, load, notes, refused, same

INF = float("inf")


def with_rows(rows: dict[int, Any], points: npt.NDArray[Any] = POINTS) -> npt.NDArray[np.float64]:
    changed = points.copy()
    for row, values in rows.items():
        changed[row] = values
    return changed


def test_points_that_are_not_finite_are_left_out_with_all_that_is_theirs() -> None:
    points = with_rows({0: NAN, 7: (1, INF, 2), 8: (1, 2, 1e30)})
    faces = np.array([[1, 2, 3], [7, 8, 9], [9, 10, 11]])
    cloud, told = arrange(Reading(points, COLOURS, NORMALS, faces))
    kept = np.delete(np.arange(40), [0, 7, 8])
    same(cloud.index, kept)
    same(cloud.points, POINTS[kept])
    same(cloud.colours, COLOURS[kept])
    np.testing.assert_allclose(cloud.normals, NORMALS[kept], atol=1e-12)
    assert cloud.faces is not None
    same(kept[cloud.faces], faces[[0, 2]])
    assert "3 points without finite coordinates left out" in told
    assert "1 faces left out with the points they named" in told
    same(cloud.in_input([0, 5]), [1, 6])


def test_a_face_without_points_is_no_face() -> None:
    cloud, _ = arrange(Reading(with_rows({0: NAN}), faces=np.array([[0, 1, 2]])))
    assert cloud.faces is None


def test_absurd_coordinates_are_left_out_and_large_ones_kept() -> None:
    sample = load(with_rows({4: (1e12, 0, 0), 5: (0, -1e12, 0)}))
    same(sample.cloud.index, np.delete(np.arange(40), [4, 5]))
    assert "2 points left out that are 10,000 times as far" in notes(sample)
    far = load(with_rows({4: (1000.0, 0, 0)}))
    assert len(far.cloud) == 40
    # A whole cloud far from the origin, as in national grids, and one of any size, stay as is.
    grid = np.array([4.5e6, 5.2e6, 100.0])
    for shifted in (POINTS + grid, POINTS + 1e12, POINTS * 1e-9, POINTS * 1e9):
        moved = load(shifted).cloud
        same(moved.points, shifted)


@pytest.mark.parametrize("kind", ["f2", "f4", ">f8", "i2", "u1", "i8"])
def test_any_type_of_number(kind: str) -> None:
    points = np.abs(POINTS * 10).astype(kind)
    cloud = load(points, units="mm").cloud
    same(cloud.points, points)
    assert cloud.points.dtype == np.float64
    assert not cloud.points.flags.writeable
    assert points.flags.writeable


def test_points_in_one_place_are_counted() -> None:
    doubled = np.concatenate([POINTS, POINTS[:15], POINTS[:2]])
    sample = load(doubled)
    assert notes(sample) == "17 points stand in the place of another"
    assert len(sample.cloud) == 57
    zero = load(with_rows({0: (0.0, 1, 2), 1: (-0.0, 1, 2)}))
    assert notes(zero) == "1 points stand in the place of another"


@given(st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=10, max_size=60))
@settings(max_examples=60, deadline=None)
def test_places_are_counted_as_a_set_does(rows: list[tuple[int, int, int]]) -> None:
    rows = [*rows, (9, 0, 0), (0, 9, 0), (0, 0, 9)]
    doubles = len(rows) - len(set(rows))
    expected = f"{doubles:,} points stand in the place of another" if doubles else ""
    assert notes(load(np.array(rows, float))) == expected


REFUSED: dict[str, tuple[Any, str]] = {
    "none": (np.empty((0, 3)), "it has none"),
    "all missing": (np.full((40, 3), NAN), "all 40 are NaN, infinite or holes"),
    "all infinite": (np.full((40, 3), INF), "all 40 are NaN"),
    "few": (POINTS[:9], "at least 10 points; got 9"),
    "few are left": (with_rows(dict.fromkeys(range(35), NAN)), "at least 10 points; got 5"),
    "one place": (np.tile(POINTS[:1], (40, 1)), "all 40 stand in one"),
    "one far place": (np.tile([[1e12, 3.3e11, 1]], (40, 1)), "all 40 stand in one"),
    "a line": (np.outer(np.arange(40), (1.0, 2, 3)), "all 40 lie on one line"),
    "a line elsewhere": (np.outer(np.arange(40) ** 2, (1, 2, 0.1)) + 5.5, "lie on one line"),
    "a far line": (np.outer(np.arange(40), (1, 1, 1)) + 1e9, "lie on one line"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    refused(*REFUSED[name])


def test_a_plane_is_no_line() -> None:
    flat = POINTS * (1, 1, 0)
    same(load(flat).cloud.points, flat)
    narrow = POINTS * (1, 1e-4, 1e-5)
    same(load(narrow).cloud.points, narrow)


COLOURED: dict[str, tuple[npt.NDArray[Any], npt.NDArray[np.uint8] | None]] = {
    "bytes": (COLOURS, COLOURS),
    "with alpha": (np.hstack([COLOURS, COLOURS[:, :1]]), COLOURS),
    "to one": (COLOURS / 255, COLOURS),
    "to 255": (COLOURS.astype("f4"), COLOURS),
    "whole numbers": (COLOURS.astype("i8"), COLOURS),
    "16 bits": (COLOURS.astype("u2") * 257, COLOURS),
    "dark bytes": (COLOURS.astype("u2") % 2, COLOURS % 2),
    "negative": (COLOURS.astype("i2") - 1000, None),
    "too large": (COLOURS * 1e9, None),
}


@pytest.mark.parametrize("name", COLOURED)
def test_colours(name: str) -> None:
    given_, expected = COLOURED[name]
    cloud, told = arrange(Reading(POINTS, colours=given_))
    same(cloud.colours, expected) if expected is not None else None
    assert (cloud.colours is None) == (expected is None)
    assert any("colours left out" in note for note in told) == (expected is None)


def test_normals_get_length_one() -> None:
    given_ = NORMALS * np.linspace(0.1, 1e6, 40)[:, None]
    given_[2], given_[3] = 0, NAN
    cloud, told = arrange(Reading(POINTS, normals=given_))
    assert cloud.normals is not None
    np.testing.assert_allclose(np.linalg.norm(np.delete(cloud.normals, [2, 3], 0), axis=1), 1)
    same(cloud.normals[[2, 3]], np.zeros((2, 3)))
    assert told == ("2 points have no normal",)
    assert arrange(Reading(POINTS, normals=NORMALS * 0))[0].normals is None


@pytest.mark.parametrize(
    ("reading", "match"),
    [
        (Reading(POINTS[:, :2]), r"points \(N, 3\)"),
        (Reading(POINTS, colours=COLOURS[:7]), r"colours of shape \(40, 3\).*got \(7, 3\)"),
        (Reading(POINTS, normals=NORMALS[:, :2]), r"normals of shape \(40, 3\)"),
        (Reading(POINTS, colours=np.full((40, 3), "red")), "colours to be numbers"),
        (Reading(POINTS, faces=np.zeros((2, 4), int)), r"faces \(M, 3\).*got shape \(2, 4\)"),
        (Reading(POINTS, faces=np.zeros((2, 3))), "whole numbers; got .* float64"),
    ],
)
def test_parts_that_do_not_belong_together(reading: Reading, match: str) -> None:
    with pytest.raises(Exception, match=match):
        arrange(reading)


def test_holes_of_an_organised_array() -> None:
    grid = POINTS.reshape(5, 8, 3).copy()
    grid[1, 2], grid[4, 7] = 0, (0, 0, NAN)
    cloud = load(grid, units="mm").cloud
    assert cloud.grid is not None
    same(np.argwhere(cloud.grid < 0), [[1, 2], [4, 7]])
    rows, columns = np.nonzero(cloud.grid >= 0)
    same(cloud.points[cloud.grid[rows, columns]], grid[rows, columns])
    same(cloud.index, rows * 8 + columns)


def test_what_a_cloud_measures_and_says() -> None:
    sample = load(POINTS, units="mm")
    cloud = sample.cloud
    same(cloud.low, POINTS.min(axis=0))
    same(cloud.high, POINTS.max(axis=0))
    assert cloud.diagonal == pytest.approx(float(np.sqrt((np.ptp(POINTS, axis=0) ** 2).sum())))
    assert len(sample) == 40
    assert sample.moments is None
    assert str(float(POINTS[0, 0])) not in repr(sample)
    other = load(POINTS + 1e-9, units="mm")
    assert other.info.sha256 != sample.info.sha256
    assert load(POINTS.astype(">f8"), units="mm").info.sha256 == sample.info.sha256


def test_a_region_counts_points_as_the_input_does() -> None:
    sample = load(with_rows({0: NAN}), units="mm")
    region = sample.region([3, 1, 3])
    assert region.indices == (2, 4)
    np.testing.assert_allclose(region.centroid, POINTS[[2, 4]].mean(axis=0))
    np.testing.assert_allclose(region.extent, np.ptp(POINTS[[2, 4]], axis=0))
    assert region.units == "mm"
    mask = np.zeros(39, bool)
    mask[[1, 3]] = True
    assert sample.region(mask) == region
    for rows in ([], [39], [-1]):
        with pytest.raises(Exception, match="rows from 0 to 38, at least one"):
            sample.region(rows)
