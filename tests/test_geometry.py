from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError

from gadet import Box, BoxFormat, Frame, Interval, Mask
from tests import naive

small = st.integers(1, 12)
masks = st.tuples(small, small).flatmap(lambda size: arrays(np.bool_, size))


@st.composite
def boxes(draw: st.DrawFn, low: float = -50, high: float = 50) -> Box:
    x0 = draw(st.floats(low, high - 1))
    y0 = draw(st.floats(low, high - 1))
    return Box.of(x0, y0, x0 + draw(st.floats(0.5, 40)), y0 + draw(st.floats(0.5, 40)))


@given(masks)
def test_run_lengths_equal_the_oracle_and_round_trip(array: np.ndarray) -> None:
    mask = Mask.from_array(array)
    assert list(mask.counts) == naive.run_lengths(array.astype(int).tolist())
    assert np.array_equal(mask.to_array(), array)
    assert mask.area == int(array.sum())
    assert Mask.model_validate_json(mask.model_dump_json()) == mask


@given(masks)
def test_box_of_a_mask_is_tight(array: np.ndarray) -> None:
    box = Mask.from_array(array).box
    if not array.any():
        assert box is None
        return
    assert box is not None
    ys, xs = np.nonzero(array)
    assert box.as_tuple() == (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)


def test_mask_of_a_box_covers_every_touched_pixel() -> None:
    mask = Mask.from_box(Box.of(0.5, 1, 2.5, 2), (4, 5))
    assert mask.area == 3
    assert mask.box == Box.of(0, 1, 3, 2)
    assert Mask.from_box(Box.of(-9, -9, -1, -1), (4, 5)).area == 0


def test_mask_iou() -> None:
    a, b = np.zeros((4, 4)), np.zeros((4, 4))
    a[:2], b[1:3] = 1, 1
    assert Mask.from_array(a).iou(Mask.from_array(b)) == pytest.approx(4 / 12)
    empty = Mask.from_array(np.zeros((4, 4)))
    assert empty.iou(empty) == 0
    with pytest.raises(ValueError, match="one size"):
        empty.iou(Mask.from_array(np.zeros((4, 5))))


@pytest.mark.parametrize("array", [np.zeros((2, 2, 2)), np.zeros((0, 3)), np.zeros(4)])
def test_mask_rejects_other_shapes(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"\(H, W\)"):
        Mask.from_array(array)


@pytest.mark.parametrize(
    ("size", "counts", "match"),
    [
        ((2, 2), (3,), "add up to 3"),
        ((2, 2), (5, -1), "greater than or equal to 0"),
        ((0, 2), (), "greater than 0"),
    ],
)
def test_mask_rejects_counts_that_do_not_fill_it(
    size: tuple[int, int], counts: tuple[int, ...], match: str
) -> None:
    with pytest.raises(ValidationError, match=match):
        Mask(size=size, counts=counts)


@settings(max_examples=15, deadline=None)
@given(boxes(), boxes())
def test_box_iou_equals_the_oracle(a: Box, b: Box) -> None:
    assert a.iou(b) == pytest.approx(naive.overlap(a.as_tuple(), b.as_tuple()), abs=0.03)
    assert a.iou(b) == b.iou(a)
    assert a.iou(a) == pytest.approx(1)


@pytest.mark.parametrize(
    "corners",
    [(0, 0, 0, 1), (0, 0, 1, 0), (2, 0, 1, 1), (0, 0, float("nan"), 1), (0, 0, float("inf"), 1)],
)
def test_box_rejects_corners_without_area(corners: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        Box.of(*corners)


def test_box_clips_to_a_picture() -> None:
    assert Box.of(-5, 2, 100, 4).clipped(10, 10) == Box.of(0, 2, 10, 4)
    assert Box.of(20, 2, 30, 4).clipped(10, 10) is None


@pytest.mark.parametrize(("start", "end"), [(3, 3), (4, 3), (0, float("nan"))])
def test_interval_rejects_an_end_before_its_start(start: float, end: float) -> None:
    with pytest.raises(ValidationError):
        Interval(start=start, end=end, unit="second")
    assert Interval(start=0, end=0.5, unit="second").end == 0.5


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    width, height = draw(st.integers(2, 40)), draw(st.integers(2, 40))
    x0, y0 = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
    x1, y1 = draw(st.integers(x0 + 1, width)), draw(st.integers(y0 + 1, height))
    return Frame(
        native_width=width,
        native_height=height,
        source=Box.of(x0, y0, x1, y1),
        width=draw(st.integers(1, 40)),
        height=draw(st.integers(1, 40)),
    )


@given(frames(), boxes())
def test_boxes_go_to_native_and_back(frame: Frame, box: Box) -> None:
    back = frame.to_view(frame.to_native(box))
    assert back.as_tuple() == pytest.approx(box.as_tuple(), abs=1e-6)


@given(frames(), st.integers(0, 1000))
def test_masks_lifted_equal_the_oracle(frame: Frame, seed: int) -> None:
    mask = np.random.default_rng(seed).random((frame.height, frame.width)) > 0.5
    native = (frame.native_width, frame.native_height)
    expected = naive.lifted(mask.tolist(), native, frame.source.as_tuple())
    lifted = frame.mask_to_native(mask).tolist()
    for line, oracle in zip(lifted, expected, strict=True):
        assert [a for a, b in zip(line, oracle, strict=True) if b is not None] == [
            b for b in oracle if b is not None
        ]


def test_frame_rejects_a_mask_of_another_shape() -> None:
    with pytest.raises(ValueError, match="view's shape"):
        Frame.whole((10, 10), (5, 5)).mask_to_native(np.zeros((10, 10), dtype=bool))


def test_frame_of_a_whole_picture() -> None:
    frame = Frame.whole((100, 50), (50, 25))
    assert frame.scale == (2, 2)
    assert frame.to_native(Box.of(0, 0, 50, 25)) == Box.of(0, 0, 100, 50)


@pytest.mark.parametrize(
    ("boxes", "values", "expected"),
    [
        (BoxFormat(), (0, 0, 500, 1000), (0, 0, 100, 100)),
        (BoxFormat(order="yxyx"), (0, 250, 1000, 500), (50, 0, 100, 100)),
        (BoxFormat(frame="pixels"), (10, 20, 30, 40), (10, 20, 30, 40)),
        (BoxFormat(scale=1.0), (0.25, 0.0, 0.5, 1.0), (50, 0, 100, 100)),
    ],
)
def test_box_formats_decode_to_pixels_of_the_view(
    boxes: BoxFormat, values: tuple[float, float, float, float], expected: tuple[float, ...]
) -> None:
    box, notes = boxes.decode(values, 200, 100)
    assert box is not None
    assert box.as_tuple() == pytest.approx(expected)
    assert notes == ()


@pytest.mark.parametrize(
    ("values", "kept", "note"),
    [
        ((500, 500, 100, 100), True, "swapped"),
        ((-50, 0, 500, 2000), True, "clipped"),
        ((1200, 0, 1500, 100), False, "outside"),
        ((100, 100, 100, 300), False, "no area"),
        ((float("nan"), 0, 1, 1), False, "not finite"),
    ],
)
def test_what_is_mended_in_a_box_is_noted(
    values: tuple[float, float, float, float], kept: bool, note: str
) -> None:
    box, notes = BoxFormat().decode(values, 200, 100)
    assert (box is not None) is kept
    assert any(note in text for text in notes)


@given(st.tuples(*[st.floats(allow_nan=True, allow_infinity=True)] * 4))
def test_any_four_numbers_give_a_box_inside_or_none(values: tuple[float, ...]) -> None:
    box, notes = BoxFormat().decode(values, 64, 48)  # type: ignore[arg-type]
    assert box is not None or notes
    if box is not None:
        assert 0 <= box.x0 < box.x1 <= 64
        assert 0 <= box.y0 < box.y1 <= 48


def test_box_formats_describe_themselves() -> None:
    assert "x0, y0, x1, y1" in BoxFormat().describe(10, 20)
    assert "y0, x0, y1, x1" in BoxFormat(order="yxyx").describe(10, 20)
    assert "10 wide and 20 high" in BoxFormat(frame="pixels").describe(10, 20)
