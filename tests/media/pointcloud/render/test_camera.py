"""Poses and projection."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import ConfigurationError
from gadet.media.pointcloud.render import Camera
from gadet.media.pointcloud.render.camera import facing

FRONT = np.diag([1.0, -1.0, -1.0])


def by_hand(camera: Camera, point: np.ndarray) -> tuple[float, float, float]:
    right, down, ahead = (float(row @ (point - camera.centre)) for row in camera.rotation)
    zoom = camera.scale
    if camera.distance is not None:
        zoom *= camera.distance / (camera.distance + ahead)
    return camera.width / 2 + right * zoom, camera.height / 2 + down * zoom, ahead


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([None, 5.0, 40.0]))
def test_points_fall_where_one_reckons_them_by_hand(seed: int, distance: float | None) -> None:
    rng = np.random.default_rng(seed)
    far = rng.normal(0, 1000, 3)
    camera = Camera(
        facing(rng.normal(size=3), rng.normal(size=3)), far, 90.0, 320, 200, distance=distance
    )
    points = rng.uniform(-1, 1, (20, 3))
    u, v, depth = camera.project(np.ascontiguousarray(points.T.astype(np.float32)), far)
    for row in range(20):
        expected = by_hand(camera, points[row] + far)
        assert np.allclose((u[row], v[row], depth[row]), expected, atol=2e-2)


def test_up_is_up_and_right_is_right() -> None:
    camera = Camera.towards((0, 0, -1), (0, 1, 0), centre=np.zeros(3), radius=1.0, size=100)
    assert np.allclose(camera.rotation, FRONT)
    u, v, depth = camera.project(np.eye(3, dtype=np.float32), np.zeros(3))
    assert u[0] > 50
    assert v[1] < 50
    assert depth[2] < 0


def test_looking_along_up_still_gives_a_rotation() -> None:
    turn = facing((0, 0, 3), (0, 0, 1))
    assert np.allclose(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) > 0


def test_what_lies_behind_the_viewer_has_no_pixel() -> None:
    camera = Camera(np.eye(3), np.zeros(3), 100.0, distance=2.0)
    assert camera.eye is not None
    assert np.allclose(camera.eye, (0, 0, -2))
    u, _, _ = camera.project(np.array([[0], [0], [-3]], np.float32), np.zeros(3))
    assert np.isnan(u[0])


def test_a_smaller_picture_shows_the_same() -> None:
    camera = Camera(np.eye(3), np.zeros(3), 100.0, 400, 200).at_size(200)
    assert (camera.width, camera.height, camera.scale) == (200, 100, 50.0)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rotation": np.ones((3, 3))}, "orthonormal"),
        ({"rotation": np.diag([1.0, 1.0, -1.0])}, "mirrored"),
        ({"centre": np.array([0.0, np.nan, 0.0])}, "finite"),
        ({"scale": 0.0}, "positive scale"),
        ({"distance": -1.0}, "positive distance"),
        ({"width": 0}, "sides from 1"),
        ({"height": 100_000}, "sides from 1"),
    ],
)
def test_what_shows_nothing_is_refused(change: dict[str, object], words: str) -> None:
    plain: dict[str, object] = {"rotation": np.eye(3), "centre": np.zeros(3), "scale": 1.0}
    with pytest.raises(ConfigurationError, match=words):
        Camera(**(plain | change))  # type: ignore[arg-type]


def test_a_direction_without_length_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="direction"):
        facing((0, 0, 0), (0, 0, 1))
