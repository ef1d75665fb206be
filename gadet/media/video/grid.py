"""Where frames lie on a contact sheet: as large as the limits allow, each below its label."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from gadet.errors import InputError
from gadet.geometry import Box
from gadet.view import ViewLimits

__all__ = ["MOST_CELLS", "Grid", "cells_within", "frames_within", "grid_for"]

MOST_CELLS: Final = 16
"""Most frames on one sheet: more of them are too small to see anything in."""
_GAP: Final = 4
# Letters of a label: this share of the sheet's longer side, within these bounds, in pixels. A model
# sees a sheet at about this size, so nothing smaller can be read.
_LETTER: Final = 1 / 64
_LETTERS: Final = (12, 26)
_LABEL: Final = 1.35  # height of a label in letters
# The longer side of a cell at least, as a share of the sheet's, and as so many pixels at most.
_LEAST: Final = 0.3
_ENOUGH: Final = 320
# Frames are enlarged up to this many pixels, so that small ones can be seen; never more than twice.
_ENLARGED: Final = 640
_TRIES: Final = 4


@dataclass(frozen=True)
class Grid:
    """The places of frames on a sheet, in pixels.

    Attributes:
        size: `(width, height)` of the sheet, which a model takes as it is.
        columns: How many frames stand side by side.
        cell: `(width, height)` of each frame.
        letter: Height of the letters of a label; 0 without labels.
        strip: Height of a label.
    """

    size: tuple[int, int]
    columns: int
    cell: tuple[int, int]
    letter: int
    strip: int

    def shown(self, number: int) -> Box:
        """Where frame `number` of the sheet is drawn."""
        left, top = self._corner(number)
        return Box.of(left, top + self.strip, left + self.cell[0], top + self.strip + self.cell[1])

    def label(self, number: int) -> Box | None:
        """Where its label is written."""
        left, top = self._corner(number)
        return Box.of(left, top, left + self.cell[0], top + self.strip) if self.strip else None

    def _corner(self, number: int) -> tuple[int, int]:
        across, down = number % self.columns, number // self.columns
        return (
            across * (self.cell[0] + _GAP),
            down * (self.cell[1] + self.strip + _GAP),
        )


@lru_cache(maxsize=256)
def grid_for(
    count: int, native: tuple[int, int], limits: ViewLimits, *, labelled: bool = True
) -> Grid:
    """Lay out frames so that they are as large as they can be.

    Args:
        count: Number of frames, from 1.
        native: `(width, height)` of what is shown of each.
        limits: What the model takes.
        labelled: Whether each has a label above it.
    """
    low, high = _LETTERS
    letter = min(max(round(limits.max_side * _LETTER), low), high) if labelled else 0
    # Nothing is wider than it is worth: past this size nothing more is seen.
    most = max(native[0], min(2 * native[0], round(_ENLARGED * native[0] / max(native))))
    rows = {-(-count // columns): columns for columns in range(count, 0, -1)}
    grids = [_grid(columns, down, most, native, limits, letter) for down, columns in rows.items()]
    # Of those with cells as large, the one nearest to a square.
    return max(grids, key=lambda grid: (grid.cell[0], -abs(math.log(grid.size[0] / grid.size[1]))))


def cells_within(native: tuple[int, int], limits: ViewLimits) -> int:
    """How many frames can be seen well on one sheet and fill it, from 1 to `MOST_CELLS`."""
    least = min(_ENOUGH, max(_LEAST * limits.max_side, 1), max(native))
    fitting = 1
    for count in range(2, MOST_CELLS + 1):
        grid = grid_for(count, native, limits)
        if max(grid.cell) >= least and count % grid.columns == 0:
            fitting = count
    return fitting


def frames_within(
    native: tuple[int, int],
    limits: ViewLimits,
    *,
    pictures: int,
    tokens: int | None = None,
    cost: Callable[[int, int], int] | None = None,
) -> int:
    """How many frames a model can be shown on contact sheets, from 1.

    Args:
        native: `(width, height)` of a frame.
        limits: What the model takes as one picture.
        pictures: Most sheets.
        tokens: Most tokens for all of them; None is no bound.
        cost: The tokens of a picture by its width and height, needed with `tokens`.

    Raises:
        InputError: No picture, or tokens without their cost.
    """
    if pictures < 1 or (tokens is not None and cost is None):
        raise InputError(
            f"expected pictures from 1, and cost with tokens; got pictures={pictures} and "
            f"tokens={tokens}"
        )
    each = cells_within(native, limits)
    if tokens is None or cost is None:
        return pictures * each
    whole = min(pictures, tokens // max(cost(*grid_for(each, native, limits).size), 1))
    if whole == pictures:
        return pictures * each
    left = tokens - whole * cost(*grid_for(each, native, limits).size)
    more = [n for n in range(1, each) if cost(*grid_for(n, native, limits).size) <= left]
    return max(whole * each + max(more, default=0), 1)


def _widest(
    columns: int,
    rows: int,
    native: tuple[int, int],
    limits: ViewLimits,
    strip: int,
    most: int,
) -> int:
    """The widest cell with which the sheet is within the limits; 1 when none is."""
    # A model that enlarges what is small does so past its own bounds: no measure of room.
    room = limits.model_copy(update={"min_pixels": 1})
    low, high = 1, most
    while low < high:
        middle = (low + high + 1) // 2
        wanted = _extent(columns, rows, middle, native, strip)
        fits = room.fit(*wanted)
        if fits[0] >= wanted[0] and fits[1] >= wanted[1]:
            low = middle
        else:
            high = middle - 1
    return low


def _grid(
    columns: int,
    rows: int,
    most: int,
    native: tuple[int, int],
    limits: ViewLimits,
    letter: int,
) -> Grid:
    strip = round(letter * _LABEL)
    width = _widest(columns, rows, native, limits, strip, most)
    wanted = _extent(columns, rows, width, native, strip)
    size = limits.fit(*wanted)
    for _ in range(_TRIES):
        # What was rounded up to a multiple, or enlarged, may itself be given another size.
        again = limits.fit(*size)
        if again == size or again[0] < wanted[0] or again[1] < wanted[1]:
            break
        size = again
    size = (max(size[0], wanted[0]), max(size[1], wanted[1]))
    return Grid(size, columns, (width, _height(width, native)), letter, strip)


def _extent(
    columns: int, rows: int, width: int, native: tuple[int, int], strip: int
) -> tuple[int, int]:
    """The size of a sheet with cells of a width."""
    height = _height(width, native) + strip
    return columns * width + (columns - 1) * _GAP, rows * height + (rows - 1) * _GAP


def _height(width: int, native: tuple[int, int]) -> int:
    return max(1, round(width * native[1] / native[0]))
