"""The stream: no look ahead, bounded memory, and anomalies found as they come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import ConfigurationError, InputError
from gadet.experts.series import SeriesStream
from tests.experts.series.made import made


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 99), st.integers(1, 499), st.sampled_from(["daily", "noise", "switch"]))
def test_what_comes_later_changes_no_score(seed: int, cut: int, base: str) -> None:
    values = made(base, None, seed=seed, length=500)[0]
    whole = SeriesStream(memory=240).push(values)
    changed = values.copy()
    changed[cut:] += 100.0
    assert (SeriesStream(memory=240).push(changed)[:cut] == whole[:cut]).all()


def test_pieces_give_the_scores_of_the_whole() -> None:
    values = made("waves", None, seed=1, length=600)[0]
    whole = SeriesStream(memory=240).push(values)
    stream = SeriesStream(memory=240)
    pieces = [stream.push(values[0]), stream.push(values[1:400]), stream.push(values[400:, None])]
    assert (np.concatenate(pieces) == whole).all()


@pytest.mark.parametrize("kind", ["level", "flat", "louder", "drift"])
def test_an_anomaly_is_found_soon_after_it_begins(kind: str) -> None:
    values, truth = made("waves", kind, seed=5, length=2400, lasts=200)
    scores = SeriesStream(memory=1600).push(values)
    start = int(np.argmax(truth))
    assert start > 400
    assert (scores[start : start + 250] >= 0.5).any()
    assert scores[:start].max() < 0.5


def test_scores_wait_until_the_stream_is_ready() -> None:
    stream = SeriesStream(period=20, memory=400)
    assert stream.push(np.ones(99)) == pytest.approx(np.full(99, 0.49))
    assert not stream.ready
    stream.push(2.0)
    assert stream.ready
    assert stream.period == 20


def test_the_period_is_found_once_ready() -> None:
    stream = SeriesStream(memory=4000)
    stream.push(np.sin(2 * np.pi * np.arange(1000) / 50))
    assert stream.period == 50


def test_memory_does_not_grow() -> None:
    stream = SeriesStream(channels=2, memory=240)
    values = np.random.default_rng(0).normal(size=(1500, 2))

    def sizes() -> dict[str, int]:
        parts = vars(stream._engine).items()
        return {name: len(part) for name, part in parts if hasattr(part, "last")}

    stream.push(values[:800])
    before = sizes()
    assert before["_values"] == 240
    stream.push(values[800:])
    assert sizes() == before
    assert stream._warming == []


def test_missing_values_are_no_anomaly() -> None:
    values = np.random.default_rng(1).normal(size=(800, 2))
    values[500:505] = np.nan
    values[600, 0] = np.inf
    scores = SeriesStream(channels=2, memory=400).push(values)
    assert not scores[500:505].any()
    assert scores.max() < 0.5


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"channels": 0}, "channels must be 1"),
        ({"memory": 100}, "memory must be 240"),
        ({"memory": 300, "period": 101}, "third of the memory"),
        ({"period": 1}, "period must be 2"),
    ],
)
def test_bad_settings_are_refused(given_: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        SeriesStream(**given_)


@pytest.mark.parametrize("rows", ["text", np.zeros(3), np.zeros((2, 3)), np.zeros((1, 2, 2))])
def test_rows_of_another_shape_are_refused(rows: object) -> None:
    with pytest.raises(InputError, match="rows of"):
        SeriesStream(channels=2).push(rows)  # type: ignore[arg-type]
