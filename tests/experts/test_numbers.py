"""The number routines against slow twins."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.experts import patches, regions
from gadet.experts.difference import match_levels, noise_level, outside_range
from gadet.experts.filters import box_mean, gaussian, local_max, local_min, warp
from gadet.experts.memory import evidence_map, logit, sigmoid
from tests.experts import naive

SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 9))


def noise(seed: int, *shape: int) -> Any:
    return np.random.default_rng(seed).normal(100, 40, shape).astype(np.float32)


@settings(deadline=None, max_examples=25)
@given(shape=SHAPES, radius=st.integers(0, 4), seed=st.integers(0, 99))
def test_windows(shape: tuple[int, int], radius: int, seed: int) -> None:
    image = noise(seed, *shape)
    for fast, slow in ((local_max, np.max), (local_min, np.min), (box_mean, np.mean)):
        wanted = naive.windowed(
            image.astype(float), radius, lambda values, f=slow: float(f(values))
        )
        np.testing.assert_allclose(fast(image, radius), wanted, rtol=1e-5)


@settings(deadline=None, max_examples=10)
@given(shape=SHAPES, sigma=st.floats(0.4, 1.5), seed=st.integers(0, 99))
def test_gaussian(shape: tuple[int, int], sigma: float, seed: int) -> None:
    image = noise(seed, *shape)
    wanted = naive.gaussian(image.astype(float), sigma)
    np.testing.assert_allclose(gaussian(image, sigma), wanted, rtol=1e-4, atol=1e-3)


def test_filters_treat_channels_alone() -> None:
    image = noise(1, 7, 6, 3)
    for fast in (local_max, local_min, box_mean, gaussian):
        apart = np.stack([fast(image[..., i].copy(), 2) for i in range(3)], axis=2)
        np.testing.assert_allclose(fast(image, 2), apart, rtol=1e-5)


@settings(deadline=None, max_examples=25)
@given(
    shape=SHAPES,
    out=SHAPES,
    linear=st.lists(st.floats(-0.3, 0.3), min_size=4, max_size=4),
    shift=st.tuples(st.floats(-3, 3), st.floats(-3, 3)),
    seed=st.integers(0, 99),
)
def test_warp(
    shape: tuple[int, int],
    out: tuple[int, int],
    linear: list[float],
    shift: tuple[float, float],
    seed: int,
) -> None:
    # Numbers that are no short fractions keep positions off the rim, where rounding decides.
    matrix = np.eye(2, 3) + 0.0137
    matrix[:, :2] += np.array(linear).reshape(2, 2)
    matrix[:, 2] += shift
    image = noise(seed, *shape)
    moved, inside = warp(image, matrix, out)
    wanted, where = naive.sampled(image.astype(float), matrix, out)
    agreed = inside & where
    assert np.count_nonzero(inside ^ where) <= 1
    np.testing.assert_allclose(moved[agreed], wanted[agreed], atol=0.05)


def test_warp_by_the_identity_changes_nothing() -> None:
    image = noise(2, 5, 8, 3)
    moved, inside = warp(image, np.eye(2, 3), (5, 8))
    assert inside.all()
    np.testing.assert_array_equal(moved, image)


@settings(deadline=None, max_examples=20)
@given(queries=st.integers(1, 6), bank=st.integers(1, 8), seed=st.integers(0, 99))
def test_nearest(queries: int, bank: int, seed: int) -> None:
    a, b = noise(seed, queries, 5) / 100, noise(seed + 1, bank, 5) / 100
    np.testing.assert_allclose(patches.nearest(a, b), naive.nearest(a, b), rtol=1e-3, atol=2e-3)


def test_nearest_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = noise(1, 50, 4), noise(2, 30, 4)
    whole = patches.nearest(a, b)
    monkeypatch.setattr(patches, "CHUNK", 7)
    np.testing.assert_allclose(patches.nearest(a, b), whole, rtol=1e-3)


@settings(deadline=None, max_examples=20)
@given(shape=SHAPES, reach=st.integers(0, 2), seed=st.integers(0, 99))
def test_distances_in_one_picture(shape: tuple[int, int], reach: int, seed: int) -> None:
    grid = noise(seed, *shape, 4) / 100
    slow = grid.astype(float)
    found = patches.nearest_elsewhere(grid, reach)
    np.testing.assert_allclose(found, naive.nearest_elsewhere(slow, reach), rtol=1e-3, atol=2e-3)
    found = patches.mirror_distance(grid, reach)
    np.testing.assert_allclose(found, naive.mirror_distance(slow, reach), rtol=1e-3, atol=1e-4)


def test_a_symmetric_picture_is_its_own_mirror() -> None:
    half = noise(3, 4, 5, 2)
    grid = np.concatenate((half, half[:, ::-1]), axis=1)
    np.testing.assert_allclose(patches.mirror_distance(grid, 0), 0, atol=1e-4)


def test_typical_distance_is_the_root_mean_square_over_pairs() -> None:
    grid = noise(4, 3, 4, 5)
    flat = grid.reshape(-1, 5).astype(float)
    gaps = [((a - b) ** 2).sum() for a in flat for b in flat]
    assert patches.typical_distance(grid) == pytest.approx(np.sqrt(np.mean(gaps)), rel=1e-5)


def test_top_mean() -> None:
    values = np.arange(100, dtype=np.float32)
    assert patches.top_mean(values, 0.05) == pytest.approx(97)
    assert patches.top_mean(values, 0.0001) == 99
    assert patches.top_mean(values, 1) == pytest.approx(49.5)


def test_join_stages_scales_each_stage_to_unit_length() -> None:
    stages = {6: noise(1, 8, 4, 3), 14: noise(2, 4, 2, 5), 19: noise(3, 2, 1, 7)}
    joined = patches.join_stages(stages, (6, 14, 19))
    assert joined.shape == (4, 2, 15)
    for part in (joined[..., :3], joined[..., 3:8]):
        np.testing.assert_allclose(np.linalg.norm(part, axis=2), 1, rtol=1e-5)


@settings(deadline=None, max_examples=60)
@given(shape=SHAPES, share=st.floats(0, 1), seed=st.integers(0, 999))
def test_components(shape: tuple[int, int], share: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random(shape) < share
    wanted = naive.components(mask)
    np.testing.assert_array_equal(regions._label_runs(mask), wanted)
    np.testing.assert_array_equal(regions.label_components(mask), wanted)


def test_labels_do_not_need_scikit_image(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("skimage"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    mask = np.eye(4, dtype=bool)
    np.testing.assert_array_equal(regions.label_components(mask), mask.astype(int))


def test_regions_join_drop_and_order() -> None:
    score = np.zeros((20, 30), dtype=np.float32)
    score[2:5, 2:5] = 0.6
    score[2:5, 7:9] = 0.7
    score[15, 20] = 0.9
    assert len(regions.regions(score, 0.5)) == 3
    found = regions.regions(score, 0.5, join=1, least=2)
    assert [one.as_tuple() for _, one, _ in found] == [(2, 2, 9, 5)]
    assert found[0][2] == pytest.approx(0.7)
    assert np.count_nonzero(found[0][0]) == 15
    assert [round(peak, 1) for _, _, peak in regions.regions(score, 0.5, join=1)] == [0.9, 0.7]
    assert len(regions.regions(score, 0.5, most=1)) == 1
    assert regions.regions(score, 0.95) == []


@settings(deadline=None, max_examples=15)
@given(shape=SHAPES, radius=st.integers(0, 2), seed=st.integers(0, 99))
def test_outside_range(shape: tuple[int, int], radius: int, seed: int) -> None:
    a, b = noise(seed, *shape), noise(seed + 1, *shape)
    found = outside_range(a, b, radius)
    wanted = naive.outside_range(a.astype(float), b.astype(float), radius)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-3)
    np.testing.assert_array_equal(found, outside_range(b, a, radius))


def test_match_levels_recovers_gain_and_offset_beside_a_defect() -> None:
    reference = np.random.default_rng(5).uniform(20, 200, (40, 40, 3)).astype(np.float32)
    picture = 0.8 * reference + 10
    picture[:10, :10] = 255
    fitted, gain = match_levels(picture, reference, np.ones((40, 40), dtype=bool))
    assert gain == pytest.approx(0.8, abs=0.01)
    np.testing.assert_allclose(fitted[10:], picture[10:], atol=1)


def test_noise_level() -> None:
    rng = np.random.default_rng(6)
    ramp = np.add.outer(np.arange(200.0), np.arange(200.0)) / 2
    noisy = (ramp + rng.normal(0, 5, ramp.shape)).astype(np.float32)
    assert noise_level(noisy) == pytest.approx(5, rel=0.05)
    assert noise_level(ramp.astype(np.float32)) == pytest.approx(0, abs=0.1)
    assert noise_level(noisy[:2]) == 0


@given(st.floats(-8, 8))
def test_logit_inverts_sigmoid(value: float) -> None:
    assert float(logit(sigmoid(value))) == pytest.approx(value, abs=1e-2)


@given(score=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_the_peak_of_a_fused_map_is_the_score(score: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    maps = [rng.normal(1, 2, (4, 5)).astype(np.float32) for _ in range(2)]
    fused = evidence_map(maps, (0.3, 0.7), score)
    assert float(fused.max()) == pytest.approx(score, abs=1e-4)
    positive = 0.3 * np.maximum(maps[0], 0) + 0.7 * np.maximum(maps[1], 0)
    assert np.argmax(fused) == np.argmax(positive)


def test_what_one_cue_calls_very_normal_hides_nothing() -> None:
    found, axis = np.zeros((3, 3), np.float32), np.zeros((3, 3), np.float32)
    found[1, 1], axis[1, 1] = 5, -100
    assert np.argmax(evidence_map([found, axis], (0.2, 0.8), 0.6)) == 4


def test_a_strong_score_does_not_lift_the_ground_above_the_boundary() -> None:
    sigmas = np.linspace(0, 10, 101, dtype=np.float32)[None]
    fused = evidence_map([sigmas], (1.0,), 0.999)
    assert fused.max() == pytest.approx(0.999, abs=1e-4)
    assert (fused[sigmas < 4.9] < 0.5).all()
    assert (fused[sigmas > 5.1] > 0.5).all()
