"""What each cell of a frame looks like: a descriptor that can be compared."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.experts.backbone import LOW_GAIN, Backbone
from gadet.experts.filters import FloatArray, box_mean, luminance

__all__ = ["CELL", "cells_of", "describe"]

CELL = 8
"""Side of a cell in pixels, the stride of the block that is used."""
BLOCK = 5
"""The block of the backbone: it sees wheels and legs, not yet scenes."""
BINS = 8
"""Directions of edges that are told apart without a backbone."""
EDGE = 32.0
"""Levels per pixel of an edge that weighs as much as a colour."""


def cells_of(shape: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of cells of a picture of `shape = (height, width)`."""
    return -(-shape[0] // CELL), -(-shape[1] // CELL)


def describe(pixels: npt.NDArray[np.uint8], backbone: Backbone | None) -> FloatArray:
    """Describe the cells of a picture.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        backbone: The network, or None for colours and directions of edges.

    Returns:
        `(h, w, C)` float32, each descriptor of length 1, for cells of 8 pixels.
    """
    if backbone is None:
        grid = _edges_and_colours(pixels)
    else:
        grid = backbone.features(pixels, (BLOCK,), LOW_GAIN)[BLOCK]
    length = np.sqrt(np.einsum("ijk,ijk->ij", grid, grid))[..., None]
    return np.asarray(grid / np.maximum(length, 1e-8), dtype=np.float32)


def _edges_and_colours(pixels: npt.NDArray[np.uint8]) -> FloatArray:
    """Strength of edges by direction, colours, and how dark it is, `(h, w, 8 + 3 + 1)`."""
    grey = luminance(pixels)
    down, across = np.gradient(grey)
    strength = np.hypot(down, across)
    # An edge from dark to light has the direction of one from light to dark: half a turn.
    bins = np.floor(np.arctan2(down, across) / np.pi * BINS).astype(np.int64) % BINS
    channels = np.zeros((*grey.shape, BINS + 4), dtype=np.float32)
    rows, columns = np.indices(grey.shape)
    channels[rows, columns, bins] = strength / EDGE
    # Darkness beside the colours: scaled to length 1, black and white must not become alike.
    channels[..., BINS:-1] = pixels.astype(np.float32) / (255 * 3**0.5)
    channels[..., -1] = 1 - grey / 255
    tall, wide = cells_of((grey.shape[0], grey.shape[1]))
    edges = ((0, tall * CELL - grey.shape[0]), (0, wide * CELL - grey.shape[1]), (0, 0))
    blocks = np.pad(channels, edges, mode="edge").reshape(tall, CELL, wide, CELL, -1)
    means = np.asarray(blocks.mean(axis=(1, 3)), dtype=np.float32)
    return np.asarray(0.5 * means + 0.5 * box_mean(means, 1), dtype=np.float32)
