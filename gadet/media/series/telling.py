"""A series as lines of text, thinned, for a model that is to read numbers beside the plot."""

from __future__ import annotations

from typing import Final

import numpy as np

from gadet.media.series.clock import Clock
from gadet.media.series.decimate import Floats, keep_peaks

__all__ = ["MOST_TOLD", "tell"]

MOST_TOLD: Final = 2000
"""Most values that may be told: a plot says more in fewer tokens."""
_DIGITS: Final = 4


def tell(values: Floats, clock: Clock, titles: tuple[str, ...], most: int) -> str:
    """The values as comma-separated lines, one for each row that is told.

    When not all rows fit, those are told that a line through them needs to look like all: of every
    stretch the first, the last, the lowest and the highest of each channel.

    Args:
        values: float64 `(T, C)`, NaN is missing and told as nothing.
        clock: When each row is.
        titles: Names of the channels with their units.
        most: About how many values are told; only the first channels where there are too many.
    """
    shown = min(values.shape[1], max(1, most // 8))
    each = max(1, most // shown)
    rows = np.arange(len(values))
    if len(values) > each:
        columns = max(1, each // (4 * shown))
        kept = [keep_peaks(values[:, channel], columns) for channel in range(shown)]
        rows = np.unique(np.concatenate(kept))
    head = ",".join(["time" if clock.times is not None else "position", *titles[:shown]])
    lines = [",".join([clock.label(int(row)), *map(_written, values[row, :shown])]) for row in rows]
    left = f", {shown} of {len(titles)} channels" if shown < len(titles) else ""
    return f"{len(rows)} of {len(values)} rows{left}:\n" + "\n".join([head, *lines])


def _written(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.{_DIGITS}g}"
