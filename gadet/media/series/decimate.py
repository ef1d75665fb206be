"""Fewer points that draw the same line: of each pixel column the first, lowest, highest and last.

Source: Jugel et al., M4: A Visualization-Oriented Time Series Data Aggregation, PVLDB 7(10), 2014,
https://doi.org/10.14778/2732951.2732953
"""

from __future__ import annotations

from importlib import import_module
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["keep_peaks"]

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]


def keep_peaks(values: Floats, columns: int) -> Rows:
    """The rows to draw so that a line over `columns` pixels looks as if all were drawn.

    No value that stands out can vanish: the lowest and the highest of every column are among them.
    Uses tsdownsample when it is installed and nothing is missing; the rows are the same without it.

    Args:
        values: float64 `(T,)`, NaN is missing. A column without any value keeps one row, so that
            the line is broken there; single missing values within a column are passed over.
        columns: Number of pixel columns, at least 1.

    Returns:
        int64, increasing, at most `4 * columns`; all rows when there are not more than that.
    """
    if len(values) <= 4 * columns:
        return np.arange(len(values))
    fast = _compiled() if np.isfinite(values).all() else None
    if fast is not None:
        chosen = fast.downsample(np.ascontiguousarray(values), n_out=4 * columns)
    else:
        chosen = np.concatenate([_four(values, *bounds) for bounds in _bounds(values, columns)])
    # Where the width of a column is no whole number, the last cut may fall before the last row.
    return np.unique(np.append(chosen.astype(np.int64), len(values) - 1))


def _compiled() -> Any:
    try:
        return import_module("tsdownsample").M4Downsampler()
    except ImportError:
        return None


def _bounds(values: Floats, columns: int) -> list[tuple[int, int]]:
    """The columns' rows, half-open, cut where tsdownsample cuts them."""
    width = (len(values) - 1) / columns
    edges = [0, *(int(width * number) + 1 for number in range(1, columns + 1))]
    return list(pairwise(edges))


def _four(values: Floats, start: int, stop: int) -> Rows:
    part = values[start:stop]
    there = np.flatnonzero(np.isfinite(part))
    if len(there) == 0:
        return np.array([start])
    if len(there) == len(part):
        low, high, first, last = int(part.argmin()), int(part.argmax()), 0, len(part) - 1
    else:
        known = part[there]
        low, high = int(there[known.argmin()]), int(there[known.argmax()])
        first, last = int(there[0]), int(there[-1])
    return start + np.array([first, low, high, last])
