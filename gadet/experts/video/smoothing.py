"""Scores smoothed over time: an event lasts, a mistake does not."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["smoothed"]

SIGMA = 2.0
"""Standard deviation of the Gaussian, in typical steps between measured frames."""


def smoothed(
    scores: npt.ArrayLike, times: npt.NDArray[np.float64], sigma: float = SIGMA
) -> npt.NDArray[np.float32]:
    """The Gaussian mean of scores around each moment.

    Args:
        scores: `(n,)`.
        times: `(n,)` seconds, increasing.
        sigma: Standard deviation in medians of the steps between the times.

    Returns:
        `(n,)` float32. Where time is missing, on the far side of a gap or beyond the ends, nothing
        is counted.
    """
    values = np.asarray(scores, dtype=np.float64)
    if values.size < 2:
        return values.astype(np.float32)
    width = sigma * float(np.median(np.diff(times)))
    total, weight = values.copy(), np.ones(values.size)
    for step in range(1, min(int(np.ceil(3 * sigma)) + 1, values.size)):
        share = np.exp(-0.5 * ((times[step:] - times[:-step]) / width) ** 2)
        total[:-step] += share * values[step:]
        weight[:-step] += share
        total[step:] += share * values[:-step]
        weight[step:] += share
    return np.asarray(total / weight, dtype=np.float32)
