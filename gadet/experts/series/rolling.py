"""Windows that slide over a series: their means, their rows, and back from windows to rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "held", "moving_mean", "smoothed", "to_rows", "windows"]

Floats = npt.NDArray[np.float64]


def windows(values: Floats, width: int, stride: int = 1) -> Floats:
    """The whole windows `(count, width)` that start at the rows 0, stride, twice stride and so on.

    None reaches over an end: a mirrored or repeated end would look like an anomaly of shape.
    """
    view: Floats = np.lib.stride_tricks.sliding_window_view(values, width)[::stride]
    return view


def to_rows(measured: Floats, width: int, stride: int, length: int) -> Floats:
    """What windows measured, at their middles and between; rows near an end take the last window.

    Args:
        measured: One number for each window that starts at the rows 0, stride, 2 stride …
        width: Rows per window.
        stride: Rows between the starts.
        length: How many rows there are.
    """
    at = np.arange(measured.size) * stride + width // 2
    return np.interp(np.arange(length), at, measured)


def moving_mean(values: Floats, width: int) -> Floats:
    """The mean `(T,)` of the whole window around every row; rows near an end take the last one."""
    width = min(width, values.size)
    sums = np.concatenate(([0.0], np.cumsum(values)))
    return to_rows((sums[width:] - sums[:-width]) / width, width, 1, values.size)


def smoothed(scores: Floats, width: int) -> Floats:
    """The mean `(T,)` of the rows around every row, the ends mirrored so that they keep weight."""
    if width <= 1:
        return scores.copy()
    before = width // 2
    mode = "reflect" if scores.size > width else "edge"
    padded = np.pad(scores, (before, width - 1 - before), mode=mode)  # type: ignore[call-overload]
    sums = np.concatenate(([0.0], np.cumsum(padded)))
    means: Floats = (sums[width:] - sums[:-width]) / width
    return means


def held(scores: Floats, width: int, length: int) -> Floats:
    """Scores of the windows that start at the rows 0, 1 …: the mean over those that hold a row."""
    steps, counts = np.zeros(length + 1), np.zeros(length + 1)
    steps[: scores.size] += scores
    steps[width : width + scores.size] -= scores
    counts[: scores.size] += 1.0
    counts[width : width + scores.size] -= 1.0
    holding = np.maximum(np.cumsum(counts)[:-1], 1.0)
    means: Floats = np.cumsum(steps)[:-1] / holding
    return means
