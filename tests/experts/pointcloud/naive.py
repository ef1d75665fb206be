"""Slow, plain versions of the number routines of the point-cloud expert, point by point."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def pair_angles(first: Floats, second: Floats, here: Floats, there: Floats) -> list[float]:
    """Rusu's three angles of one pair of oriented points."""
    ahead = (second - first) / math.dist(first, second)
    side = np.cross(ahead, here)
    side = side / math.sqrt(side @ side)
    up = np.cross(here, side)
    return [
        float(side @ there),
        float(here @ ahead),
        math.atan2(float(up @ there), float(here @ there)),
    ]


def histograms(points: Floats, normals: Floats, near: list[list[int]]) -> Floats:
    """Fast point feature histograms by the definition, neighbour by neighbour."""
    own = np.zeros((len(points), 33))
    for row, others in enumerate(near):
        for other in others:
            angles = pair_angles(points[row], points[other], normals[row], normals[other])
            ends = ((-1, 1), (-1, 1), (-math.pi, math.pi))
            for turn, (angle, (low, high)) in enumerate(zip(angles, ends, strict=True)):
                place = min(10, max(0, int((angle - low) / (high - low) * 11)))
                own[row, 11 * turn + place] += 1 / len(others)
    found = np.zeros_like(own)
    for row, others in enumerate(near):
        apart = [math.dist(points[row], points[other]) for other in others]
        usual = sum(apart) / len(apart)
        weights = [1 / max(one / usual, 0.1) for one in apart]
        for other, weight in zip(others, weights, strict=True):
            found[row] += weight / sum(weights) * own[other]
    return (own + found) / 2


def signed_distance(
    point: Floats, sites: Floats, normals: Floats, width: float, count: int
) -> float:
    """The weighted mean distance of one point to its nearest sites, along mean normals."""
    order = sorted(range(len(sites)), key=lambda one: math.dist(point, sites[one]))[:count]
    nearest = order[0]
    weights = [
        math.exp(-(math.dist(point, sites[one]) ** 2) / (2 * width**2))
        * max(float(normals[one] @ normals[nearest]), 1e-3) ** 2
        for one in order
    ]
    middle = sum((w * normals[one] for w, one in zip(weights, order, strict=True)), np.zeros(3))
    middle = middle / math.sqrt(float(middle @ middle))
    total = 0.0
    for weight, one in zip(weights, order, strict=True):
        between = normals[one] + middle
        between = between / math.sqrt(float(between @ between))
        total += weight * float((point - sites[one]) @ between)
    return total / sum(weights)


def quadric_normal(
    point: Floats, normal: Floats, others: Floats, normals: Floats, width: float, stiff: float
) -> Floats:
    """The normal of the quadric that fits the neighbours of one point best."""
    first = np.cross(normal, [0.3, 0.5, 0.81])
    first = first / np.linalg.norm(first)
    second = np.cross(normal, first)
    rows, heights, weights = [], [], []
    for other, its in zip(others, normals, strict=True):
        x, y, z = ((other - point) @ axis / width for axis in (first, second, normal))
        rows.append([1, x, y, x * x, x * y, y * y])
        heights.append(z)
        close = math.exp(-(math.dist(point, other) ** 2) / (2 * width**2))
        weights.append(close * max(float(its @ normal), 0.0) ** 2)
    root = np.sqrt(weights)
    held = math.sqrt(stiff * sum(weights)) * np.eye(6)[3:]
    left = np.concatenate([np.array(rows) * root[:, None], held])
    found = np.linalg.lstsq(left, np.append(np.array(heights) * root, np.zeros(3)), rcond=None)[0]
    told = normal - found[1] * first - found[2] * second
    return np.asarray(told / np.linalg.norm(told))


def neighbour_means(points: Floats, normals: Floats, values: Floats, links: int) -> list[float]:
    """One step of averaging over neighbours of the same side, mutual ones twice."""
    count = len(points)
    joined = np.zeros((count, count))
    for row in range(count):
        order = sorted(range(count), key=lambda one: math.dist(points[row], points[one]))[:links]
        for other in order:
            if other == row or normals[row] @ normals[other] > 0.2:
                joined[row, other] += 1
                joined[other, row] += 1
    return [float(joined[row] @ values / joined[row].sum()) for row in range(count)]


def widest_side(point: Floats, normal: Floats, others: Floats) -> float:
    """The widest angle, seen along a normal, without another point."""
    first = np.cross(normal, [0.3, 0.5, 0.81])
    first = first / np.linalg.norm(first)
    second = np.cross(normal, first)
    turns = sorted(
        math.atan2(float((one - point) @ second), float((one - point) @ first)) for one in others
    )
    turns.append(turns[0] + 2 * math.pi)
    return max(after - before for before, after in pairwise(turns))


def auroc(labels: list[bool], scores: list[float]) -> float:
    """Pairs in the right order, ties half."""
    bad = [score for label, score in zip(labels, scores, strict=True) if label]
    good = [score for label, score in zip(labels, scores, strict=True) if not label]
    won = sum((one > other) + (one == other) / 2 for one in bad for other in good)
    return won / (len(bad) * len(good))


def region_score(regions: list[Floats], normal: Floats, limit: float) -> float:
    """The area under mean recall over false positive rate up to a limit, threshold by threshold."""
    curve = [(0.0, 0.0)]
    for level in sorted({float(s) for one in [*regions, normal] for s in one}, reverse=True):
        recall = sum(float(np.mean(one >= level)) for one in regions) / len(regions)
        curve.append((float(np.mean(normal >= level)), recall))
    area = 0.0
    for (x0, y0), (x1, y1) in pairwise(curve):
        if x0 >= limit:
            break
        end = min(x1, limit)
        height = y1 if x1 == end else y0 + (y1 - y0) * (end - x0) / (x1 - x0)
        area += (end - x0) * (y0 + height) / 2
    return area / limit
