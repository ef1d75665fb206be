"""Proposals, refinement, and the way back from a pointer to a region."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadet import Box, BoxFormat, Candidate, Evidence, ImageRegion, ViewLimits
from gadet.localize.base import Pointer, Scene
from gadet.localize.image import ImageLocalizer
from gadet.localize.proposals import propose_regions
from gadet.localize.refine import mask_in_box, snap_to_superpixels
from gadet.media.image import ImageAdapter
from tests.doubles import picture


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


FLAT = np.full((100, 120, 3), 90, dtype=np.uint8)


def test_candidates_come_first_then_the_next_peaks() -> None:
    regions = propose_regions(FLAT, evidence(candidate(10, 10), peak=(80, 60)), most=5)
    assert [region.label for region in regions] == ["spot", "unremarkable place"]
    assert regions[0].box == Box.of(10, 10, 20, 20)
    assert regions[1].box.intersection(Box.of(80, 60, 84, 64)) > 0
    assert regions[1].score < 0.5, "a mere peak is no finding"


def test_no_more_than_asked_for() -> None:
    many = [candidate(x, y) for x in (0, 30, 60, 90) for y in (0, 30, 60)]
    assert len(propose_regions(FLAT, evidence(*many), most=7)) == 7


def test_the_same_place_gets_one_number() -> None:
    twice = evidence(candidate(10, 10), candidate(11, 10, score=0.7))
    assert len(propose_regions(FLAT, twice, most=5)) == 1


def test_a_flat_map_proposes_nothing() -> None:
    flat = Evidence(np.full((100, 120), 0.1, dtype=np.float32), 0.1)
    assert propose_regions(FLAT, flat, most=5) == ()


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (9, 9)])
def test_tiny_pictures_have_regions_too(shape: tuple[int, int]) -> None:
    hot = Evidence(np.full(shape, 0.9, dtype=np.float32), 0.9)
    pixels = np.zeros((*shape, 3), dtype=np.uint8)
    for region in propose_regions(pixels, hot, most=4):
        assert region.mask.shape == shape
        assert region.mask.any()


def test_a_mask_in_a_box_follows_the_map() -> None:
    score_map = np.full((50, 60), 0.1, dtype=np.float32)
    score_map[20:30, 20:40] = 0.9
    mask = mask_in_box(score_map, Box.of(15, 15, 35, 35))
    assert mask is not None
    expected = np.zeros_like(mask)
    expected[20:30, 20:35] = True
    assert np.array_equal(mask, expected)


@pytest.mark.parametrize("box", [Box.of(100, 100, 120, 120), Box.of(1, 1, 5, 5)])
def test_no_mask_outside_the_map_or_where_it_is_flat(box: Box) -> None:
    assert mask_in_box(np.full((50, 60), 0.3, dtype=np.float32), box) is None


def test_snapping_moves_a_border_to_the_pictures_border() -> None:
    pytest.importorskip("skimage")
    pixels = np.full((120, 120, 3), 80, dtype=np.uint8)
    pixels[32:88, 32:88] = 200
    rough = np.zeros((120, 120), dtype=bool)
    rough[29:91, 35:91] = True
    truth = pixels[..., 0] == 200
    snapped = snap_to_superpixels(pixels, rough)

    def iou(mask: np.ndarray) -> float:
        return float((mask & truth).sum() / (mask | truth).sum())

    assert iou(snapped) > iou(rough)


def test_small_masks_are_left_as_they_are() -> None:
    small = candidate(10, 10, side=5).mask
    assert snap_to_superpixels(FLAT, small) is small


def test_without_scikit_image_the_rough_mask_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "skimage.segmentation", None)
    rough = candidate(10, 10, side=60).mask
    assert snap_to_superpixels(FLAT, rough) is rough


def scene(*candidates: Candidate, boxes: BoxFormat | None = None, max_side: int = 60) -> Scene:
    sample = ImageAdapter().load(picture(120, 100))
    (view,) = sample.views(ViewLimits(max_side=max_side))
    return Scene(sample, (view,), boxes or BoxFormat(), candidates, None)


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
    region, notes = ImageLocalizer().locate(Pointer(box=(5, 5, 5, 5)), scene())
    assert region is None
    assert notes
    assert ImageLocalizer().locate(Pointer(), scene()) == (None, ())


numbers = st.floats(-2000, 2000, allow_nan=False)


@given(st.tuples(numbers, numbers, numbers, numbers), st.sampled_from(["pixels", "relative"]))
def test_any_box_ends_inside_the_picture_or_is_noted(box: Any, frame: Any) -> None:
    region, notes = ImageLocalizer().locate(Pointer(box=box), scene(boxes=BoxFormat(frame=frame)))
    if region is None:
        assert notes
        return
    x0, y0, x1, y1 = region.box.as_tuple()
    assert 0 <= x0 < x1 <= 120
    assert 0 <= y0 < y1 <= 100
