"""From scores to spans: where a run of odd rows begins and ends, and which lens sees it best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gadet.experts.series.channel import Views
from gadet.experts.series.rolling import Floats

__all__ = ["Run", "core", "leading_lens", "runs"]

HALF = 0.5
"""A span reaches as far as the leading lens measures this share of its highest value in the run."""


@dataclass(frozen=True)
class Run:
    """Bins `start` to `stop`, half-open, whose evidence reaches `peak` nats."""

    start: int
    stop: int
    peak: float


def runs(evidence: Floats, boundary: float, gap: float) -> list[Run]:
    """The stretches at or above the boundary, joined where less than `gap` apart, highest first."""
    above = np.concatenate(([0], (evidence >= boundary).astype(np.int8), [0]))
    joined: list[tuple[int, int]] = []
    for start, stop in np.flatnonzero(np.diff(above)).reshape(-1, 2).tolist():
        if joined and start - joined[-1][1] < gap:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    found = [Run(start, stop, float(evidence[start:stop].max())) for start, stop in joined]
    return sorted(found, key=lambda run: (-run.peak, run.start))


def leading_lens(views: Views, run: Run) -> int:
    """The lens that is surprised most over a run."""
    return int(np.argmax(views.nats[:, run.start : run.stop].mean(axis=1)))


def core(views: Views, lens: int, run: Run) -> tuple[int, int]:
    """The bins of a run in which the lens itself, not smoothed, measures at least half its peak.

    Smoothing widens a run by up to a window on both sides; this takes it back.
    """
    odd = views.odd[lens, run.start : run.stop]
    high = np.flatnonzero(odd >= HALF * odd.max())
    return run.start + int(high[0]), run.start + int(high[-1]) + 1
