"""Slow and plain twins of the experts' number routines, written from their definitions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def windowed(image: Array, radius: int, of: Callable[[Array], float]) -> Array:
    """Apply `of` to the square window around every pixel, the border repeated outwards."""
    height, width = image.shape
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            values = [
                image[min(max(y + dy, 0), height - 1), min(max(x + dx, 0), width - 1)]
                for dy in range(-radius, radius + 1)
                for dx in range(-radius, radius + 1)
            ]
            out[y, x] = of(np.array(values))
    return out


def gaussian(image: Array, sigma: float) -> Array:
    """Weighted mean of the window, weights from the formula."""
    radius = max(1, math.ceil(3 * sigma))
    steps = range(-radius, radius + 1)
    weights = np.array(
        [math.exp(-(dx * dx + dy * dy) / (2 * sigma * sigma)) for dy in steps for dx in steps]
    )
    weights /= weights.sum()
    return windowed(image, radius, lambda values: float((values * weights).sum()))


def sampled(image: Array, matrix: Array, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Bilinear samples at affinely mapped pixel centres, 0 outside."""
    height, width = image.shape
    out, inside = np.zeros(shape), np.zeros(shape, dtype=bool)
    for v in range(shape[0]):
        for u in range(shape[1]):
            x = matrix[0, 0] * u + matrix[0, 1] * v + matrix[0, 2]
            y = matrix[1, 0] * u + matrix[1, 1] * v + matrix[1, 2]
            if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
                continue
            inside[v, u] = True
            left, top = math.floor(x), math.floor(y)
            for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
                weight = (x - left if column else 1 - x + left) * (y - top if row else 1 - y + top)
                at = image[
                    min(max(top + row, 0), height - 1), min(max(left + column, 0), width - 1)
                ]
                out[v, u] += weight * at
    return out, inside


def nearest(queries: Array, bank: Array) -> list[float]:
    """Distance to the nearest row, pair by pair."""
    return [min(math.dist(query, row) for row in bank) for query in queries]


def nearest_elsewhere(grid: Array, reach: int) -> Array:
    """Distance to the nearest patch more than `reach` cells away, 0 where there is none."""
    height, width, _ = grid.shape
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            gaps = [
                math.dist(grid[y, x], grid[v, u])
                for v in range(height)
                for u in range(width)
                if max(abs(v - y), abs(u - x)) > reach
            ]
            out[y, x] = min(gaps, default=0.0)
    return out


def mirror_distance(grid: Array, reach: int) -> Array:
    """Distance to the most similar patch around the mirrored place."""
    height, width, _ = grid.shape
    out = np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            out[y, x] = min(
                math.dist(grid[y, x], grid[v, width - 1 - u])
                for v in range(max(y - reach, 0), min(y + reach + 1, height))
                for u in range(max(x - reach, 0), min(x + reach + 1, width))
            )
    return out


def components(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Flood fill in reading order, diagonal neighbours included."""
    labels = np.zeros(mask.shape, dtype=np.int64)
    count = 0
    for y in range(mask.shape[0]):
        for x in range(mask.shape[1]):
            if not mask[y, x] or labels[y, x]:
                continue
            count += 1
            todo = [(y, x)]
            while todo:
                v, u = todo.pop()
                if not (0 <= v < mask.shape[0] and 0 <= u < mask.shape[1]):
                    continue
                if mask[v, u] and not labels[v, u]:
                    labels[v, u] = count
                    todo += [(v + dv, u + du) for dv in (-1, 0, 1) for du in (-1, 0, 1)]
    return labels


def outside_range(picture: Array, reference: Array, radius: int) -> Array:
    """How far either pixel lies outside the other's local range."""

    def beyond(one: Array, other: Array) -> Array:
        low = windowed(other, radius, lambda values: float(values.min()))
        high = windowed(other, radius, lambda values: float(values.max()))
        return np.maximum(np.maximum(one - high, low - one), 0)

    return np.maximum(beyond(picture, reference), beyond(reference, picture))
