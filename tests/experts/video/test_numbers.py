"""Every number routine of the video expert beside a slow one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.experts.filters import gaussian
from gadet.experts.video import blobs, facts, habits, looks, motion, points, rows, smoothing
from gadet.experts.video.blobs import Blob
from gadet.experts.video.cells import Cells
from gadet.experts.video.glimpse import Glimpse, Watcher, small_size
from gadet.experts.video.judge import BOUNDARY, to_score, together
from gadet.experts.video.linking import GAP, LEAST, Linker, event_of
from gadet.experts.video.normals import CHUNK, LEARNED, chunks, opening_end
from gadet.experts.video.scene import Scene
from gadet.geometry import Box
from gadet.media.video import Clip
from tests.experts.video import naive
from tests.experts.video.made import frames, passers, sample


def textured(seed: int, shape: tuple[int, int] = (48, 64)) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 60, shape).astype(np.float32)
    return np.asarray(128 + 2 * gaussian(noise, 1.2), dtype=np.float32)


# -- points --------------------------------------------------------------------------------------


@pytest.mark.parametrize("shift", [(0, 0), (3, 1), (-4, 2), (5, -3)])
def test_a_patch_is_found_where_the_slow_search_finds_it(shift: tuple[int, int]) -> None:
    before = textured(1)
    after = np.roll(before, shift, axis=(1, 0)) + textured(2) / 20
    places = np.array([[20.0, 20.0], [31.0, 24.0], [40.0, 30.0]])
    guess = np.array([[1, 0], [0, 0], [-1, 1]])
    moved, sure = points.match(before, after, places, guess, (5, 7))
    assert sure.all()
    for place, own, found in zip(places, guess, moved, strict=True):
        slow = naive.best_move(
            before.astype(float), after.astype(float), (int(place[0]), int(place[1])),
            (int(own[0]), int(own[1])), (5, 7),
        )  # fmt: skip
        assert slow == shift
        assert np.abs(found - slow).max() <= 0.5


def test_a_fraction_of_a_pixel_is_measured() -> None:
    x, y = np.meshgrid(np.arange(64.0), np.arange(48.0))
    wave = lambda u, v: (128 + 50 * np.sin(u / 3) * np.cos(v / 4)).astype(np.float32)  # noqa: E731
    moved, sure = points.match(
        wave(x, y), wave(x - 2.4, y + 1.3), np.array([[32.0, 24.0]]), np.zeros((1, 2), int), (4, 5)
    )
    assert sure.all()
    np.testing.assert_allclose(moved[0], [2.4, -1.3], atol=0.1)


def test_a_patch_that_is_gone_is_not_trusted() -> None:
    place = np.array([[32.0, 24.0]])
    _, sure = points.match(textured(1), textured(9), place, np.zeros((1, 2), int), (4, 5))
    assert not sure.any()


def test_points_follow_a_walker_at_its_speed() -> None:
    tracker = points.PointTracker()
    found = points.Moving.nothing()
    ground = textured(3, (64, 128))
    cloth = textured(4, (20, 10)) - 90
    for number in range(12):
        picture = ground.copy()
        picture[20:40, 20 + 3 * number : 30 + 3 * number] = cloth
        found = tracker.step(number / 10, picture)
    old = found.older(6)
    assert len(old.ages) >= 4
    np.testing.assert_allclose(np.median(old.velocities, axis=0), [30, 0], atol=1.5)
    assert (old.places[:, 0] > 45).all()
    assert (np.median(old.jolts)) < 10


def test_a_new_size_starts_anew() -> None:
    tracker = points.PointTracker()
    tracker.step(0.0, textured(1))
    assert not len(tracker.step(0.1, textured(1, (40, 40))).ages)


# -- what is usual -------------------------------------------------------------------------------


def test_values_by_height_are_quantiles_of_the_band() -> None:
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 100, 4000)
    values = rng.gamma(2.0, 1 + y / 50)
    found = rows.Rows(y, values, 100)
    for height in (0.0, 48.0, 96.0):
        near = values[np.abs(y - height) < rows.BAND]
        middle, high, most = np.quantile(near, [0.5, 0.9, 0.99])
        at = np.array([height])
        assert found.middle(at)[0] == pytest.approx(middle)
        assert found.most(at)[0] == pytest.approx(most)
        assert found.beyond(at, np.array([high]))[0] == pytest.approx(1.0)


def test_where_few_values_lie_the_nearest_are_taken_and_none_are_no_error() -> None:
    y, values = np.full(150, 10.0), np.linspace(1, 2, 150)
    assert 1 < rows.Rows(y, values, 100).middle(np.array([90.0]))[0] < 2
    assert rows.Rows(y[:0], values[:0], 100).beyond(np.array([5.0]), np.array([0.0]))[0] == 0


def test_rare_directions_are_counted_in_nats() -> None:
    rng = np.random.default_rng(0)
    y = rng.uniform(0, 60, 3000)
    ways = np.where(rng.uniform(size=3000) < 0.97, 0, rng.integers(0, 8, 3000))
    found = habits._rarity(y, ways, 60)
    for row, way in ((5, 4), (30, 2), (59, 0)):
        slow = naive.rarity(y.tolist(), ways.tolist(), row, way, habits.DOUBT, int(habits.BAND))
        assert found[row, way] == pytest.approx(slow, abs=1e-5)


def test_where_things_move_all_ways_none_is_wrong() -> None:
    ways = np.tile(np.array([0, 4]), 1500)
    assert not habits._rarity(np.full(3000, 30.0), ways, 60).any()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 12), st.sampled_from([1.0, 1.5, 2.5]))
def test_marks_are_spread_as_slowly(seed: int, count: int, reach: float) -> None:
    rng = np.random.default_rng(seed)
    places = rng.uniform(0, [40, 32], (count, 2))
    values = rng.uniform(0, 6, count)
    fast = motion.spread_out(habits.Marks(places, values), (8, 10), reach)
    slow = naive.spread_out(places, values, (8, 10), reach, motion.FINE, motion.DOUBT)
    np.testing.assert_allclose(fast, slow, atol=1e-4)


def test_a_scene_unlike_what_was_seen_counts_by_its_share() -> None:
    pixels = frames(passers(3), 3)
    watcher = Watcher(None, (160, 96))
    seen = [watcher.look(number / 10, one) for number, one in enumerate(pixels)]
    scene = Scene(seen)
    assert scene.judge(seen[-1])[0] < 1
    changed = pixels[-1].copy()
    changed[72:, 100:] = np.random.default_rng(0).integers(0, 255, (24, 60, 3))
    odd = Glimpse(
        3.0,
        (96, 160),
        points.Moving.nothing(),
        True,
        looks.describe(changed, None).astype(np.float16),
        np.zeros((12, 20), np.float32),
    )
    sigmas, cells = scene.judge(odd)
    assert sigmas > 4
    rows_, columns = np.nonzero(cells > 1)
    assert rows_.min() >= 8
    assert columns.min() >= 11


@pytest.mark.parametrize(("odd_from", "widened"), [(36, False), (15, True)])
def test_what_a_fifth_of_a_clip_reaches_is_at_most_half_way_to_the_boundary(
    odd_from: int, widened: bool
) -> None:
    pixels = frames(passers(4), 4)
    pixels[odd_from:, 72:, 100:] = np.random.default_rng(0).integers(0, 255, (24, 60, 3))
    watcher = Watcher(None, (160, 96))
    seen = [watcher.look(number / 10, one) for number, one in enumerate(pixels)]
    scene = Scene(seen[:10])
    before = [scene.judge(one)[0] for one in seen]
    after = [scene.beside(seen).judge(one)[0] for one in seen]
    assert sorted(after)[-9] <= BOUNDARY / 2 + 1e-9
    assert (after != before) == widened
    factor = max(1.0, float(np.quantile(before, 0.8)) / (BOUNDARY / 2))
    np.testing.assert_allclose(np.array(after) * factor, before, rtol=1e-6)


def test_nothing_is_said_of_a_scene_before_motion_is_known() -> None:
    watcher = Watcher(None, (160, 96))
    seen = [watcher.look(n / 10, one) for n, one in enumerate(frames(passers(1), 1))]
    fresh = Watcher(None, (160, 96)).look(0.0, np.full((96, 160, 3), 250, np.uint8))
    assert not fresh.settled
    assert not Scene(seen).judge(fresh)[1].any()


def test_descriptors_tell_black_from_white_and_edges_by_direction() -> None:
    black, white = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)
    stripes = np.zeros((16, 16, 3), np.uint8)
    stripes[:, ::4] = 255
    across = stripes.transpose(1, 0, 2).copy()
    told = [looks.describe(one, None) for one in (black, white, stripes, across)]
    for index, one in enumerate(told):
        np.testing.assert_allclose(np.linalg.norm(one, axis=2), 1, rtol=1e-5)
        for other in told[index + 1 :]:
            assert np.linalg.norm(one - other, axis=2).min() > 0.3


@pytest.mark.parametrize("shape", [(96, 160), (97, 161), (7, 5)])
def test_cells_cover_the_picture(shape: tuple[int, int]) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    assert looks.describe(pixels, None).shape[:2] == looks.cells_of(shape)


# -- scores --------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(-50, 1e5), st.floats(-50, 1e5))
def test_scores_rise_with_the_spreads_and_cross_half_at_the_boundary(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert 0 <= to_score(low) <= to_score(high) <= 1
    assert (to_score(a) >= 0.5) == (np.float32(to_score(a)) >= np.float32(to_score(BOUNDARY)))


@settings(deadline=None)
@given(st.lists(st.floats(-20, 200), min_size=1, max_size=5))
def test_cues_together_are_the_leading_one_and_a_little_more(sigmas: list[float]) -> None:
    total = float(together(sigmas))
    assert max(sigmas) - 1e-3 <= total <= max(max(sigmas), 0.6) * 5 ** (1 / 3) + 1.0
    soft = [math.log1p(math.exp(-abs(one))) + max(one, 0) for one in sigmas]
    power = sum(one**3 for one in soft) ** (1 / 3)
    back = power if power > 30 else math.log(math.expm1(power))
    assert total == pytest.approx(back, rel=1e-6, abs=1e-6)


@settings(deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=30),
    st.lists(st.floats(0.05, 1.0), min_size=30, max_size=30),
)
def test_smoothing_is_the_weighted_mean_over_time(scores: list[float], steps: list[float]) -> None:
    times = np.cumsum(steps)[: len(scores)]
    slow = naive.smoothed(scores, times.tolist(), smoothing.SIGMA, math.ceil(3 * smoothing.SIGMA))
    np.testing.assert_allclose(smoothing.smoothed(scores, times), slow, atol=1e-5)


def test_one_score_stays_as_it_is() -> None:
    assert smoothing.smoothed([0.7], np.array([0.0])).tolist() == [np.float32(0.7)]


# -- events --------------------------------------------------------------------------------------


def blob(seconds: float, x: float, sigmas: float = 8.0, speed: float = 20.0) -> Blob:
    return Blob(
        round(seconds * 10), seconds, Box.of(x, 10, x + 10, 30), sigmas, "speed", speed, 5.0, 8.0,
        (speed, 0.0), 0.0, 0.01, Cells.of(np.arange(12).reshape(3, 4) == x // 10, (10.0, 10.0)),
    )  # fmt: skip


def test_changes_whose_boxes_overlap_are_one_and_other_cues_stay_apart() -> None:
    def change(x: float, sigmas: float) -> Blob:
        return replace(blob(0, x, sigmas), cue="change")

    chain = [change(0, 9), change(16, 8), change(60, 7), change(8, 6), blob(0, 4, 5)]
    whole, other, moving = blobs.connected(chain)
    assert (whole.box, whole.sigmas) == (Box.of(0, 10, 26, 30), 9)
    assert whole.share == pytest.approx(0.026)
    assert whole.cells == chain[0].cells | chain[1].cells | chain[3].cells
    assert other == chain[2]
    assert moving == chain[4]


def test_places_that_follow_one_another_are_linked() -> None:
    linker = Linker()
    for step in range(10):
        assert linker.add(step / 10, [blob(step / 10, 2.0 * step), blob(step / 10, 90.0)]) == []
    near, far = linker.finish()
    assert [one.box.x0 for one in near] == [2.0 * step for step in range(10)]
    assert {one.box.x0 for one in far} == {90.0}


def test_a_link_ends_after_a_gap_and_a_single_frame_is_none() -> None:
    linker = Linker()
    for step in range(LEAST):
        linker.add(step / 10, [blob(step / 10, 2.0 * step)])
    linker.add(0.4, [blob(0.4, 90.0)])
    ended = linker.add(0.5 + GAP, [])
    assert [len(link) for link in ended] == [LEAST]
    assert linker.finish() == []


def test_an_event_has_the_frames_times_and_words_of_its_places() -> None:
    link = [blob(step / 10, 2.0 * step, 4.0 + step) for step in range(5)]
    event = event_of(link, (320, 240), (5, 0.5), "the references")
    assert (event.start, event.stop, event.peak) == (0, 5, 4)
    assert (event.start_seconds, event.end_seconds) == (0.0, 0.5)
    assert event.box == link[-1].box
    assert event.sentence == (
        "object moving 4 times as fast as is usual there (20 against 5 px/s, 2.5 times what 99 % "
        "of the references stay below), left to right, 0:00.0–0:00.5, upper left"
    )
    assert event.score == pytest.approx(float(to_score(7.0)), abs=1e-6)


@pytest.mark.parametrize(
    ("heading", "words"),
    [
        ((1, 0), "left to right"),
        ((0, 1), "downwards"),
        ((-1, 0), "right to left"),
        ((0, -1), "upwards"),
        ((1, 1), "towards the lower right"),
        ((-1, -1), "towards the upper left"),
    ],
)
def test_directions_have_names(heading: tuple[float, float], words: str) -> None:
    assert facts.direction_words(heading) == words


@pytest.mark.parametrize("cue", sorted(facts.LABELS))
def test_every_cue_has_words(cue: str) -> None:
    sentence = facts.fact_of(cue, facts.measures_of([blob(0.0, 0.0)]), "the references")
    assert "the references" in sentence or cue == "jolt"


# -- which frames --------------------------------------------------------------------------------


def clip_of(count: int, rate: float) -> Clip:
    plain = sample(frames([], 0.1)).clip
    return Clip(plain.reel, plain.size, np.arange(count) / rate, lasting=1 / rate)


@settings(deadline=None)
@given(st.integers(1, 20_000), st.sampled_from([1.0, 5.0, 10.0, 25.0, 60.0]), st.integers(30, 300))
def test_stretches_lie_in_the_clip_and_hold_about_as_many_frames(
    count: int, rate: float, most: int
) -> None:
    clip = clip_of(count, rate)
    found = chunks(clip, most)
    assert all(0 <= start < stop <= count for start, stop in found)
    held = sum(stop - start for start, stop in found) * min(1.0, 10 / rate)
    assert held <= most + CHUNK + 2
    if count <= min(most, LEARNED):
        assert found == [(0, count)]


@settings(deadline=None)
@given(st.integers(8, 20_000), st.sampled_from([5.0, 10.0, 25.0]))
def test_an_opening_is_a_tenth_of_the_clip_within_bounds(count: int, rate: float) -> None:
    clip = clip_of(count, rate)
    stop = opening_end(clip)
    assert 5 <= stop <= count or stop == count
    assert stop / rate <= max(10.0, 5 * max(1.0, rate / 10) / rate) + 1 / rate


@settings(deadline=None)
@given(st.integers(1, 4000), st.integers(1, 4000))
def test_copies_are_small_and_keep_their_shape(width: int, height: int) -> None:
    small = small_size((width, height))
    assert min(small) >= 16
    assert max(small) <= 320
    if min(width, height) >= 16 and max(width, height) <= 320:
        assert small == (width, height)
