"""The benchmark's metrics beside scikit-learn, slow versions and cases with known answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.benchmarks.video_metrics import (
    auroc,
    average_precision,
    frame_figures,
    overlap,
    per_region,
    smooth,
)
from tests.benchmarks.video_peers import frame_scores
from tests.experts.video import naive

MIXED = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40).filter(
    lambda pairs: len({label for label, _ in pairs}) == 2
)


@settings(deadline=None)
@given(MIXED)
def test_auroc_is_the_share_of_pairs_in_order(pairs: list[tuple[bool, int]]) -> None:
    labels, scores = [one for one, _ in pairs], [float(one) for _, one in pairs]
    assert auroc(np.array(labels), scores) == pytest.approx(naive.auroc(labels, scores))


@settings(deadline=None)
@given(MIXED)
def test_average_precision_is_that_of_scikit_learn(pairs: list[tuple[bool, int]]) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    labels, scores = np.array([one for one, _ in pairs]), [float(one) for _, one in pairs]
    assert average_precision(labels, scores) == pytest.approx(
        metrics.average_precision_score(labels, scores)
    )


def test_regions_are_found_wholly_half_or_not() -> None:
    masks = np.zeros((1, 10, 10), bool)
    masks[0, :2, :2] = masks[0, 7:9, 7:9] = True
    assert per_region(masks, masks.astype(np.float32)) == pytest.approx(1.0)
    half = masks.astype(np.float32)
    half[0, 7:9, 7:9] = -1
    assert per_region(masks, half) == pytest.approx(0.5)


def test_overlap_and_smoothing_have_known_answers() -> None:
    one = np.array([True, True, False, False])
    assert overlap(one, one) == 1
    assert overlap(one, ~one) == 0
    assert overlap(one & False, one & False) == 1
    np.testing.assert_allclose(smooth(np.ones(9), 2.0), 1.0)


def test_micro_and_macro_differ_where_clips_differ_in_level() -> None:
    labels = [np.array([False, True]), np.array([False, True])]
    figures = frame_figures(labels, [np.array([0.0, 1.0]), np.array([2.0, 3.0])], 1.0)
    assert figures["macro"] == 1
    assert figures["micro min-max"] == 1
    assert figures["micro"] == 0.75


def test_a_frame_scores_by_the_highest_hundredth_of_its_map() -> None:
    maps = np.zeros((2, 20, 10), np.float32)
    maps[1, 0, :2] = [4.0, 2.0]
    assert frame_scores(maps).tolist() == [0.0, 3.0]
