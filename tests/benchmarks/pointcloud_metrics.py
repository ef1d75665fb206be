"""Metrics of anomaly detection in point clouds: AUROC, average precision, and recall by region.

Scores are higher for more anomalous; labels are bool.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["auroc", "average_precision", "object_score", "region_score"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
TOP = 20


def object_score(scores: Floats) -> float:
    """The mean of the 20 highest scores of a cloud."""
    top = min(TOP, scores.size)
    return float(np.partition(scores, scores.size - top)[-top:].mean())


def auroc(labels: Bools, scores: Floats) -> float:
    """Chance that a positive scores higher than a negative; equal scores count half."""
    _, place, held = np.unique(scores, return_inverse=True, return_counts=True)
    rank = (np.cumsum(held) - (held - 1) / 2)[place]
    hits = int(labels.sum())
    return float((rank[labels].sum() - hits * (hits + 1) / 2) / (hits * (labels.size - hits)))


def average_precision(labels: Bools, scores: Floats) -> float:
    """Area under precision over recall in steps; equal scores stand at one threshold."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(labels[order])[last]
    precision = hits / (np.flatnonzero(last) + 1)
    return float(np.sum(np.diff(hits, prepend=0) * precision) / hits[-1])


def region_score(regions: Sequence[Floats], normal: Floats, *, limit: float = 0.05) -> float:
    """Mean recall of the regions over the false positive rates from 0 to `limit`: 1 is best.

    The area under the per-region-overlap curve, divided by `limit`.

    Source: Bergmann et al. 2021, doi:10.1007/s11263-020-01400-4, section 5.1.

    Args:
        regions: Scores of the points of each region.
        normal: Scores of all points outside of them, of all clouds.
        limit: Highest false positive rate.
    """
    scores = np.concatenate([*regions, normal])
    weights = np.concatenate([np.full(one.size, 1 / one.size / len(regions)) for one in regions])
    found = np.concatenate([weights, np.zeros(normal.size)])
    false = np.concatenate([np.zeros(weights.size), np.full(normal.size, 1 / normal.size)])
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    recall = np.concatenate(([0.0], np.cumsum(found[order])[last]))
    rate = np.concatenate(([0.0], np.cumsum(false[order])[last]))
    end = float(np.interp(limit, rate, recall))
    inside = rate < limit
    rate, recall = np.append(rate[inside], limit), np.append(recall[inside], end)
    return float(np.sum(np.diff(rate) * (recall[1:] + recall[:-1]) / 2)) / limit
