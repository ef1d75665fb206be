"""The metrics of the series benchmark against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.series_metrics import affiliation, auc_pr, event_f1, merged, runs, volumes
from tests.experts.series import naive


def labelled(length: int, *stretches: tuple[int, int]) -> np.ndarray:
    labels = np.zeros(length, dtype=bool)
    for start, stop in stretches:
        labels[start:stop] = True
    return labels


CASES = [
    labelled(300, (40, 60), (66, 70), (250, 251)),
    labelled(280, (0, 9), (270, 280)),
    labelled(260, (100, 220)),
]


@pytest.mark.parametrize("labels", CASES)
@pytest.mark.parametrize("rounded", [False, True])
def test_volumes_follow_the_definition(labels: np.ndarray, rounded: bool) -> None:
    scores = np.random.default_rng(0).random(labels.size) + 0.4 * labels
    scores = np.round(scores, 1) if rounded else scores
    assert volumes(labels, scores, 12) == pytest.approx(naive.volumes(labels, scores, 12))


@pytest.mark.parametrize("labels", CASES)
def test_affiliation_follows_the_definition(labels: np.ndarray) -> None:
    told = np.random.default_rng(1).random(labels.size) < 0.05
    precision, recall, f1 = affiliation(labels, told)
    slow = naive.affiliation(labels, told)
    assert (precision, recall) == pytest.approx(slow, abs=0.01)
    assert f1 == pytest.approx(2 * precision * recall / (precision + recall))


def test_average_precision_is_that_of_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(2)
    labels, scores = rng.random(200) < 0.2, np.round(rng.random(200), 1)
    assert auc_pr(labels, scores) == pytest.approx(metrics.average_precision_score(labels, scores))


def test_perfect_scores_are_perfect_and_silence_is_nothing() -> None:
    labels = CASES[0]
    assert volumes(labels, labels.astype(float), 0)[0] > 0.99
    assert affiliation(labels, labels) == (1.0, 1.0, 1.0)
    assert affiliation(labels, np.zeros(300, dtype=bool)) == (0.0, 0.0, 0.0)
    assert event_f1(labels, labels, 4) == 1.0
    assert event_f1(labels, np.zeros(300, dtype=bool), 4) == 0.0


def test_flagging_half_of_the_series_wins_nothing() -> None:
    labels = labelled(200, (20, 40))
    assert event_f1(labels, labelled(200, (0, 100)), 10) == 0.0
    assert event_f1(labels, labelled(200, (30, 60)), 10) == 1.0
    assert event_f1(labels, labelled(200, (30, 35), (100, 105)), 10) == pytest.approx(2 / 3)


def test_runs_and_their_joining() -> None:
    assert runs(labelled(10, (0, 2), (5, 10))) == [(0, 2), (5, 10)]
    assert merged([(0, 2), (5, 10), (20, 21)], 4) == [(0, 10), (20, 21)]
