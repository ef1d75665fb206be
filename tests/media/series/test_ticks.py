"""Axes are labelled with round numbers and round times of the wall clock, in the right places."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gadet.media.series.clock import Clock
from gadet.media.series.ticks import number_ticks, row_ticks, scale_of
from tests.media.series.support import ns


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.integers(2, 8))
@settings(max_examples=80, deadline=None)
def test_number_labels_say_where_they_are(low: float, span: float, most: int) -> None:
    assume(span > 1e-9 * abs(low))  # less is drawn as a constant
    high = low + span
    scale = scale_of(low, high)
    ticks = number_ticks(low, high, most, scale)
    assert 2 <= len(ticks) <= max(most, 2) + 3
    places = [place for place, _ in ticks]
    assert low - 1e-6 * span <= places[0] < places[-1] <= high + 1e-6 * span
    assert len({label for _, label in ticks}) == len(ticks)
    for place, label in ticks:
        said = float(label.replace(",", "")) * 10.0**scale.power + scale.offset
        assert said == pytest.approx(place, rel=1e-12, abs=1e-9 * span + 1e-4 * span)
    assert max(len(label) for _, label in ticks) <= 12


NUMBERS: dict[str, tuple[float, float, list[str], str]] = {
    "thousands": (0, 40_000, ["0", "10,000", "20,000", "30,000", "40,000"], ""),
    "parts": (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"], ""),
    "negative": (-1, 1, ["-1.0", "-0.5", "0.0", "0.5", "1.0"], ""),
    "millions": (0, 4e6, ["0", "1", "2", "3", "4"], "×10^6"),
    "tiny": (0, 2e-6, ["0.0", "0.5", "1.0", "1.5", "2.0"], "×10^-6"),
    "far": (1e9, 1e9 + 4, ["0", "1", "2", "3", "4"], "plus 1000000000"),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_number_labels(name: str) -> None:
    low, high, labels, words = NUMBERS[name]
    scale = scale_of(low, high)
    assert [label for _, label in number_ticks(low, high, 6, scale)] == labels
    assert scale.words == words


def evenly(start: str, step: str, count: int, zone: str | None = None) -> Clock:
    times = np.datetime64(start, "ns") + np.arange(count) * np.timedelta64(1, step)
    return Clock(count, times.astype(np.int64), zone)


TIMES: dict[str, tuple[Clock, int, list[str]]] = {
    "hours": (
        evenly("2024-04-09T22:00", "m", 600),
        5,
        ["22:00 2024-04-09", "00:00 2024-04-10", "02:00", "04:00", "06:00"],
    ),
    "seconds": (
        evenly("2024-04-09T23:59:50", "s", 21),
        5,
        ["23:59:50 2024-04-09", "23:59:55", "00:00:00 2024-04-10", "00:00:05", "00:00:10"],
    ),
    "days": (evenly("2023-12-30", "h", 24 * 5), 6, ["Dec 30 2023", "Dec 31", "Jan 01 2024",
                                                   "Jan 02", "Jan 03"]),
    "Mondays": (evenly("2024-04-09", "D", 30), 5, ["Apr 15 2024", "Apr 22", "Apr 29", "May 06"]),
    "months": (evenly("2023-11-20", "D", 130), 5, ["Dec 2023", "Jan 2024", "Feb", "Mar"]),
    "years": (evenly("2000-05-01", "D", 4000), 6, ["Jan 2002", "Jan 2004", "Jan 2006", "Jan 2008",
                                                   "Jan 2010"]),
    "zone": (evenly("2024-04-09T22:00", "m", 600, "Asia/Tokyo"), 5,
             ["08:00 2024-04-10", "10:00", "12:00", "14:00", "16:00"]),
    "positions": (Clock(2000), 5, ["0", "500", "1,000", "1,500"]),
    "elapsed": (Clock(50, np.arange(50) * 10**8, elapsed=True), 6, ["0", "1", "2", "3", "4"]),
    "uneven": (Clock(4, np.array(ns("2024-01-01", "2024-01-09", "2024-01-10", "2024-03-01"))), 4,
               ["00:00 2024-01-01", "00:00 2024-01-09", "00:00 2024-01-10", "00:00 2024-03-01"]),
}  # fmt: skip


@pytest.mark.parametrize("name", TIMES)
def test_time_labels(name: str) -> None:
    clock, most, expected = TIMES[name]
    ticks = row_ticks(clock, 0, clock.length, most)
    assert [f"{tick.label} {tick.below}".strip() for tick in ticks] == expected


@given(
    st.datetimes(datetime(1980, 1, 1), datetime(2037, 1, 1)),
    st.sampled_from(["s", "m", "h", "D"]),
    st.integers(2, 5000),
    st.sampled_from([None, "Europe/Berlin", "+05:30"]),
    st.integers(2, 12),
)
@settings(max_examples=60, deadline=None)
def test_a_time_label_stands_at_its_time(
    start: datetime, step: str, count: int, zone: str | None, most: int
) -> None:
    clock = evenly(start.replace(microsecond=0).isoformat(), step, count, zone)
    ticks = row_ticks(clock, 0, count, most)
    assert len(ticks) <= most + 2
    places = [tick.place for tick in ticks]
    assert places == sorted(places)
    date: Any = None
    for tick in ticks:
        assert 0 <= tick.place <= count
        date = tick.below or date
        text = f"{tick.label} {date}"
        if not re.match(r"\d\d:", text):
            continue  # days and months are found by name elsewhere
        clocked, day = text.split(" ")
        # In the hour that the clocks go back a label stands for two times.
        row = clock.index_of(f"{day} {clocked}")
        hour = 3600 / {"s": 1, "m": 60, "h": 3600, "D": 86400}[step]
        apart = abs(row + 0.5 - tick.place)
        assert apart <= 0.5 or apart == pytest.approx(hour, abs=1)


def test_ticks_of_days_are_found_by_their_labels() -> None:
    clock = evenly("2024-01-15", "h", 24 * 40)
    for tick in row_ticks(clock, 0, clock.length, 6):
        assert clock.index_of(tick.label) + 0.5 == tick.place
