"""The stream: the same parts as the expert, without a look ahead."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.experts.video import VideoStream
from tests.experts.video.made import Walker, frames, passers, sample

FAST = Walker(8.0, -10, 40, 50)


def pushed(stream: VideoStream, pixels: np.ndarray) -> list[float]:
    return [stream.push(number / 10, one)[0] for number, one in enumerate(pixels)]


def test_without_normals_the_opening_is_learned_from() -> None:
    stream = VideoStream(features=False)
    labels = set()
    scores = []
    for number, one in enumerate(frames([*passers(12, seed=3), FAST], 12)):
        score, score_map = stream.push(number / 10, one)
        scores.append(score)
        labels |= {event.label for event in (*stream.ongoing, *stream.ended)}
        assert score_map.shape == (24, 40)
        assert stream.ready == (number >= 59)
    assert scores[:59] == [0.49] * 59
    assert max(scores[60:80]) < 0.5
    assert max(scores[85:110]) >= 0.5
    assert labels == {"fast object"}


def test_scores_do_not_depend_on_what_comes_later() -> None:
    pixels = frames([*passers(9, seed=3), Walker(7.0, -10, 40, 50)], 9)
    whole = pushed(VideoStream(features=False), pixels)
    part = pushed(VideoStream(features=False), pixels[:80])
    assert whole[:80] == part


def test_normals_are_learned_from_at_once() -> None:
    stream = VideoStream([sample(frames(passers(5), 5))], features=False)
    assert stream.ready
    scores = pushed(stream, frames([*passers(4, seed=3), Walker(1.0, -10, 40, 50)], 4))
    assert max(scores[:10]) < 0.5 <= max(scores[20:])


def test_frames_between_the_measured_ones_get_the_last_score() -> None:
    pixels = frames(passers(2), 2)
    stream = VideoStream([sample(frames(passers(4), 4))], features=False)
    first = stream.push(0.0, pixels[0])
    between = stream.push(0.04, pixels[1])
    assert between[0] == first[0]
    assert between[1] is first[1]


@pytest.mark.parametrize(
    "frame", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)]
)
def test_what_is_no_frame_is_refused(frame: np.ndarray) -> None:
    with pytest.raises(InputError, match="expected a frame"):
        VideoStream(features=False).push(0.0, frame)


def test_frames_must_come_in_order() -> None:
    stream = VideoStream(features=False)
    stream.push(1.0, np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="later than 1 s"):
        stream.push(1.0, np.zeros((32, 32, 3), np.uint8))
