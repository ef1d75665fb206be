"""Measurements in words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gadet.experts.base import Candidate
from gadet.experts.facts import describe
from gadet.experts.places import place, size_words
from gadet.geometry import Box


@pytest.mark.parametrize(
    ("box", "words"),
    [
        ((0, 0, 9, 9), "upper left"),
        ((40, 0, 60, 9), "upper middle"),
        ((90, 90, 99, 99), "lower right"),
        ((0, 45, 9, 55), "left middle"),
        ((45, 45, 55, 55), "centre"),
        ((45, 90, 55, 100), "lower middle"),
    ],
)
def test_place(box: tuple[int, int, int, int], words: str) -> None:
    assert place(Box.of(*box), (100, 100)) == words


def test_size_words() -> None:
    assert size_words(0.0123, Box.of(0, 0, 30, 20)) == "30 × 20 px, 1.2 % of the area"
    assert size_words(0.00123, Box.of(0, 0, 3, 2)) == "3 × 2 px, 0.12 % of the area"
    assert size_words(0.00012, Box.of(0, 0, 3, 2)) == "3 × 2 px, 0.012 % of the area"


def scene(level: int, spot: int) -> np.ndarray:
    pixels = np.full((60, 60, 3), level, dtype=np.uint8)
    pixels[10:20, 40:50] = spot
    return pixels


MASK = np.zeros((60, 60), dtype=bool)
MASK[10:20, 40:50] = True
BOX = Box.of(40, 10, 50, 20)


def test_something_extra() -> None:
    baseline = scene(200, 200).astype(np.float32)
    told = describe(scene(200, 80), MASK, BOX, baseline=baseline, sigma=4.0)
    assert told.label == "extra material"
    assert told.fact.startswith("120 levels")
    assert "(30.0 sigma) darker than the reference at this place" in told.fact
    assert "something is here that the reference does not show" in told.fact
    assert told.measures["brightness_levels"] == pytest.approx(-120, abs=0.1)
    assert told.measures["brightness_sigma"] == pytest.approx(-30, abs=0.1)


def test_something_missing() -> None:
    baseline = scene(200, 80).astype(np.float32)
    told = describe(scene(200, 200), MASK, BOX, baseline=baseline)
    assert told.label == "missing material"
    assert "brighter than the reference" in told.fact
    assert "something is missing that the reference shows" in told.fact


def test_darker_than_its_surroundings_without_a_baseline() -> None:
    told = describe(scene(150, 100), MASK, BOX)
    assert told.label == "darker patch"
    assert "50 levels darker than its surroundings" in told.fact


def test_colour_change() -> None:
    pixels = scene(150, 150)
    pixels[10:20, 40:50] = (190, 125, 150)
    told = describe(pixels, MASK, BOX)
    assert told.label == "colour change"
    assert "its colour is" in told.fact


def test_texture_change() -> None:
    pixels = scene(150, 150)
    pixels[10:20:2, 40:50] = 165
    pixels[11:20:2, 40:50] = 135
    told = describe(pixels, MASK, BOX)
    assert told.label == "texture change"
    assert "rougher texture" in told.fact


def test_a_region_that_fills_the_picture_and_one_of_a_pixel() -> None:
    everything = np.ones((60, 60), dtype=bool)
    assert describe(scene(9, 9), everything, Box.of(0, 0, 60, 60)).fact
    dot = np.zeros((1, 1), dtype=bool) | True
    assert describe(np.zeros((1, 1, 3), np.uint8), dot, Box.of(0, 0, 1, 1)).fact


def test_a_sentence_follows_the_mask_it_stands_with() -> None:
    region = Candidate(MASK, BOX, 0.9, "spot", "it is dark.")
    assert region.sentence == "Upper right, 10 × 10 px, 2.8 % of the area: it is dark."
    smaller = np.zeros_like(MASK)
    smaller[28:32, 28:32] = True
    moved = replace(region, mask=smaller, box=Box.of(28, 28, 32, 32))
    assert moved.sentence == "Centre, 4 × 4 px, 0.44 % of the area: it is dark."
