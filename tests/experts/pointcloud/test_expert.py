"""The point-cloud expert as a whole."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.experts.pointcloud import PointCloudExpert, PointsCandidate
from gadet.experts.pointcloud.registration import moved
from gadet.media.image import ImageAdapter
from tests.experts.pointcloud.made import ball, body, pose, sample, seen

COUNT = 6_000


@pytest.fixture(scope="module")
def expert() -> PointCloudExpert:
    return PointCloudExpert()


def reference():  # type: ignore[no-untyped-def]
    return sample(seen(body(ball(COUNT, 1)), 2), "mm")


def test_a_clean_cloud_in_another_pose_is_normal(expert: PointCloudExpert) -> None:
    points = moved(seen(body(ball(COUNT, 3)), 4), pose(5))
    evidence = expert.assess(sample(points, "mm"), [reference()])
    assert evidence.score < 0.5
    assert not evidence.candidates
    assert evidence.score_map.shape == (COUNT,)
    assert evidence.score_map.dtype == np.float32


def test_a_dent_is_found_where_it_is_and_measured(expert: PointCloudExpert) -> None:
    directions = ball(COUNT, 3)
    clean = body(directions)
    apart = np.linalg.norm(clean - clean[0], axis=1) / 0.08
    inside = apart < 1
    deep = 0.03 * np.where(inside, (1 - apart**2) ** 2, 0.0)
    points = moved(seen(clean - deep[:, None] * directions, 4), pose(5))
    evidence = expert.assess(sample(points, "mm"), [reference()])
    (dent,) = evidence.candidates
    assert isinstance(dent, PointsCandidate)
    assert dent.box is None
    assert dent.label == "dent"
    assert dent.measures["height"] == pytest.approx(0.03, rel=0.4)
    assert np.linalg.norm(dent.centroid - points[0]) < 0.02
    assert evidence.score == dent.score > 0.6
    assert np.mean(inside[dent.rows]) > 0.7
    assert "mm deep over" in dent.sentence


def test_what_is_no_cloud_is_refused(expert: PointCloudExpert) -> None:
    picture = ImageAdapter().load(np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(InputError, match="loaded point cloud for the item; got ImageSample"):
        expert.assess(picture)
