"""Panels below the channels: scores, rolling statistics, a spectrogram."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.media.series.extras import rolling, spectrogram
from gadet.media.series.layout import Strip
from gadet.media.series.plane import Axis, Plane, padded

__all__ = ["rolling_panel", "scores_panel", "spectrogram_panel"]

Floats = npt.NDArray[np.float64]

_LINE: Final = "#005a9c"
_SCORE: Final = "#d55e00"
_AROUND: Final = "#9a9a9a"
_FREQUENCIES: Final = ((0.0, "0"), (0.25, "0.25"), (0.5, "0.5"))
_UNIT: Final = ((0.0, "0"), (0.5, "0.5"), (1.0, "1"))
_DARKENING: Final = np.array([[255, 255, 255], [70, 140, 190], [8, 20, 60]], np.float64)


def scores_panel(plane: Plane, scores: Floats, strip: Strip) -> None:
    """Draw the score of each row of the window, float64 `(N,)` in [0, 1]."""
    axis = Axis(0.0, 1.0, _UNIT)
    plane.title(strip, "measured suspicion, 0 to 1")
    plane.values_of(axis, strip)
    plane.level(0.5, axis, strip, dashed=True)
    plane.curve(np.clip(scores, 0.0, 1.0), axis, strip, _SCORE, plane.pen)


def rolling_panel(
    plane: Plane, name: str, values: Floats, period: int | None, strip: Strip
) -> None:
    """Draw the mean around each row, and two standard deviations around it."""
    found = rolling(values, period)
    with np.errstate(over="ignore"):
        low, high = found.mean - 2 * found.deviation, found.mean + 2 * found.deviation
    axis = Axis.of(padded(low, high), strip, plane.letter)
    words = f"{name}: mean of {found.width:,} steps around each"
    plane.title(
        strip, f"{words} ({axis.words})" if axis.words else words, "grey: 2 standard deviations"
    )
    plane.values_of(axis, strip)
    for curve, colour in ((low, _AROUND), (high, _AROUND), (found.mean, _LINE)):
        plane.curve(curve, axis, strip, colour, plane.pen)


def spectrogram_panel(
    plane: Plane, name: str, values: Floats, period: int | None, strip: Strip
) -> None:
    """Draw the power of each frequency along the rows; darker is more."""
    width, height = plane.right - plane.left, strip.axes_bottom - strip.axes_top
    found = spectrogram(values, width // 2, period)
    if found is None:
        plane.title(strip, f"{name}: spectrogram", "too short for one")
        return
    words = f"{name}: spectrogram, cycles per step"
    plane.title(strip, words, f"segments of {found.width:,} steps")
    rows = (np.arange(width) + 0.5) / plane.per_row
    columns = np.searchsorted(found.edges, rows, side="right") - 1
    bands = np.arange(height)[::-1] * len(found.power) // height
    level = found.power[bands[:, None], np.clip(columns, 0, found.power.shape[1] - 1)]
    plane.canvas.picture(_coloured(level), plane.left, strip.axes_top)
    plane.values_of(Axis(0.0, 0.5, _FREQUENCIES), strip)


def _coloured(level: Floats) -> npt.NDArray[Any]:
    """Levels in [0, 1] from white over blue to nearly black, `(H, W, 3)` uint8."""
    stops = np.linspace(0.0, 1.0, len(_DARKENING))
    channels = [np.interp(level, stops, _DARKENING[:, number]) for number in range(3)]
    return np.rint(np.stack(channels, axis=-1)).astype(np.uint8)
