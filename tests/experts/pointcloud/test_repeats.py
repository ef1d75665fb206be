"""References that show the same places again, with other noise."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.experts.pointcloud import PointCloudExpert
from gadet.experts.pointcloud.repeats import repeats_of
from gadet.media.pointcloud import PointCloudSample
from tests.experts.pointcloud.made import NOISE, ball, body, sample, seen

pytest.importorskip("scipy")
COUNT = 1_500
PLACES = body(ball(COUNT, 1))


def again(seeds: range) -> list[PointCloudSample]:
    """The same places with other noise."""
    return [sample(seen(PLACES, seed)) for seed in seeds]


def test_the_same_places_are_averaged_and_others_kept() -> None:
    other = seen(body(ball(COUNT, 2)), 20)
    repeats = [seen(PLACES, seed) for seed in range(4)]
    found = repeats_of([repeats[0], other, *repeats[1:]])
    assert found.firsts == [0, 1]
    assert found.clouds[1] is other
    assert found.clouds[0].std() == pytest.approx(PLACES.std(), rel=0.01)
    left = np.mean((found.clouds[0] - PLACES) ** 2)
    assert left == pytest.approx(NOISE**2 / 4, rel=0.2)
    # Of the two clouds that are left, one has lost three quarters of its noise.
    assert found.lost == pytest.approx(NOISE**2 * 3 / 8, rel=0.1)


def test_repeated_references_find_what_one_finds() -> None:
    directions = ball(COUNT, 3)
    clean = body(directions)
    apart = np.linalg.norm(clean - clean[0], axis=1)
    share = np.maximum(1 - (apart / 0.12) ** 2, 0.0) ** 2
    dented = sample(seen(clean - 0.04 * share[:, None] * directions, 31))
    expert = PointCloudExpert()
    normals = again(range(10, 14))
    evidence = expert.assess(dented, normals)
    assert evidence.candidates[0].label == "dent"
    assert expert.assess(sample(seen(clean, 30)), normals).score < evidence.score - 0.1
    single = expert.assess(dented, normals[:1])
    assert evidence.score == pytest.approx(single.score, abs=0.1)
    inside = apart < 0.08
    assert evidence.score_map[inside].min() > np.quantile(evidence.score_map[~inside], 0.9)
