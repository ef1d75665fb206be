"""Rolling statistics and spectrograms against plain loops."""

from __future__ import annotations

import cmath
import math
import statistics
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.media.series.extras import rolling, spectrogram
from tests.media.series.support import NAN


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(NAN), min_size=1, max_size=40),
    st.none() | st.integers(1, 50),
)
@settings(max_examples=50, deadline=None)
def test_rolling_against_a_loop(values: list[float], period: int | None) -> None:
    found = rolling(np.array(values), period)
    width = max(2, min(period or max(5, len(values) // 50), len(values)))
    assert found.width == width
    for row in range(len(values)):
        stop = min(max(row - width // 2, 0) + width, len(values))
        part = [value for value in values[max(stop - width, 0) : stop] if value == value]
        if not part:
            assert math.isnan(found.mean[row])
            continue
        assert found.mean[row] == pytest.approx(statistics.fmean(part), abs=1e-6)
        assert found.deviation[row] == pytest.approx(statistics.pstdev(part), abs=2e-1, rel=1e-4)


def test_rolling_far_from_zero_keeps_its_digits() -> None:
    values = 1e9 + np.sin(np.arange(500))
    found = rolling(values, 44)
    assert found.deviation[250] == pytest.approx(np.std(values[228:272]), rel=1e-6)


def naive(values: Any, start: int, width: int) -> list[float]:
    """Power of the frequencies above zero of one segment, by the definition."""
    part = [float(value) for value in values[start : start + width]]
    mean = sum(part) / width
    tapered = [
        (value - mean) * (0.5 - 0.5 * math.cos(2 * math.pi * n / (width - 1)))
        for n, value in enumerate(part)
    ]
    return [
        abs(sum(v * cmath.exp(-2j * math.pi * k * n / width) for n, v in enumerate(tapered))) ** 2
        for k in range(1, width // 2 + 1)
    ]


def test_a_spectrogram_against_the_definition() -> None:
    values = np.random.default_rng(0).standard_normal(64)
    found = spectrogram(values, 4, 4)
    assert found is not None
    assert found.power.shape == (8, 4)
    starts = [0, 16, 32, 48]
    power = np.array([naive(values, start, 16) for start in starts]).T
    mean_free = power / np.abs(values).max() ** 2
    order = np.argsort(mean_free, axis=None)
    # Levels are logarithmic, so the order of what is well above the floor is that of the powers.
    loud = [at for at in order if mean_free.ravel()[at] > 0.01 * mean_free.max()]
    levels = found.power.ravel()[loud]
    assert (np.diff(levels) >= -1e-9).all()
    assert found.power.min() == 0
    assert found.power.max() == 1
    assert found.edges[0] == 0
    assert found.edges[-1] == 64


def test_a_tone_is_found_at_its_frequency() -> None:
    steps = np.arange(4096)
    tone = np.where(steps < 2048, np.sin(2 * np.pi * steps / 16), np.sin(2 * np.pi * steps / 4))
    tone[100:140] = NAN
    found = spectrogram(tone, 50)
    assert found is not None
    frequencies = (np.arange(found.power.shape[0]) + 1) / found.width
    peaks = frequencies[found.power.argmax(axis=0)]
    centres = (found.edges[:-1] + found.edges[1:]) / 2
    for centre, peak in zip(centres, peaks, strict=True):
        if abs(centre - 2048) > found.width:
            assert peak == pytest.approx(1 / 16 if centre < 2048 else 1 / 4, abs=1 / found.width)


def test_too_short_or_empty() -> None:
    assert spectrogram(np.zeros(31), 9) is None
    assert spectrogram(np.full(99, NAN), 9) is None
    flat = spectrogram(np.ones(99), 9)
    assert flat is not None
    assert np.isfinite(flat.power).all()
