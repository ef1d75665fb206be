"""How channels follow each other, and where one no longer does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.experts.series.rolling import Floats, moving_mean

__all__ = ["Pair", "broken_relations"]

LEADERS = 8
"""A channel is predicted from this many others at most: those that follow it best."""
FOLLOWS = 0.5
"""Share of a channel's variance that the others must explain before it counts as following."""
KEPT = 0.9
"""Share of the rows the second fit keeps: those that the first fit explains best."""
RIDGE = 1e-3
"""Weight of the penalty on large factors, per row."""

Pair = tuple[Floats, Floats]
"""What was measured on the rows of a series, and on those that tell what is usual."""


def _fit(leaders: Floats, follower: Floats) -> Floats:
    """Factors of a ridge regression, twice, the second time without the worst rows."""
    rows = np.ones(follower.size, dtype=bool)
    factors: Floats = np.zeros(leaders.shape[1])
    for _ in range(2):
        x, y = leaders[rows], follower[rows]
        penalty = RIDGE * len(x) * np.eye(x.shape[1])
        factors = np.asarray(np.linalg.solve(x.T @ x + penalty, x.T @ y), dtype=np.float64)
        missed = np.abs(follower - leaders @ factors)
        rows = missed <= np.quantile(missed, KEPT)
    return factors


def broken_relations(
    values: npt.NDArray[np.float64], base: npt.NDArray[np.float64] | None, window: int
) -> list[Pair | None]:
    """How far each channel is from what the others tell of it.

    Args:
        values: `(N, C)`, every channel in spreads from its middle.
        base: `(M, C)` normal rows that the relations are learned from in place of `values`.
        window: Rows the distance is taken over.

    Returns:
        For each channel the distance `(N,)` and the same on the rows it was learned from, or None
        where it does not follow others.
    """
    usual = values if base is None else base
    count = values.shape[1]
    middle = usual.mean(axis=0)
    centred = usual - middle
    sizes = np.sqrt((centred**2).sum(axis=0)) + 1e-12
    likeness = np.abs((centred / sizes).T @ (centred / sizes))
    np.fill_diagonal(likeness, 0.0)
    found: list[Pair | None] = []
    for channel in range(count):
        leaders = np.argsort(-likeness[channel], kind="stable")[: min(LEADERS, count - 1)]
        found.append(_distance(values - middle, centred, channel, leaders, window, base is None))
    return found


def _distance(
    values: npt.NDArray[np.float64],
    usual: npt.NDArray[np.float64],
    channel: int,
    leaders: npt.NDArray[np.intp],
    window: int,
    own: bool,
) -> Pair | None:
    """Root mean square of what the leaders do not explain, around every row."""
    if not leaders.size:
        return None
    follower = usual[:, channel]
    factors = _fit(usual[:, leaders], follower)
    missed = follower - usual[:, leaders] @ factors
    typical = float(np.median(missed**2)) / max(float(np.median(follower**2)), 1e-12)
    if typical > 1.0 - FOLLOWS:
        return None

    def around(rest: Floats) -> Floats:
        return np.sqrt(np.maximum(moving_mean(rest**2, window), 0.0))

    before = around(missed)
    if own:
        return before, before
    return around(values[:, channel] - values[:, leaders] @ factors), before
