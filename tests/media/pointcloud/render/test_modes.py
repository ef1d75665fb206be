"""What the modes show."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.errors import ConfigurationError
from gadet.media.pointcloud.render import MODES, Scene, around, render
from gadet.media.pointcloud.render.shade import BACKGROUND
from tests.media.pointcloud.render.shapes import ball, box


@pytest.fixture(scope="module")
def pictures() -> dict[str, np.ndarray]:
    """A ball seen along -x with z up, whose colours are its own directions."""
    points = ball(20_000)
    colours = ((points + 1) * 127.5).astype(np.uint8)
    scene = Scene.of(points, colours=colours)
    camera = around(scene, [[-1, 0, 0]], size=256)[0]
    return dict(render(scene, camera, MODES).pictures)


def test_the_ground_is_light_in_every_mode(pictures: dict[str, np.ndarray]) -> None:
    assert list(pictures) == list(MODES)
    for picture in pictures.values():
        assert picture.shape == (256, 256, 3)
        assert picture.dtype == np.uint8
        assert (picture[:8, :8] == BACKGROUND).all()


def test_light_comes_from_the_upper_left(pictures: dict[str, np.ndarray]) -> None:
    shaded = pictures["shaded"].astype(int).sum(axis=2)
    assert shaded[80, 80] > shaded[128, 128] > shaded[190, 190]


def test_normals_are_right_up_and_towards_the_viewer(pictures: dict[str, np.ndarray]) -> None:
    normal = pictures["normal"].astype(int)
    middle, left, right = normal[128, 128], normal[128, 50], normal[128, 206]
    above, below = normal[50, 128], normal[206, 128]
    assert np.allclose(middle, (127, 127, 254), atol=8)
    assert right[0] - left[0] > 120
    assert abs(right[1] - left[1]) < 15
    assert above[1] - below[1] > 120
    assert abs(above[0] - below[0]) < 15


def test_near_is_light_and_high_is_yellow(pictures: dict[str, np.ndarray]) -> None:
    depth = pictures["depth"].astype(int).sum(axis=2)
    assert depth[128, 128] > depth[128, 40] + 100
    height = pictures["height"].astype(int)
    assert height[25, 128, 0] > 200
    assert height[25, 128, 1] > 200
    assert height[231, 128, 0] < 90
    assert height[231, 128, 1] < 60


def test_own_colours_are_shown_where_their_points_are(pictures: dict[str, np.ndarray]) -> None:
    rgb = pictures["rgb"].astype(int)
    # Looking along -x with z up, y points to the right.
    assert np.allclose(rgb[128, 128], (254, 127, 127), atol=8)
    assert rgb[128, 206, 1] > 190
    assert rgb[50, 128, 2] > 190


def test_edges_are_red_and_hollows_blue() -> None:
    points, normals = box(20_000)
    for turn in (1.0, -1.0):
        scene = Scene.of(points, normals=turn * normals)
        camera = around(scene, [[-0.2, -0.3, -1]], size=256)[0]
        rendering = render(scene, camera, ["curvature"])
        ids = rendering.surface.ids
        strong = (turn * scene.curvature[ids] > 0.6 * scene.bend) & (ids >= 0)
        colours = rendering.pictures["curvature"][strong].astype(int)
        assert len(colours) > 100
        assert (turn * (colours[:, 0] - colours[:, 2]) > 0).mean() > 0.9


def test_a_sheet_is_lit_from_both_sides() -> None:
    rng = np.random.default_rng(0)
    flat = np.column_stack([rng.uniform(-1, 1, (20_000, 2)), np.zeros(20_000)])
    scene = Scene.of(flat)
    levels = [
        render(scene, camera).pictures["shaded"][256, 256].astype(int).sum()
        for camera in around(scene, [[0, 0, -1], [0, 0, 1]])
    ]
    assert abs(levels[0] - levels[1]) < 6


def test_outlines_are_blended() -> None:
    scene = Scene.of(ball(30_000))
    rendering = render(scene, around(scene, [[0, 1, 0]])[0])
    ground = rendering.surface.ids < 0
    blended = ground & (rendering.pictures["shaded"][:, :, 0] != BACKGROUND)
    assert 500 < np.count_nonzero(blended) < 4000


def test_modes_that_cannot_be_shown_are_refused() -> None:
    scene = Scene.of(ball(100))
    camera = around(scene, [[0, 1, 0]], size=32)[0]
    with pytest.raises(ConfigurationError, match="colours"):
        render(scene, camera, ["rgb"])
    with pytest.raises(ConfigurationError, match="expected a mode"):
        render(scene, camera, ["x-ray"])  # type: ignore[list-item]
