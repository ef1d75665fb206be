"""Loitering and crowds that run apart: on made clips, and beside slow versions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gadet.experts.video import VideoExpert
from gadet.experts.video.facts import fact_of
from gadet.experts.video.glimpse import Watcher
from gadet.experts.video.motion import Motion
from gadet.experts.video.scatter import Scatter, outward
from gadet.experts.video.staying import GAP, Dwell, Staying
from tests.experts.video.made import GROUND, frames, passers, sample

EXPERT = VideoExpert(features=False)
CLOTH = np.random.default_rng(5).normal(70, 25, (20, 12, 1))


def with_figures(pixels: np.ndarray, places: list[list[tuple[float, float]]]) -> np.ndarray:
    """Figures drawn over a clip, by frame."""
    drawn = pixels.copy()
    for frame, figures in zip(drawn, places, strict=True):
        for x, y in figures:
            left, top = round(x), round(y)
            part = frame[max(top, 0) : max(top + 20, 0), max(left, 0) : max(left + 12, 0)]
            part[:] = np.clip(CLOTH[: part.shape[0], : part.shape[1]], 0, 255)
    return drawn


def pacing(seconds: float) -> list[list[tuple[float, float]]]:
    """A figure that steps to and fro within its own width."""
    return [[(70 + 5 * math.sin(1.6 * k / 10), 74)] for k in range(round(seconds * 10))]


@pytest.fixture(scope="module")
def normal() -> object:
    return sample(frames(passers(16), 16))


def test_who_stays_far_longer_than_others_loiters(normal: object) -> None:
    pixels = with_figures(frames(passers(24, seed=3), 24, seed=5), pacing(24))
    found = list(EXPERT.frames(sample(pixels), [normal]))
    assert max(one.sigmas["stay"] for one in found[:80]) < 4
    assert min(one.sigmas["stay"] for one in found[200:]) >= 4
    (event,) = EXPERT.assess(sample(pixels), [normal]).candidates
    assert event.label == "loitering"
    assert "for 24 s" in event.sentence
    assert abs(event.box.centre[0] - 76) < 12
    assert abs(event.box.centre[1] - 84) < 12


def test_who_passes_by_does_not_loiter(normal: object) -> None:
    found = list(EXPERT.frames(sample(frames(passers(24, seed=3), 24, seed=5)), [normal]))
    assert max(one.sigmas["stay"] for one in found) < 2


def test_a_place_that_always_moves_is_no_loitering() -> None:
    pixels = with_figures(frames(passers(16, seed=3), 16), pacing(16))
    watcher = Watcher(None, (160, 96))
    seen = [watcher.look(number / 10, one) for number, one in enumerate(pixels)]
    assert max(float(one.dwell.max()) for one in seen) > 10
    assert Staying([seen]).beyond(seen[-1]).max() < 1


def test_the_count_goes_on_over_a_gap_and_anew_after_a_longer_one() -> None:
    dwell, none = Dwell((4, 4)), np.zeros((0, 2))
    here, still = np.array([[12.0, 12.0]]), np.zeros((1, 2))
    assert dwell.step(0, here, still)[1, 1] == 0
    assert dwell.step(1, here, still)[1, 1] == 1
    assert dwell.step(1 + GAP, none, none)[1, 1] == 1
    assert dwell.step(1.1 + GAP, none, none)[1, 1] == 0
    assert dwell.step(9, here, still)[1, 1] == 0
    assert dwell.step(10, here, still)[1, 1] == 1


def test_what_leads_on_is_no_stay() -> None:
    dwell = Dwell((4, 4))
    here, on = np.array([[12.0, 12.0]]), np.array([[9.0, 0.0]])
    assert [float(dwell.step(k, here, on)[1, 1]) for k in range(5)] == [0, 1, 0, 1, 0]


def running(seconds: float, from_: float) -> list[list[tuple[float, float]]]:
    """Eight figures around the middle that mill about and then run apart."""
    turns = [2 * math.pi * k / 8 for k in range(8)]
    found = []
    for k in range(round(seconds * 10)):
        moment = k / 10
        far = 1 + max(0.0, moment - from_) * 0.8
        sway = 2 * math.sin(2 * moment)
        found.append(
            [(74 + 45 * far * math.cos(a) + sway, 38 + 30 * far * math.sin(a)) for a in turns]
        )
    return found


def empty(seconds: float) -> np.ndarray:
    rng = np.random.default_rng(0)
    noisy = [GROUND + rng.normal(0, 1, GROUND.shape) for _ in range(round(seconds * 10))]
    return np.repeat(np.clip(noisy, 0, 255).astype(np.uint8)[..., None], 3, axis=3)


def test_a_crowd_that_runs_apart_is_found() -> None:
    normal = with_figures(empty(6), running(6, 99))
    scared = with_figures(empty(5), running(5, 3.0))
    found = list(EXPERT.frames(sample(scared), [sample(normal)]))
    assert max(one.sigmas["scatter"] for one in found[:30]) < 2
    assert max(one.sigmas["scatter"] for one in found[32:]) >= 4


def test_the_way_outward_is_the_cosine_point_by_point() -> None:
    rng = np.random.default_rng(1)
    places, velocities = rng.normal(0, 5, (2, 6, 2))
    middle = [sum(p[i] for p in places) / 6 for i in (0, 1)]
    common = [sum(v[i] for v in velocities) / 6 for i in (0, 1)]
    for place, velocity, found in zip(places, velocities, outward(places, velocities), strict=True):
        way = [place[i] - middle[i] for i in (0, 1)]
        own = [velocity[i] - common[i] for i in (0, 1)]
        dot = way[0] * own[0] + way[1] * own[1]
        assert found == pytest.approx(dot / math.hypot(*way) / math.hypot(*own))
    assert outward(places[:1], velocities[:1]).tolist() == [0]
    assert len(outward(places[:0], velocities[:0])) == 0


def test_few_things_are_no_crowd() -> None:
    watcher = Watcher(None, (160, 96))
    pixels = with_figures(empty(2), [[(20 + 4 * k, 20), (120 - 4 * k, 70)] for k in range(20)])
    seen = [watcher.look(number / 10, one) for number, one in enumerate(pixels)]
    assert max(Scatter(seen).beyond(one) for one in seen) == 0
    maps = Motion([seen], clean=True).maps(seen[-1])
    assert maps["scatter"].max() == maps["scatter"].min() == -12


def test_the_words_say_how_long_and_how_fast() -> None:
    measures = {"stayed": 31.4, "speed": 55.0}
    assert "for 31 s" in fact_of("stay", measures, "the references")
    assert "at 55 px/s" in fact_of("scatter", measures, "the references")
