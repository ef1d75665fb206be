"""Fewer points, the same picture: nothing that stands out may vanish, whatever the engine."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import ConfigurationError
from gadet.media.series import decimate, windows
from gadet.media.series.decimate import keep_peaks
from tests.media.series.support import NAN

WITH = pytest.param("compiled", id="tsdownsample")
WITHOUT = pytest.param("numpy", id="numpy")


@pytest.fixture(params=[WITH, WITHOUT])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "compiled":
        pytest.importorskip("tsdownsample")
    else:
        monkeypatch.setattr(decimate, "_compiled", lambda: None)
    return str(request.param)


def oracle(values: Any, columns: int) -> set[int]:
    """M4 by plain loops: of each column the first, last, lowest and highest value that is there."""
    if len(values) <= 4 * columns:
        return set(range(len(values)))
    width = (len(values) - 1) / columns
    chosen = {len(values) - 1}
    for number in range(columns):
        start = 0 if number == 0 else int(width * number) + 1
        stop = int(width * (number + 1)) + 1
        rows = [row for row in range(start, stop) if values[row] == values[row]]
        if not rows:
            chosen.add(start)
            continue
        chosen |= {rows[0], rows[-1]}
        chosen.add(min(rows, key=lambda row: values[row]))
        chosen.add(max(rows, key=lambda row: values[row]))
    return chosen


SERIES = st.tuples(
    st.integers(0, 2**32 - 1), st.integers(1, 900), st.integers(1, 60), st.booleans()
)


@given(SERIES)
@settings(max_examples=70, deadline=None)
def test_against_the_oracle(given_: tuple[int, int, int, bool]) -> None:
    seed, length, columns, coarse = given_
    random = np.random.default_rng(seed)
    values = random.standard_normal(length)
    values = np.round(values) if coarse else values
    expected = oracle(values.tolist(), columns)
    assert set(keep_peaks(values, columns).tolist()) == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decimate, "_compiled", lambda: None)
        assert set(keep_peaks(values, columns).tolist()) == expected
    values[random.random(length) < random.random()] = NAN
    assert set(keep_peaks(values, columns).tolist()) == oracle(values.tolist(), columns)


@given(SERIES, st.data())
@settings(max_examples=60, deadline=None)
def test_no_spike_can_vanish(given_: tuple[int, int, int, bool], data: st.DataObject) -> None:
    seed, length, columns, holes = given_
    random = np.random.default_rng(seed)
    values = random.standard_normal(length)
    if holes:
        values[random.random(length) < 0.5] = NAN
    row = data.draw(st.integers(0, length - 1))
    values[row] = data.draw(st.sampled_from([1e3, -1e3]))
    kept = keep_peaks(values, columns)
    assert row in kept
    assert (np.diff(kept) > 0).all()
    assert len(kept) <= max(4 * columns + 1, 1)


def test_the_last_row_stays(engine: str) -> None:
    # For this length and width the engine alone passes over the last row.
    values = np.zeros(1330)
    values[-1] = 9.0
    assert keep_peaks(values, 70)[-1] == 1329


def test_a_short_series_keeps_all(engine: str) -> None:
    assert keep_peaks(np.zeros(40), 10).tolist() == list(range(40))


@given(
    st.integers(1, 10**7),
    st.none() | st.integers(1, 10**5),
    st.integers(1, 40),
    st.integers(1, 5000),
)
@settings(max_examples=80, deadline=None)
def test_windows(length: int, period: int | None, most: int, steps: int) -> None:
    parts = windows(length, period=period, most=most, steps=steps)
    assert 1 <= len(parts) <= most
    assert parts[0][0] == 0
    assert parts[-1][1] == length
    sizes = {stop - start for start, stop in parts}
    assert len(sizes) == 1
    size = sizes.pop()
    if len(parts) > 1:
        assert period is None or size % period == 0
        # To the row that rounding may cost.
        assert all(before[1] - after[0] >= size // 4 - 1 for before, after in pairwise(parts))


def test_windows_hold_whole_cycles() -> None:
    parts = windows(10_320, period=336, most=16)
    assert {stop - start for start, stop in parts} == {3 * 336}
    assert windows(900) == ((0, 900),)
    assert windows(10**6, most=1) == ((0, 10**6),)


@pytest.mark.parametrize("wrong", [{"length": 0}, {"most": 0}, {"period": 0}, {"steps": -1}])
def test_windows_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match="at least 1; got"):
        windows(**{"length": 9, **wrong})
