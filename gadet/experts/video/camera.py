"""Whether the picture as a whole moves, or is cut: then nothing in it can be compared."""

from __future__ import annotations

from enum import StrEnum

import numpy as np

from gadet.experts.filters import FloatArray
from gadet.experts.video.points import FIRST_REACH, match

__all__ = ["Camera", "View"]

BLOCK = 8
"""Side in pixels of the blocks whose means are compared."""
DIM = 4.0
"""Levels that the median block must change by before the picture as a whole is looked at."""
UNLIKE = 0.5
"""Correlation of the blocks of two frames below which they are two scenes."""
FLAT = 5.0
"""Levels that the blocks of a picture must differ by for it to show a scene."""
GRID = 24
"""Pixels between the points of the background that are looked for in the next frame."""
GRAIN = 4.0
"""Levels by which a patch's neighbourhood must vary to be found again."""
LEAST = 0.75
"""Pixels per frame from which on the picture moves."""
AGREED = 0.6
"""Share of the background's points that must move alike, within a pixel."""


class View(StrEnum):
    """What the camera did between two frames."""

    STILL = "still"
    MOVES = "moves"
    CUT = "cut"


class Camera:
    """Watches what the picture does as a whole, frame by frame."""

    def __init__(self) -> None:
        """Start with no frame."""
        self._before: FloatArray | None = None

    def step(self, levels: FloatArray) -> View:
        """Take in a frame.

        Args:
            levels: `(H, W)` float32 luminance.

        Returns:
            `CUT` where its blocks of 8 pixels hardly correlate with those of the frame before,
            which light leaves correlated; `MOVES` where most of the background moved alike.
        """
        before, self._before = self._before, levels
        if before is None or before.shape != levels.shape or min(levels.shape) < 2 * BLOCK:
            return View.STILL
        old, new = _blocks(before), _blocks(levels)
        if float(np.median(np.abs(levels - before))) < DIM:
            return View.STILL
        if min(old.std(), new.std()) >= FLAT and correlation(old, new) < UNLIKE:
            return View.CUT
        return View.MOVES if moves(before, levels) else View.STILL


def _blocks(levels: FloatArray) -> FloatArray:
    rows, columns = (size // BLOCK for size in levels.shape)
    whole = levels[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
    return np.asarray(whole.mean(axis=(1, 3)), dtype=np.float32)


def correlation(one: FloatArray, other: FloatArray) -> float:
    """Pearson's correlation of two arrays of one shape, neither of them flat."""
    a, b = one - one.mean(), other - other.mean()
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))


def moves(before: FloatArray, after: FloatArray) -> bool:
    """Whether most of a grid of textured points moved alike between two pictures.

    Args:
        before: `(H, W)` float32 levels.
        after: `(H, W)` float32 levels.
    """
    height, width = before.shape
    ys, xs = np.mgrid[GRID // 2 : height : GRID, GRID // 2 : width : GRID]
    places = np.stack([xs.ravel(), ys.ravel()], axis=1).astype(np.float64)
    varied = [
        before[max(y - 6, 0) : y + 7, max(x - 4, 0) : x + 5].std() > GRAIN
        for x, y in places.astype(int).tolist()
    ]
    places = places[np.array(varied, np.bool_)]
    moved, sure = match(before, after, places, np.zeros(places.shape, np.int64), FIRST_REACH)
    if sure.sum() < 0.5 * max(len(places), 6):
        return False
    shift = np.median(moved[sure], axis=0)
    alike = float((np.hypot(*(moved[sure] - shift).T) < 1).mean())
    return bool(np.hypot(*shift) >= LEAST and alike >= AGREED)
