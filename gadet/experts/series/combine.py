"""From what the lenses say to one score: who is heard, and where the boundary lies."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gadet.experts.series.rolling import Floats, smoothed

__all__ = ["BOUNDARY", "across_channels", "to_scores", "together", "with_normals"]

LOUDEST = 3
"""The mean of this many loudest lenses counts. An anomaly shows in a few ways, never in all: the
mean of all lenses drowns it, and a single lens is wrong too often."""
BOUNDARY = 5.0
"""Nats from which a row is anomalous. About one in twenty series without an anomaly, made of noise,
cycles, bursts and wandering levels of 1,500 to 5,000 rows, reaches it somewhere."""


def together(nats: npt.NDArray[np.float32], width: int) -> Floats:
    """Evidence `(N,)` in nats from that of the lenses `(L, N)`, smoothed over a window.

    Smoothing bridges the gaps between the moments at which different lenses see one event.
    """
    loud = min(LOUDEST, len(nats))
    loudest = np.partition(nats, len(nats) - loud, axis=0)[-loud:]
    return smoothed(loudest.mean(axis=0, dtype=np.float64), width)


def with_normals(by_itself: Floats, by_normals: Floats) -> Floats:
    """Evidence from both comparisons: the geometric mean, so that both must find a row odd.

    A few normal rows make everything later look odd; the series itself hides what lasts long.
    """
    both: Floats = np.sqrt(by_itself * by_normals)
    return both


def across_channels(evidence: npt.NDArray[np.float64]) -> Floats:
    """Evidence `(N,)` of the most suspicious of the channels `(N, C)`.

    The logarithm of their number is taken off, since the more are looked at the likelier one of
    them is odd by chance (Bonferroni).
    """
    worst: Floats = np.maximum(evidence.max(axis=1) - math.log(evidence.shape[1]), 0.0)
    return worst


def to_scores(evidence: Floats, boundary: float = BOUNDARY) -> npt.NDArray[np.float32]:
    """Scores in [0, 1] from nats: 0 for none, 0.5 at the boundary, 0.75 at twice the boundary."""
    return (1.0 - np.exp2(-evidence / boundary)).astype(np.float32)
