"""One channel as the lenses see it: filled, scaled, thinned, without its season."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.experts.series.rolling import Floats
from gadet.experts.series.season import season

__all__ = ["Scale", "Track", "filled", "scale_of", "track_of"]

FARTHEST = 50.0
"""Values are clipped this many spreads from the middle: one absurd value must not blind a mean."""
POINT = 5
"""Rows of the median that a single value is compared with."""


@dataclass(frozen=True)
class Scale:
    """The middle and the robust spread of a channel, in its own units."""

    middle: float
    spread: float


def filled(values: Floats) -> Floats:
    """Missing values joined by straight lines, the ends repeated; zero where nothing is known."""
    known = np.flatnonzero(np.isfinite(values))
    if known.size == values.size:
        return values
    if not known.size:
        return np.zeros(values.size)
    return np.interp(np.arange(values.size), known, values[known])


def scale_of(values: Floats) -> Scale | None:
    """Median and scaled median absolute deviation, or None for a constant.

    The standard deviation stands in where more than half of the rows have one value.
    """
    known = values[np.isfinite(values)]
    if not known.size or float(np.ptp(known)) == 0.0:
        return None
    middle = float(np.median(known))
    robust = 1.4826 * float(np.median(np.abs(known - middle)))
    whole = float(known.std())
    return Scale(middle, robust if robust > 1e-3 * whole else whole)


@dataclass(frozen=True, eq=False)
class Track:
    """A channel on bins of `factor` rows, in spreads from its middle; every array `(N,)` float64.

    Attributes:
        mean: Mean of the rows of a bin.
        low: The lowest of them.
        high: The highest.
        energy: Mean square of the steps from row to row.
        grain: Mean distance of a row to the middle of its neighbours.
        spike: Largest distance to the median of five rows.
        run: Rows since and until the value last changed, the longest in the bin.
        missing: Share of the rows that are missing.
        season: What repeats, zero without a period.
    """

    mean: Floats = field(repr=False)
    low: Floats = field(repr=False)
    high: Floats = field(repr=False)
    energy: Floats = field(repr=False)
    grain: Floats = field(repr=False)
    spike: Floats = field(repr=False)
    run: Floats = field(repr=False)
    missing: Floats = field(repr=False)
    season: Floats = field(repr=False)

    @property
    def rest(self) -> Floats:
        """The mean without the season."""
        return self.mean - self.season


def track_of(
    values: Floats,
    scale: Scale,
    *,
    factor: int = 1,
    period: int | None = None,
) -> Track:
    """Prepare a channel.

    Args:
        values: `(T,)` in the units of the channel, NaN where missing.
        scale: Its middle and spread, or those of the normal rows.
        factor: Rows per bin.
        period: In bins.

    Returns:
        `ceil(T / factor)` bins; the last may be shorter.
    """
    whole = np.clip((filled(values) - scale.middle) / scale.spread, -FARTHEST, FARTHEST)
    steps = np.diff(whole, prepend=whole[:1])
    starts = np.arange(0, whole.size, factor)
    sizes = np.diff(np.append(starts, whole.size))

    def mean(rows: Floats) -> Floats:
        binned: Floats = np.add.reduceat(rows, starts) / sizes
        return binned

    middle = mean(whole)
    return Track(
        mean=middle,
        low=np.minimum.reduceat(whole, starts),
        high=np.maximum.reduceat(whole, starts),
        energy=mean(steps**2),
        grain=mean(_grain(whole)),
        spike=np.maximum.reduceat(_spikes(whole), starts),
        run=np.maximum.reduceat(_runs(steps), starts),
        missing=mean(np.isnan(values).astype(np.float64)),
        season=season(middle, period),
    )


def _grain(values: Floats) -> Floats:
    """Distance `(T,)` of a row to the mean of its two neighbours: smooth curves have none."""
    grain = np.zeros(values.size)
    grain[1:-1] = np.abs(values[1:-1] - 0.5 * (values[:-2] + values[2:]))
    return grain


def _spikes(values: Floats) -> Floats:
    """Distance `(T,)` of a row to the median of the five around it."""
    padded = np.pad(values, POINT // 2, mode="edge")
    around = np.lib.stride_tricks.sliding_window_view(padded, POINT)
    # A block at a time bounds the memory of the sort.
    medians = [np.median(around[at : at + 65_536], axis=1) for at in range(0, values.size, 65_536)]
    apart: Floats = np.abs(values - np.concatenate(medians))
    return apart


def _runs(steps: Floats) -> Floats:
    """How many rows `(T,)` the stretch of one value lasts that a row stands in."""
    changes = np.flatnonzero(np.abs(steps[1:]) > 1e-9) + 1
    edges = np.concatenate(([0], changes, [steps.size]))
    lengths: npt.NDArray[np.int64] = np.diff(edges)
    return np.repeat(lengths.astype(np.float64), lengths)
