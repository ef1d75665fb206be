"""Which parts of a long series are shown on pictures of their own."""

from __future__ import annotations

import math
from typing import Final

from gadet.errors import ConfigurationError

__all__ = ["STEPS", "windows"]

STEPS: Final = 1000
"""Rows of a window unless the period says otherwise: about a pixel or more for each."""
_OVERLAP: Final = 0.25
_CYCLES: Final = (3, 12)


def windows(
    length: int, *, period: int | None = None, most: int = 8, steps: int = STEPS
) -> tuple[tuple[int, int], ...]:
    """Cut a series into equal windows that overlap by at least a quarter.

    What lies across the edge of one window and is no longer than the overlap lies whole in the
    next. With a period a window holds whole cycles, at least three of them, so that cycles can be
    compared within it.

    Args:
        length: Number of rows, at least 1.
        period: Rows of a cycle, when the series has one.
        most: Most windows; they grow until so many are enough.
        steps: Rows of a window without a period, and about as many with one.

    Returns:
        `(start, stop)` rows, half-open, that cover the series in order; one for a short series.

    Raises:
        ConfigurationError: A number is not positive.
    """
    for name, value in (("length", length), ("most", most), ("steps", steps), ("period", period)):
        if value is not None and value < 1:
            raise ConfigurationError(f"expected {name} to be at least 1; got {value}")
    size = _size(period, steps)
    # The least size at which `most` windows with their overlap reach from end to end.
    size = max(size, math.ceil(length / (1 + (most - 1) * (1 - _OVERLAP))))
    if period is not None:
        size = math.ceil(size / period) * period
    if length <= size * (1 + _OVERLAP) or most == 1:
        return ((0, length),)
    stride = size - math.ceil(size * _OVERLAP)
    count = min(most, math.ceil((length - size) / stride) + 1)
    # Spread evenly, so that the last window is no shorter and overlaps no more than the others.
    starts = [(length - size) * number // (count - 1) for number in range(count)]
    return tuple((start, start + size) for start in starts)


def _size(period: int | None, steps: int) -> int:
    if period is None:
        return steps
    low, high = _CYCLES
    return period * min(max(round(steps / period), low), high)
