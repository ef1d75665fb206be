"""Grids of patch descriptors and the distances between them, in numpy."""

from __future__ import annotations

import numpy as np

from gadet.experts.filters import FloatArray, box_mean

__all__ = [
    "join_stages",
    "mirror_distance",
    "nearest",
    "nearest_elsewhere",
    "top_mean",
    "typical_distance",
]

CHUNK = 1024
"""Queries compared at once; with a bank of 8,192 patches that is 32 MB."""


def _unit(grid: FloatArray) -> FloatArray:
    """Scale each descriptor of `(h, w, C)` to length 1."""
    norm = np.sqrt(np.einsum("ijk,ijk->ij", grid, grid))[..., None]
    return np.asarray(grid / np.maximum(norm, 1e-8), dtype=np.float32)


def _doubled(grid: FloatArray) -> FloatArray:
    """Twice the resolution in both axes, linear between the centres of the cells."""
    for axis in (0, 1):
        cells = np.moveaxis(grid, axis, 0)
        before, after = (
            np.concatenate((cells[:1], cells[:-1])),
            np.concatenate((cells[1:], cells[-1:])),
        )
        out = np.empty((2 * cells.shape[0], *cells.shape[1:]), dtype=np.float32)
        out[0::2] = 0.75 * cells + 0.25 * before
        out[1::2] = 0.75 * cells + 0.25 * after
        grid = np.moveaxis(out, 0, axis)
    return grid


def _halved(grid: FloatArray) -> FloatArray:
    """Half the resolution in both axes, the mean of each 2 × 2 block."""
    height, width, depth = grid.shape
    blocks = grid.reshape(height // 2, 2, width // 2, 2, depth)
    return np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)


def join_stages(stages: dict[int, FloatArray], wanted: tuple[int, ...]) -> FloatArray:
    """Bring stages of the backbone to the grid of stride 16, and put them behind one another.

    Stages finer than stride 32 are averaged over 3 × 3 cells first, so that a patch knows its
    surroundings; each stage is scaled to unit length, so that none outweighs another.

    Args:
        stages: `(h, w, C)` float32 of strides 8, 16 or 32 by block number, from a picture whose
            sides are multiples of 32.
        wanted: Which of them to use.

    Returns:
        `(h, w, C)` float32 on the grid of stride 16.

    Source: Roth et al., "Towards total recall in industrial anomaly detection" (PatchCore), CVPR
    2022, arXiv:2106.08265; we scale each stage to unit length, they do not.
    """
    parts = []
    for number in wanted:
        grid = stages[number]
        if number < 15:
            grid = box_mean(grid, 1)
        if number < 7:
            grid = _halved(grid)
        grid = _unit(grid)
        parts.append(_doubled(grid) if number >= 15 else grid)
    return np.concatenate(parts, axis=2)


def nearest(queries: FloatArray, bank: FloatArray) -> FloatArray:
    """Euclidean distance from each query `(n, C)` to its nearest neighbour in `bank` `(m, C)`."""
    squares = np.einsum("ij,ij->i", bank, bank)
    found = np.empty(len(queries), dtype=np.float32)
    for start in range(0, len(queries), CHUNK):
        part = queries[start : start + CHUNK]
        table = part @ bank.T
        table *= -2
        table += squares
        best = table.min(axis=1) + np.einsum("ij,ij->i", part, part)
        found[start : start + CHUNK] = np.sqrt(np.maximum(best, 0))
    return found


def nearest_elsewhere(grid: FloatArray, reach: int = 1) -> FloatArray:
    """Distance of each patch to its nearest neighbour elsewhere in the same picture.

    Args:
        grid: `(h, w, C)` float32.
        reach: Patches within this many cells in both axes are left out.

    Returns:
        `(h, w)` float32; 0 where the picture has no patch that is far enough.
    """
    height, width, depth = grid.shape
    flat = grid.reshape(-1, depth)
    squares = np.einsum("ij,ij->i", flat, flat)
    rows, columns = np.divmod(np.arange(height * width), width)
    found = np.zeros(height * width, dtype=np.float32)
    for start in range(0, len(flat), CHUNK):
        part = slice(start, start + CHUNK)
        table = squares[part, None] + squares[None] - 2 * (flat[part] @ flat.T)
        near = np.abs(rows[part, None] - rows[None]) <= reach
        near &= np.abs(columns[part, None] - columns[None]) <= reach
        table[near] = np.inf
        best = table.min(axis=1)
        found[part] = np.sqrt(np.maximum(np.where(np.isfinite(best), best, 0), 0))
    return found.reshape(height, width)


def mirror_distance(grid: FloatArray, reach: int = 1) -> FloatArray:
    """Distance of each patch to the most similar one around its place in the mirrored picture.

    Mirrored left to right. Bodies and many products are symmetric, a defect hardly ever is; on
    texture, where the mirrored place is just another place, it is a measure of self-similarity.

    Args:
        grid: `(h, w, C)` float32.
        reach: How many cells around the mirrored place are searched in both axes.

    Returns:
        `(h, w)` float32.
    """
    height, width, _ = grid.shape
    other = np.pad(
        grid[:, ::-1], ((reach, reach), (reach, reach), (0, 0)), constant_values=np.float32(1e9)
    )
    best = np.full((height, width), np.inf, dtype=np.float32)
    for dy in range(2 * reach + 1):
        for dx in range(2 * reach + 1):
            gap = grid - other[dy : dy + height, dx : dx + width]
            np.minimum(best, np.einsum("ijk,ijk->ij", gap, gap), out=best)
    return np.sqrt(best)


def typical_distance(grid: FloatArray) -> float:
    """Root mean square distance between two patches of a picture `(h, w, C)`, over all pairs."""
    flat = grid.reshape(-1, grid.shape[2]).astype(np.float64)
    # The mean of |a - b|^2 over all pairs is twice the variance.
    return float(np.sqrt(2 * flat.var(axis=0).sum()))


def top_mean(values: FloatArray, share: float) -> float:
    """Mean of the largest `share` of the values, at least one of them."""
    flat = np.sort(values, axis=None)
    return float(flat[-max(1, round(share * flat.size)) :].mean(dtype=np.float64))
