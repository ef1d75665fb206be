"""Where a region is and how large, in words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.geometry import Box

__all__ = ["place", "size_words", "where_words"]


def where_words(mask: npt.NDArray[np.bool_], box: Box) -> str:
    """Place and size of a region `(H, W)` with its tight box: "Upper left, 9 × 7 px, …"."""
    return f"{place(box, mask.shape).capitalize()}, {size_words(float(np.mean(mask)), box)}"


def place(box: Box, shape: tuple[int, ...]) -> str:
    """Where a box lies in a picture of `shape = (H, W)`, on a grid of nine: "upper left"."""
    x, y = box.centre
    column = ("left", "", "right")[min(int(3 * x / shape[1]), 2)]
    row = ("upper", "", "lower")[min(int(3 * y / shape[0]), 2)]
    if row and column:
        return f"{row} {column}"
    if row:
        return f"{row} middle"
    return f"{column} middle" if column else "centre"


def size_words(share: float, box: Box) -> str:
    """How large a region is: its box in pixels and share of the picture."""
    digits = 1 if share >= 0.01 else 2 if share >= 0.001 else 3
    return f"{box.width:.0f} × {box.height:.0f} px, {100 * share:.{digits}f} % of the area"
