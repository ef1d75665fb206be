"""Proposals, refinement, and the way back from a pointer to a region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet import Box, BoxFormat, Candidate, Evidence, ImageRegion, ViewLimits
from gadet.localize.base import Pointer, Scene
from gadet.localize.image import ImageLocalizer
from gadet.localize.proposals import expert_regions, propose_regions
from gadet.localize.refine import Refiner
from gadet.localize.sam.segmenter import SegmentedMask
from gadet.media.image import ImageAdapter
from tests.doubles import picture

FLAT = np.full((100, 120, 3), 90, dtype=np.uint8)


def candidate(x: int, y: int, side: int = 10, score: float = 0.8) -> Candidate:
    mask = np.zeros((100, 120), dtype=bool)
    mask[y : y + side, x : x + side] = True
    return Candidate(mask, Box.of(x, y, x + side, y + side), score, "spot", "A spot.")


def evidence(*candidates: Candidate, peak: tuple[int, int] | None = None) -> Evidence:
    score_map = np.full((100, 120), 0.1, dtype=np.float32)
    for one in candidates:
        score_map[one.mask] = one.score
    if peak:
        score_map[peak[1] : peak[1] + 4, peak[0] : peak[0] + 4] = 0.4
    return Evidence(score_map, 0.8, candidates, (), "stub")


def soft(spot: tuple[int, int], shape: tuple[int, int] = (160, 200), width: float = 20) -> Any:
    """A map that rises gently to a spot `(x, y)`, as patches give it."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    gap = np.square(x - spot[0]) + np.square(y - spot[1])
    return (0.9 * np.exp(-gap / (2 * width**2))).astype(np.float32)


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_the_experts_regions_come_first_then_what_else_may_matter() -> None:
    regions = propose_regions(FLAT, evidence(candidate(10, 10), peak=(80, 60)), most=5)
    assert regions[0].label == "spot"
    assert regions[0].box == Box.of(10, 10, 20, 20)
    assert any(one.box == Box.of(80, 60, 84, 64) for one in regions[1:])
    assert all(one.score < 0.5 for one in regions[1:]), "what is only worth a look is no finding"


@pytest.mark.parametrize("most", [1, 7, 12])
def test_no_more_than_asked_for(most: int) -> None:
    many = [candidate(x, y) for x in (0, 30, 60, 90) for y in (0, 30, 60)]
    assert len(propose_regions(FLAT, evidence(*many), most=most)) == most


def test_the_same_place_gets_one_number() -> None:
    twice = evidence(candidate(10, 10), candidate(10, 10, score=0.7))
    assert len(expert_regions(FLAT, twice, most=5)) == 1


def test_a_flat_map_proposes_nothing() -> None:
    flat = Evidence(np.full((100, 120), 0.1, dtype=np.float32), 0.1)
    assert propose_regions(FLAT, flat, most=5) == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (9, 9), (2, 3)])
def test_tiny_pictures_have_regions_too(shape: tuple[int, int]) -> None:
    score_map = np.full(shape, 0.2, dtype=np.float32)
    score_map[0, 0] = 0.9
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for region in propose_regions(pixels, Evidence(score_map, 0.9), most=4):
        assert region.mask.shape == shape
        assert region.mask.any()


def test_a_small_defect_survives_among_large_regions() -> None:
    """One thousandth of the picture, where the map has no more than a hint."""
    rng = np.random.default_rng(5)
    pixels = rng.normal(120, 6, (400, 500, 1)).repeat(3, axis=2)
    pixels[:, 250:] += 40
    pixels[300:314, 90:104] -= 60
    truth = np.zeros((400, 500), dtype=bool)
    truth[300:314, 90:104] = True
    score_map = soft((110, 290), (400, 500), 60)
    pixels = np.clip(pixels, 0, 255).astype(np.uint8)
    regions = propose_regions(pixels, Evidence(score_map, 0.9), most=12)
    assert max(iou(truth, one.mask) for one in regions) > 0.6


@settings(max_examples=10, deadline=None)
@given(
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    most=st.integers(1, 15),
    seed=st.integers(0, 999),
)
def test_every_proposal_is_tight_distinct_and_in_order(
    height: int, width: int, most: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    score_map = rng.random((height, width), dtype=np.float32)
    regions = propose_regions(pixels, Evidence(score_map, 0.9), most=most)
    assert len(regions) <= most
    scores = [one.score for one in regions]
    assert scores == sorted(scores, reverse=True)
    for i, one in enumerate(regions):
        rows, columns = np.nonzero(one.mask)
        tight = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert one.box.as_tuple() == tight
        assert all(not np.array_equal(one.mask, other.mask) for other in regions[:i])


def test_refinement_finds_the_border_of_the_picture_under_a_soft_map() -> None:
    pixels = np.full((160, 200, 3), 80, dtype=np.uint8)
    pixels[50:110, 60:140] = 170
    truth = pixels[..., 0] == 170
    score_map = soft((100, 80), width=30)
    rough = score_map >= 0.45
    refined = Refiner(pixels, score_map).region(rough)
    assert iou(refined, truth) > max(0.85, iou(rough, truth))


def test_a_point_means_the_region_around_it() -> None:
    pixels = np.full((160, 200, 3), 80, dtype=np.uint8)
    pixels[50:110, 60:140] = 170
    mask = Refiner(pixels).point(80, 70)
    assert mask is not None
    assert iou(mask, pixels[..., 0] == 170) > 0.8


def test_a_box_finds_a_patch_without_a_sharp_border() -> None:
    """As of a polyp: 25 levels over a ramp, blurred over 12 pixels, in noise; and no map."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:240, :300]
    depth = 60 - np.hypot((x - 150) / 1.3, y - 120)
    shade = 110 + 0.1 * x + 25 / (1 + np.exp(-depth / 4))
    red = np.stack((shade + 30, shade - 20, shade - 30), axis=2) + rng.normal(0, 5, (240, 300, 3))
    pixels = np.clip(red, 0, 255).astype(np.uint8)
    truth = depth > 0
    mask = Refiner(pixels).box(Box.of(72, 60, 228, 180))
    assert mask is not None
    assert iou(mask, truth) > 0.85


def test_a_box_on_a_sharp_map_follows_the_map() -> None:
    score_map = np.full((50, 60), 0.1, dtype=np.float32)
    score_map[20:30, 20:40] = 0.9
    mask = Refiner(np.full((50, 60, 3), 90, dtype=np.uint8), score_map).box(Box.of(15, 15, 35, 35))
    expected = np.zeros((50, 60), dtype=bool)
    expected[20:30, 20:35] = True
    assert mask is not None
    assert np.array_equal(mask, expected)


@pytest.mark.parametrize("point", [(-1, 5), (5, 50), (60, 5), (float("nan"), 3)])
def test_nothing_is_outside_the_picture(point: tuple[float, float]) -> None:
    refiner = Refiner(np.full((50, 60, 3), 90, dtype=np.uint8))
    assert refiner.point(*point) is None
    assert refiner.box(Box.of(100, 100, 120, 120)) is None


def test_few_pixels_are_left_as_they_are() -> None:
    small = candidate(10, 10, side=5).mask
    assert Refiner(FLAT, soft((12, 12), (100, 120))).region(small) is small


def scene(
    *candidates: Candidate, boxes: BoxFormat | None = None, found: Evidence | None = None
) -> Scene:
    sample = ImageAdapter().load(picture(120, 100))
    (view,) = sample.views(ViewLimits(max_side=60))
    return Scene(sample, (view,), boxes or BoxFormat(), candidates, found)


def test_a_mark_is_exact() -> None:
    wanted = candidate(40, 30)
    region, notes = ImageLocalizer().locate(Pointer(mark=2), scene(candidate(0, 0), wanted))
    assert isinstance(region, ImageRegion)
    assert region.mask is not None
    assert np.array_equal(region.mask.to_array(), wanted.mask)
    assert (region.box, region.mark, notes) == (wanted.box, 2, ())


@pytest.mark.parametrize("mark", [0, -1, 2, 99])
def test_an_unknown_mark_is_noted_and_the_box_is_used(mark: int) -> None:
    region, notes = ImageLocalizer().locate(
        Pointer(mark=mark, box=(0, 0, 500, 500)), scene(candidate(0, 0))
    )
    assert isinstance(region, ImageRegion)
    assert region.mark is None
    assert any(f"mark {mark}" in note for note in notes)
    assert region.box.as_tuple() == pytest.approx((0, 0, 60, 50))


def test_a_pointer_that_leads_nowhere_gives_none_and_a_note() -> None:
    for pointer in (Pointer(box=(5, 5, 5, 5)), Pointer(point=(-5, 3)), Pointer(place="outside")):
        region, notes = ImageLocalizer().locate(pointer, scene())
        assert region is None
        assert notes
    assert ImageLocalizer().locate(Pointer(), scene()) == (None, ())


def test_what_cannot_be_used_gives_way_to_the_next_way_of_pointing() -> None:
    pointer = Pointer(mark=9, box=(5, 5, 5, 5), point=(500, 500))
    region, notes = ImageLocalizer().locate(pointer, scene())
    assert isinstance(region, ImageRegion)
    assert len(notes) == 2


def test_words_lead_to_the_most_suspicious_region_there_and_say_that_they_guess() -> None:
    found = evidence(candidate(90, 70, 20, 0.9), candidate(5, 5, 20, 0.7))
    region, notes = ImageLocalizer().locate(Pointer(place="Upper left"), scene(found=found))
    assert isinstance(region, ImageRegion)
    assert region.mask is not None
    assert region.mask.to_array()[15, 15]
    assert "guess" in notes[0]
    region, _ = ImageLocalizer().locate(Pointer(place="top right"), scene(found=found))
    assert isinstance(region, ImageRegion)
    assert (region.box, region.mask) == (Box.of(60, 0, 120, 50), None)


numbers = st.floats(-2000, 2000, allow_nan=False)


@settings(max_examples=40, deadline=None)
@given(st.tuples(numbers, numbers, numbers, numbers), st.sampled_from(["pixels", "relative"]))
def test_any_box_or_point_ends_inside_the_picture_or_is_noted(box: Any, frame: Any) -> None:
    for pointer in (Pointer(box=box), Pointer(point=box[:2])):
        region, notes = ImageLocalizer().locate(pointer, scene(boxes=BoxFormat(frame=frame)))
        if region is None:
            assert notes
            continue
        assert isinstance(region, ImageRegion)
        x0, y0, x1, y1 = region.box.as_tuple()
        assert 0 <= x0 < x1 <= 120
        assert 0 <= y0 < y1 <= 100


@dataclass
class Scissors:
    """A segmenter that cuts out what it is asked for, and always proposes one stripe."""

    name: str = "scissors"
    weights_sha256: str | None = None
    asked: list[Any] = field(default_factory=list)

    def propose(self, pixels: np.ndarray) -> tuple[SegmentedMask, ...]:
        stripe = np.zeros(pixels.shape[:2], dtype=bool)
        stripe[40:44] = True
        return (SegmentedMask.from_array(stripe),)

    def in_box(self, pixels: np.ndarray, box: Box) -> SegmentedMask | None:
        self.asked.append(box)
        mask = np.zeros(pixels.shape[:2], dtype=bool)
        mask[2:5, 3:7] = True
        return SegmentedMask.from_array(mask)

    def at_points(
        self, pixels: np.ndarray, points: Sequence[tuple[float, float]], labels: Sequence[bool]
    ) -> SegmentedMask | None:
        self.asked.append((tuple(points), tuple(labels)))
        return None


def test_a_segmenter_proposes_and_makes_boxes_exact() -> None:
    scissors = Scissors()
    localizer = ImageLocalizer(scissors)
    sample = ImageAdapter().load(picture(120, 100))
    marks = localizer.propose(sample, evidence(candidate(10, 10)), most=12)
    assert any(one.label == "segment" and one.box == Box.of(0, 40, 120, 44) for one in marks)
    region, _ = localizer.locate(Pointer(box=(0, 0, 500, 500)), scene())
    assert isinstance(region, ImageRegion)
    assert region.mask is not None
    assert region.mask.area == 12
    assert scissors.asked == [Box.of(0, 0, 60, 50)]


def test_without_an_answer_of_the_segmenter_the_picture_decides() -> None:
    scissors = Scissors()
    region, _ = ImageLocalizer(scissors).locate(Pointer(point=(500, 500)), scene())
    assert scissors.asked == [(((60.0, 50.0),), (True,))]
    assert isinstance(region, ImageRegion)
    assert region.mask is not None


def test_who_cannot_look_at_marks_gets_the_experts_regions_alone() -> None:
    sample = ImageAdapter().load(picture(120, 100))
    found = evidence(candidate(10, 10), peak=(80, 60))
    assert len(ImageLocalizer().propose(sample, found, most=1_000)) == 1
    assert ImageLocalizer().propose(sample, None, most=12) == ()
