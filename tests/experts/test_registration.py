"""Laying a reference under a picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gadet.experts.filters import luminance
from gadet.experts.registration import _rescaled, correlation, likeness, phase_shift, register
from tests.experts.pictures import painted, part, texture


def test_correlation() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 9, 9)).astype(np.float32)
    assert correlation(a, b) == pytest.approx(np.corrcoef(a.ravel(), b.ravel())[0, 1], abs=1e-5)
    assert correlation(a, 3 * a + 7) == pytest.approx(1, abs=1e-6)
    assert correlation(a, np.ones_like(a)) == 0
    assert correlation(a[:1, :1], a[:1, :1]) == 0


def test_likeness_leaves_a_defect_out() -> None:
    gray = luminance(part())
    broken = luminance(painted(part(seed=1), (120, 120, 160, 160), (20, 20, 20)))
    assert correlation(gray, broken) < 0.9
    assert likeness(gray, broken) > 0.99
    assert likeness(gray, 0.8 * broken + 5) > 0.99
    assert likeness(gray, luminance(texture(1, 240))) < 0.5
    assert likeness(gray[:1, :1], gray[:1, :1]) == 0


@pytest.mark.parametrize("shift", [(0, 0), (5, -3), (-7, 2)])
def test_phase_shift(shift: tuple[int, int]) -> None:
    dx, dy = shift
    scene = luminance(part(260))
    first = scene[20:220, 20:220]
    second = scene[20 - dy : 220 - dy, 20 - dx : 220 - dx]
    assert phase_shift(first, second) == shift


def test_rescaled_motion_moves_the_same_points() -> None:
    rng = np.random.default_rng(1)
    matrix = np.eye(2, 3) + rng.normal(0, 0.1, (2, 3))
    double = _rescaled(matrix, 2.0)
    # The centre of pixel (x, y) lies at 2 (x + 0.5) - 0.5 in a picture of twice the size.
    small = np.array([3.0, 4.0])
    large = 2 * (small + 0.5) - 0.5
    there = matrix @ [*small, 1]
    np.testing.assert_allclose(double @ [*large, 1], 2 * (there + 0.5) - 0.5)
    np.testing.assert_allclose(_rescaled(double, 0.5), matrix)


@pytest.mark.parametrize("defect", [False, True])
def test_a_turned_and_shifted_scene_is_found(defect: bool) -> None:
    reference = part()
    angle, dx, dy = np.deg2rad(1.5), 4.0, -2.5
    matrix = np.array([[np.cos(angle), -np.sin(angle), dx], [np.sin(angle), np.cos(angle), dy]])
    data = matrix.copy()
    data[:, 2] += 0.5 - data[:, :2] @ [0.5, 0.5]
    turned = Image.fromarray(reference).transform(
        (240, 240), Image.Transform.AFFINE, tuple(data.ravel()), Image.Resampling.BICUBIC
    )
    picture = np.array(turned)
    if defect:
        picture = painted(picture, (120, 120, 160, 160), (20, 20, 20))
    # Brightness must not matter.
    found = register(0.9 * luminance(picture), luminance(reference))
    assert found.moved
    corners = np.array([[20, 20, 1], [220, 20, 1], [20, 220, 1], [220, 220, 1]], dtype=float)
    np.testing.assert_allclose(corners @ found.matrix.T, corners @ matrix.T, atol=0.6)
    assert found.similarity > 0.98


def test_the_same_picture_is_not_moved() -> None:
    gray = luminance(part())
    found = register(gray, gray)
    assert not found.moved
    assert found.similarity == pytest.approx(1)
    np.testing.assert_array_equal(found.matrix, np.eye(2, 3))


def test_another_scene_is_not_similar() -> None:
    found = register(luminance(part()), luminance(texture(1, 240)))
    assert found.similarity < 0.5
    stopped = register(luminance(part()), luminance(texture(1, 240)), promising=0.9)
    assert not stopped.moved


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (11, 11), (13, 600)])
def test_odd_shapes(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(2)
    gray = rng.uniform(0, 255, shape).astype(np.float32)
    found = register(gray, np.full(shape, 9, dtype=np.float32))
    assert np.isfinite(found.matrix).all()
    assert found.similarity == 0
