"""The metrics and the generator of the point-cloud benchmark."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.pointcloud_defects import KINDS, query, spacing_of
from tests.benchmarks.pointcloud_metrics import (
    auroc,
    average_precision,
    object_score,
    region_score,
)
from tests.benchmarks.pointcloud_shapes import Shape
from tests.experts.pointcloud import naive
from tests.experts.pointcloud.made import ball, body


def cloud(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.random(200) < 0.2
    return labels, np.round(rng.normal(size=200) + labels, 1)


@pytest.mark.parametrize("seed", range(5))
def test_areas_are_those_of_all_pairs_and_of_scikit_learn(seed: int) -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    labels, scores = cloud(seed)
    assert auroc(labels, scores) == pytest.approx(naive.auroc(list(labels), list(scores)))
    assert auroc(labels, scores) == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert average_precision(labels, scores) == pytest.approx(
        metrics.average_precision_score(labels, scores)
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
def test_the_region_score_is_the_area_up_to_the_limit(seed: int, limit: float) -> None:
    labels, scores = cloud(seed)
    regions = [scores[labels][:15], scores[labels][15:]]
    fast = region_score(regions, scores[~labels], limit=limit)
    assert fast == pytest.approx(naive.region_score(regions, scores[~labels], limit))


def test_regions_above_everything_score_one() -> None:
    assert region_score([np.full(3, 2.0)], np.zeros(50)) == pytest.approx(1.0)
    assert object_score(np.arange(100.0)) == pytest.approx(np.arange(80, 100).mean())


@pytest.fixture(scope="module")
def shape() -> Shape:
    directions = ball(8_000, 1)
    points = body(directions)
    return Shape("made", points / np.linalg.norm(np.ptp(points, axis=0)), None, directions)


@pytest.mark.parametrize("kind", KINDS)
def test_defects_are_labelled_where_points_were_moved(shape: Shape, kind: str) -> None:
    made = query(shape, kind, 0.05, 0)
    again = query(shape, kind, 0.05, 0)
    np.testing.assert_array_equal(made.points, again.points)
    assert 0 < made.labels.sum() < 0.2 * len(made.points)
    # Labelled points lie within a few radii of each other, except along a crack or a cut.
    if kind not in ("crack", "missing"):
        bad = made.points[made.labels]
        assert np.linalg.norm(bad - bad.mean(axis=0), axis=1).max() < 0.15


def test_a_good_cloud_has_no_labels_and_its_pose_brings_the_shape_to_it(shape: Shape) -> None:
    made = query(shape, "good", 0, 1)
    assert not made.labels.any()
    back = (made.points - made.pose[:3, 3]) @ made.pose[:3, :3]
    spatial = pytest.importorskip("scipy.spatial")
    apart = spatial.cKDTree(shape.points).query(back)[0]
    assert apart.max() < 0.01
    assert spacing_of(shape.points) == pytest.approx(0.01, rel=0.5)
