"""Pictures of clouds for a model: what they show, how large, from where, and the way back."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gadet.errors import InputError
from gadet.geometry import Box
from gadet.media.pointcloud import PointCloudSample
from gadet.media.pointcloud.aims import plan_of, upright
from gadet.media.pointcloud.extent import around_points
from gadet.media.pointcloud.ground import standing
from gadet.media.pointcloud.pages import pages
from gadet.media.pointcloud.stance import Stance
from gadet.media.pointcloud.view import PointCloudView
from gadet.view import ViewLimits
from tests.media.pointcloud.render.shapes import ball, box
from tests.media.pointcloud.support import load

Floats = npt.NDArray[np.float64]
SMALL = ViewLimits(max_side=1024, max_pixels=1024**2)


def rotation(seed: int) -> Floats:
    turn, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return np.asarray(turn * np.linalg.det(turn))


@pytest.fixture(scope="module")
def block() -> PointCloudSample:
    return load(box(6000, (30.0, 20.0, 8.0))[0], units="mm")


def scan(side: int = 60, hole: bool = False) -> npt.NDArray[np.float32]:
    """What a depth camera at the origin sees of a wavy sheet, `(H, W, 3)`, y down."""
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    depth = 4 + 0.1 * np.sin(5 * x)
    points = np.stack([x * depth / 2, y * depth / 2, depth], axis=2).astype(np.float32)
    if hole:
        points[10:20, 10:20] = np.nan
    return points


def test_a_body_is_shown_from_all_around_on_one_sheet(block: PointCloudSample) -> None:
    (view,) = block.views(ViewLimits())
    assert (view.role, view.kind, view.caption) == (
        "item",
        "clean",
        "6 renderings of one point cloud; the scale bars are in mm",
    )
    assert view.picture.size == (view.frame.width, view.frame.height)
    assert max(view.picture.size) == 1568
    assert len(view.cells) == 6
    assert {cell.mode for cell in view.cells} == {"shaded"}
    seen = np.unique(np.concatenate([cell.shown.ravel() for cell in view.cells]))
    assert len(seen) > 0.95 * len(block)


def test_nothing_is_rendered_before_a_picture_is_looked_at(
    block: PointCloudSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("rendered")

    monkeypatch.setattr("gadet.media.pointcloud.sample.render", never)
    fresh = PointCloudSample(block.info, block.cloud)
    (view,) = fresh.views(SMALL)
    (again,) = PointCloudSample(block.info, block.cloud).views(SMALL)
    (other,) = fresh.views(SMALL, role="reference")
    assert view.sha256 == again.sha256 != other.sha256
    assert "scene" not in fresh.__dict__


def test_every_pixel_leads_to_its_point(block: PointCloudSample) -> None:
    """The point that a pixel shows, projected by hand, lies at that pixel."""
    (view,) = block.views(SMALL)
    for cell in view.cells:
        camera = cell.rendering.camera
        rows, columns = np.nonzero(cell.shown >= 0)
        points = block.cloud.points[cell.shown[rows, columns]]
        local = (points - camera.centre) @ camera.rotation.T
        u = local[:, 0] * camera.scale + camera.width / 2
        v = local[:, 1] * camera.scale + camera.height / 2
        away = np.hypot(u - columns - 0.5, v - rows - 0.5)
        assert np.quantile(away, 0.99) < 12  # gaps between points are filled by the nearest
        assert np.median(away) < 4
        x0, y0, x1, y1 = cell.edges
        part = np.asarray(view.picture)[y0:y1, x0:x1]
        dark = (part != 250).any(axis=2)
        assert dark[rows, columns].mean() > 0.95


def test_a_cell_is_found_by_the_box_that_lies_on_it(block: PointCloudSample) -> None:
    (view,) = block.views(SMALL)
    third = view.cells[2]
    x, y = third.box.centre
    assert view.cell_of(Box.of(x - 5, y - 5, x + 5, y + 5)) is third
    assert view.cell_of(Box.of(0, 0, 4, 4)) is None


@pytest.mark.parametrize(
    ("side", "count", "shown"), [(1568, 1, 6), (1024, 1, 6), (800, 3, 2), (512, 6, 1), (200, 6, 1)]
)
def test_renderings_stand_on_as_few_pictures_as_show_them(
    side: int, count: int, shown: int
) -> None:
    made = pages(6, ViewLimits(max_side=side, max_pixels=side**2), columns=3)
    assert [len(page.numbers) for page in made] == [shown] * count
    assert [n for page in made for n in page.numbers] == list(range(6))
    assert all(max(page.size) <= side for page in made)
    for page in made:
        assert page.layout.size[0] <= page.size[0]
        assert page.layout.size[1] <= page.size[1]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6), st.integers(1, 4), st.integers(64, 2000), st.sampled_from([1, 14, 28, 32])
)
def test_pages_fit_whatever_the_limits(count: int, columns: int, side: int, multiple: int) -> None:
    limits = ViewLimits(max_side=side, max_pixels=side**2, multiple=multiple)
    made = pages(count, limits, columns=columns)
    assert [n for page in made for n in page.numbers] == list(range(count))
    for page in made:
        assert limits.fit(*page.size) == page.size
        assert page.layout.size[0] <= page.size[0] or page.layout.cell == (1, 1)


def test_the_same_pose_shows_the_same_picture() -> None:
    """A moved copy, shown like the original, looks like it to the pixel's rounding."""
    points = box(5000, (30.0, 20.0, 8.0))[0]
    first = load(points)
    turn, shift = rotation(3), np.array([5.0, -2.0, 11.0])
    second = load(points @ turn.T + shift)
    back = np.eye(4)
    back[:3, :3], back[:3, 3] = turn.T, -turn.T @ shift
    posed = second.like(Stance(first, lambda: back))
    assert posed.posed
    one, other = first.views(SMALL)[0], posed.views(SMALL)[0]
    for mine, theirs in zip(one.cells, other.cells, strict=True):
        same = (mine.shown >= 0) == (theirs.shown >= 0)
        assert same.mean() > 0.995
    apart = np.abs(np.asarray(one.picture, int) - np.asarray(other.picture)).max(axis=2)
    assert (apart > 40).mean() < 0.02  # the axes are drawn as they lie in each cloud


def test_what_cannot_be_posed_is_shown_in_its_own_pose(block: PointCloudSample) -> None:
    lost = load(ball(3000)).like(Stance(block, lambda: None))
    assert not lost.posed
    assert [view.frame for view in lost.views(SMALL)] == [v.frame for v in block.views(SMALL)]
    assert len(lost.views(SMALL)[0].cells) == 6


def test_a_larger_item_still_fits_into_the_cameras_of_its_reference() -> None:
    small, large = load(ball(3000)), load(np.vstack([ball(3000), [[3.0, 0, 0]] * 30]))
    posed = large.like(Stance(small, lambda: np.eye(4)))
    for camera in posed.cameras:
        u, v, _ = camera.project(posed.scene.points, posed.scene.origin)
        assert 0 <= u.min() < u.max() < camera.width
        assert 0 <= v.min() < v.max() < camera.height


def test_a_reference_keeps_no_way_back(block: PointCloudSample) -> None:
    (view,) = block.views(SMALL, role="reference")
    assert view.picture.size == (view.frame.width, view.frame.height)
    assert view.cells == ()


def test_a_scan_is_shown_from_its_sensor_and_by_its_curvature() -> None:
    sample = load(scan(hole=True))
    assert sample.plan.shots == tuple(
        (n, mode) for mode in ("shaded", "curvature") for n in range(3)
    )
    first = sample.cameras[0]
    assert first.rotation[2] @ [0, 0, 1] > 0.99  # along the camera's own line of sight
    assert first.rotation[1] @ [0, 1, 0] > 0.99  # its rows count downwards
    (view,) = sample.views(SMALL)
    assert [cell.mode for cell in view.cells] == ["shaded"] * 3 + ["curvature"] * 3
    assert view.cells[0].rendering is view.cells[3].rendering


def test_colours_are_shown_where_there_are_some() -> None:
    points = ball(2000)
    grey = np.full((2000, 3), 90, np.uint8)
    assert plan_of(load(points, colours=grey).cloud).modes == ("shaded",)
    loud = np.random.default_rng(0).integers(0, 255, (2000, 3)).astype(np.uint8)
    sample = load(points, colours=loud)
    assert sample.plan.modes == ("shaded", "rgb")
    assert [len(view.cells) for view in sample.views(SMALL)] == [6, 6]


def test_up_is_the_axis_nearest_to_z() -> None:
    long = ball(4000) * (1.0, 2.0, 4.0)
    assert abs(upright(load(long).cloud) @ [0, 0, 1]) > 0.99
    flat = ball(4000) * (4.0, 2.0, 0.5)
    tilted = flat @ np.array([[1, 0, 0], [0, 0.8, 0.6], [0, -0.6, 0.8]])
    way = upright(load(tilted).cloud)
    assert way @ [0, -0.6, 0.8] > 0.99
    assert way[2] > 0


def test_a_table_and_its_unevenness_are_left_out() -> None:
    rng = np.random.default_rng(4)
    table = np.column_stack([rng.uniform(-5, 5, (6000, 2)), rng.normal(0, 0.004, 6000)])
    wave = np.column_stack([rng.uniform(3.2, 3.6, (60, 2)), rng.uniform(0.05, 0.12, 60)])
    part = box(3000, (2.0, 1.5, 1.0))[0] + (0, 0, 0.6)
    points = np.vstack([table, wave, part])
    rows = standing(points, 0.25)
    assert set(range(6060, 9060)) - set(rows.tolist()) <= set(
        6060 + np.flatnonzero(part[:, 2] < 0.11)
    )
    assert np.isin(np.arange(6060), rows).mean() < 0.001
    assert len(standing(part, 0.25)) == len(part)
    assert len(standing(points, 0.5)) == len(points)  # where the plane may be the part itself


def test_a_plate_with_a_boss_is_shown_whole() -> None:
    rng = np.random.default_rng(5)
    plate = np.column_stack([rng.uniform(-5, 5, (5000, 2)), rng.normal(0, 0.004, 5000)])
    boss = box(500, (1.0, 1.0, 0.8))[0] + (0, 0, 0.4)
    assert len(load(np.vstack([plate, boss])).rows) == 5500


def test_a_region_counts_as_the_input_does() -> None:
    points = box(500)[0]
    points[::3] = np.nan
    sample = load(points)
    region = sample.region(np.arange(10, 30))
    assert region.indices == tuple((np.flatnonzero(np.arange(500) % 3)[10:30]).tolist())
    np.testing.assert_array_equal(sample.rows_of(region), np.arange(10, 30))
    foreign = region.model_copy(update={"indices": (0, 1, 3)})
    np.testing.assert_array_equal(sample.rows_of(foreign), [0])
    with pytest.raises(InputError, match="expected rows from 0"):
        sample.region([len(sample)])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.floats(1.0, 9.0), st.floats(0.5, 4.0))
def test_the_box_around_a_turned_box_is_that_box(seed: int, long: float, wide: float) -> None:
    sides = np.array([long, wide, 0.1])
    flat = np.random.default_rng(seed).uniform(-0.5, 0.5, (2000, 3)) * sides
    found = around_points(flat @ rotation(seed).T + 7)
    assert np.sort(found.sides) == pytest.approx(np.sort(sides), rel=0.08)
    axes = np.array(found.axes)
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(axes) == pytest.approx(1)
    assert found.sides[0] >= found.sides[1]


def test_area_of_known_surfaces() -> None:
    sphere = load(ball(8000))
    assert sphere.region(np.arange(8000)).area == pytest.approx(4 * np.pi, rel=0.05)
    cap = np.flatnonzero(sphere.cloud.points[:, 2] > 0.5)
    assert sphere.region(cap).area == pytest.approx(np.pi, rel=0.08)


def test_words_preview_and_pixels(block: PointCloudSample) -> None:
    assert block.words == "6,000 points; extent along x, y, z 30 × 20 × 8 mm"
    assert block.moments is None
    assert block.zoom(Box.of(0, 0, 1, 1), SMALL) is None
    with Image.open(io.BytesIO(block.preview(300))) as picture:
        assert max(picture.size) <= 300
        assert picture.format == "JPEG"
    assert block.pixels.shape[2] == 3


def test_what_is_drawn_on_a_view_keeps_the_way_back(block: PointCloudSample) -> None:
    (view,) = block.views(SMALL)
    drawn = view.redrawn(Image.new("RGB", view.picture.size), view.frame, kind="marked", marks=(1,))
    assert isinstance(drawn, PointCloudView)
    assert drawn.cells is view.cells
    assert drawn.picture.getpixel((0, 0)) == (0, 0, 0)
    assert drawn.sha256 != view.sha256
    with pytest.raises(AttributeError):
        _ = view.nothing
