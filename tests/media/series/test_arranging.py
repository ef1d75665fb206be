"""Time found, rows ordered, channels chosen: and each thing that was done is noted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.media.series.support import NAN, load, notes, ns, refused

THREE = {"t": ["2024-01-01", "2024-01-02", "2024-01-03"], "v": [1, 2, 3], "w": [4, 5, 6]}


def test_rows_are_sorted_and_repeated_times_merged() -> None:
    item = {"t": ["2024-01-03", "2024-01-01", "2024-01-03", "2024-01-02"], "v": [30, 1, 50, NAN]}
    expected = {"mean": 40, "first": 30, "last": 50}
    for how, last in expected.items():
        sample = load(item, duplicates=how)
        np.testing.assert_array_equal(sample.values[:, 0], [1, NAN, last])
        assert sample.times is not None
        assert sample.times.tolist() == ns("2024-01-01", "2024-01-02", "2024-01-03")
        assert "rows were sorted" in notes(sample)
        assert "1 row with a timestamp that was there already" in notes(sample)


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(-9, 9) | st.just(NAN)), min_size=1))
@settings(max_examples=60, deadline=None)
def test_merging_against_a_plain_loop(rows: list[tuple[int, float]]) -> None:
    rows = [*rows, (10, 1.0)]
    by_time: dict[int, list[float]] = {}
    for time, value in rows:
        by_time.setdefault(time, []).append(value)
    expected = []
    for time in sorted(by_time):
        known = [value for value in by_time[time] if value == value]
        expected.append(sum(known) / len(known) if known else NAN)
    times = np.array([time for time, _ in rows]).astype("M8[s]")
    sample = load({"t": times, "v": np.array([value for _, value in rows])})
    np.testing.assert_allclose(sample.values[:, 0], expected, atol=1e-12)


def test_infinite_values_that_are_merged_stay_out_of_the_mean() -> None:
    sample = load({"t": ["2024-01-01", "2024-01-01", "2024-01-02"], "v": [np.inf, 2, -np.inf]})
    np.testing.assert_array_equal(sample.values[:, 0], [2, NAN])


def test_rows_without_a_time() -> None:
    sample = load({"t": ["2024-01-01", "", "2024-01-03"], "v": [1, 2, 3]})
    assert sample.values[:, 0].tolist() == [1, 3]
    assert "1 row without a time" in notes(sample)
    refused({"t": [None, None], "v": [1, 2]}, "missing", {"time": "t", "time_unit": "s"})


def test_what_is_unusual_is_noted() -> None:
    sample = load({"a": [1, 1, 1], "b": [1, np.inf, 3], "c": [NAN] * 3, "d": ["x", "y", "z"]})
    text = notes(sample)
    assert "infinite values taken as missing: 1" in text
    assert "missing values: 4 of 9" in text
    assert "without a value: 'c'" in text
    assert "never change: 'a'" in text
    assert "left out: 'd'" in text


def test_gaps_and_irregular_sampling_are_noted() -> None:
    hours = np.delete(np.arange(100), [50, 51, 80])
    sample = load({"t": np.array(hours, "M8[h]"), "v": hours})
    assert "2 gaps between rows usually 1 h apart; the longest is 3 h after 1970-01-03 01:" in (
        notes(sample)
    )
    assert sample.clock.gaps.tolist() == [49, 77]
    assert sample.clock.steady
    assert not sample.clock.regular
    uneven = load({"t": np.cumsum([1, 5, 2, 9, 1, 30]).astype("M8[m]"), "v": range(6)})
    assert "sampled irregularly, from 1 min to 30 min apart" in notes(uneven)
    even = load({"t": np.arange(9).astype("M8[m]"), "v": range(9)})
    assert even.clock.regular
    assert even.info.notes == ()


def test_long_tables_are_pointed_at() -> None:
    rows = 4
    item = {
        "t": ["2024-01-01"] * rows + ["2024-01-02"] * rows,
        "channel": list("abcd") * 2,
        "v": range(2 * rows),
    }
    item["v"] = list(item["v"])
    assert "a column per channel first" in notes(load(item))


EPOCHS = {"s": 1.7e9, "ms": 1.7e12, "us": 1.7e15, "ns": 1.7e18}


@pytest.mark.parametrize("unit", EPOCHS)
def test_unix_times_by_their_size(unit: str) -> None:
    step = EPOCHS[unit] / 1.7e9
    sample = load({"timestamp": [EPOCHS[unit], EPOCHS[unit] + 60 * step], "v": [1, 2]})
    assert sample.label(1) == "2023-11-14 22:14:20+00:00"
    assert f"Unix time in {unit}" in notes(sample)


ELAPSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "guessed": ({"time": [0, 0.5], "v": [1, 2]}, {}, "0.5 s"),
    "name says ms": ({"time_ms": [0, 500], "v": [1, 2]}, {}, "0.5 s"),
    "brackets": ({"Time (us)": [0, 500], "v": [1, 2]}, {}, "0.0005 s"),
    "said": ({"x": [0, 7], "v": [1, 2]}, {"time": "x", "time_unit": "ms"}, "0.007 s"),
}


@pytest.mark.parametrize("name", ELAPSED)
def test_time_elapsed(name: str) -> None:
    item, options, expected = ELAPSED[name]
    sample = load(item, **options)
    assert sample.channels == ("v",)
    assert sample.label(1) == expected
    assert sample.index_of(expected) == 1


def test_numbers_that_only_look_like_a_time_stay_values() -> None:
    assert load({"t": [3, 1, 2], "v": [1, 2, 3]}).channels == ("t", "v")
    assert load({"value": [1, 2, 3], "v": [1, 2, 3]}).channels == ("value", "v")


def test_times_given_beside_the_values() -> None:
    stamps = np.array(["2024-01-01T00", "2024-01-01T01"], "M8[h]")
    for times in (
        stamps,
        ["2024-01-01 00:00", "2024-01-01 01:00"],
        [datetime(2024, 1, 1), datetime(2024, 1, 1, 1)],
    ):
        sample = load([1, 2], time=times)
        assert sample.label(1) == "2024-01-01 01:00:00"
    aware = [datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC)]
    assert load([1, 2], time=aware).timezone == "UTC"
    refused([1, 2], r"for each of the 2 rows; got shape \(3,\)", {"time": [1, 2, 3]})
    refused([1, 2], "for each of the 2 rows", {"time": 5})
    refused([1, 2], "nanoseconds can hold", {"time": [1e12, 2e12], "time_unit": "s"})


def test_the_time_column_is_named_or_found() -> None:
    item = {"other": ["2020-01-01", "2020-01-02"], "timestamp": THREE["t"][:2], "v": [1, 2]}
    sample = load(item)
    assert sample.label(0) == "2024-01-01"
    assert "time taken from 'timestamp', not from 'other'" in notes(sample)
    assert load(item, time="other").label(0) == "2020-01-01"
    refused(THREE, "time to be a column, one of 't', 'v', 'w'; got 'zz'", {"time": "zz"})
    refused({"t": ["a", "b"], "v": [1, 2]}, "such as 2024-12-31", {"time": "t"})


def test_channels_are_picked_and_named() -> None:
    assert load(THREE, channels=("w",)).values[:, 0].tolist() == [4, 5, 6]
    assert load(THREE, channels=(2, "v")).channels == ("w", "v")
    assert load(THREE, channels=["v"]).channels == ("v",)
    assert load(np.ones((2, 2)), channels=("p", "q")).channels == ("p", "q")
    assert load(np.arange(6).reshape(2, 3), channels=(2,)).values[:, 0].tolist() == [2, 5]
    refused(THREE, "of 't', 'v', 'w'; got 'q'", {"channels": ("q",)})
    refused(THREE, "got 7", {"channels": (7,)})
    refused(THREE, "column 't'; its values are of the kind 'text'", {"channels": ("t",)})
    refused(np.ones((2, 2)), "each of the 2 channels; got 1", {"channels": ("a",)})
    bad = {"a": ["1", "2", "oops"], "b": [1, 2, 3]}
    refused(bad, "numbers in column 'a'; row 2 holds 'oops': mend it, or name the channels")
    assert load(bad, channels=("b",)).channels == ("b",)
    refused(bad, "row 2 holds 'oops'", {"channels": ("a",)})


def test_units_are_said_or_read_from_the_name() -> None:
    item = {"flow [l/s]": [1, 2], "speed (m/s)": [1, 2], "n": [1, 2]}
    assert load(item).units == ("l/s", "m/s", "")
    assert load(item, units={"n": "rpm"}).units == ("l/s", "m/s", "rpm")
    assert load(item, units="V").units == ("V", "V", "V")


def test_names_are_one_line_and_differ() -> None:
    sample = load(
        np.zeros(2, [("a\n  b", "f8"), ("x" * 200, "f8")]),
    )
    assert sample.channels[0] == "a b"
    assert len(sample.channels[1]) == 80


def test_the_part_known_to_be_normal() -> None:
    for until in (2, "2024-01-03", np.datetime64("2024-01-02T12:00"), datetime(2024, 1, 3)):
        assert load(THREE, normal_until=until).normal_until == 2
    assert load(THREE).normal_until is None
    refused(THREE, "at most the 3 rows; got 9", {"normal_until": 9})
    refused(THREE, "after the first row at 2024-01-01", {"normal_until": "2024-01-01"})
    refused([1, 2], "count of rows for a series without", {"normal_until": "2024-01-01"})
    refused(THREE, "without a time zone", {"normal_until": datetime(2024, 1, 2, tzinfo=UTC)})
    refused(THREE, "such as 2024-12-31", {"normal_until": "soon"})


def test_the_hash_is_of_the_content() -> None:
    base = load(THREE).info.sha256
    assert load(THREE).info.sha256 == base
    assert load({**THREE, "w": [4, 5, 7]}).info.sha256 != base
    assert load({**THREE, "t": ["2024-01-01", "2024-01-02", "2024-01-04"]}).info.sha256 != base
    assert load({"t": THREE["t"], "v": THREE["v"], "x": THREE["w"]}).info.sha256 != base
    assert load([1.0, 2.0]).info.sha256 != load({"value": [1.0, 2.0], "b": [0, 1]}).info.sha256
