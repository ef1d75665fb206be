"""Timestamps are read as they were meant, written as they were read, and found again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import InputError
from gadet.media.series.clock import Clock, in_words
from gadet.media.series.stamps import NAT, looks_like_time, read_stamps
from tests.media.series.support import ns

READ: dict[str, tuple[list[str], list[str], str | None]] = {
    "ISO": (["2024-01-02 03:04:05"], ["2024-01-02T03:04:05"], None),
    "T": (["2024-01-02T03:04"], ["2024-01-02T03:04"], None),
    "days": (["2024-01-02", "2024-02-29"], ["2024-01-02", "2024-02-29"], None),
    "mixed lengths": (["2024-01-02", "2024-01-02 05:00"], ["2024-01-02", "2024-01-02T05"], None),
    "nanoseconds": (["2024-01-02 03:04:05.123456789"], ["2024-01-02T03:04:05.123456789"], None),
    "comma": (["2024-01-02 03:04:05,5"], ["2024-01-02T03:04:05.5"], None),
    "Z": (["2024-01-02T03:04:05Z"], ["2024-01-02T03:04:05"], "UTC"),
    "offset": (["2024-01-02T03:04:05+02:00"], ["2024-01-02T01:04:05"], "+02:00"),
    "west": (["2024-01-02T03:04:05-0330"], ["2024-01-02T06:34:05"], "-03:30"),
    "one offset for all": (
        ["2024-01-02T03:04+02:00", "2024-01-02T03:05 +02:00"],
        ["2024-01-02T01:04", "2024-01-02T01:05"],
        "+02:00",
    ),
    "no offset": (["2024-01-02T03:04+00:00"] * 2, ["2024-01-02T03:04"] * 2, "UTC"),
    "two offsets": (
        ["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00"],
        ["2024-03-31T00", "2024-03-31T01"],
        "UTC",
    ),
    "slashes": (["2024/1/2 3:04"], ["2024-01-02T03:04"], None),
    "one digit": (["2024-1-2"], ["2024-01-02"], None),
    "dots": (["02.01.2024 08:00"], ["2024-01-02T08"], None),
    "day first": (["02/01/2024", "13/01/2024"], ["2024-01-02", "2024-01-13"], None),
    "month first": (["1/2/2024 9:00", "1/13/2024 9:00"], ["2024-01-02T09", "2024-01-13T09"], None),
    "missing": (["2024-01-02", "", "n/a"], ["2024-01-02", "NaT", "NaT"], None),
    "missing first": (["", "2024-01-02T00:00Z"], ["NaT", "2024-01-02"], "UTC"),
    "all missing": (["", "-"], ["NaT", "NaT"], None),
}


@pytest.mark.parametrize("name", READ)
def test_read(name: str) -> None:
    texts, expected, zone = READ[name]
    times, found = read_stamps(texts)
    assert times.tolist() == ns(*expected)
    assert found == zone


UNREADABLE: dict[str, tuple[list[str], str | None, str]] = {
    "month 13": (["2024-01-01", "2024-13-01"], None, "row 1 holds '2024-13-01'"),
    "words": (["yesterday"], None, "such as 2024-12-31 08:00:00; row 0 holds 'yesterday'"),
    "ambiguous": (["01/02/2024"], None, "day or the month first: say so.*time_format"),
    "later word": (["1.2.2024", "soon"], None, "row 1 holds 'soon'"),
    "one zone": (["2024-01-01T00:00Z", "2024-01-01T00:00"], None, "all without one; got both"),
    "later zone": (["2024-01-01T00:00", "2024-01-01T00:00Z"], None, "all without one; got both"),
    "too old": (["1500-01-01", "1500-01-02"], None, "1678 and 2261; got 1500"),
    "too old among others": (["2000-01-01", "1500-01-01", "2000-01-02"], None, "1678 and 2261"),
    "too late, uneven": (["2000-01-01", "", "2500-01-01 05:00"], None, "1678 and 2261"),
    "format": (["3 May"], "%d.%m.%Y", r"time_format='%d.%m.%Y'; row 0 holds '3 May'"),
    "format zone": (["1 +0100", "2 "], "%d %z", "row 1 holds"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable(name: str) -> None:
    texts, how, match = UNREADABLE[name]
    with pytest.raises(InputError, match=match):
        read_stamps(texts, how)


def test_a_format_of_the_callers() -> None:
    times, zone = read_stamps(["2024 day 032", "null"], "%Y day %j")
    assert times.tolist() == [ns("2024-02-01")[0], NAT]
    assert zone is None
    assert read_stamps(["2024 +0200"], "%Y %z")[1] == "+02:00"


def test_what_looks_like_a_time() -> None:
    assert all(map(looks_like_time, ("2024-01-01", "1.2.2024", "2024/01/01 10:00Z")))
    assert not any(map(looks_like_time, ("12", "1.5", "a", "", "2024", "10:00")))


def test_bad_dates_are_errors_whatever_way_they_are_read() -> None:
    for texts in (["2024-02-30", "2024-01-01"], ["", "2024-02-30"]):
        with pytest.raises(InputError, match="2024-02-30"):
            read_stamps(texts)


def clock(*times: str, **options: Any) -> Clock:
    return Clock(len(times), np.array(ns(*times)), **options)


def test_labels() -> None:
    assert [Clock(3).label(row) for row in (0, 3)] == ["0", "3"]
    days = clock("2024-01-01", "2024-01-02")
    assert [days.label(row) for row in (0, 1, 2)] == ["2024-01-01", "2024-01-02", "2024-01-03"]
    fine = clock("2024-01-01T00:00:00.25", "2024-01-01T00:00:01")
    assert fine.label(0) == "2024-01-01 00:00:00.25"
    zoned = clock("2024-07-01T00:00", "2024-07-01T01:00", zone="America/New_York")
    assert zoned.label(0) == "2024-06-30 20:00:00-04:00"
    assert clock("2024-07-01", zone="nowhere/at all").label(0) == "2024-07-01 00:00:00+00:00"
    with pytest.raises(InputError, match="row from 0 to 2; got 3"):
        days.label(3)


ZONES = st.sampled_from([None, "UTC", "Europe/Berlin", "America/New_York", "+05:30", "-03:00"])


@given(
    st.lists(st.integers(-(2**60), 2**60), min_size=1, max_size=30, unique=True), ZONES, st.data()
)
@settings(max_examples=100, deadline=None)
def test_a_label_leads_back_to_its_row(times: list[int], zone: str | None, data: Any) -> None:
    known = Clock(len(times), np.array(sorted(times)), zone)
    row = data.draw(st.integers(0, len(times) - 1))
    assert known.index_of(known.label(row)) == row


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=30, unique=True), st.integers(-9, 10**6)
)
@settings(max_examples=100, deadline=None)
def test_the_nearest_row(seconds: list[int], wanted: int) -> None:
    seconds = sorted(seconds)
    known = Clock(len(seconds), np.array(seconds) * 10**9)
    row = known.index_of(datetime.fromtimestamp(wanted, UTC).replace(tzinfo=None))
    nearest = min(abs(second - wanted) for second in seconds)
    assert abs(seconds[row] - wanted) == nearest


HOURS = tuple(f"2024-04-{day:02}T{hour:02}" for day in range(9, 12) for hour in range(24))
FOUND: dict[str, tuple[Any, int]] = {
    "text": ("2024-04-10 06:00", 30),
    "as the axis says": ("Apr 10 06:00", 30),
    "with the year": ("April 10, 2024 06:00", 30),
    "a day": ("Apr 10", 24),
    "position": (17, 17),
    "position as text": ("17", 17),
    "with words": ("step 1,7", 17),
    "number between": (17.4, 17),
    "before": ("2020-01-01", 0),
    "after": ("2030-01-01", 71),
    "too large": (10**9, 71),
    "numpy": (np.datetime64("2024-04-10T06"), 30),
    "date": (datetime(2024, 4, 10, 6).date(), 24),
    "nearest": ("2024-04-10 06:29:59", 30),
    "next": ("2024-04-10 06:31", 31),
}


@pytest.mark.parametrize("name", FOUND)
def test_found(name: str) -> None:
    wanted, row = FOUND[name]
    assert clock(*HOURS).index_of(wanted) == row


@pytest.mark.parametrize("wanted", [None, True, "soon", "Foo 12", "Feb 31", "", float("nan"), []])
def test_not_found(wanted: Any) -> None:
    with pytest.raises(InputError):
        clock(*HOURS).index_of(wanted)
    with pytest.raises(InputError):
        Clock(9).index_of(wanted)


def test_times_without_a_zone_are_the_wall_clocks() -> None:
    berlin = clock(*HOURS, zone="Europe/Berlin")
    assert berlin.index_of("2024-04-10 08:00") == 30
    assert berlin.index_of("2024-04-10 06:00Z") == 30
    assert berlin.index_of(datetime(2024, 4, 10, 6, tzinfo=UTC)) == 30
    assert berlin.index_of("Apr 10 08:00") == 30
    with pytest.raises(InputError, match="without a time zone"):
        clock(*HOURS).index_of(datetime(2024, 4, 10, tzinfo=UTC))


def test_a_day_of_the_right_year() -> None:
    years = clock("2022-12-30", "2022-12-31", "2023-01-01", "2023-01-02")
    assert years.index_of("Jan 02") == 3
    assert years.index_of("Dec 30") == 0
    with pytest.raises(InputError, match="position from 0 to 8"):
        Clock(9).index_of("Jan 02")


def test_elapsed() -> None:
    known = Clock(3, np.array([0, 10**9, 25 * 10**8]), elapsed=True)
    assert known.label(2) == "2.5 s"
    assert known.index_of("2.4 s") == 2
    assert known.index_of("1") == 1
    with pytest.raises(InputError, match="a position"):
        known.index_of("2024-01-01")


@given(st.datetimes(datetime(1980, 1, 1), datetime(2037, 1, 1)), ZONES)
@settings(max_examples=100, deadline=None)
def test_wall_clock_and_back(wall: datetime, zone: str | None) -> None:
    known = Clock(1, np.zeros(1, np.int64), zone)
    local = known.local(known.instant(wall.replace(microsecond=0, fold=0)))
    skipped = zone in ("Europe/Berlin", "America/New_York")
    apart = abs(local.replace(tzinfo=None) - wall.replace(microsecond=0))
    assert apart in ((timedelta(0), timedelta(hours=1)) if skipped else (timedelta(0),))
    if zone in ("+05:30", "-03:00"):
        assert isinstance(known.tz, timezone)
    if skipped:
        assert known.tz == ZoneInfo(str(zone))


def test_lengths_of_time_in_words() -> None:
    spans = {5 * 10**8: "0.5 s", 0: "0 s", 90 * 10**9: "1 min 30 s", 7200 * 10**9: "2 h"}
    spans |= {(86_400 * 3 + 3600 * 4 + 61) * 10**9: "3 d 4 h"}
    assert {span: in_words(span) for span in spans} == spans
