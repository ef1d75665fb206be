"""The series expert on real series, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gadet.experts.series import SeriesExpert
from tests.benchmarks.series_data import Case, cases, window_of
from tests.benchmarks.series_metrics import volumes

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def series(real_data: Path) -> dict[str, Case]:
    return {case.name: case for case in cases(real_data)}


@pytest.mark.parametrize("name", ["art_daily_no_noise", "art_daily_small_noise"])
def test_a_series_without_anomaly_is_normal(series: dict[str, Case], name: str) -> None:
    case = series[name]
    for until in (None, case.normal_until):
        evidence = SeriesExpert().measure(case.values, times=case.times, normal_until=until)
        assert evidence.spans == ()
        assert evidence.period == 288
        assert evidence.facts[0] == "It repeats about every 288 rows, which is 1 day."


@pytest.mark.parametrize(
    ("name", "least"),
    [("art_daily_jumpsup", 0.9), ("P-1", 0.7), ("T-4", 0.9), ("speed_6005", 0.6)],
)
def test_scores_rank_the_anomaly_first(series: dict[str, Case], name: str, least: float) -> None:
    case = series[name]
    scores = SeriesExpert().measure(case.values).scores.astype(np.float64)
    assert volumes(case.labels, scores, window_of(case.values))[0] >= least


def test_a_day_that_stays_flat_is_called_so(series: dict[str, Case]) -> None:
    case = series["art_daily_flatmiddle"]
    evidence = SeriesExpert().measure(case.values, times=case.times)
    assert len(evidence.spans) == 1
    assert case.labels[evidence.spans[0].start : evidence.spans[0].stop].any()
    assert "2014-04-1" in evidence.spans[0].fact


def test_one_heartbeat_of_a_long_record_is_pointed_at(series: dict[str, Case]) -> None:
    case = next(case for case in series.values() if case.group == "UCR")
    evidence = SeriesExpert().measure(case.values, normal_until=case.normal_until)
    peak = int(np.argmax(evidence.scores))
    event = np.flatnonzero(case.labels)
    assert event[0] - 100 <= peak <= event[-1] + 100
    assert evidence.spans[0].start <= event[-1]
    assert evidence.spans[0].stop > event[0]
