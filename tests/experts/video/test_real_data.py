"""The video expert on real clips: what the benchmark measures, on one clip of each kind."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gadet.experts.video import EventCandidate, VideoExpert
from tests.benchmarks.video_data import cctv, pedestrians
from tests.benchmarks.video_metrics import auroc

EXPERT = VideoExpert(features=False)


def test_a_bicycle_among_pedestrians_is_found_by_its_speed(real_data: Path) -> None:
    case = next(one for one in pedestrians(real_data, True) if one.name == "02")
    evidence = EXPERT.assess(case.item, case.references[:1])
    assert auroc(case.labels, evidence.score_map) > 0.95
    event = evidence.candidates[0]
    assert isinstance(event, EventCandidate)
    assert event.label == "fast object"
    sight = event.at(70)
    assert sight is not None
    assert case.masks is not None
    ys, xs = np.nonzero(case.masks[sight.frame])
    assert sight.box.x0 - 10 < xs.mean() < sight.box.x1 + 10
    assert sight.box.y0 - 10 < ys.mean() < sight.box.y1 + 10


def test_an_accident_changes_the_place(real_data: Path) -> None:
    case = next(one for one in cctv(real_data, True) if one.name == "test26")
    evidence = EXPERT.assess(case.item, case.references)
    assert auroc(case.labels, evidence.score_map) > 0.9
