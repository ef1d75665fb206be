"""Looking for every region: where is asked, what is kept, in what order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import ConfigurationError
from gadet.geometry import Box, Frame
from gadet.localize.sam import Automatic, SamSegmenter, SegmentedMask
from gadet.localize.sam.automatic import grid, layers_for, stability_of, suppress
from gadet.localize.sam.looks import LONGEST_LOOK, Look, look_at
from tests.localize.sam.fake import ColourNetwork, torch
from tests.localize.sam.support import package, picture


def spots(size: tuple[int, int], *boxes: tuple[int, int, int, int]) -> np.ndarray:
    """A grey picture with a square of its own colour in each box."""
    pixels = np.full((size[1], size[0], 3), 128, dtype=np.uint8)
    for number, (x0, y0, x1, y1) in enumerate(boxes):
        pixels[y0:y1, x0:x1] = (255 - 20 * number, 10 * number, 0)
    return pixels


@given(st.integers(1, 3000), st.integers(1, 3000), st.floats(0.0005, 0.2))
@settings(max_examples=100, deadline=None)
def test_every_square_of_the_smallest_area_holds_a_point(
    width: int, height: int, smallest: float
) -> None:
    shrink = max(width, height, LONGEST_LOOK) / LONGEST_LOOK
    seen = max(1, round(width / shrink)), max(1, round(height / shrink))
    look = Look(np.zeros((1, 1, 3), np.uint8), Frame.whole((width, height), seen))
    spacing = float(np.sqrt(smallest * width * height))
    native = grid(look, spacing) * look.frame.scale
    for axis, whole in ((0, width), (1, height)):
        places = np.unique(native[:, axis])
        gaps = np.diff(np.concatenate([[-places[0]], places, [2 * whole - places[-1]]]))
        assert gaps.max() <= max(spacing, 4 * max(look.frame.scale)) + 1e-6 or whole < 4


def test_the_default_grid_is_the_published_one() -> None:
    ours = grid(look_at(picture(256, 256)), np.sqrt(Automatic().smallest) * 256)
    theirs = package().utils.amg.build_point_grid(32) * 256
    assert np.array_equal(ours, theirs)


def test_the_smallest_region_is_found_wherever_it_lies() -> None:
    rng = np.random.default_rng(1)
    side = 9  # 0.12 % of 256 × 256
    for x, y in rng.integers(0, 256 - side, (4, 2)):
        pixels = spots((256, 256), (x, y, x + side, y + side))
        found = SamSegmenter(ColourNetwork(side=512)).propose(pixels)
        wanted = Box.of(x, y, x + side, y + side)
        assert max(mask.box.iou(wanted) for mask in found) > 0.6


def test_regions_come_once_and_the_best_first() -> None:
    wanted = [(10, 10, 40, 40), (30, 150, 110, 180), (100, 20, 130, 60)]
    found = SamSegmenter(ColourNetwork()).propose(spots((256, 256), *wanted))
    assert len(found) == 3
    assert [mask.quality for mask in found] == pytest.approx([0.95] * 3)
    boxes = sorted(mask.box.as_tuple() for mask in found)
    assert np.abs(np.array(boxes) - wanted).max() <= 2


def test_the_same_picture_gives_the_same_masks() -> None:
    pixels = spots((256, 256), (10, 10, 60, 60), (100, 20, 130, 60))
    first, second = (SamSegmenter(ColourNetwork()).propose(pixels) for _ in range(2))
    assert [mask.rle for mask in first] == [mask.rle for mask in second]


def test_a_bound_keeps_the_number_of_masks() -> None:
    boxes = [(x, y, x + 12, y + 12) for x in range(8, 200, 64) for y in range(8, 200, 64)]
    rng = np.random.default_rng(0)
    pixels = np.full((256, 256, 3), 128, dtype=np.uint8)
    for x0, y0, x1, y1 in boxes:
        pixels[y0:y1, x0:x1] = rng.integers(0, 256, 3)
    few = SamSegmenter(ColourNetwork(), automatic=Automatic(most=5)).propose(pixels)
    many = SamSegmenter(ColourNetwork(), automatic=Automatic()).propose(pixels)
    assert len(few) == 5
    assert len(many) == len(boxes)


def test_what_the_network_doubts_is_left_out() -> None:
    pixels = spots((256, 256), (10, 10, 60, 60))
    assert SamSegmenter(ColourNetwork(quality=0.5)).propose(pixels) == ()


def test_the_ground_is_no_region() -> None:
    pixels = spots((64, 64), (0, 0, 31, 64))
    found = SamSegmenter(ColourNetwork(), automatic=Automatic(largest=0.4)).propose(pixels)
    assert found == ()
    assert SamSegmenter(ColourNetwork()).propose(spots((64, 64))) == ()


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (3000, 2), (2, 2)])
def test_odd_sizes_are_no_trouble(size: tuple[int, int]) -> None:
    assert SamSegmenter(ColourNetwork()).propose(spots(size)) == ()


def test_tiles_see_a_small_region_better_than_the_whole_does() -> None:
    small, large = (201, 71, 206, 76), (30, 170, 130, 230)
    pixels = spots((300, 300), small, large)

    def best(box: tuple[int, int, int, int], masks: tuple[SegmentedMask, ...]) -> float:
        return max((mask.box.iou(Box.of(*box)) for mask in masks), default=0.0)

    whole, tiled = (
        SamSegmenter(
            ColourNetwork(96), automatic=Automatic(smallest=0.0003, layers=layers, stability=0.5)
        ).propose(pixels)
        for layers in (0, 2)
    )
    assert best(small, tiled) > best(small, whole) + 0.2
    # The large one, which the edges of tiles cut, still comes whole.
    assert best(large, tiled) > 0.7


@pytest.mark.parametrize(
    ("size", "layers"), [((512, 512), 0), ((1536, 900), 0), ((1537, 900), 1), ((4000, 4000), 2)]
)
def test_larger_pictures_are_looked_at_in_more_tiles(size: tuple[int, int], layers: int) -> None:
    assert layers_for(size) == layers


@given(st.lists(st.tuples(*[st.integers(0, 12)] * 4, st.integers(0, 5)), max_size=25))
@settings(max_examples=100, deadline=None)
def test_suppress_keeps_what_no_better_box_covers(
    rows: list[tuple[int, int, int, int, int]],
) -> None:
    boxes = [(x, y, x + w + 1, y + h + 1) for x, y, w, h, _ in rows]
    scores = [row[4] for row in rows]
    kept: list[int] = []
    for i in sorted(range(len(boxes)), key=lambda n: (-scores[n], n)):
        if all(Box.of(*boxes[i]).iou(Box.of(*boxes[j])) <= 0.5 for j in kept):
            kept.append(i)
    ours = suppress(np.array(boxes, dtype=float), np.array(scores, dtype=float), 0.5)
    assert ours == kept


def test_stability_is_the_iou_of_a_higher_and_a_lower_cut() -> None:
    logits = torch.tensor([[[2.0, 0.5], [-0.5, -2.0]], [[-5.0, -5.0], [-5.0, -5.0]]])
    assert stability_of(logits).tolist() == pytest.approx([1 / 3, 0.0])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("smallest", 0),
        ("largest", 2),
        ("quality", -0.1),
        ("stability", float("nan")),
        ("overlap", 1.5),
        ("layers", 4),
        ("most", 0),
        ("batch", 100_000),
    ],
)
def test_a_setting_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be from"):
        Automatic(**{name: value})
