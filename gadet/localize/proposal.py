"""A `Proposal`: a place of the working copy that may deserve a number, and who proposed it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from gadet.experts.regions import bounding_box, label_components

__all__ = ["Proposal", "parts_of"]

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Proposal:
    """A region, kept as the window around it.

    Attributes:
        source: Who proposed it: `expert`, `contrast`, `superpixels`, `swellings`, `bands`,
            `grid`, `sam`.
        strength: How sure that source is, in [0, 1]; comparable within a source only.
        left: Left edge of `mask`.
        top: Top edge of `mask`.
        mask: `(H, W)` bool, tight around the region, never empty.
        shape: `(height, width)` of the copy that `left` and `top` count in.
    """

    source: str
    strength: float
    left: int
    top: int
    mask: BoolArray = field(repr=False)
    shape: tuple[int, int]

    @classmethod
    def of(
        cls,
        source: str,
        strength: float,
        mask: BoolArray,
        at: tuple[int, int] = (0, 0),
        shape: tuple[int, int] | None = None,
    ) -> Self:
        """Cut a mask `(H, W)` that is not empty to its window; `at` is where it starts, `(x, y)`.

        Without a `shape`, the mask is as large as the copy.
        """
        x0, y0, x1, y1 = bounding_box(mask)
        whole = mask.shape if shape is None else shape
        return cls(
            source,
            strength,
            at[0] + x0,
            at[1] + y0,
            mask[y0:y1, x0:x1].copy(),
            (whole[0], whole[1]),
        )

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int(np.count_nonzero(self.mask))

    @property
    def window(self) -> tuple[slice, slice]:
        """Where `mask` lies in the copy, rows and columns."""
        height, width = self.mask.shape
        return np.s_[self.top : self.top + height, self.left : self.left + width]

    def whole(self) -> BoolArray:
        """The region as a mask of the whole copy."""
        mask = np.zeros(self.shape, dtype=bool)
        mask[self.window] = self.mask
        return mask

    def on(self, shape: tuple[int, int]) -> Self:
        """The region on a copy of another shape, by the nearest pixel; it keeps one at least."""
        if shape == self.shape:
            return self
        rows, up = _span(self.top, self.mask.shape[0], self.shape[0], shape[0])
        columns, across = _span(self.left, self.mask.shape[1], self.shape[1], shape[1])
        mask = self.mask[np.ix_(up, across)]
        if not mask.any():
            mask = np.ones((1, 1), dtype=bool)
        return self.of(self.source, self.strength, mask, (columns, rows), shape)

    def holds(self, row: int, column: int) -> bool:
        """Whether a pixel of the copy belongs to the region."""
        y, x = row - self.top, column - self.left
        height, width = self.mask.shape
        return 0 <= y < height and 0 <= x < width and bool(self.mask[y, x])

    def shared(self, other: Proposal) -> int:
        """Number of pixels that two regions of the same copy share."""
        x0, y0 = max(self.left, other.left), max(self.top, other.top)
        x1 = min(self.left + self.mask.shape[1], other.left + other.mask.shape[1])
        y1 = min(self.top + self.mask.shape[0], other.top + other.mask.shape[0])
        if x0 >= x1 or y0 >= y1:
            return 0
        mine = self.mask[y0 - self.top : y1 - self.top, x0 - self.left : x1 - self.left]
        theirs = other.mask[y0 - other.top : y1 - other.top, x0 - other.left : x1 - other.left]
        return int(np.count_nonzero(mine & theirs))


def _span(start: int, length: int, old: int, new: int) -> tuple[int, npt.NDArray[np.intp]]:
    """Where a stretch of an old axis begins on a new one, and what its pixels show of it.

    A pixel shows what lies under its middle; a stretch between two middles shows nothing.
    """
    first = min(int(start * new / old), new - 1)
    last = min(-(-(start + length) * new // old), new)
    shown = ((np.arange(first, last) + 0.5) * old / new).astype(np.intp) - start
    inside = (shown >= 0) & (shown < length)
    skipped = int(np.argmax(inside)) if inside.any() else 0
    return first + skipped, shown[inside]


def parts_of(mask: BoolArray, least: int, most: int) -> list[tuple[int, int, BoolArray]]:
    """The 8-connected parts of a mask of `least` to `most` pixels, as left, top and window.

    Nothing but the window of a part is touched to cut it out, so many parts cost no more than few.
    """
    labels = label_components(mask)
    count = int(labels.max(initial=0))
    if count == 0:
        return []
    rows, columns = np.nonzero(labels)
    names = labels[rows, columns]
    sizes = np.bincount(names, minlength=count + 1)
    low_y, low_x = np.full(count + 1, mask.shape[0]), np.full(count + 1, mask.shape[1])
    high_y, high_x = np.zeros(count + 1, dtype=np.intp), np.zeros(count + 1, dtype=np.intp)
    np.minimum.at(low_y, names, rows)
    np.minimum.at(low_x, names, columns)
    np.maximum.at(high_y, names, rows)
    np.maximum.at(high_x, names, columns)
    found = []
    for name in np.flatnonzero((sizes >= least) & (sizes <= most)).tolist():
        window = np.s_[low_y[name] : high_y[name] + 1, low_x[name] : high_x[name] + 1]
        found.append((int(low_x[name]), int(low_y[name]), labels[window] == name))
    return found
