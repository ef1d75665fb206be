"""The series expert's number routines against slow and plain ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.experts.series.channels import broken_relations
from gadet.experts.series.combine import BOUNDARY, across_channels, to_scores, together
from gadet.experts.series.neighbours import neighbour_distance, profile
from gadet.experts.series.period import autocorrelation, find_period, fold_gain
from gadet.experts.series.rolling import held, moving_mean, smoothed
from gadet.experts.series.season import season
from gadet.experts.series.tails import MOST, surprise
from gadet.experts.series.track import Scale, filled, scale_of, track_of
from gadet.experts.series.window import window_for
from tests.experts.series import naive
from tests.experts.series.made import BASES, made


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(40, 60), st.integers(0, 99))
def test_moving_mean_and_held(width: int, length: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=length)
    assert moving_mean(values, width) == pytest.approx(naive.moving_mean(values, width))
    scores = values[: length - width + 1]
    assert held(scores, width, length) == pytest.approx(naive.held(scores, width, length))


def test_smoothing_keeps_a_constant_and_the_length() -> None:
    assert smoothed(np.full(50, 3.0), 7) == pytest.approx(np.full(50, 3.0))
    assert smoothed(np.arange(5.0), 9).size == 5


def test_autocorrelation() -> None:
    values = np.random.default_rng(0).normal(size=90)
    assert autocorrelation(values, 30) == pytest.approx(naive.autocorrelation(values, 30))
    assert not autocorrelation(np.ones(20), 5).any()


@pytest.mark.parametrize("shape", [False, True])
@pytest.mark.parametrize("apart", [False, True])
def test_profile(shape: bool, apart: bool) -> None:
    rng = np.random.default_rng(3)
    values, base = rng.normal(size=90).cumsum(), rng.normal(size=70).cumsum()
    other = base if apart else None
    found = profile(values, 8, 3, base=other, shape=shape)
    assert found == pytest.approx(naive.profile(values, 8, 3, other, shape), abs=1e-3)


def test_profile_ranks_as_stumpy_does() -> None:
    stumpy = pytest.importorskip("stumpy")
    values = np.sin(np.arange(600) / 8) + np.random.default_rng(4).normal(0, 0.05, 600)
    values[300:312] = values[300]
    theirs = stumpy.stump(values, 40)[:, 0].astype(float)
    ours = profile(values, 40, 1, shape=True)
    assert abs(int(np.argmax(ours)) - int(np.argmax(theirs))) <= 12


def test_an_anomaly_that_occurs_twice_stays_far_from_its_third_neighbour() -> None:
    values = np.sin(2 * np.pi * np.arange(2000) / 50)
    for at in (600, 1400):
        values[at : at + 50] = 0.5 * np.sign(values[at : at + 50])
    one = neighbour_distance(values, 50, shape=True, least=1)
    three = neighbour_distance(values, 50, shape=True, least=3)
    assert three[620] > 5 * np.median(three)
    assert three[620] > 2 * one[620]


@pytest.mark.parametrize("period", [7, 24, 100, 288])
def test_a_period_is_found_in_noise(period: int) -> None:
    rows = np.arange(20 * period)
    values = np.sin(2 * np.pi * rows / period) + np.random.default_rng(5).normal(0, 0.4, rows.size)
    found = find_period(values)
    assert found is not None
    assert abs(found - period) <= max(1, period // 50)


@pytest.mark.parametrize("base", ["noise", "wander", "bursts", "switch"])
def test_no_period_is_found_where_there_is_none(base: str) -> None:
    assert find_period(made(base, None, seed=3)[0]) is None


def test_folding_noise_explains_nothing() -> None:
    assert fold_gain(np.random.default_rng(6).normal(size=1000), 50) < 0.1
    assert fold_gain(np.tile(np.arange(50.0), 20), 50) == pytest.approx(1.0)
    assert fold_gain(np.ones(10), 9) == -1.0


def test_the_season_of_a_normal_series_is_turned_to_fit() -> None:
    cycle = np.exp(-(((np.arange(60) - 20) / 5.0) ** 2))
    base, values = np.tile(cycle, 6), np.roll(np.tile(cycle, 10), 17)
    assert season(values, 60, base) == pytest.approx(values)
    assert not season(values, None).any()


def test_the_tail_is_that_of_an_exponential() -> None:
    usual = np.random.default_rng(7).exponential(2.0, 200_000)
    nats = surprise(np.array([0.0, 2.0 * np.log(2), 12.0, 1e9]), usual)
    assert nats[:2] == pytest.approx([0.0, 0.0], abs=0.05)
    assert nats[2] == pytest.approx(6.0 - np.log(2), abs=0.1)
    assert nats[3] == MOST


def test_rounding_is_no_news() -> None:
    assert surprise(np.array([1e-9]), np.zeros(100))[0] < 0.01


def test_scores_meet_the_boundary_and_keep_the_order() -> None:
    scores = to_scores(np.array([0.0, 1.0, BOUNDARY, 2 * BOUNDARY, MOST]))
    assert scores[[0, 2, 3]] == pytest.approx([0.0, 0.5, 0.75])
    assert (np.diff(scores) > 0).all()


def test_the_three_loudest_are_heard() -> None:
    nats = np.zeros((6, 40), dtype=np.float32)
    nats[:4] = np.array([[1.0], [9.0], [6.0], [3.0]])
    assert together(nats, 5) == pytest.approx(np.full(40, 6.0))


def test_many_channels_raise_the_bar() -> None:
    one = np.full((3, 1), 4.0)
    assert across_channels(one) == pytest.approx([4.0] * 3)
    assert across_channels(np.repeat(one, 10, axis=1)) == pytest.approx([4.0 - np.log(10)] * 3)


def test_scale_and_filling() -> None:
    assert scale_of(np.array([5.0, 5.0, np.nan])) is None
    mostly = np.array([0.0] * 9 + [10.0])
    assert scale_of(mostly) == Scale(0.0, pytest.approx(mostly.std()))
    assert filled(np.array([np.nan, 1.0, np.nan, 3.0])) == pytest.approx([1, 1, 2, 3])
    assert filled(np.full(3, np.nan)) == pytest.approx([0, 0, 0])


def test_a_track_of_bins_keeps_extremes_and_lengths() -> None:
    values = np.zeros(1003)
    values[501] = 8.0
    track = track_of(values, Scale(0.0, 1.0), factor=10)
    assert track.mean.size == track.run.size == 101
    assert track.high[50] == 8.0
    assert track.spike[50] == 8.0
    assert track.mean[50] == pytest.approx(0.8)
    assert track.run[0] == 501


def test_windows_are_whole_cycles_and_leave_room() -> None:
    assert window_for(10_000, None) == 125
    assert window_for(10_000, 48) == 144
    assert window_for(10_000, 288) == 288
    assert window_for(3_000, 288) == 100
    assert window_for(10, None) == 1


def test_a_broken_relation_is_far_from_what_the_others_tell() -> None:
    rng = np.random.default_rng(8)
    driver = rng.normal(size=2000).cumsum() / 20
    values = np.stack([driver, 2 * driver, -driver, rng.normal(size=2000)], axis=1)
    values += rng.normal(0, 0.05, values.shape)
    values[1200:1300, 1] = values[1199, 1] - 2
    found = broken_relations(values, None, 50)
    assert found[3] is None
    assert found[1] is not None
    assert 1180 <= int(np.argmax(found[1][0])) <= 1320


def test_every_base_is_reproducible() -> None:
    for base in BASES:
        assert (made(base, None)[0] == made(base, None)[0]).all()
