"""What can be drawn below a channel: its rolling statistics and its spectrogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["Rolling", "Spectrum", "rolling", "spectrogram"]

Floats = npt.NDArray[np.float64]

_SEGMENT: Final = (16, 512)
_FLOOR: Final = 1e-4
_ROLLED: Final = 50
_HOPS: Final = 8


@dataclass(frozen=True, eq=False)
class Rolling:
    """Mean and standard deviation of the values around each row.

    Attributes:
        mean: float64 `(T,)`, NaN where no value is.
        deviation: float64 `(T,)`, likewise.
        width: Rows of the window.
    """

    mean: Floats
    deviation: Floats
    width: int


@dataclass(frozen=True, eq=False)
class Spectrum:
    """Power by frequency along the rows.

    Attributes:
        power: float64 `(F, N)` in [0, 1]: logarithmic, the lowest frequency first.
        edges: `(N + 1,)` the rows between the columns.
        width: Rows of a segment.
    """

    power: Floats
    edges: npt.NDArray[Any]
    width: int


def rolling(values: Floats, period: int | None = None) -> Rolling:
    """Mean and standard deviation in a window centred on each row.

    Args:
        values: float64 `(T,)`; missing values are left out.
        period: Rows of the window, one cycle; None takes a fiftieth of the series, at least 5.
    """
    width = max(2, min(period or max(5, len(values) // _ROLLED), len(values)))
    there = np.isfinite(values)
    known = values[there]
    # Sums of what is far from zero lose their digits, so the values are centred and scaled first.
    shift = float(np.median(known)) if len(known) else 0.0
    scale = float(np.max(np.abs(known / 2 - shift / 2), initial=0.0)) * 2 or 1.0
    plain = np.where(there, values / scale - shift / scale, 0.0)
    first = np.maximum(np.arange(len(values)) - width // 2, 0)
    last = np.minimum(first + width, len(values))
    first = np.maximum(last - width, 0)
    count, total, square = (
        np.concatenate(([0.0], np.cumsum(part)))[last]
        - np.concatenate(([0.0], np.cumsum(part)))[first]
        for part in (there.astype(np.float64), plain, plain * plain)
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = total / count
        deviation = np.sqrt(np.maximum(square / count - mean * mean, 0.0))
    return Rolling(mean * scale + shift, deviation * scale, width)


def spectrogram(values: Floats, columns: int, period: int | None = None) -> Spectrum | None:
    """Power of each frequency in segments along the rows, for looking at.

    The mean of each segment is taken off and a Hann window laid over it. A long series gets no more
    segments than `columns`: those between them are passed over.

    Args:
        values: float64 `(T,)`; missing values are filled along straight lines.
        columns: Most columns.
        period: Rows of a cycle; a segment holds four of them, else a sixteenth of the series.

    Returns:
        None for a series that is too short or has no values.
    """
    length = len(values)
    wanted = 4 * period if period else length // 16
    width = min(max(wanted, _SEGMENT[0]), _SEGMENT[1], length)
    there = np.flatnonzero(np.isfinite(values))
    if length < 2 * _SEGMENT[0] or len(there) < 2:
        return None
    count = max(2, min(columns, _HOPS * (length // width)))
    starts = np.linspace(0, length - width, count).round().astype(np.int64)
    rows = starts[:, None] + np.arange(width)
    parts = np.interp(rows, there, values[there])
    parts -= parts.mean(axis=1, keepdims=True)
    largest = np.abs(parts).max()
    power = np.abs(np.fft.rfft(parts / (largest or 1.0) * np.hanning(width), axis=1)) ** 2
    level = np.log10(power[:, 1:] + power.max() * _FLOOR + np.finfo(float).tiny)
    low, high = float(level.min()), float(level.max())
    level = (level - low) / (high - low) if high > low else np.zeros_like(level)
    centres = starts + width / 2
    edges = np.concatenate(([0.0], (centres[:-1] + centres[1:]) / 2, [float(length)]))
    return Spectrum(level.T, edges, width)
