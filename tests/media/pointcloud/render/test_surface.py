"""The z-buffer and the closing of gaps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.media.pointcloud.render import Camera, Scene, around, render, sphere
from gadet.media.pointcloud.render.fill import _closed
from gadet.media.pointcloud.render.splat import nearest
from tests.media.pointcloud.render import naive
from tests.media.pointcloud.render.shapes import ball, bare, box, sheet


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([None, 1.5]))
def test_the_nearest_point_wins_each_pixel(seed: int, distance: float | None) -> None:
    rng = np.random.default_rng(seed)
    # Coarse depths, so that some are equal.
    points = np.column_stack([rng.uniform(-1.4, 1.4, (300, 2)), rng.integers(-4, 5, 300) / 2])
    scene = bare(points)
    camera = Camera(np.eye(3), np.zeros(3), 8.0, 24, 20, distance=distance)
    depth, ids = nearest(scene, camera)
    assert np.array_equal(ids, naive.z_buffer(scene, camera))
    assert np.array_equal(np.isfinite(depth), ids >= 0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_the_closing_is_the_textbook_one(seed: int, step: int) -> None:
    rng = np.random.default_rng(seed)
    layer = np.where(rng.random((14, 17)) < 0.3, rng.random((14, 17)), np.inf).astype(np.float32)
    # Wide empty borders, as the renderer has them: what lies beyond is nothing.
    layer[:step] = layer[-step:] = layer[:, :step] = layer[:, -step:] = np.inf
    assert np.array_equal(_closed(layer, step), naive.closing(layer, step))


@pytest.mark.parametrize("count", [4_000, 30_000])
def test_a_closed_surface_has_no_hole_and_shows_no_far_side(count: int) -> None:
    scene = Scene.of(ball(count))
    for camera in around(scene, sphere(3)):
        ids = render(scene, camera).surface.ids
        rows, columns = np.mgrid[:512, :512] + 0.5
        inside = np.hypot(rows - 256, columns - 256) < 0.9 * camera.scale
        assert np.count_nonzero(ids[inside] < 0) <= 0.001 * np.count_nonzero(inside)
        outside = np.hypot(rows - 256, columns - 256) > 1.03 * camera.scale
        assert not (ids[outside] >= 0).any()
        shown = scene.points.T[ids[inside & (ids >= 0)]] @ camera.rotation[2]
        assert np.count_nonzero(shown > 0.1) <= 0.001 * len(shown)


def test_a_gap_wider_than_the_spacing_stays_open() -> None:
    points = sheet(40_000)
    points = points[np.linalg.norm(points, axis=1) > 0.2]
    scene = Scene.of(points)
    camera = around(scene, [[0, 0, -1]])[0]
    ids = render(scene, camera).surface.ids
    rows, columns = np.mgrid[:512, :512] + 0.5
    inside = np.hypot(rows - 256, columns - 256) < 0.19 * camera.scale
    assert (ids[inside] < 0).mean() > 0.98
    edge = np.maximum(np.abs(rows - 256), np.abs(columns - 256)) < 0.97 * camera.scale
    around_it = edge & (np.hypot(rows - 256, columns - 256) > 0.23 * camera.scale)
    assert (ids[around_it] >= 0).all()


def test_a_near_part_does_not_grow_over_a_far_one() -> None:
    near, far = sheet(20_000, seed=3) * 0.5, sheet(40_000, seed=4)
    near[:, 2] = 0.8
    scene = Scene.of(np.concatenate([near, far]))
    camera = around(scene, [[0, 0, -1]])[0]
    ids = render(scene, camera).surface.ids
    rows, columns = np.mgrid[:512, :512] + 0.5
    away = np.maximum(np.abs(rows - 256), np.abs(columns - 256)) / camera.scale
    assert (ids[away < 0.49] < len(near)).all()
    assert (ids[(away > 0.515) & (away < 0.97)] >= len(near)).mean() > 0.999


def test_two_densities_are_both_closed() -> None:
    left, right = sheet(60_000, seed=5), sheet(2_500, seed=6)
    points = np.concatenate([left[left[:, 0] < 0], right[right[:, 0] >= 0]])
    scene = Scene.of(points)
    camera = around(scene, [[0, 0, -1]])[0]
    ids = render(scene, camera).surface.ids
    rows, columns = np.mgrid[:512, :512] + 0.5
    inside = np.maximum(np.abs(rows - 256), np.abs(columns - 256)) < 0.9 * camera.scale
    assert (ids[inside] < 0).mean() <= 0.001


def test_the_same_input_gives_the_same_bytes() -> None:
    points, _ = box(20_000)
    pictures = []
    for _ in range(2):
        scene = Scene.of(points)
        pictures.append(render(scene, around(scene, [[1, 2, -3]])[0]).pictures["shaded"])
    assert pictures[0].tobytes() == pictures[1].tobytes()


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((1, 3)),
        np.ones((50, 3)),
        np.column_stack([np.linspace(0, 1, 40), np.zeros(40), np.zeros(40)]),
        ball(500) * 1e12 + 1e12,
        ball(500) * 1e-9,
        np.repeat(ball(30), 40, axis=0),
        np.concatenate([ball(2000) * 1e-3, [[1e9, 0, 0]]]),
    ],
    ids=["one", "one place", "line", "far and large", "tiny", "duplicates", "outlier"],
)
def test_odd_clouds_are_rendered_all_the_same(points: np.ndarray) -> None:
    scene = Scene.of(points)
    for camera in around(scene, [[1, 1, -1], [0, 0, -1]], size=64):
        assert (render(scene, camera).surface.ids >= 0).any()


def test_nothing_in_sight_is_an_empty_picture() -> None:
    scene = Scene.of(ball(100))
    camera = Camera(np.eye(3), np.array([50.0, 0, 0]), 100.0, 32, 32)
    rendering = render(scene, camera)
    assert (rendering.surface.ids == -1).all()
    assert len(np.unique(rendering.pictures["shaded"])) == 1


def test_where_points_are_sparse_each_pixel_shows_the_nearest_one() -> None:
    """Of a flat sheet all points lie on one surface, so that the nearest in the picture shows."""
    points = sheet(160)
    scene = Scene.of(points)
    camera = around(scene, [[0.0, 0.0, -1.0]])[0]
    ids = render(scene, camera).surface.ids
    assert render(scene, camera).surface.reach > 20
    u, v, _ = camera.project(scene.points, scene.origin)
    inside = np.argwhere(ids >= 0)
    assert len(inside) > 50_000
    some = inside[:: len(inside) // 4000]
    places = np.stack([np.floor(v), np.floor(u)], axis=1)
    away = np.linalg.norm(some[:, None] - places, axis=2)
    np.testing.assert_allclose(
        away[np.arange(len(some)), ids[some[:, 0], some[:, 1]]], away.min(axis=1)
    )
