"""Pictures of tissue: what is left out, and where a swelling is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.experts.filters import resize
from gadet.experts.image import ImageExpert
from gadet.experts.regions import filled, regions
from gadet.experts.tissue import Tissue
from gadet.localize.fusion import fuse
from gadet.localize.refine import Refiner
from gadet.localize.swellings import swellings


def swelling(height: int = 240, width: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """A soft redder patch on red ground, with white reflections on and beside it, in a rim."""
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:height, :width]
    inside = 1 / (1 + np.exp(-(52 - np.hypot((x - 170) / 1.2, y - 110)) / 5))
    ground = np.array([190, 110, 95]) + inside[..., None] * np.array([8, -38, -18])
    picture = ground * (0.9 + 0.2 * x / width)[..., None] + rng.normal(0, 4, (height, width, 3))
    for row, column in ((60, 60), (95, 160), (130, 190), (200, 80), (40, 250)):
        picture[row : row + 8, column : column + 8] = 252
    picture[np.hypot(x - width / 2, y - height / 2) > 165] = 2
    return np.clip(picture, 0, 255).astype(np.uint8), inside > 0.5


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_rim_and_reflections_are_left_out() -> None:
    picture, _ = swelling()
    tissue = Tissue.of(picture)
    assert tissue.likely == 1
    assert not tissue.shown[0, 0]
    assert 0.6 < tissue.shown.mean() < 0.98


@pytest.mark.parametrize("colour", [(90, 90, 90), (120, 130, 200), (0, 0, 0), (255, 255, 255)])
def test_other_pictures_are_no_tissue(colour: tuple[int, int, int]) -> None:
    picture = np.full((60, 80, 3), colour, dtype=np.uint8)
    assert Tissue.of(picture).likely == 0
    assert Tissue.of(picture[:1, :1]).likely == 0
    assert Tissue.of(picture).redness().max() < 0.01


def test_a_swelling_is_redder_than_what_is_around_it() -> None:
    picture, truth = swelling()
    redness = resize(Tissue.of(picture).redness(), truth.shape)
    assert redness.max() <= 1
    assert redness[truth].mean() > 4 * redness[~truth].mean()


def test_swellings_are_proposed_and_come_first_in_tissue() -> None:
    picture, truth = swelling()
    found = [one.on((240, 300)).whole() for one in swellings(Tissue.of(picture))]
    assert max(iou(truth, mask) for mask in found) > 0.7
    flat = np.full(truth.shape, 0.2, dtype=np.float32)
    chosen = [one.on((240, 300)).whole() for one, _ in fuse(picture, flat, [], most=6)]
    assert max(iou(truth, mask) for mask in chosen) > 0.7


def test_without_a_reference_the_map_of_tissue_is_where_it_is_redder() -> None:
    picture, truth = swelling()
    found = ImageExpert().measure(picture)
    row, column = np.unravel_index(int(np.argmax(found.score_map)), truth.shape)
    assert truth[row, column]
    assert any("tissue" in fact for fact in found.facts)
    assert found.score_map.max() == pytest.approx(found.score, abs=0.02)


def test_the_refined_swelling_fits_better_than_the_map() -> None:
    picture, truth = swelling()
    score_map = 0.6 * resize(Tissue.of(picture).redness(), truth.shape)
    (raw, *_), *_ = regions(score_map, 0.6 * float(score_map.max()))
    refined = Refiner(picture, score_map).region(raw)
    assert iou(truth, refined) > max(iou(truth, raw), 0.8)


def test_a_refined_swelling_takes_in_the_slope_around_its_height() -> None:
    picture, truth = swelling()
    y, x = np.mgrid[: truth.shape[0], : truth.shape[1]]
    height = np.hypot((x - 170) / 1.2, y - 110) < 36  # of 52
    refined = Refiner(picture).region(height)
    assert iou(truth, height) < 0.5
    assert iou(truth, refined) > 0.8


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.integers(1, 12), st.integers(1, 12))
def test_filled_is_all_that_the_outside_cannot_reach(seed: int, height: int, width: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) < 0.6
    outside = {
        (y, x)
        for y in range(height)
        for x in range(width)
        if not mask[y, x] and (y in (0, height - 1) or x in (0, width - 1))
    }
    todo = list(outside)
    while todo:
        y, x = todo.pop()
        for down in (-1, 0, 1):
            for across in (-1, 0, 1):
                place = (y + down, x + across)
                inside = 0 <= place[0] < height and 0 <= place[1] < width
                if inside and place not in outside and not mask[place]:
                    outside.add(place)
                    todo.append(place)
    expected = np.array([[(y, x) not in outside for x in range(width)] for y in range(height)])
    assert np.array_equal(filled(mask), expected)
