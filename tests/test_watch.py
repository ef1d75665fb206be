"""Watching a stream: events as they happen, judged on suspicion, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest

from gadet import (
    AnomalyDetector,
    ConfigurationError,
    Event,
    InputError,
    Limits,
    Report,
    ScriptedBackend,
    ServerError,
    Watch,
)
from gadet.watch import watch_series
from tests.doubles import answer

SETTINGS = Watch(memory=1200, quiet=40, judge_after=150)


def stream(rows: int = 2400, *, spike: int | None = 1800, width: int = 30) -> np.ndarray:
    rng = np.random.default_rng(3)
    values = np.sin(np.arange(rows) / 8) + rng.normal(0, 0.05, rows)
    if spike is not None:
        values[spike : spike + width] += 6.0
    return values


def watch(values: Any, inspect: Any = None, settings: Watch = SETTINGS) -> list[Event]:
    return list(watch_series(values, inspect, settings))


def test_an_event_begins_is_judged_and_ends() -> None:
    seen: list[Any] = []

    def inspect(item: Any) -> Report:
        seen.append(item)
        raise ServerError("down")

    events = watch(stream(), inspect)
    kinds = [event.kind for event in events if event.start >= 1790]
    assert kinds == ["began", "judged", "ended"]
    began, judged, ended = (event for event in events if event.start >= 1790)
    assert 1800 <= began.start < 1835
    assert {event.number for event in (began, judged, ended)} == {began.number}
    assert judged.problem == "down"
    assert ended.stop > began.start
    assert ended.score >= began.score >= 0.5
    assert len(seen[-1].item) == SETTINGS.memory


def test_a_quiet_stream_has_no_events() -> None:
    assert watch(stream(spike=None)) == []


def test_an_event_is_told_with_its_first_row() -> None:
    """Nothing is held back: the event is there before another row was asked for."""
    taken: list[int] = []

    def counted() -> Iterator[float]:
        for number, value in enumerate(stream()):
            taken.append(number)
            yield float(value)

    events = watch_series(counted(), None, SETTINGS)
    first = next(event for event in events if event.start >= 1790)
    assert taken[-1] == first.start


def test_what_is_told_does_not_depend_on_what_comes_later() -> None:
    whole = [event for event in watch(stream()) if event.stop <= 1900 and event.kind == "began"]
    cut = [event for event in watch(stream()[:1900]) if event.kind == "began"]
    assert whole == cut


def test_a_stream_that_never_ends_is_watched() -> None:
    def endless() -> Iterator[float]:
        rng = np.random.default_rng(0)
        number = 0
        while True:
            yield float(np.sin(number / 8) + rng.normal(0, 0.05) + 9 * (number % 1500 > 1470))
            number += 1

    first = list(islice(watch_series(endless(), None, SETTINGS), 4))
    assert [event.kind for event in first] == ["began", "ended", "began", "ended"]


def test_rows_may_come_with_their_time_and_several_channels() -> None:
    values = np.stack([stream(), stream(spike=None)], axis=1)
    times = [f"2024-01-01T00:{n // 60 % 60:02}:{n % 60:02}" for n in range(len(values))]
    settings = Watch(channels=("a", "b"), timed=True, memory=1200)
    items: list[Any] = []

    def inspect(item: Any) -> Report:
        items.append(item)
        raise InputError("not now")

    events = watch(zip(times, values, strict=True), inspect, settings)
    assert events[0].started == times[events[0].start]
    assert items[0].channels == ("a", "b")
    assert items[0].item.shape == (len(items[0].time), 2)


def test_an_event_that_lasts_is_judged_before_it_ends() -> None:
    def inspect(item: Any) -> Report:
        raise ServerError("down")

    values = stream(4000, spike=2000, width=900)
    events = [event for event in watch(values, inspect) if event.start >= 1990]
    assert [event.kind for event in events[:3]][:2] == ["began", "judged"]


def test_the_detector_judges_what_is_suspicious_and_nothing_else() -> None:
    pytest.importorskip("matplotlib")
    backend = ScriptedBackend(lambda _: answer(findings=[]))
    detector = AnomalyDetector(backend)
    assert not list(detector.watch(stream(spike=None), SETTINGS))
    assert not backend.prompts
    events = list(detector.watch(stream(), SETTINGS))
    judged = [event for event in events if event.kind == "judged"]
    assert judged
    assert all(event.report and event.report.verdict == "anomalous" for event in judged)
    offline = [event for event in AnomalyDetector().watch(stream(), SETTINGS) if event.findings]
    assert offline
    for event in offline:
        span = event.findings[0].region.interval
        assert span.start + event.first_row < event.stop
        assert span.end + event.first_row > event.start
    assert len(backend.prompts) == len(judged)
    assert Event.model_validate_json(judged[0].model_dump_json()).report == judged[0].report


def test_a_budget_that_is_used_up_stops_the_questions_not_the_watching() -> None:
    pytest.importorskip("matplotlib")
    values = np.concatenate([stream(), stream()])
    backend = ScriptedBackend(lambda _: answer(findings=[]))
    events = list(AnomalyDetector(backend).watch(values, SETTINGS, budget=Limits(max_requests=1)))
    judged = [event for event in events if event.kind == "judged"]
    assert len(backend.prompts) == 1
    assert judged[0].report is not None
    assert all(event.problem and "max_requests" in event.problem for event in judged[1:])


def test_what_cannot_be_watched_is_refused() -> None:
    with pytest.raises(InputError):
        watch(["a", "b"])
    with pytest.raises(InputError, match="2 channels"):
        watch([[1.0, 2.0, 3.0]], None, Watch(channels=("a", "b")))
    for wrong in ({"quiet": 0}, {"judge_after": 5000}):
        with pytest.raises(ConfigurationError, match="less than the memory"):
            Watch(**wrong)
    with pytest.raises(ConfigurationError, match="prices of scripted"):
        AnomalyDetector(ScriptedBackend([])).watch([1.0], budget=Limits(max_cost=1.0))
    with pytest.raises(ConfigurationError, match="memory"):
        watch([1.0], None, Watch(memory=100, quiet=5, judge_after=20))


def test_a_louder_event_before_does_not_hide_the_next() -> None:
    values = stream(3000, spike=1500)
    values[2300:2420] = 0.4
    seen: list[tuple[int, int]] = []

    def inspect(item: Any) -> Report:
        seen.append((len(item.item), int(np.max(item.item) > 4)))
        raise ServerError("not asked")

    events = [event for event in watch(values, inspect) if event.kind == "judged"]
    assert [loud for _, loud in seen] == [1, 0]
    assert SETTINGS.memory // 2 <= seen[1][0] < SETTINGS.memory
    assert len(events) == 2
