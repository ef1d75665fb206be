"""Canonical poses, directions around, coverage, the sensor's view."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.errors import ConfigurationError
from gadet.media.pointcloud.render import (
    Scene,
    around,
    canonical,
    covering,
    from_sensor,
    render,
    sphere,
)
from gadet.media.pointcloud.render.camera import facing
from tests.media.pointcloud.render.shapes import ball, box, sheet


def lopsided(count: int) -> np.ndarray:
    rng = np.random.default_rng(7)
    return rng.gamma(2.0, 1.0, (count, 3)) * [3.0, 1.5, 0.5]


def test_a_turned_cloud_gets_the_same_canonical_pose() -> None:
    points = lopsided(5000)
    still = (points - points.mean(axis=0)) @ canonical(points).T
    turn = facing((0.3, -0.5, 0.8), (0.1, 0.9, 0.2))
    moved = points @ turn.T + [5.0, -3.0, 100.0]
    assert np.allclose((moved - moved.mean(axis=0)) @ canonical(moved).T, still, atol=1e-6)
    spread = still.std(axis=0)
    assert spread[0] > spread[1] > spread[2]
    assert np.linalg.det(canonical(points)) == pytest.approx(1)


@pytest.mark.parametrize("count", [1, 2, 6, 50])
def test_directions_are_spread_evenly(count: int) -> None:
    ways = sphere(count)
    assert np.allclose(np.linalg.norm(ways, axis=1), 1)
    probes = ball(500)
    gap = np.degrees(np.arccos(np.clip((probes @ ways.T).max(axis=1), -1, 1))).max()
    # A cap of this angle holds count-th part of the sphere; twice that is evenly spread.
    fair = np.degrees(np.arccos(1 - 2 / count))
    assert gap <= max(2 * fair, 1)


def test_all_views_share_a_scale_and_show_the_whole() -> None:
    points, _ = box(3000)
    scene = Scene.of(points)
    cameras = around(scene, sphere(8), size=128)
    assert len({camera.scale for camera in cameras}) == 1
    tight = 0
    for camera in cameras:
        u, v, _ = camera.project(scene.points, scene.origin)
        assert min(u.min(), v.min()) >= 7
        assert max(u.max(), v.max()) <= 121
        tight += max(np.ptp(u), np.ptp(v)) > 112
    assert tight


def test_each_chosen_view_adds_what_the_others_lack() -> None:
    points, normals = box(8000)
    scene = Scene.of(points)
    cameras = covering(scene, 4, size=256)
    shown = np.zeros((6, len(cameras)), bool)
    faces = np.concatenate([np.eye(3), -np.eye(3)])
    for view, camera in enumerate(cameras):
        shown[:, view] = -(faces @ camera.rotation[2]) > 0.3
    assert shown.any(axis=1).all()  # four views see all six faces of a box
    assert not (normals @ cameras[0].rotation[2] > 0).all()
    again = covering(scene, 4, size=256)
    assert all(np.array_equal(a.rotation, b.rotation) for a, b in zip(cameras, again, strict=True))


def test_the_sensor_sees_a_sheet_without_shadows() -> None:
    near, far = sheet(20_000) * 0.3, sheet(60_000, seed=8)
    near[:, 2] = 2.0
    far[:, 2] = 4.0
    far *= [2.0, 2.0, 1.0]
    # As a depth camera delivers it: what lies behind the near part was never seen.
    hidden = (np.abs(far[:, :2]) < 0.6).all(axis=1)
    scene = Scene.of(np.concatenate([near, far[~hidden]]), sensor=np.zeros(3))
    camera = from_sensor(scene, np.zeros(3), up=(0, -1, 0))
    assert camera.distance == pytest.approx(float(np.linalg.norm(scene.origin)))
    ids = render(scene, camera).surface.ids
    rows, columns = np.nonzero(ids >= 0)
    middle = ids[rows.min() + 3 : rows.max() - 3, columns.min() + 3 : columns.max() - 3]
    assert (middle < 0).mean() < 0.01
    assert min(rows.min(), columns.min()) > 20


def test_what_cannot_be_posed_is_refused() -> None:
    scene = Scene.of(ball(200))
    with pytest.raises(ConfigurationError, match="directions"):
        sphere(0)
    with pytest.raises(ConfigurationError, match="directions"):
        around(scene, np.zeros((0, 3)))
    with pytest.raises(ConfigurationError, match="views"):
        covering(scene, 0)
    with pytest.raises(ConfigurationError, match="not all 0"):
        from_sensor(scene, scene.origin, up=(0, 0, 1))
