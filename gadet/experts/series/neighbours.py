"""How unlike its nearest neighbours a window is: a matrix profile with several neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.experts.series.rolling import Floats, held

__all__ = ["neighbour_distance", "profile"]

ROWS = 5_000
"""Longer series are thinned to this many rows: time and memory stay bounded."""
POINTS = 32
"""A window is thinned to this many points at least."""
QUIET = 0.1
"""Share of the spread of the series below which the noise of a quiet window is not blown up."""
BLOCK = 512
"""Windows compared at once."""


def _thinned(values: Floats, factor: int) -> Floats:
    """Means of `factor` rows; what is left over at the end is dropped."""
    kept: Floats = values[: values.size // factor * factor].reshape(-1, factor).mean(axis=1)
    return kept


def _described(values: Floats, width: int, spread: float, shape: bool) -> npt.NDArray[np.float32]:
    """Every window, as it is or brought to mean 0 and spread 1, in spreads of the series."""
    rows = np.lib.stride_tricks.sliding_window_view(values / spread, width).astype(np.float32)
    if not shape:
        return rows
    middle = rows.mean(axis=1, keepdims=True)
    noise = np.sqrt(rows.var(axis=1, keepdims=True) + np.float32(QUIET**2))
    described: npt.NDArray[np.float32] = (rows - middle) / noise
    return described


def profile(
    values: Floats, width: int, neighbours: int, *, base: Floats | None = None, shape: bool
) -> Floats:
    """Root mean square difference of every window to its k-th nearest neighbour.

    Neighbours are counted once per stretch of one width, so that a window shifted by a row is no
    second neighbour; windows that overlap are none at all. With several neighbours an anomaly that
    occurs twice stays one.

    Args:
        values: `(T,)`.
        width: Rows per window, at most a third of the series.
        neighbours: Which neighbour counts, from 1.
        base: Normal series to look for neighbours in, in place of `values`.
        shape: Whether windows are compared by shape alone, without level and size.

    Returns:
        `(T - width + 1,)` distances.

    Source: Yeh et al. 2016, doi:10.1109/ICDM.2016.0179, for the self-join; here with a k-th
        neighbour, blocks, and a floor for the spread of quiet windows.
    """
    own = base is None
    within = values if base is None else base
    spread = float(within.std()) or 1.0
    windows = _described(values, width, spread, shape)
    others = windows if own else _described(within, width, spread, shape)
    sizes = np.einsum("ij,ij->i", others, others)
    stretches = np.arange(0, len(others), width)
    wanted = min(neighbours, stretches.size - (2 if own else 0))
    wanted = max(wanted, 1) - 1
    found = np.empty(len(windows), dtype=np.float32)
    for start in range(0, len(windows), BLOCK):
        block = windows[start : start + BLOCK]
        apart = sizes - 2 * (block @ others.T) + np.einsum("ij,ij->i", block, block)[:, None]
        if own:
            for row in range(len(block)):
                here = start + row
                apart[row, max(0, here - width + 1) : here + width] = np.inf
        nearest = np.minimum.reduceat(apart, stretches, axis=1)
        found[start : start + BLOCK] = np.partition(nearest, wanted, axis=1)[:, wanted]
    found[~np.isfinite(found)] = np.max(found, where=np.isfinite(found), initial=0.0)
    distances: Floats = np.sqrt(np.maximum(found.astype(np.float64), 0.0) / width)
    return distances


def neighbour_distance(
    values: Floats,
    width: int,
    *,
    base: Floats | None = None,
    shape: bool,
    share: float = 0.0,
    least: int = 3,
) -> Floats:
    """The profile of a series brought to its rows `(T,)`, in bounded time.

    Args:
        values: `(T,)`.
        width: Rows per window.
        base: Normal series to look for neighbours in, in place of `values`.
        shape: Whether windows are compared by shape alone.
        share: Which part of the series must look alike before a window counts as usual.
        least: How many neighbours it takes at least.

    Returns:
        Mean over the windows that hold a row; zero where the series is too short to compare.
    """
    within = values if base is None else base
    longest = max(values.size, within.size)
    factor = max(1, width // POINTS if share else 1, -(-longest // ROWS))
    thin, other = _thinned(values, factor), _thinned(within, factor)
    width = max(4, width // factor)
    if other.size < 3 * width or thin.size < width:
        return np.zeros(values.size)
    neighbours = max(least, round(share * other.size / width))
    found = profile(thin, width, neighbours, base=None if base is None else other, shape=shape)
    rows = np.repeat(held(found, width, thin.size), factor)
    return np.pad(rows, (0, values.size - rows.size), mode="edge")
