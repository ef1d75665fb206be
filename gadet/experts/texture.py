"""Colour and texture statistics on a grid: the descriptors that need no weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray, gaussian, luminance

__all__ = ["CELL", "texture_grid"]

CELL = 16
"""Side of a grid cell in pixels, the same as the stride of the backbone's patches."""
EDGE_WEIGHT = 12.0
"""Levels that one unit of logarithmic edge energy is worth beside a difference in brightness."""


def _cells(values: npt.NDArray[Any]) -> FloatArray:
    """Mean of each cell of `(H, W)`; sides that are no multiple of the cell are cut."""
    height, width = values.shape[0] // CELL, values.shape[1] // CELL
    block = values[: height * CELL, : width * CELL].reshape(height, CELL, width, CELL)
    mean: FloatArray = block.mean(axis=(1, 3), dtype=np.float64).astype(np.float32)
    return mean


def _logs(energy: FloatArray) -> FloatArray:
    """Edge energy on a logarithmic scale, comparable with levels."""
    return np.asarray(EDGE_WEIGHT * np.log1p(energy), dtype=np.float32)


def texture_grid(pixels: npt.NDArray[np.uint8]) -> FloatArray:
    """Describe each cell of 16 × 16 pixels by its colour and its edges.

    Three opponent colours in levels, and for two scales the energy of the steps across, down and
    along both diagonals, and of the spots, on a logarithmic scale.

    Args:
        pixels: `(H, W, 3)` uint8 RGB with sides of at least 16.

    Returns:
        `(H // 16, W // 16, 13)` float32; one unit is about one level.
    """
    colour = pixels.astype(np.float32)
    gray = luminance(colour)
    red_green = colour[..., 0] - colour[..., 1]
    blue_yellow = colour[..., 2] - (colour[..., 0] + colour[..., 1]) / 2
    parts = [_cells(gray), _cells(red_green), _cells(blue_yellow)]
    for sigma in (0.7, 2.0):
        smooth = gaussian(gray, sigma)
        dy, dx = (np.asarray(part, dtype=np.float32) for part in np.gradient(smooth))
        spot = smooth - gaussian(smooth, 2 * sigma)
        steps = (dx, dy, (dx + dy) / 2**0.5, (dx - dy) / 2**0.5, spot)
        parts += [_logs(_cells(np.abs(step))) for step in steps]
    return np.stack(parts, axis=2).astype(np.float32)
