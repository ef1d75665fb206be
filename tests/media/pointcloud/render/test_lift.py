"""From masks back to points."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.errors import LocalizationError
from gadet.media.pointcloud.render import Rendering, Scene, covering, lift, render
from tests.media.pointcloud.render.shapes import ball, box


def mask_of(rendering: Rendering, patch: np.ndarray) -> np.ndarray:
    ids = rendering.surface.ids
    return (ids >= 0) & patch[np.maximum(ids, 0)]


def iou(found: np.ndarray, patch: np.ndarray) -> float:
    chosen = np.zeros(len(patch), bool)
    chosen[found] = True
    return np.count_nonzero(chosen & patch) / np.count_nonzero(chosen | patch)


@pytest.mark.parametrize("shape", ["ball", "noisy ball", "box", "thin box"])
def test_a_patch_comes_back(shape: str) -> None:
    points = {
        "ball": lambda: ball(15_000),
        "noisy ball": lambda: ball(15_000, noise=0.002),
        "box": lambda: box(15_000)[0],
        "thin box": lambda: box(15_000, (2.0, 1.2, 0.1))[0],
    }[shape]()
    top = points[:, 2] > (0.04 if shape == "thin box" else 0.3)
    patch = (np.linalg.norm(points[:, :2] - [0.1, 0.2], axis=1) < 0.3) & top
    scene = Scene.of(points)
    views = [render(scene, camera) for camera in covering(scene, 6)]
    lifted = lift(views, [mask_of(view, patch) for view in views])
    assert (lifted.weight > 0).mean() > 0.99
    assert iou(lifted.points, patch) >= 0.95


def test_one_view_reaches_only_what_it_sees() -> None:
    points = ball(20_000)
    scene = Scene.of(points)
    view = render(scene, covering(scene, 1)[0])
    lifted = lift([view], [view.surface.ids >= 0])
    behind = points @ view.camera.rotation[2] > 0.15
    assert not (lifted.weight[behind] > 0).any()
    assert np.isin(np.flatnonzero(points @ view.camera.rotation[2] < -0.3), lifted.points).all()


def test_views_that_disagree_are_outvoted() -> None:
    scene = Scene.of(box(20_000)[0])
    camera = covering(scene, 1)[0]
    views = [render(scene, camera) for _ in range(3)]
    whole = [view.surface.ids >= 0 for view in views]
    none = np.zeros_like(whole[0])
    assert len(lift(views, [whole[0], whole[1], none]).points) > 3000
    assert len(lift(views, [whole[0], none, none]).points) == 0


def test_masks_that_do_not_fit_are_refused() -> None:
    scene, other = Scene.of(ball(500)), Scene.of(ball(500))
    view, stranger = (render(each, covering(each, 1, size=32)[0]) for each in (scene, other))
    mask = np.zeros((32, 32), bool)
    for views, masks in (
        ([], []),
        ([view], []),
        ([view], [mask[:5]]),
        ([view, stranger], [mask] * 2),
    ):
        with pytest.raises(LocalizationError, match="expected"):
            lift(views, masks)
