"""Optical flow and the pictures of change, against plain loops and known movements."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageFilter

from gadet.media.video.flow import flow_between, lucas_kanade, window_mean
from gadet.media.video.looks import difference_picture, flow_picture, trail_of

Floats = npt.NDArray[np.float32]


def texture(height: int, width: int, seed: int = 0) -> Floats:
    """Smooth random grey levels at several scales."""
    random = np.random.default_rng(seed)
    values = np.zeros((height, width))
    for blur in (1.5, 4, 10):
        noise = random.integers(0, 256, (height, width)).astype(np.uint8)
        layer = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(blur)), float)
        values += (layer - layer.mean()) / layer.std()
    return (values * 25 + 128).astype(np.float32)


def naive_mean(values: Floats, radius: int = 4) -> Floats:
    """The mean of each window, one after the other."""
    height, width = values.shape
    found = np.empty_like(values)
    for y in range(height):
        for x in range(width):
            rows = np.clip(np.arange(y - radius, y + radius + 1), 0, height - 1)
            columns = np.clip(np.arange(x - radius, x + radius + 1), 0, width - 1)
            found[y, x] = values[np.ix_(rows, columns)].mean()
    return found


def naive_step(before: Floats, after: Floats) -> Floats:
    """One round of Lucas and Kanade without a pyramid, by solving at each pixel."""
    across, down = np.gradient(after, axis=1), np.gradient(after, axis=0)
    rest = after - before
    height, width = after.shape
    found = np.zeros((height, width, 2), np.float32)
    for y in range(height):
        for x in range(width):
            rows = np.clip(np.arange(y - 4, y + 5), 0, height - 1)
            columns = np.clip(np.arange(x - 4, x + 5), 0, width - 1)
            part = np.ix_(rows, columns)
            slopes = np.stack([across[part].ravel(), down[part].ravel()], axis=1)
            matrix = slopes.T @ slopes / 81 + 20 * np.eye(2)
            step = np.linalg.solve(matrix, slopes.T @ rest[part].ravel() / 81)
            found[y, x] = -np.clip(step, -2, 2)
    return found


def test_the_window_mean_is_that_of_a_loop() -> None:
    values = np.random.default_rng(1).normal(size=(17, 23)).astype(np.float32)
    assert np.allclose(window_mean(values), naive_mean(values), atol=1e-5)


def test_one_round_is_that_of_a_loop() -> None:
    both = texture(30, 40)
    before, after = both[:, 1:], both[:, :-1]  # moved to the right by one
    step = naive_step(before, after)
    padded = np.pad(step, ((1, 1), (1, 1), (0, 0)), "edge")
    around = [padded[y : y + 30, x : x + 39] for y in range(3) for x in range(3)]
    assert np.allclose(lucas_kanade(before, after, 1), np.median(around, axis=0), atol=1e-3)


@pytest.mark.parametrize("moved", [(0, 0), (1, 0), (0, -2), (3, 2), (-6, 5)])
def test_a_movement_is_measured(moved: tuple[int, int]) -> None:
    whole, (u, v) = texture(140, 180), moved
    before = whole[10:130, 10:170]
    after = whole[10 - v : 130 - v, 10 - u : 170 - u]
    inside = lucas_kanade(before, after)[15:-15, 15:-15]
    assert np.abs(inside - np.array(moved)).mean() < 0.15


def test_half_pixels_are_measured() -> None:
    fine = texture(200, 300)
    before = fine.reshape(100, 2, 150, 2).mean(axis=(1, 3))
    after = np.roll(fine, 1, axis=1).reshape(100, 2, 150, 2).mean(axis=(1, 3))
    inside = lucas_kanade(before, after)[10:-10, 10:-10]
    assert np.abs(inside - np.array([0.5, 0])).mean() < 0.08


def test_only_what_moves_moves() -> None:
    ground = np.repeat(texture(120, 200)[:, :, None], 3, axis=2).clip(0, 255).astype(np.uint8)
    thing = np.repeat(texture(40, 40, 5)[:, :, None], 3, axis=2).clip(0, 255).astype(np.uint8)
    before, after = ground.copy(), ground.copy()
    before[40:80, 60:100] = thing
    after[40:80, 64:104] = thing
    for side in (480, 100):
        flow = flow_between(before, after, most_side=side)
        assert flow.shape == (120, 200, 2)
        assert np.median(flow[50:70, 75:95, 0]) == pytest.approx(4, abs=0.6)
        assert np.abs(flow[:20]).max() < 0.2
        assert np.abs(flow[:, 150:]).max() < 0.2


def test_directions_have_colours() -> None:
    under = np.full((8, 8, 3), 100, np.uint8)
    expected = {(5, 0): (1, 0, 0), (0, 5): (0, 1, 0), (-5, 0): (0, 1, 1), (0, -5): (0, 0, 1)}
    for moved, colour in expected.items():
        flow = np.broadcast_to(np.array(moved, np.float32), (8, 8, 2))
        drawn = flow_picture(flow, under, full=5)[4, 4]
        strongest = drawn.astype(int) >= int(drawn.max()) - 60
        if moved[1]:  # green-yellow and violet lie between two primary colours
            assert strongest[int(np.flatnonzero(colour)[0])]
        else:
            assert tuple(strongest.astype(int)) == colour
    still = flow_picture(np.zeros((8, 8, 2), np.float32), under, full=5)
    assert (still == 35).all()


def test_a_difference_is_drawn_where_it_is() -> None:
    before = np.full((20, 30, 3), 100, np.uint8)
    after = before.copy()
    after[5:10, 5:10, 2] = 200
    after[15, 15] = 103  # noise
    drawn = difference_picture(before, after)
    assert drawn[7, 7].min() > 150
    rest = drawn.copy()
    rest[5:10, 5:10] = 35
    assert np.abs(rest.astype(int) - 35).max() <= 2


def test_each_pixel_of_a_trail_is_from_the_frame_that_departs_most() -> None:
    random = np.random.default_rng(2)
    frames = random.integers(0, 256, (7, 9, 11, 3)).astype(np.uint8)
    _, latest = trail_of(list(frames))
    for y in range(9):
        for x in range(11):
            usual = np.median(frames[:, y, x].astype(float), axis=0)
            departs: Any = np.abs(frames[:, y, x] - usual).max(axis=1)
            assert latest[y, x] == departs.argmax()
