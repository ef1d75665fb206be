"""Slow and plain twins of the series expert's number routines, written from their definitions."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def moving_mean(values: Array, width: int) -> Array:
    starts = range(values.size - width + 1)
    middles = [start + width // 2 for start in starts]
    means = [float(np.mean(values[start : start + width])) for start in starts]
    out = np.empty(values.size)
    for row in range(values.size):
        nearest = min(max(row, middles[0]), middles[-1])
        out[row] = means[middles.index(nearest)]
    return out


def held(scores: Array, width: int, length: int) -> Array:
    out = np.zeros(length)
    for row in range(length):
        holding = [scores[s] for s in range(scores.size) if s <= row < s + width]
        out[row] = np.mean(holding) if holding else 0.0
    return out


def autocorrelation(values: Array, most: int) -> Array:
    centred = values - values.mean()
    power = float(np.mean(centred**2))
    return np.array(
        [
            float(np.mean(centred[lag:] * centred[: values.size - lag])) / power
            for lag in range(most + 1)
        ]
    )


def profile(values: Array, width: int, neighbours: int, base: Array | None, shape: bool) -> Array:
    within = values if base is None else base
    spread = float(within.std())

    def described(window: Array) -> Array:
        scaled = window / spread
        if not shape:
            return scaled
        return (scaled - scaled.mean()) / math.sqrt(scaled.var() + 0.01)

    others = [described(within[s : s + width]) for s in range(within.size - width + 1)]
    out = []
    for start in range(values.size - width + 1):
        here = described(values[start : start + width])
        nearest: dict[int, float] = {}
        for place, other in enumerate(others):
            if base is None and abs(place - start) < width:
                continue
            apart = math.sqrt(float(np.mean((here - other) ** 2)))
            stretch = place // width
            nearest[stretch] = min(nearest.get(stretch, math.inf), apart)
        out.append(sorted(nearest.values())[neighbours - 1])
    return np.array(out)


def events(flags: Bools) -> list[tuple[int, int]]:
    found, start = [], None
    for row, flag in enumerate([*flags.tolist(), False]):
        if flag and start is None:
            start = row
        if not flag and start is not None:
            found.append((start, row))
            start = None
    return found


def volumes(labels: Bools, scores: Array, window: int) -> tuple[float, float]:
    """VUS from its definition: one threshold, one buffer, one row at a time."""
    length, known = labels.size, events(labels)
    ordered = sorted(scores.tolist(), reverse=True)
    levels = [ordered[int(at)] for at in np.linspace(0, length - 1, 250)]
    pr_areas, roc_areas = [], []
    for buffer in range(window + 1):
        half = buffer // 2
        soft = labels.astype(float)
        reach: list[list[int]] = []
        for start, stop in known:
            for row in range(length):
                if start - half <= row < start:
                    soft[row] += math.sqrt(1 - (start - row) / buffer)
                if stop <= row < stop + half:
                    soft[row] += math.sqrt(1 - (row - stop + 1) / buffer)
            if reach and start - half < reach[-1][1]:
                reach[-1][1] = stop + half
            else:
                reach.append([start - half, stop + half])
        soft = np.minimum(soft, 1.0)
        last_recall = last_alarm = pr = roc = 0.0
        for level in levels:
            told = scores >= level
            hits = float(soft[told].sum())
            outside = float(soft[told & ~labels].sum())
            size = (2 * labels.sum() + outside) / 2
            seen = sum(bool(told[max(a, 0) : b].any()) for a, b in reach) / len(reach)
            recall = min(hits / size, 1.0) * seen
            alarm = (told.sum() - hits) / (length - size)
            pr += (recall - last_recall) * hits / told.sum()
            roc += (alarm - last_alarm) * (recall + last_recall) / 2
            last_recall, last_alarm = recall, alarm
        roc += (1 - last_alarm) * (1 + last_recall) / 2
        pr_areas.append(pr)
        roc_areas.append(roc)
    return float(np.mean(pr_areas)), float(np.mean(roc_areas))


def affiliation(labels: Bools, told: Bools, fine: int = 40) -> tuple[float, float]:
    """Affiliation precision and recall by counting points of a fine grid."""
    known, points = events(labels), (np.arange(labels.size * fine) + 0.5) / fine
    edges = [0.0, *((a[1] + b[0]) / 2 for a, b in pairwise(known))]
    edges.append(float(labels.size))
    near, far = [], []
    for (start, stop), low, high in zip(known, edges[:-1], edges[1:], strict=True):
        zone = points[(points >= low) & (points < high)]
        mine = zone[told[zone.astype(int)]]
        if not mine.size:
            far.append(0.0)
            continue

        def to_event(places: Array, start: int = start, stop: int = stop) -> Array:
            return np.maximum(np.maximum(start - places, places - stop), 0.0)

        away = to_event(zone)
        near.append(float(np.mean([np.mean(away >= apart) for apart in to_event(mine)])))
        inside = points[(points >= start) & (points < stop)]
        ends = events(told & (np.arange(labels.size) + 0.5 >= low)
                      & (np.arange(labels.size) + 0.5 < high))  # fmt: skip
        chances = []
        for place in inside:
            apart = min(max(a - place, place - b, 0.0) for a, b in ends)
            chances.append(float(np.mean(np.abs(zone - place) >= apart)))
        far.append(float(np.mean(chances)))
    return (float(np.mean(near)) if near else 0.0), float(np.mean(far))
