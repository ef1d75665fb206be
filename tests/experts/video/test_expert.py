"""The video expert on made videos: what it finds, when, where, and in which words."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.experts.base import Evidence
from gadet.experts.video import EventCandidate, VideoExpert
from gadet.media.image import ImageAdapter
from tests.experts.video.made import Walker, frames, passers, sample

EXPERT = VideoExpert(features=False)
NORMAL = sample(frames(passers(14), 14))


def events(evidence: Evidence) -> list[EventCandidate]:
    found = [one for one in evidence.candidates if isinstance(one, EventCandidate)]
    assert len(found) == len(evidence.candidates)
    return found


@pytest.fixture(scope="module")
def fast() -> Evidence:
    walkers = [*passers(10, seed=3), Walker(4.0, -10, 40, 50)]
    return EXPERT.assess(sample(frames(walkers, 10, seed=5)), [NORMAL])


def test_ordinary_walkers_are_no_event() -> None:
    evidence = EXPERT.assess(sample(frames(passers(10, seed=3), 10, seed=5)), [NORMAL])
    assert evidence.score < 0.5
    assert evidence.candidates == ()


def test_a_fast_object_is_found_in_time_and_place(fast: Evidence) -> None:
    event = events(fast)[0]
    assert fast.score >= 0.5
    assert event.label == "fast object"
    assert 3.8 <= event.start_seconds <= 5.2
    assert 6.5 <= event.end_seconds <= 8.0
    for sight in event.track[1:-1]:
        x, y = sight.box.centre
        assert abs(x - (50 * (sight.seconds - 4) - 5)) < 12
        assert abs(y - 50) < 12


def test_where_it_is_largest_its_pixels_are_known(fast: Evidence) -> None:
    event = events(fast)[0]
    (sight,) = (sight for sight in event.track if sight.mask is not None)
    assert sight.box.area == max(one.box.area for one in event.track)
    drawn = sight.mask.to_array()
    assert drawn.shape == (96, 160)
    x0, y0, x1, y1 = sight.box.rounded_out()
    assert 0 < drawn.sum() == drawn[y0:y1, x0:x1].sum()


def test_the_sentence_says_how_fast_where_to_and_when(fast: Evidence) -> None:
    event = events(fast)[0]
    assert "times as fast as is usual there" in event.sentence
    assert "left to right" in event.sentence
    assert "0:0" in event.sentence
    assert event.measures["speed"] == pytest.approx(50, rel=0.1)
    assert event.measures["usual_speed"] == pytest.approx(15, rel=0.15)


def test_every_frame_has_a_score_and_the_event_the_highest(fast: Evidence) -> None:
    assert fast.score_map.shape == (100,)
    assert fast.score_map.dtype == np.float32
    assert fast.score == fast.score_map.max()
    assert 40 <= int(fast.score_map.argmax()) < 75
    assert (fast.score_map[:30] < 0.5).all()


def test_the_same_input_gives_the_same_evidence(fast: Evidence) -> None:
    walkers = [*passers(10, seed=3), Walker(4.0, -10, 40, 50)]
    again = EXPERT.assess(sample(frames(walkers, 10, seed=5)), [NORMAL])
    np.testing.assert_array_equal(again.score_map, fast.score_map)
    assert [one.sentence for one in again.candidates] == [one.sentence for one in fast.candidates]


def test_the_first_seconds_may_be_what_is_normal() -> None:
    walkers = [*passers(12, seed=3), Walker(8.0, -10, 40, 50)]
    evidence = EXPERT.assess(sample(frames(walkers, 12), normal_until=6.0))
    assert evidence.compared
    assert (evidence.score_map[:60] < 0.5).all()
    assert events(evidence)[0].label == "fast object"
    assert events(evidence)[0].start >= 60


def test_moving_against_everybody_else_is_the_wrong_way() -> None:
    lane = [one for one in passers(70) if one.y == 55]
    normal = sample(frames(lane, 70))
    others = [one for one in passers(8, seed=3) if one.y == 55]
    against = Walker(2.0, 150, 55, -15, level=90)
    evidence = EXPERT.assess(sample(frames([*others[:-3], against], 8)), [normal])
    event = events(evidence)[0]
    assert event.label == "wrong way"
    assert "right to left" in event.fact


def test_references_of_another_shape_are_noted() -> None:
    evidence = EXPERT.assess(sample(frames(passers(1), 1)), [sample(frames(passers(1), 1)[:, :48])])
    assert "another shape" in " ".join(evidence.notes)


def test_what_stops_where_nothing_stood_changes_the_scene() -> None:
    walkers = [*passers(9, seed=3), Walker(1.0, -20, 76, 15, (28, 18), 230.0, 5.0)]
    pixels = frames(walkers, 9)
    found = list(EXPERT.frames(sample(pixels), [NORMAL]))
    assert np.median([one.sigmas["change"] for one in found[:45]]) < 1
    assert min(one.sigmas["change"] for one in found[60:]) > 4
    event = events(EXPERT.assess(sample(pixels), [NORMAL]))[0]
    assert event.label in ("changed scene", "unusual object")
    assert event.stop == 90
    last = event.track[-1].box
    assert abs(last.centre[0] - 54) < 16
    assert abs(last.centre[1] - 85) < 12


def test_an_event_in_the_middle_is_found_with_nothing_given() -> None:
    walkers = [*passers(14, seed=3), Walker(7.0, -10, 40, 50)]
    evidence = EXPERT.assess(sample(frames(walkers, 14, seed=5)))
    (event,) = events(evidence)
    assert event.label == "fast object"
    assert 6.8 <= event.start_seconds <= 8.2
    assert 9.5 <= event.end_seconds <= 11.0
    assert (evidence.score_map[:60] < 0.5).all()
    assert (evidence.score_map[115:] < 0.5).all()


def test_without_references_the_note_says_what_was_assumed() -> None:
    evidence = EXPERT.assess(NORMAL)
    assert "taken as what the place looks like" in " ".join(evidence.notes)


def test_a_clip_too_short_is_not_judged() -> None:
    evidence = EXPERT.assess(sample(frames(passers(1), 0.5)))
    assert evidence.score == 0.49
    assert evidence.score_map.shape == (5,)
    assert "too short" in evidence.notes[-1]


@pytest.mark.parametrize(
    ("count", "shape", "normal"),
    [(12, (1, 1), 0), (12, (3, 50), 0), (1, (32, 32), 6), (9, (32, 32), 1), (12, (90, 30), 12)],
)
def test_odd_shapes_and_lengths_are_measured(
    count: int, shape: tuple[int, int], normal: int
) -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(90, 110, (20, *shape, 3), dtype=np.uint8)
    references = [sample(noise[:normal])] if normal else []
    evidence = EXPERT.assess(sample(noise[-count:]), references)
    assert evidence.score_map.shape == (count,)
    assert np.isfinite(evidence.score_map).all()
    assert all(0 <= one.score <= 1 for one in evidence.candidates)


def test_a_picture_is_no_video() -> None:
    picture = ImageAdapter().load(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="expected the item to be a video"):
        EXPERT.assess(picture)
    with pytest.raises(InputError, match="reference 1"):
        EXPERT.assess(NORMAL, [picture])


def lit(on: list[tuple[float, float]], seconds: float = 16) -> np.ndarray:
    """Walkers, and a sign that lights up at some times."""
    pixels = frames(passers(seconds, seed=3), seconds)
    sign = np.random.default_rng(0).integers(0, 255, (14, 60, 1), dtype=np.uint8)
    for start, stop in on:
        pixels[round(start * 10) : round(stop * 10), 80:94, 40:100] = sign
    return pixels


def test_what_recurs_is_usual_where_nothing_is_known_to_be_normal() -> None:
    often = [(start, start + 1.5) for start in (3.0, 6.0, 9.0, 12.0, 14.0)]
    given = EXPERT.assess(sample(lit(often)), [NORMAL])
    assert events(given)[0].label == "changed scene"
    alone = EXPERT.assess(sample(lit(often)))
    assert alone.score < 0.5
    assert alone.candidates == ()


def test_what_is_short_stays_an_event_where_nothing_is_known_to_be_normal() -> None:
    evidence = EXPERT.assess(sample(lit([(7.0, 9.0)])))
    (event,) = events(evidence)
    assert event.label == "changed scene"
    assert 6.8 <= event.start_seconds <= 7.5
    assert 8.5 <= event.end_seconds <= 9.5
