"""How long a stretch is looked at at once."""

from __future__ import annotations

__all__ = ["window_for"]

LEAST = 100
"""A window holds this many rows at least where the series allows: shorter ones see noise."""
USUAL = 125
"""Rows of a window where nothing repeats."""
SHADOW = 30
"""A window is at most this part of the series. An event of one window, seen through a window and
smoothed over one, darkens three; they must fit into the tenth that tails leave out as odd."""


def window_for(rows: int, period: int | None) -> int:
    """Rows of the window for a series: whole cycles where it repeats.

    Args:
        rows: Rows of the series.
        period: Rows per cycle, or None.
    """
    whole = USUAL if period is None else period * -(-LEAST // period)
    return max(1, min(whole, rows // SHADOW))
