"""The period of a series, found or found missing."""

from __future__ import annotations

import numpy as np

from gadet.experts.series.rolling import Floats, moving_mean

__all__ = ["autocorrelation", "find_period", "fold_gain"]

SHORTEST = 4
"""A period has this many rows at least: fewer cannot carry a shape."""
CYCLES = 4
"""A period must have been seen this many times."""
RISE = 0.1
"""How far a peak of the autocorrelation must rise above the lowest value before it."""
EXPLAINED = 0.2
"""Share of the variance that the mean of the other cycles must explain; noise reaches about 0."""
AS_GOOD = 0.1
"""The shortest period wins among those that explain this much less than the best: multiples of a
period explain as much as the period itself."""
TRIED = 40
"""How many peaks are folded, the highest first."""
ROWS = 20_000
"""Longer series are thinned to about this many rows first."""


def autocorrelation(values: Floats, most: int) -> Floats:
    """Autocorrelation at the lags 0 … `most`, each divided by the number of its products."""
    centred = values - values.mean()
    size = 1 << (2 * values.size - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, size)) ** 2
    products = np.fft.irfft(spectrum, size)[: most + 1]
    if products[0] <= 0:
        return np.zeros(most + 1)
    fair: Floats = products / products[0] * values.size / (values.size - np.arange(most + 1))
    return fair


def fold_gain(values: Floats, period: int) -> float:
    """Share of the variance of the typical cycle that the mean of all other cycles explains.

    A cycle never takes part in its own prediction, so noise gains nothing. The typical cycle is the
    median one, so that a few anomalous cycles do not hide a period.
    """
    count = values.size // period
    if count < 3:
        return -1.0
    cycles = values[: count * period].reshape(count, period)
    others = (cycles.sum(axis=0) - cycles) / (count - 1)
    missed = float(np.median(np.mean((cycles - others) ** 2, axis=1)))
    there = float(np.median(np.mean(cycles**2, axis=1)))
    return 1.0 - missed / there if there > 0 else -1.0


def find_period(values: Floats) -> int | None:
    """The period of a series in rows, or None when it has none.

    Peaks of the autocorrelation are candidates; each is tested by predicting every cycle from the
    others after the level has been taken out. Values are clipped to their central 98 %, so that
    spikes neither make nor hide a period.

    Args:
        values: `(T,)`, finite.

    Returns:
        The shortest period that explains about as much as the best, at most a quarter of the
        series.
    """
    thin = max(1, values.size // ROWS)
    kept = values[: values.size // thin * thin].reshape(-1, thin).mean(axis=1)
    if kept.size < CYCLES * SHORTEST:
        return None
    clipped = np.clip(kept, *np.quantile(kept, [0.01, 0.99]))
    clipped = clipped - clipped.mean()
    likeness = autocorrelation(clipped, kept.size // CYCLES)
    lowest = np.minimum.accumulate(likeness)
    lags = np.arange(SHORTEST, likeness.size - 1)
    here = likeness[lags]
    peaks = lags[
        (here >= likeness[lags - 1])
        & (here > likeness[lags + 1])
        & (here > RISE)
        & (here - lowest[lags] > RISE)
    ]
    best = peaks[np.argsort(-likeness[peaks], kind="stable")][:TRIED]
    gains = {
        int(lag): fold_gain(clipped - moving_mean(clipped, int(lag)), int(lag)) for lag in best
    }
    top = max(gains.values(), default=0.0)
    if top < EXPLAINED:
        return None
    return thin * min(lag for lag, gain in gains.items() if gain >= top - AS_GOOD)
