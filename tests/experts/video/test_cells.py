"""Cells of a place as a mask of native pixels, against looking at every pixel."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gadet.experts.video.cells import Cells

grids = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))


@given(grids, st.tuples(st.floats(1.0, 6.0), st.floats(1.0, 6.0)), st.integers(1, 30))
def test_a_pixel_is_in_the_mask_when_its_middle_is_in_a_cell(chosen, side, edge) -> None:
    rows, columns = chosen.shape
    mask = Cells.of(chosen, side).mask((edge, edge + 3)).to_array()
    for y in range(edge + 3):
        for x in range(edge):
            row = min(int((y + 0.5) / side[1]), rows - 1)
            column = min(int((x + 0.5) / side[0]), columns - 1)
            assert mask[y, x] == chosen[row, column]


@given(grids, st.integers(0, 2**32 - 1))
def test_two_places_together_hold_the_cells_of_both(chosen, seed) -> None:
    other = np.random.default_rng(seed).random(chosen.shape) < 0.5
    both = Cells.of(chosen, (2, 2)) | Cells.of(other, (2, 2))
    assert both == Cells.of(chosen | other, (2, 2))
