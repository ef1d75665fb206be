"""What repeats in a series, and what is left without it."""

from __future__ import annotations

import numpy as np

from gadet.experts.series.rolling import Floats

__all__ = ["CYCLES", "season", "typical_cycle"]

CYCLES = 3
"""With fewer cycles a typical one cannot be told from an odd one."""


def typical_cycle(values: Floats, period: int) -> Floats | None:
    """The median cycle `(period,)` from row 0 on, or None when there are fewer than three."""
    count = values.size // period
    if count < CYCLES:
        return None
    cycle: Floats = np.median(values[: count * period].reshape(count, period), axis=0)
    return cycle


def season(values: Floats, period: int | None, base: Floats | None = None) -> Floats:
    """The repeating part `(T,)` of a series, zero where there is none.

    Args:
        values: `(T,)`.
        period: Rows per cycle, or None.
        base: A normal series that the cycle is learned from in place of `values`. Its clock need
            not agree: the cycle is turned to where it fits `values` best.

    Returns:
        The median cycle, repeated. The median keeps anomalous cycles out of it.
    """
    nothing = np.zeros(values.size)
    if period is None or period > values.size:
        return nothing
    learned = typical_cycle(values if base is None else base, period)
    if learned is None:
        return nothing
    if base is not None:
        count = values.size // period
        mine = np.median(values[: count * period].reshape(count, period), axis=0)
        products = np.fft.irfft(np.fft.rfft(mine) * np.conj(np.fft.rfft(learned)), period)
        learned = np.roll(learned, int(np.argmax(products)))
    return np.resize(learned, values.size)
