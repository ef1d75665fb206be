"""Clips for tests: a square that moves over grey, and the event it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from gadet import Evidence, VideoInput
from gadet.experts.video import EventCandidate, Sight
from gadet.geometry import Box
from gadet.media.video import VideoAdapter, VideoSample

SIZE = (96, 64)
SEEN = range(40, 60)
"""The frames in which the square is there."""


def square(frame: int) -> Box:
    """Where the square is."""
    left = 10 + 3 * (frame - SEEN.start)
    return Box.of(left, 20, left + 12, 32)


def frames(count: int = 100) -> np.ndarray:
    """Grey frames with a white square in those of `SEEN`."""
    pictures = np.full((count, SIZE[1], SIZE[0], 3), 90, np.uint8)
    for number in SEEN:
        if number < count:
            x0, y0, x1, y1 = square(number).rounded_out()
            pictures[number, y0:y1, x0:x1] = 255
    return pictures


def item(count: int = 100, rate: float = 10.0) -> VideoInput:
    return VideoInput(frames(count), rate=rate)


def sample(count: int = 100, rate: float = 10.0) -> VideoSample:
    return VideoAdapter().load(item(count, rate))


def event(clip: Any, score: float = 0.9, step: int = 3) -> EventCandidate:
    """The square as an event, with a box in every third frame."""
    track = tuple(Sight(n, float(clip.times[n]), square(n)) for n in SEEN[::step])
    return EventCandidate(
        start=SEEN.start,
        stop=SEEN.stop,
        start_seconds=float(clip.times[SEEN.start]),
        end_seconds=float(clip.times[SEEN.stop]),
        track=track,
        peak=50,
        score=score,
        label="moving square",
        fact="a square that moves",
        when="0:04.0 to 0:06.0",
    )


class SquareExpert:
    """Knows the square."""

    modality = "video"

    def __init__(self) -> None:
        self.calls = 0

    def assess(self, sample: VideoSample, references: Any = ()) -> Evidence:
        self.calls += 1
        scores = np.full(len(sample), 0.1, np.float32)
        if len(sample) < SEEN.stop:
            return Evidence(scores, 0.1, expert="square")
        scores[SEEN.start : SEEN.stop] = 0.9
        return Evidence(scores, 0.9, (event(sample.clip),), ("a square moves",), "square")
