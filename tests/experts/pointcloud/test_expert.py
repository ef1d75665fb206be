"""The point-cloud expert as a whole."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.experts.pointcloud import PointCloudExpert, PointsCandidate, register
from gadet.experts.pointcloud import expert as expert_module
from gadet.experts.pointcloud.registration import moved
from gadet.media.image import ImageAdapter
from gadet.media.pointcloud import PointCloudAdapter, PointCloudSample
from tests.experts.pointcloud.made import Floats, ball, body, pose, sample, seen

pytest.importorskip("scipy")
COUNT = 6_000
DIRECTIONS = ball(COUNT, 3)
CLEAN = body(DIRECTIONS)
APART = np.linalg.norm(CLEAN - CLEAN[0], axis=1)


@pytest.fixture(scope="module")
def expert() -> PointCloudExpert:
    return PointCloudExpert()


@pytest.fixture(scope="module")
def reference() -> PointCloudSample:
    return sample(seen(body(ball(COUNT, 1)), 2), "mm")


def query(points: Floats) -> PointCloudSample:
    """Points as the sensor sees them, in another pose."""
    return sample(moved(seen(points, 4), pose(5)), "mm")


def swollen(height: float, radius: float) -> Floats:
    """The body with a bump around its first point."""
    share = np.maximum(1 - (APART / radius) ** 2, 0.0) ** 2
    return CLEAN + height * share[:, None] * DIRECTIONS


def place(points: Floats) -> Floats:
    """Where points of the body are in the pose of the query."""
    return moved(points, pose(5))


def test_a_clean_cloud_in_another_pose_is_normal(
    expert: PointCloudExpert, reference: PointCloudSample
) -> None:
    evidence = expert.assess(query(CLEAN), [reference])
    assert evidence.score < 0.5
    assert not evidence.candidates
    assert evidence.score_map.shape == (COUNT,)
    assert evidence.score_map.dtype == np.float32
    assert evidence.facts[0].endswith("% of the surface lies on that of the references.")
    assert "mm around their surface" in evidence.facts[1]


@pytest.mark.parametrize(("height", "label", "words"), [
    (-0.03, "dent", "mm deep over"), (0.03, "bump", "mm high over"),
])  # fmt: skip
def test_dents_and_bumps_are_found_where_they_are_and_measured(
    expert: PointCloudExpert,
    reference: PointCloudSample,
    height: float,
    label: str,
    words: str,
) -> None:
    evidence = expert.assess(query(swollen(height, 0.08)), [reference])
    (found,) = evidence.candidates
    assert isinstance(found, PointsCandidate)
    assert found.box is None
    assert found.label == label
    assert found.measures["height"] == pytest.approx(0.03, rel=0.3)
    assert np.linalg.norm(found.centroid - place(CLEAN[:1])[0]) < 0.02
    assert evidence.score == found.score > 0.6
    assert np.mean(APART[found.rows] < 0.08) > 0.7
    assert words in found.sentence
    assert found.units == "mm"


def test_a_hole_is_told_to_the_points_around_it(
    expert: PointCloudExpert, reference: PointCloudSample
) -> None:
    left = APART > 0.06
    evidence = expert.assess(query(CLEAN[left]), [reference])
    hole = evidence.candidates[0]
    assert hole.label == "hole"
    assert isinstance(hole, PointsCandidate)
    assert APART[left][hole.rows].max() < 0.1
    assert hole.area == pytest.approx(np.pi * 0.06**2, rel=0.5)
    assert hole.sentence.startswith("Hole of 0.1")


def test_an_end_that_is_cut_off_is_a_missing_part(
    expert: PointCloudExpert, reference: PointCloudSample
) -> None:
    left = CLEAN[:, 0] < np.quantile(CLEAN[:, 0], 0.92)
    evidence = expert.assess(query(CLEAN[left]), [reference])
    assert evidence.candidates[0].label == "missing part"
    assert "is missing" in evidence.candidates[0].sentence


def test_what_is_stuck_on_is_an_extra_part(
    expert: PointCloudExpert, reference: PointCloudSample
) -> None:
    stuck = ball(150, 9) * 0.03 + CLEAN[0] + 0.03 * DIRECTIONS[0]
    evidence = expert.assess(query(np.concatenate([CLEAN, stuck])), [reference])
    extra = evidence.candidates[0]
    assert extra.label == "extra part"
    assert isinstance(extra, PointsCandidate)
    assert np.mean(extra.rows >= COUNT) > 0.6


def test_waves_go_up_and_down(expert: PointCloudExpert, reference: PointCloudSample) -> None:
    waves = np.where(APART < 0.15, 0.008 * np.sin(150 * (CLEAN - CLEAN[0])[:, 2]), 0.0)
    evidence = expert.assess(query(CLEAN + waves[:, None] * DIRECTIONS), [reference])
    assert evidence.candidates[0].label == "waviness"


def test_several_references_in_poses_of_their_own_are_brought_together(
    expert: PointCloudExpert, reference: PointCloudSample
) -> None:
    others = [
        sample(moved(seen(body(ball(COUNT, seed)), seed), pose(seed)), "mm") for seed in (21, 22)
    ]
    alien = sample(ball(COUNT, 23) * [0.5, 0.1, 0.02], "mm")
    evidence = expert.assess(query(swollen(-0.02, 0.06)), [reference, *others, alien])
    assert [one.label for one in evidence.candidates] == ["dent"]
    assert evidence.notes == ("reference 4 was left out: it does not fit the first",)
    assert expert.assess(query(CLEAN), [reference, *others]).score < 0.5


def test_another_kind_of_thing_is_said_to_fit_nowhere(
    expert: PointCloudExpert, reference: PointCloudSample
) -> None:
    evidence = expert.assess(sample(ball(COUNT, 23) * [0.5, 0.1, 0.02]), [reference])
    assert any(note.startswith("no pose on the references was found") for note in evidence.notes)
    assert evidence.facts[0].startswith("Only ")
    assert all(one.label == "unusual shape" for one in evidence.candidates)


def test_the_pose_is_handed_out_and_kept(reference: PointCloudSample) -> None:
    cloud = query(CLEAN).cloud
    found = register(cloud, reference.cloud)
    assert not found.failed
    assert found.fitness > 0.8
    np.testing.assert_allclose(found.transform @ pose(5), np.eye(4), atol=0.01)
    assert register(cloud, reference.cloud) is found
    assert register(sample(ball(500, 1) * [9, 1, 1]).cloud, reference.cloud).failed


def test_without_references_a_symmetric_cloud_is_held_against_its_mirror_image(
    expert: PointCloudExpert,
) -> None:
    directions = ball(COUNT, 30)
    points = directions * [0.5, 0.35, 0.2] * (1 + 0.3 * directions[:, 2:])
    points[:, 0] += 0.5 * points[:, 1] ** 2
    dent = np.linalg.norm(points - [0.0, 0.3, 0.1], axis=1)
    points -= 0.05 * np.where(dent < 0.1, (1 - (dent / 0.1) ** 2) ** 2, 0.0)[:, None] * directions
    evidence = expert.assess(sample(seen(points, 31)))
    assert "mirror image" in evidence.notes[0]
    assert evidence.score > 0.5


def test_without_references_a_hole_and_a_spike_stand_out(expert: PointCloudExpert) -> None:
    spiked = swollen(0.08, 0.04)
    evidence = expert.assess(query(spiked))
    assert "its own smooth surface" in evidence.notes[0]
    assert APART[int(evidence.score_map.argmax())] < 0.06
    assert expert.assess(query(CLEAN)).score < evidence.score


def test_a_scene_is_no_broken_symmetry(expert: PointCloudExpert) -> None:
    rng = np.random.default_rng(40)
    table = np.column_stack([rng.random((9_000, 2)), np.zeros(9_000)])
    things = [ball(500, seed) * 0.06 + [*rng.random(2), 0.06] for seed in range(3)]
    evidence = expert.assess(sample(seen(np.concatenate([table, *things]), 41)))
    assert "its own smooth surface" in evidence.notes[0]
    assert evidence.score < 0.5
    assert not evidence.candidates


@pytest.mark.parametrize("name", [
    "mosd/learn0.pcd", "mosd/learn20.pcd", "pcl/milk.pcd", "meshes/stanford-bunny.obj",
    "pcl/samp11-utm.pcd", "pcl/object_template_0.pcd",
])  # fmt: skip
def test_real_clouds_without_references_are_called_nothing(
    expert: PointCloudExpert, real_data: Path, name: str
) -> None:
    cloud = PointCloudAdapter().load(real_data / "pointcloud" / name)
    assert expert.assess(cloud).score < 0.5


def test_clean_clouds_of_few_points_are_calm(expert: PointCloudExpert) -> None:
    scores = [
        expert.assess(sample(ball(2_000, seed)), [sample(ball(2_000, seed + 10))]).score
        for seed in range(3)
    ]
    assert max(scores) < 0.5


def test_the_same_cloud_gives_the_same_evidence_from_any_thread(
    reference: PointCloudSample,
) -> None:
    item = query(swollen(-0.03, 0.08))
    expert = PointCloudExpert()
    with ThreadPoolExecutor(3) as pool:
        maps = list(pool.map(lambda _: expert.assess(item, [reference]).score_map, range(3)))
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])
    assert expert._normals.misses == 1


def test_a_large_cloud_is_measured_at_fewer_places(
    expert: PointCloudExpert, reference: PointCloudSample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expert_module, "MOST", 3_000)
    evidence = expert.assess(query(swollen(-0.03, 0.1)), [reference])
    assert evidence.notes[0].startswith("measured at ")
    assert evidence.score_map.shape == (COUNT,)
    assert APART[int(evidence.score_map.argmax())] < 0.1


def test_a_noisier_cloud_is_allowed_for_and_said(
    expert: PointCloudExpert, reference: PointCloudSample
) -> None:
    noisy = CLEAN + np.random.default_rng(8).normal(0, 0.003, CLEAN.shape)
    evidence = expert.assess(query(noisy), [reference])
    assert any("times as much as the references" in note for note in evidence.notes)
    assert evidence.score < 0.5


RANDOM = np.random.default_rng(0)
TOUGH: dict[str, Any] = {
    "ten points": RANDOM.normal(size=(10, 3)),
    "a plane": np.column_stack([RANDOM.random((400, 2)), np.zeros(400)]),
    "a ball": ball(500, 1),
    "double points": np.repeat(RANDOM.normal(size=(20, 3)), 30, axis=0),
    "a thread": np.column_stack([np.linspace(0, 1, 300), 1e-6 * RANDOM.normal(size=(300, 2))]),
    "far away": body(ball(500, 1)) * 300 + [5e5, 5.4e6, 100],
    "a cloud": RANDOM.normal(size=(500, 3)),
}


@pytest.mark.parametrize("name", TOUGH)
def test_any_cloud_is_judged(expert: PointCloudExpert, name: str) -> None:
    item = sample(TOUGH[name])
    for references in ([], [item], [sample(body(ball(400, 2)))]):
        evidence = expert.assess(item, references)
        assert evidence.score_map.shape == (len(item),)
        assert np.isfinite(evidence.score_map).all()
        assert 0 <= evidence.score <= 1
    assert expert.assess(item, [item]).score < 0.5


def test_what_is_no_cloud_is_refused(expert: PointCloudExpert) -> None:
    picture = ImageAdapter().load(np.zeros((20, 20, 3), np.uint8))
    with pytest.raises(InputError, match="loaded point cloud for the item; got ImageSample: load"):
        expert.assess(picture)
    with pytest.raises(InputError, match="point cloud for reference 1; got ImageSample"):
        expert.assess(sample(CLEAN), [picture])
