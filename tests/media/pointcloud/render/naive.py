"""Slow, independent twins of the renderer's numbers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud.render import Camera, Scene

Floats = npt.NDArray[np.float64]


def z_buffer(scene: Scene, camera: Camera) -> npt.NDArray[np.int64]:
    """The nearest point of each pixel, point after point."""
    u, v, depth = camera.project(scene.points, scene.origin)
    ids = np.full((camera.height, camera.width), -1)
    best = np.full(ids.shape, np.inf)
    for point in range(len(scene)):
        if not np.isfinite(u[point]):
            continue
        row, column = int(np.floor(v[point])), int(np.floor(u[point]))
        inside = 0 <= row < camera.height and 0 <= column < camera.width
        if inside and depth[point] < best[row, column]:
            best[row, column], ids[row, column] = depth[point], point
    return ids


def closing(layer: npt.NDArray[np.float32], step: int) -> Floats:
    """Grey closing of nearness with a square, pixel after pixel."""
    height, width = layer.shape

    def pick(source: Floats, rule: type[min] | type[max]) -> Floats:  # type: ignore[valid-type]
        out = np.full(source.shape, np.inf)
        for row in range(height):
            for column in range(width):
                seen = [
                    source[r, c] if 0 <= r < height and 0 <= c < width else np.inf
                    for r in range(row - step, row + step + 1)
                    for c in range(column - step, column + step + 1)
                ]
                out[row, column] = rule(seen)
        return out

    return pick(pick(layer.astype(float), min), max)  # type: ignore[arg-type]


def normal(points: Floats, row: int, count: int) -> Floats:
    """The direction of least variance among the nearest `count` points, of either sign."""
    near = np.argsort(np.linalg.norm(points - points[row], axis=1))[:count]
    part = points[near] - points[near].mean(axis=0)
    return np.asarray(np.linalg.svd(part)[2][-1])
