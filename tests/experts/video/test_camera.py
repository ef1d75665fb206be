"""Cuts and moving cameras: told, and never an event."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.experts.filters import gaussian
from gadet.experts.video import VideoExpert
from gadet.experts.video.camera import Camera, View, correlation
from tests.experts.video.made import frames, passers, sample

EXPERT = VideoExpert(features=False)
NORMAL = sample(frames(passers(14), 14))


def place(seed: int, shape: tuple[int, int] = (96, 260)) -> np.ndarray:
    """A textured place with coarse and fine structure, wider than a frame."""
    rng = np.random.default_rng(seed)
    coarse, fine = (gaussian(rng.normal(0, 1, shape).astype(np.float32), s) for s in (6.0, 1.2))
    picture = 128 + 35 * coarse / coarse.std() + 20 * fine / fine.std()
    return np.asarray(np.clip(picture, 0, 255), dtype=np.float32)


def views(pictures: list[np.ndarray]) -> list[View]:
    camera = Camera()
    return [camera.step(np.asarray(one, dtype=np.float32)) for one in pictures]


@pytest.mark.parametrize("step", [1, 3, 9])
def test_a_pan_is_a_moving_camera(step: int) -> None:
    wide = place(1)
    pan = [wide[:, step * k : step * k + 160] for k in range(5)]
    assert views(pan) == [View.STILL] + [View.MOVES] * 4


def test_another_scene_is_a_cut_and_another_light_is_none() -> None:
    one, other = place(1)[:, :160], place(2)[:, :160]
    assert views([one, one, other, other]) == [View.STILL, View.STILL, View.CUT, View.STILL]
    assert views([one, 0.7 * one + 60, 0.5 * one]) == [View.STILL] * 3


def test_people_who_pass_are_no_moving_camera() -> None:
    grey = [one[..., 0] for one in frames(passers(6, speed=50), 6)]
    assert set(views(grey)) == {View.STILL}


@pytest.mark.parametrize("seed", range(3))
def test_the_correlation_is_that_of_numpy(seed: int) -> None:
    one, other = np.random.default_rng(seed).normal(0, 9, (2, 7, 5)).astype(np.float32)
    expected = np.corrcoef(one.ravel(), other.ravel())[0, 1]
    assert correlation(one, other) == pytest.approx(expected, abs=1e-5)


def film(pictures: list[np.ndarray]) -> np.ndarray:
    rng = np.random.default_rng(0)
    noisy = [np.clip(one + rng.normal(0, 1, one.shape), 0, 255) for one in pictures]
    return np.repeat(np.array(noisy, np.uint8)[..., None], 3, axis=3)


@pytest.mark.parametrize("normals", [[], [NORMAL]])
def test_a_cut_is_told_and_no_event(normals: list[object]) -> None:
    one, other = place(1)[:, :160], place(2)[:, :160]
    pixels = np.concatenate([frames(passers(6, seed=3), 6), film([other] * 20 + [one] * 20)])
    evidence = EXPERT.assess(sample(pixels), normals)
    assert evidence.candidates == ()
    assert evidence.score < 0.5
    assert "is cut at 0:06.0, 0:08.0" in " ".join(evidence.notes)


def test_a_camera_that_pans_is_told_and_no_event() -> None:
    wide = place(1)
    lefts = [0] * 40 + [4 * k for k in range(1, 21)] + [80] * 20
    evidence = EXPERT.assess(sample(film([wide[:, x : x + 160] for x in lefts])))
    assert evidence.candidates == ()
    assert evidence.score < 0.5
    assert "the camera moves in 20 measured frames, from 0:04.0 to 0:05.9" in " ".join(
        evidence.notes
    )
