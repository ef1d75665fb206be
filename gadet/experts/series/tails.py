"""How surprising a measurement is: a tail that is fitted to what is usual."""

from __future__ import annotations

import numpy as np

from gadet.experts.series.rolling import Floats

__all__ = ["MOST", "surprise"]

HIGH = 0.9
"""The tail is fitted between the median and this quantile: what lies above may be anomalous."""
MOST = 60.0
"""No measurement counts more than this many nats: tails are not known farther out."""
FINEST = 0.02
"""Least scale of a tail, in spreads or logarithms of a ratio: rounding must not look like news."""


def surprise(measured: Floats, usual: Floats) -> Floats:
    """Minus the logarithm of the chance that usual rows reach as high, in nats.

    The chance above the median falls exponentially, at the rate at which it falls from the median
    to the 90 % quantile of the usual rows. Unlike a rank it still grows beyond the highest value
    seen, so one lens that shouts is heard among many that say nothing.

    Args:
        measured: `(T,)`, higher is odder.
        usual: `(N,)`, the same measured on usual rows, or on all rows.

    Returns:
        `(T,)` from 0 (at or below the median) to `MOST`.
    """
    middle, high = np.quantile(usual, [0.5, HIGH])
    scale = float(high - middle)
    if scale < FINEST:
        # Most rows measure the same: the mean then tells how rare the others are.
        scale = max(float(usual.mean() - middle), FINEST)
    nats: Floats = np.clip((measured - middle) / scale * np.log(0.5 / (1 - HIGH)), 0.0, MOST)
    return nats
