"""Slow, plain versions of what the video expert computes."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gadet.experts.video.points import NEARER, PATCH

Floats = npt.NDArray[np.float64]


def clamped(picture: Floats, x: int, y: int) -> float:
    """A pixel; beyond the border the nearest one."""
    height, width = picture.shape
    return float(picture[min(max(y, 0), height - 1), min(max(x, 0), width - 1)])


def best_move(
    before: Floats,
    after: Floats,
    place: tuple[int, int],
    guess: tuple[int, int],
    reach: tuple[int, int],
) -> tuple[int, int]:
    """The whole displacement with the least mean squared difference of the patches."""
    down, across = PATCH
    best, found = math.inf, (0, 0)
    for dy in range(-reach[0], reach[0] + 1):
        for dx in range(-reach[1], reach[1] + 1):
            total = 0.0
            for v in range(-down, down + 1):
                for u in range(-across, across + 1):
                    here = clamped(before, place[0] + u, place[1] + v)
                    there = clamped(
                        after, place[0] + guess[0] + dx + u, place[1] + guess[1] + dy + v
                    )
                    total += (here - there) ** 2
            cost = total / ((2 * down + 1) * (2 * across + 1)) + NEARER * math.hypot(dy, dx)
            if cost < best:
                best, found = cost, (guess[0] + dx, guess[1] + dy)
    return found


def spread_out(
    places: Floats, values: Floats, shape: tuple[int, int], reach: float, fine: int, doubt: float
) -> Floats:
    """The weighted mean around each cell, mark by mark; the border repeats outwards."""
    radius = math.ceil(3 * reach)
    taps = [math.exp(-0.5 * (k / reach) ** 2) for k in range(-radius, radius + 1)]
    taps = [tap / sum(taps) for tap in taps]
    maps = []
    for weights in (values, np.ones(len(values))):
        grid = np.zeros(shape)
        for (x, y), weight in zip(places, weights, strict=True):
            grid[min(int(y / fine), shape[0] - 1), min(int(x / fine), shape[1] - 1)] += weight
        out = np.zeros(shape)
        for row in range(shape[0]):
            for column in range(shape[1]):
                out[row, column] = sum(
                    taps[i] * taps[j] * clamped(grid, column + j - radius, row + i - radius)
                    for i in range(len(taps))
                    for j in range(len(taps))
                )
        maps.append(out * 2 * math.pi * reach**2)
    return maps[0] / (maps[1] + doubt)


def smoothed(scores: list[float], times: list[float], sigma: float, cut: int) -> list[float]:
    """The Gaussian mean over time, pair by pair, over at most `cut` frames to each side."""
    width = sigma * float(np.median(np.diff(times)))
    found = []
    for i in range(len(scores)):
        total = weight = 0.0
        for j in range(len(scores)):
            if abs(i - j) <= cut:
                share = math.exp(-0.5 * ((times[i] - times[j]) / width) ** 2)
                total, weight = total + share * scores[j], weight + share
        found.append(total / weight)
    return found


def rarity(y: list[float], ways: list[int], row: int, way: int, doubt: float, band: int) -> float:
    """How much rarer than in eight parts a direction is at a one-way row, in nats."""
    counts = [0.0] * 8
    for height, one in zip(y, ways, strict=True):
        if row - band <= int(height) <= row + band:
            counts[one] += 1
    shared = [counts[k] + 0.5 * (counts[k - 1] + counts[(k + 1) % 8]) for k in range(8)]
    share = (shared[way] + doubt) / (sum(shared) + 8 * doubt)
    return max(-math.log(8 * share), 0.0)


def auroc(labels: list[bool], scores: list[float]) -> float:
    """The share of pairs in the right order, ties half."""
    wins = [
        1.0 if high > low else 0.5 if high == low else 0.0
        for high, is_high in zip(scores, labels, strict=True)
        for low, is_low in zip(scores, labels, strict=True)
        if is_high and not is_low
    ]
    return sum(wins) / len(wins)
