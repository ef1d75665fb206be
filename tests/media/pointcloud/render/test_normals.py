"""Normals, their directions, curvature and spacing."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from gadet.errors import ConfigurationError, InputError, MissingDependencyError
from gadet.media.pointcloud.render import Scene
from gadet.media.pointcloud.render.normals import NEIGHBOURS, _directions, relief
from tests.media.pointcloud.render import naive
from tests.media.pointcloud.render.shapes import ball, box, sheet


def test_directions_are_those_of_a_slow_search() -> None:
    points = ball(400, noise=0.01)
    found = relief(points).normals
    near = np.argsort(np.linalg.norm(points[:, None] - points, axis=2), axis=1)[:, :NEIGHBOURS]
    raw = _directions(points, near)
    for row in range(0, 400, 37):
        assert abs(raw[row] @ naive.normal(points, row, NEIGHBOURS)) == pytest.approx(1, abs=1e-6)
    assert (np.abs((found * raw).sum(axis=1)) > 0.95).mean() > 0.95


def test_normals_lead_out_of_a_closed_surface() -> None:
    points, normals = box(8_000)
    assert ((relief(points).normals * normals).sum(axis=1) > 0).mean() > 0.995
    # Two bodies far from each other are turned each on its own.
    out = np.concatenate([ball(3000), ball(3000, seed=5)])
    two = out + np.repeat([[0, 0, 0], [10, 0, 0]], 3000, axis=0)
    assert ((relief(two).normals * out).sum(axis=1) > 0.9).all()


def test_normals_turn_to_the_sensor() -> None:
    points = sheet(2000)
    for height in (3.0, -3.0):
        found = relief(points, sensor=np.array([0, 0, height])).normals
        assert np.allclose(found, [0, 0, np.sign(height)], atol=1e-6)


def test_known_normals_are_kept_and_the_missing_ones_estimated() -> None:
    points = ball(3000)
    known = -points.copy()
    known[:5] = 0
    found = relief(points, normals=known).normals
    assert np.allclose(found[5:], known[5:], atol=1e-6)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)


def test_curvature_is_one_over_the_radius_and_tells_hollows() -> None:
    for radius in (0.5, 2.0):
        bent = relief(ball(12_000) * radius).curvature
        assert np.median(bent) == pytest.approx(1 / radius, rel=0.05)
    points = ball(12_000)
    assert np.median(relief(points, normals=-points).curvature) == pytest.approx(-1, rel=0.05)
    assert np.abs(np.median(relief(sheet(5000)).curvature)) < 1e-6


@pytest.mark.parametrize("most", [100_000, 3_000])
def test_spacing_is_the_root_of_the_area_per_point(most: int) -> None:
    spacing = relief(ball(30_000), most=most).spacing
    assert np.median(spacing) == pytest.approx(np.sqrt(4 * np.pi / 30_000), rel=0.12)


def test_many_points_are_measured_at_few_places() -> None:
    points = ball(30_000, noise=0.004)
    found = relief(points, most=4_000)
    out = points / np.linalg.norm(points, axis=1, keepdims=True)
    assert np.median((found.normals * out).sum(axis=1)) > 0.995


def test_scipy_is_named_when_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "scipy.spatial", None)
    with pytest.raises(MissingDependencyError, match=r"gadet\[pointcloud\]"):
        relief(ball(10))


@pytest.mark.parametrize(
    ("points", "more", "words"),
    [
        (np.zeros((0, 3)), {}, r"\(N, 3\)"),
        (np.zeros((4, 2)), {}, r"\(N, 3\)"),
        (np.full((4, 3), np.nan), {}, "finite points"),
        (np.eye(3), {"colours": np.zeros((2, 3), np.uint8)}, "colours of the shape"),
        (np.eye(3), {"normals": np.full((3, 3), np.inf)}, "finite normals"),
        (np.eye(3) * 1e300, {}, "scale them down"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(points, more, words) -> None:
    with pytest.raises(InputError, match=words), np.errstate(over="ignore"):
        Scene.of(points, **more)


def test_up_needs_a_length() -> None:
    with pytest.raises(ConfigurationError, match="up"):
        Scene.of(np.eye(3), up=(0, 0, 0))
