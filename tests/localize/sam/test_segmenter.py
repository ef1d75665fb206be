"""The mask that is kept small against the mask that is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.geometry import Box, Frame, Mask
from gadet.localize.sam import SegmentedMask


@st.composite
def framed(draw: st.DrawFn) -> tuple[np.ndarray, Frame]:
    """A mask, and a part of a picture that it shows, no finer than the picture."""
    width, height = draw(st.integers(1, 60)), draw(st.integers(1, 60))
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    wide, tall = draw(st.integers(1, x1 - x0)), draw(st.integers(1, y1 - y0))
    array = np.random.default_rng(draw(st.integers(0, 99))).random((tall, wide)) < 0.2
    array[draw(st.integers(0, tall - 1)), draw(st.integers(0, wide - 1))] = True
    frame = Frame(
        native_width=width,
        native_height=height,
        source=Box.of(x0, y0, x1, y1),
        width=wide,
        height=tall,
    )
    return array, frame


@given(framed())
@settings(max_examples=150, deadline=None)
def test_mask_box_and_area_are_those_of_the_lifted_mask(case: tuple[np.ndarray, Frame]) -> None:
    array, frame = case
    kept = SegmentedMask.from_array(array, frame=frame, quality=0.5, stability=0.25)
    lifted = frame.mask_to_native(array)
    assert np.array_equal(kept.mask, lifted)
    assert kept.area == lifted.sum()
    assert kept.box == Mask.from_array(lifted).box
    assert kept.rle == Mask.from_array(lifted)
    assert (kept.quality, kept.stability) == (0.5, 0.25)


def test_without_a_frame_the_mask_is_the_whole_picture() -> None:
    array = np.zeros((30, 40), dtype=bool)
    array[4:9, 30:33] = True
    kept = SegmentedMask.from_array(array)
    assert kept.box == Box.of(30, 4, 33, 9)
    assert kept.area == 15
    assert np.array_equal(kept.mask, array)


def test_a_large_mask_is_kept_in_a_bit_a_pixel_of_its_window() -> None:
    array = np.zeros((2000, 2000), dtype=bool)
    array[100:900, 200:1000] = True
    assert SegmentedMask.from_array(array).nbytes == 800 * 800 // 8


def test_pixels_are_not_in_the_repr() -> None:
    assert "array" not in repr(SegmentedMask.from_array(np.ones((3, 3), dtype=bool)))


@pytest.mark.parametrize(
    ("shape", "frame"),
    [
        ((4, 4), Frame.whole((8, 8))),
        ((8, 8), Frame.whole((4, 4), (8, 8))),
    ],
    ids=["another shape", "finer than the picture"],
)
def test_a_mask_that_does_not_fit_its_frame_is_refused(
    shape: tuple[int, int], frame: Frame
) -> None:
    with pytest.raises(ValueError, match=r"no finer than the native picture, is needed; got \("):
        SegmentedMask.from_array(np.ones(shape, dtype=bool), frame=frame)


def test_an_empty_mask_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        SegmentedMask.from_array(np.zeros((4, 4), dtype=bool))
