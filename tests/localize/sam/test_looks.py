"""What is looked at: all of it, a part of it, tiles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import InputError
from gadet.geometry import Box
from gadet.localize.sam.looks import LONGEST_LOOK, checked_pixels, look_around, look_at, tiles
from tests.localize.sam.support import package, picture


def test_a_picture_of_moderate_size_is_seen_as_it_is() -> None:
    pixels = picture(200, 100)
    look = look_around(pixels, Box.of(3, 4, 20, 30))
    assert np.array_equal(look.pixels, pixels)
    assert look.frame.source == Box.of(0, 0, 200, 100)
    assert look.size == (200, 100)


def test_equal_pixels_have_one_key_and_others_another() -> None:
    pixels = picture(64, 32)
    assert look_at(pixels).key == look_at(pixels.copy()).key
    assert look_at(pixels).key != look_at(pixels.reshape(64, 32, 3)).key
    changed = pixels.copy()
    changed[0, 0, 0] ^= 1
    assert look_at(changed).key != look_at(pixels).key


def test_a_large_picture_is_made_smaller() -> None:
    pixels = np.zeros((300, 2 * LONGEST_LOOK + 10, 3), dtype=np.uint8)
    pixels[:, 2000:] = 200
    look = look_at(pixels)
    assert look.size[0] == LONGEST_LOOK
    assert min(look.frame.scale) >= 1
    edge = look.frame.to_view(Box.of(2000, 0, 2001, 1)).x0
    assert (look.pixels[:, : int(edge)] == 0).all()
    assert (look.pixels[:, int(edge) + 1 :] == 200).all()


@given(
    st.integers(1, 9000),
    st.integers(1, 300),
    st.tuples(*[st.floats(0, 1)] * 4),
)
@settings(max_examples=50, deadline=None)
def test_a_prompt_in_a_large_picture_is_seen_with_its_surroundings(
    width: int, height: int, corners: tuple[float, float, float, float]
) -> None:
    pixels = np.broadcast_to(np.zeros((1, 1, 3), dtype=np.uint8), (height, width, 3))
    x0, x1 = sorted((corners[0] * (width - 1), corners[2] * (width - 1)))
    y0, y1 = sorted((corners[1] * (height - 1), corners[3] * (height - 1)))
    box = Box.of(x0, y0, x1 + 1, y1 + 1)
    look = look_around(pixels, box)
    seen = look.frame.source
    assert seen.clipped(width, height) == seen
    assert seen.intersection(box) == pytest.approx(box.area)
    assert max(look.size) <= LONGEST_LOOK
    # What is asked for fills a sensible part of the window, unless the window is as small as any.
    assert max(seen.width, seen.height) <= max(8 * max(box.width, box.height) + 8, LONGEST_LOOK)


def test_neighbouring_prompts_share_a_look() -> None:
    pixels = np.zeros((4000, 4000, 3), dtype=np.uint8)
    first = look_around(pixels, Box.of(1500, 1500, 1530, 1530))
    second = look_around(pixels, Box.of(1510, 1520, 1530, 1540))
    assert first.frame == second.frame
    assert first.frame.source.width == LONGEST_LOOK / 2


@pytest.mark.parametrize("size", [(1500, 1500), (2000, 1501), (701, 3000)])
@pytest.mark.parametrize("layers", [0, 1, 2, 3])
def test_tiles_are_those_of_the_package(size: tuple[int, int], layers: int) -> None:
    amg = package().utils.amg
    theirs, _ = amg.generate_crop_boxes((size[1], size[0]), layers, 512 / 1500)
    assert tiles(size, layers) == [tuple(box) for box in theirs]


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((0, 4, 3), dtype=np.uint8),
        "part.png",
    ],
    ids=["grey", "alpha", "float", "empty", "path"],
)
def test_what_is_no_picture_is_refused(wrong: object) -> None:
    with pytest.raises(InputError, match=r"array \(H, W, 3\) of uint8, RGB; got"):
        checked_pixels(wrong)  # type: ignore[arg-type]
