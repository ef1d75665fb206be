"""Polygons of masks, filled again pixel by pixel."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gadet import Mask
from gadet.outlines import outlines


def filled(rings: tuple[tuple[tuple[int, int], ...], ...], shape: tuple[int, int]) -> np.ndarray:
    """Even-odd: how many vertical edges lie to the left of the middle of each pixel."""
    count = np.zeros(shape, dtype=int)
    for ring in rings:
        for (x0, y0), (x1, y1) in zip(ring, ring[1:] + ring[:1], strict=True):
            assert (x0 == x1) != (y0 == y1), "edges follow pixels, and none is empty"
            if x0 == x1:
                count[min(y0, y1) : max(y0, y1), x0:] += 1
    return count % 2 == 1


def signed_area(ring: tuple[tuple[int, int], ...]) -> float:
    pairs = zip(ring, ring[1:] + ring[:1], strict=True)
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in pairs) / 2


@given(
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    share=st.floats(0, 1),
    seed=st.integers(0, 999),
)
def test_filling_the_polygons_gives_the_mask(
    height: int, width: int, share: float, seed: int
) -> None:
    array = np.random.default_rng(seed).random((height, width)) < share
    mask = Mask.from_array(array)
    rings = outlines(mask)
    assert np.array_equal(filled(rings, (height, width)), array)
    assert sum(map(signed_area, rings)) == mask.area
    for ring in rings:
        assert ring[0] == min(ring, key=lambda corner: (corner[1], corner[0]))
        for (x0, y0), (x1, y1), (x2, y2) in zip(
            ring, ring[1:] + ring[:1], ring[2:] + ring[:2], strict=True
        ):
            assert (x1 - x0) * (y2 - y1) != (y1 - y0) * (x2 - x1), "no corner on a straight line"


def test_a_ring_has_an_outside_and_a_hole() -> None:
    array = np.zeros((5, 6), dtype=bool)
    array[1:4, 1:5] = True
    array[2, 2:4] = False
    outer, hole = outlines(Mask.from_array(array))
    assert outer == ((1, 1), (5, 1), (5, 4), (1, 4))
    assert signed_area(outer) == 12
    assert signed_area(hole) == -2


def test_pixels_that_touch_at_a_corner_are_apart() -> None:
    rings = outlines(Mask.from_array(np.eye(2)))
    assert rings == (((0, 0), (1, 0), (1, 1), (0, 1)), ((1, 1), (2, 1), (2, 2), (1, 2)))
    assert outlines(Mask.from_array(np.zeros((3, 3)))) == ()
