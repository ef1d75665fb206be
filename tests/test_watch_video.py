"""Watching videos: live iterators, files as if live, silence, breaks, and a ceiling per hour."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gadet import (
    AnomalyDetector,
    ConfigurationError,
    Event,
    InputError,
    Limits,
    Profile,
    ScriptedBackend,
    ServerError,
    VideoInput,
    VideoWatch,
    samples,
)
from gadet.backends.base import Completion
from gadet.budget import HOUR, Budget, Estimate
from gadet.errors import BudgetExceededError
from gadet.media.video.encode import write_mp4
from gadet.report import Usage
from gadet.watch import watch_video
from tests.doubles import answer
from tests.localize.clips import SquareExpert

SETTINGS = VideoWatch(fps=10.0, quiet=1.0, judge_after=2.0, memory=6.0, stall_after=5.0)
SIZE = (48, 32)


class Bright:
    """Scores a frame by its brightness."""

    def __init__(self) -> None:
        self.pushed: list[float] = []

    def push(self, seconds: float, pixels: np.ndarray) -> tuple[float, Any]:
        self.pushed.append(seconds)
        return float(pixels.mean()) / 255, None


def frames(count: int, *bright: range) -> Iterator[np.ndarray]:
    for number in range(count):
        shade = 230 if any(number in some for some in bright) else 40
        yield np.full((SIZE[1], SIZE[0], 3), shade, np.uint8)


def watch(source: Any, inspect: Any = None, settings: VideoWatch = SETTINGS) -> list[Event]:
    return list(watch_video(source, inspect, settings, scorer=Bright()))


def kinds(events: list[Event]) -> list[str]:
    return [event.kind for event in events]


def test_an_event_begins_is_judged_and_ends() -> None:
    items: list[VideoInput] = []

    def inspect(item: VideoInput) -> Any:
        items.append(item)
        raise ServerError("down")

    began, judged, ended = watch(frames(100, range(40, 50)), inspect)
    assert kinds([began, judged, ended]) == ["began", "judged", "ended"]
    assert (began.start, began.started) == (40, 4.0)
    assert (ended.start, ended.stop) == (40, 50)
    assert began.seconds == (4.0, 4.1)
    assert ended.seconds == (4.0, 5.0)
    assert {event.number for event in (began, judged, ended)} == {1}
    assert judged.problem == "down"
    (item,) = items
    assert item.timestamps[-1] == pytest.approx(5.9, abs=0.11)


def test_what_lasts_is_judged_before_it_ends_and_what_blinks_is_one() -> None:
    def inspect(item: VideoInput) -> Any:
        raise ServerError("down")

    events = watch(frames(150, range(40, 90)), inspect)
    assert kinds(events) == ["began", "judged", "ended"]
    assert events[1].stop <= 62
    blinking = watch(frames(120, range(40, 44), range(48, 52)))
    assert kinds(blinking) == ["began", "ended"]


def test_memory_is_bounded_however_long_the_stream_is() -> None:
    seen: list[int] = []

    def inspect(item: VideoInput) -> Any:
        seen.append(len(item.item))
        raise ServerError("down")

    settings = VideoWatch(
        fps=10.0, quiet=1.0, judge_after=2.0, memory=4.0, memory_rate=2.0, side=16
    )
    bright = [range(start, start + 5) for start in range(100, 1900, 300)]
    watch(frames(2000, *bright), inspect, settings)
    assert seen == [8] * len(bright)


def test_what_was_remembered_from_before_is_told_to_be_normal() -> None:
    items: list[VideoInput] = []

    def inspect(item: VideoInput) -> Any:
        items.append(item)
        raise ServerError("down")

    watch(frames(150, range(100, 105)), inspect, VideoWatch(fps=10.0, quiet=1.0, judge_after=2.0))
    watch(frames(80, range(30, 35)), inspect)
    assert [item.normal_until for item in items] == [pytest.approx(9.0), None]


def test_nothing_is_held_back() -> None:
    taken: list[int] = []

    def counted() -> Iterator[np.ndarray]:
        for number, frame in enumerate(frames(100, range(40, 50))):
            taken.append(number)
            yield frame

    first = next(iter(watch_video(counted(), None, SETTINGS, scorer=Bright())))
    assert first.start == 40
    assert taken[-1] <= 43  # frames wait in a queue of one


def test_frames_with_times_and_no_more_than_are_asked_for() -> None:
    scorer = Bright()
    timed = ((number / 50, frame) for number, frame in enumerate(frames(500)))
    list(watch_video(timed, None, SETTINGS, scorer=scorer))
    assert len(scorer.pushed) == pytest.approx(100, abs=2)


def test_a_file_is_watched_as_if_it_were_live(tmp_path: Any) -> None:
    pytest.importorskip("av")
    path = tmp_path / "clip.mp4"
    write_mp4(path, frames(100, range(40, 60)), 10.0)
    began, ended = watch(str(path))
    assert (began.kind, ended.kind) == ("began", "ended")
    assert began.started == pytest.approx(4.0, abs=0.11)
    assert ended.stop == pytest.approx(60, abs=1)


def test_silence_is_told_once_and_so_is_its_end() -> None:
    def slow() -> Iterator[np.ndarray]:
        for number, frame in enumerate(frames(6)):
            if number == 3:
                time.sleep(0.5)
            yield frame

    settings = VideoWatch(fps=10.0, stall_after=0.1)
    events = watch(slow(), settings=settings)
    assert kinds(events) == ["stalled", "resumed"]
    assert events[0].number == 0
    assert "no frame for 0.1 s" in events[0].problem


def test_a_stream_that_breaks_says_so_after_ending_what_was_open() -> None:
    def breaking() -> Iterator[np.ndarray]:
        yield from frames(60, range(50, 60))
        raise InputError("the camera is gone")

    events = watch(breaking())
    assert kinds(events) == ["began", "broken", "ended"]
    assert events[1].problem == "the camera is gone"


def test_a_mistake_in_the_iterator_is_raised_as_it_is() -> None:
    def wrong() -> Iterator[np.ndarray]:
        yield from frames(3)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        watch(wrong())


def test_leaving_early_stops_the_reading() -> None:
    before = threading.active_count()

    def endless() -> Iterator[np.ndarray]:
        while True:
            yield from frames(40, range(20, 30))

    events = watch_video(endless(), None, SETTINGS, scorer=Bright())
    assert len(list(islice(events, 3))) == 3
    events.close()
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() == before


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rate": 0}, "rate needs a number above 0"),
        ({"fps": float("nan")}, "fps needs a number above 0"),
        ({"quiet": 30.0}, "quiet needs to be less than the memory"),
        ({"judge_after": 24.0}, "judge_after needs to be less than the memory"),
        ({"side": -1}, "side needs a number above 0"),
    ],
)
def test_settings_that_cannot_be_watched_by(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        VideoWatch(**settings)


def timed(*clips: VideoInput) -> Iterator[tuple[float, np.ndarray]]:
    """The frames of clips one after the other, ten per second."""
    return ((n / 10, frame) for n, frame in enumerate(np.concatenate([c.item for c in clips])))


def test_the_model_is_asked_only_when_something_is_suspicious() -> None:
    case = samples.load("walkway")
    backend = ScriptedBackend(lambda _: answer(findings=[]))
    detector = AnomalyDetector(backend, expert=SquareExpert())
    events = list(detector.watch(timed(*case.references, case.item), domain="pedestrian"))
    asked = [event for event in events if event.kind == "judged"]
    assert len(asked) == len(backend.prompts) == 1
    assert asked[0].start > len(case.references[0].item)
    assert asked[0].report.verdict == "anomalous"


def test_an_event_is_judged_offline_with_its_findings_in_seconds_of_the_stream() -> None:
    case = samples.load("walkway")
    clips = [case.references[0].item, case.item.item]
    stream = (
        (number / 10, frame)
        for number, frame in enumerate(frame for clip in clips for frame in clip)
    )
    events = list(AnomalyDetector().watch(stream, domain="pedestrian"))
    judged = next(event for event in events if event.kind == "judged")
    assert judged.report.verdict == "anomalous"
    start, stop = (9.0 + frame / 10 for frame in case.spans[0])
    (finding,) = judged.findings
    assert finding.region.interval.start == pytest.approx(start, abs=1.0)
    assert start < finding.region.interval.end < stop + 1.0


def test_a_source_is_looked_at_to_tell_numbers_from_frames() -> None:
    detector = AnomalyDetector()
    assert list(detector.watch(np.sin(np.arange(50) / 3))) == []
    assert list(detector.watch(VideoInput(np.stack(list(frames(5))), rate=10.0))) == []
    with pytest.raises(InputError):
        list(detector.watch("no-such-file.mp4"))
    with pytest.raises(ConfigurationError):
        detector.watch(frames(3), domain="no-such-pack")


def test_an_hour_has_its_ceiling_and_the_next_one_its_own() -> None:
    now = [0.0]
    budget = Budget(
        Limits(max_requests=2, hourly=True), estimate=lambda _: Estimate(), clock=lambda: now[0]
    )

    asked: list[float] = []

    def ask(question: Any) -> Completion:
        asked.append(now[0])
        return Completion("x", usage=Usage(requests=1))

    guarded = budget.guarded(ask)
    question: Any = SimpleNamespace(leg=SimpleNamespace(profile=Profile()))
    guarded(question)
    now[0] = 1800.0
    guarded(question)
    with pytest.raises(BudgetExceededError, match="the hour's max_requests of 2"):
        guarded(question)
    budget.check()  # not the end of the run
    now[0] = HOUR + 1.0
    guarded(question)
    with pytest.raises(BudgetExceededError, match="later ones are asked again"):
        guarded(question)
    assert asked == [0.0, 1800.0, HOUR + 1.0]
    assert budget.spent.requests == 3
