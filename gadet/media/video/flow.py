"""Optical flow: how far each part of a picture moves from one frame to another.

Source: Lucas and Kanade, An iterative image registration technique (IJCAI 1981), dense, in a
pyramid with warping as in Bouguet's description (Intel, 2001). We depart from it in a small term
that keeps the equations solvable where nothing is to be seen, and in a median over neighbours
between the rounds (Sun et al., CVPR 2010, doi:10.1109/CVPR.2010.5539939), which keeps edges.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.media.video.still import Pixels

__all__ = ["flow_between", "lucas_kanade", "window_mean"]

Floats = npt.NDArray[np.float32]

_RADIUS: Final = 4  # of the window that moves as one
_ROUNDS: Final = 3
_SMALLEST: Final = 24  # pixels of the shorter side of the coarsest level
_CHANGED: Final = 24.0  # grey levels; a window that changes by a quarter of it moves
_KEPT: Final = 20.0  # grey levels squared: below this texture a movement is drawn towards none


def flow_between(before: Pixels, after: Pixels, *, most_side: int = 480) -> Floats:
    """Measure the movement between two frames.

    Args:
        before: `(H, W, 3)` uint8 RGB.
        after: The later one, of the same size.
        most_side: The longer side in pixels at which it is measured; larger frames are reduced.

    Returns:
        float32 `(H, W, 2)`: how many pixels each pixel of `after` has come to the right and down.
    """
    height, width = after.shape[:2]
    scale = min(1.0, most_side / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    first, second = _grey(before, size), _grey(after, size)
    flow = lucas_kanade(first, second)
    # Around what moves the coarse levels carry the movement into still ground.
    changed = window_mean(np.minimum(np.abs(second - first), np.float32(_CHANGED)))
    flow *= np.minimum(changed / np.float32(_CHANGED / 4), 1)[:, :, None]
    if size == (width, height):
        return flow
    larger = [
        _resized(flow[:, :, axis], (width, height)) * np.float32((width, height)[axis] / size[axis])
        for axis in (0, 1)
    ]
    return np.stack(larger, axis=2)


def lucas_kanade(before: Floats, after: Floats, rounds: int = _ROUNDS) -> Floats:
    """Dense flow by least squares in a window around each pixel, from coarse to fine.

    Args:
        before: float32 `(H, W)` grey levels.
        after: The same size.
        rounds: Rounds of warping at each level.

    Returns:
        float32 `(H, W, 2)`: `after[y, x]` was at `before[y - v, x - u]`.
    """
    levels = [(before, after)]
    while min(levels[-1][0].shape) >= 2 * _SMALLEST:
        levels.append((_halved(levels[-1][0]), _halved(levels[-1][1])))
    flow = np.zeros((*levels[-1][0].shape, 2), np.float32)
    for first, second in reversed(levels):
        height, width = second.shape
        if flow.shape[:2] != second.shape:
            grown = [_resized(flow[:, :, axis], (width, height)) * 2 for axis in (0, 1)]
            flow = np.stack(grown, axis=2)
        across: Floats = np.gradient(second, axis=1)
        down: Floats = np.gradient(second, axis=0)
        xx, xy, yy = (window_mean(part) for part in (across**2, across * down, down**2))
        kept = np.float32(_KEPT)
        share = (xx + kept) * (yy + kept) - xy * xy
        for _ in range(rounds):
            rest = second - _warped(first, flow)
            x, y = window_mean(across * rest), window_mean(down * rest)
            step = np.stack(
                [(x * (yy + kept) - y * xy) / share, (y * (xx + kept) - x * xy) / share], axis=2
            )
            # A pixel further than this the linear picture of the level says nothing about.
            flow = flow - np.clip(step, -2, 2)
        flow = _median(flow)
    return flow


def window_mean(values: Floats) -> Floats:
    """The mean of the window around each pixel; beyond the edge the edge goes on."""
    return _running(_running(values, 0), 1)


def _running(values: Floats, axis: int) -> Floats:
    width = 2 * _RADIUS + 1
    around = [(0, 0), (0, 0)]
    around[axis] = (_RADIUS + 1, _RADIUS)
    sums = np.cumsum(np.pad(values, around, "edge"), axis=axis, dtype=np.float64)
    length = values.shape[axis]
    upto = np.take(sums, range(width, width + length), axis=axis)
    before = np.take(sums, range(length), axis=axis)
    return ((upto - before) / width).astype(np.float32)


def _warped(values: Floats, flow: Floats) -> Floats:
    """`values[y - v, x - u]` at each pixel, between pixels by straight lines."""
    height, width = values.shape
    x: Floats = np.clip(np.arange(width, dtype=np.float32) - flow[:, :, 0], 0, width - 1)
    y: Floats = np.clip(np.arange(height, dtype=np.float32)[:, None] - flow[:, :, 1], 0, height - 1)
    left, top = x.astype(np.intp), y.astype(np.intp)
    right, bottom = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    x = x - left.astype(np.float32)
    y = y - top.astype(np.float32)
    flat = values.reshape(-1)
    upper = flat[top * width + left] * (1 - x) + flat[top * width + right] * x
    lower = flat[bottom * width + left] * (1 - x) + flat[bottom * width + right] * x
    warped: Floats = upper * (1 - y) + lower * y
    return warped


def _median(flow: Floats) -> Floats:
    """Each movement replaced by the median of the nine around it, each axis on its own."""
    padded = np.pad(flow, ((1, 1), (1, 1), (0, 0)), "edge")
    height, width = flow.shape[:2]
    around = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    return np.median(np.stack(around), axis=0).astype(np.float32)


def _halved(values: Floats) -> Floats:
    """Half the size, by the mean of four; an odd last row or column is left out."""
    height, width = values.shape[0] // 2 * 2, values.shape[1] // 2 * 2
    even = values[:height, :width]
    halved: Floats = even.reshape(height // 2, 2, width // 2, 2).mean((1, 3), np.float32)
    return halved


def _resized(values: Floats, size: tuple[int, int]) -> Floats:
    picture = Image.fromarray(np.ascontiguousarray(values))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


def _grey(pixels: Pixels, size: tuple[int, int]) -> Floats:
    picture = Image.fromarray(pixels).convert("L")
    if picture.size != size:
        picture = picture.resize(size, Image.Resampling.BOX)
    return np.asarray(picture, np.float32)
