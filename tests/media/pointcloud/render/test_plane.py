"""The plane that a part lies on."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.media.pointcloud.render import background
from gadet.media.pointcloud.render.camera import facing
from tests.media.pointcloud.render.shapes import ball, box, sheet


def on_a_table(noise: float = 0.002) -> tuple[np.ndarray, np.ndarray]:
    part, _ = box(6000, (0.6, 0.4, 0.3))
    part += np.array([0.1, -0.2, 0.15])
    points = np.concatenate([sheet(9000), part])
    points += np.random.default_rng(0).normal(0, noise, points.shape)
    return points, np.arange(len(points)) < 9000


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_table_is_found_in_any_pose(seed: int) -> None:
    points, table = on_a_table()
    rng = np.random.default_rng(seed)
    turn, shift = facing(rng.normal(size=3), rng.normal(size=3)), rng.normal(0, 50, 3)
    plane = background(points @ turn.T + shift)
    assert plane is not None
    assert plane.normal @ turn[:, 2] > 0.9999
    held = plane.holds(points @ turn.T + shift)
    assert held[table].mean() > 0.99
    # The bottom of the part lies on the table as well, the rest of it does not.
    assert not held[~table & (points[:, 2] > 0.02)].any()
    assert (plane.height(points @ turn.T + shift)[~held] > 0).mean() > 0.97


def test_a_part_alone_has_no_background() -> None:
    for points in (box(8000)[0], ball(5000), box(8000, (2, 2, 0.05))[0]):
        assert background(points) is None


@pytest.mark.parametrize(
    "points", [np.zeros((2, 3)), np.zeros((50, 3)), np.outer(np.arange(30.0), [1, 2, 3])]
)
def test_what_spans_no_plane_has_none(points: np.ndarray) -> None:
    assert background(points) is None


def test_a_wall_alone_is_the_item_itself() -> None:
    assert background(sheet(3000)) is None


def test_points_of_another_shape_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(N, 3\)"):
        background(np.zeros((5, 2)))
