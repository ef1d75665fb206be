"""Metrics of anomaly detection in series: areas and volumes under curves, affiliation, events.

Scores `(T,)` are higher for more anomalous; labels `(T,)` are bool. Point-adjusted F1 is left out
on purpose: it flatters random scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = [
    "THRESHOLDS",
    "affiliation",
    "auc_pr",
    "event_f1",
    "merged",
    "runs",
    "volumes",
]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Run = tuple[int, int]

THRESHOLDS = 250
"""How many thresholds trace the curve of a volume."""


def runs(flags: Bools) -> list[Run]:
    """The stretches of True as half-open `(start, stop)`."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def merged(stretches: Sequence[Run], gap: float) -> list[Run]:
    """Join stretches that are less than `gap` apart."""
    joined: list[Run] = []
    for start, stop in stretches:
        if joined and start - joined[-1][1] < gap:
            joined[-1] = (joined[-1][0], stop)
        else:
            joined.append((start, stop))
    return joined


def auc_pr(labels: Bools, scores: Floats) -> float:
    """Average precision; equal scores stand at one threshold."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(labels[order])[last]
    precision = hits / (np.flatnonzero(last) + 1)
    return float(np.sum(np.diff(hits, prepend=0) * precision) / hits[-1])


def _extended(labels: Bools, events: Sequence[Run], buffer: int) -> Floats:
    """Labels with slopes of `buffer // 2` rows to both sides of every event."""
    soft = labels.astype(np.float64)
    half = buffer // 2
    for start, stop in events:
        after = np.arange(stop, min(stop + half, labels.size))
        before = np.arange(max(start - half, 0), start)
        soft[after] += np.sqrt(1 - (after - stop + 1) / buffer)
        soft[before] += np.sqrt(1 - (start - before) / buffer)
    return np.minimum(soft, 1.0)


def _reaches(events: Sequence[Run], half: int, length: int) -> list[Run]:
    """The events widened by `half`; those that then touch are one."""
    wide: list[Run] = []
    for start, stop in events:
        if wide and start - half <= wide[-1][1] - 1:
            wide[-1] = (wide[-1][0], min(stop + half, length))
        else:
            wide.append((max(start - half, 0), min(stop + half, length)))
    return wide


def volumes(labels: Bools, scores: Floats, window: int) -> tuple[float, float]:
    """VUS-PR and VUS-ROC: the mean area over all buffers from 0 to `window` rows.

    The variant whose precision and recall take the extended label only where something was
    predicted ("opt"), with 250 thresholds at equal steps of rank.

    Source: Paparrizos et al. 2022, doi:10.14778/3551793.3551830.

    Args:
        labels: `(T,)` bool, with at least one event and one row outside.
        scores: `(T,)`.
        window: The largest buffer in rows.

    Returns:
        VUS-PR and VUS-ROC in [0, 1].
    """
    length = labels.size
    events = runs(labels)
    levels = -np.sort(-scores)[np.linspace(0, length - 1, THRESHOLDS).astype(int)]
    # The first threshold at which a row is predicted; levels fall.
    first = np.searchsorted(-levels, -scores, side="left")
    predicted = np.cumsum(np.bincount(first, minlength=THRESHOLDS + 1)[:THRESHOLDS]).astype(float)
    positives = float(labels.sum())
    pr, roc = [], []
    for buffer in range(window + 1):
        soft = _extended(labels, events, buffer)
        near = np.flatnonzero(soft)
        weighed = np.bincount(first[near], weights=soft[near], minlength=THRESHOLDS + 1)
        hits = np.cumsum(weighed[:THRESHOLDS])
        inside = np.cumsum(np.bincount(first[labels], minlength=THRESHOLDS + 1)[:THRESHOLDS])
        wide = _reaches(events, buffer // 2, length)
        reached = np.sort([first[start:stop].min() for start, stop in wide])
        existence = np.searchsorted(reached, np.arange(THRESHOLDS), side="right") / len(wide)
        size = (2 * positives + hits - inside) / 2
        recall = np.minimum(hits / size, 1.0) * existence
        alarms = (predicted - hits) / (length - size)
        precision = hits / predicted
        tpr = np.concatenate(([0.0], recall, [1.0]))
        fpr = np.concatenate(([0.0], alarms, [1.0]))
        roc.append(float(np.sum(np.diff(fpr) * (tpr[1:] + tpr[:-1]) / 2)))
        pr.append(float(np.sum(np.diff(tpr[:-1]) * precision)))
    return float(np.mean(pr)), float(np.mean(roc))


def _distances(places: Floats, stretches: Sequence[Run]) -> Floats:
    """The distance of every place to the nearest stretch."""
    apart = np.full(places.size, np.inf)
    for start, stop in stretches:
        apart = np.minimum(apart, np.maximum(np.maximum(start - places, places - stop), 0.0))
    return apart


def _farther(apart: Floats, below: Floats, above: Floats) -> Floats:
    """Share of a zone that is at least `apart` away; it reaches `below` down and `above` up."""
    room = below + above
    left = np.maximum(below - apart, 0.0) + np.maximum(above - apart, 0.0)
    return np.asarray(left / room)


def affiliation(labels: Bools, predictions: Bools) -> tuple[float, float, float]:
    """Affiliation precision, recall and F1.

    Every event owns the rows nearest to it. Precision is how near the predictions in its zone are
    to it, recall how near it is to them, each as the chance that a random row of the zone is
    farther away. Both are integrated at two places per row.

    Source: Huet, Navarro, Rossi 2022, doi:10.1145/3534678.3539339.

    Args:
        labels: `(T,)` bool, with at least one event.
        predictions: `(T,)` bool.

    Returns:
        Precision (0 where nothing was predicted), recall and their harmonic mean.
    """
    events = runs(labels)
    edges = [0.0, *((a[1] + b[0]) / 2 for a, b in pairwise(events))]
    edges.append(float(labels.size))
    places = (np.arange(2 * labels.size) + 0.5) / 2
    told = np.repeat(predictions, 2)
    near, far = [], []
    for (start, stop), low, high in zip(events, edges[:-1], edges[1:], strict=True):
        zone = (places >= low) & (places < high)
        mine = places[zone & told]
        if not mine.size:
            far.append(0.0)
            continue
        apart = _distances(mine, [(start, stop)])
        share = np.maximum(start - low - apart, 0.0) + np.maximum(high - stop - apart, 0.0)
        share += np.where(apart == 0.0, stop - start, 0.0)
        near.append(float(np.mean(share / (high - low))))
        inside = places[(places >= start) & (places < stop)]
        predicted = runs(predictions & (np.arange(labels.size) + 0.5 >= low)
                         & (np.arange(labels.size) + 0.5 < high))  # fmt: skip
        gaps = _distances(inside, predicted)
        far.append(float(np.mean(_farther(gaps, inside - low, high - inside))))
    precision = float(np.mean(near)) if near else 0.0
    recall = float(np.mean(far))
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0


def event_f1(labels: Bools, predictions: Bools, window: int) -> float:
    """F1 of events: a predicted run that touches a true event is a hit.

    Runs closer than `window / 2` are one. Predictions that cover more than a fifth of the series
    and more than 1.5 times the anomalous share count 0, or flagging half of it would win.
    """
    if predictions.mean() > max(0.2, 1.5 * labels.mean()):
        return 0.0
    events, told = runs(labels), merged(runs(predictions), window / 2)
    if not told:
        return 0.0

    def touched(one: Run, others: Sequence[Run]) -> bool:
        return any(one[0] < stop and start < one[1] for start, stop in others)

    recall = sum(touched(event, told) for event in events) / len(events)
    precision = sum(touched(run, events) for run in told) / len(told)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0
