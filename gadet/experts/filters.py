"""Small image filters in numpy, so that the core install needs nothing else.

All of them work on float32 arrays `(H, W)` or `(H, W, C)` and repeat the border pixels outwards.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = [
    "FloatArray",
    "box_mean",
    "gaussian",
    "local_max",
    "local_min",
    "luminance",
    "resize",
    "warp",
]

FloatArray = npt.NDArray[np.float32]

BAND = 2**22
"""Pixels that are resized at a time: of a large map Pillow need not hold a second copy."""
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in the luminance. Source: ITU-R BT.601."""


def luminance(pixels: npt.NDArray[np.uint8] | FloatArray) -> FloatArray:
    """The luminance `(H, W)` float32 in levels (0 to 255) of RGB pixels `(H, W, 3)`."""
    return np.asarray(pixels, dtype=np.float32) @ LUMA


def _along(image: FloatArray, radius: int, axis: int) -> FloatArray:
    """Pad `axis` by `radius` copies of its border pixels."""
    widths = [(0, 0)] * image.ndim
    widths[axis] = (radius, radius)
    return np.pad(image, widths, mode="edge")


def _extreme(image: FloatArray, radius: int, pick: np.ufunc) -> FloatArray:
    """The separable running extreme over a square window, by doubling the window's length."""
    for axis in (0, 1):
        if radius == 0:
            break
        size = image.shape[axis]
        padded = np.moveaxis(_along(image, radius, axis), axis, 0)
        window = 2 * radius + 1
        span = 1
        while 2 * span <= window:
            padded = pick(padded[:-span], padded[span:])
            span *= 2
        rest = window - span
        image = np.moveaxis(pick(padded[:size], padded[rest : rest + size]), 0, axis)
    return np.ascontiguousarray(image)


def local_max(image: FloatArray, radius: int) -> FloatArray:
    """The largest value within `radius` pixels in both axes (a square window)."""
    return _extreme(image, radius, np.maximum)


def local_min(image: FloatArray, radius: int) -> FloatArray:
    """The smallest value within `radius` pixels in both axes (a square window)."""
    return _extreme(image, radius, np.minimum)


def box_mean(image: FloatArray, radius: int) -> FloatArray:
    """The mean over a square window of `2 * radius + 1` pixels."""
    window = 2 * radius + 1
    for axis in (0, 1):
        if radius == 0:
            break
        padded = np.moveaxis(_along(image, radius, axis), axis, 0).astype(np.float64)
        total = np.cumsum(padded, axis=0)
        total = np.concatenate((np.zeros_like(total[:1]), total))
        image = np.moveaxis((total[window:] - total[:-window]) / window, 0, axis).astype(np.float32)
    return np.ascontiguousarray(image)


def gaussian(image: FloatArray, sigma: float) -> FloatArray:
    """Smooth with a Gaussian of standard deviation `sigma` pixels, cut off at 3 sigma."""
    if sigma <= 0:
        return image
    radius = max(1, int(np.ceil(3 * sigma)))
    taps = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    taps = (taps / taps.sum()).astype(np.float32)
    for axis in (0, 1):
        size = image.shape[axis]
        padded = np.moveaxis(_along(image, radius, axis), axis, 0)
        # The kernel is symmetric: two taps share one multiplication.
        total = taps[radius] * padded[radius : radius + size]
        for step in range(1, radius + 1):
            left, right = radius - step, radius + step
            total += taps[right] * (padded[left : left + size] + padded[right : right + size])
        image = np.moveaxis(total, 0, axis)
    return np.ascontiguousarray(image)


def resize(image: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """Resize `(H, W)` to `shape` with Pillow's bilinear filter (which averages when it shrinks)."""
    if image.shape == shape:
        return image
    picture = Image.fromarray(np.ascontiguousarray(image, dtype=np.float32))
    height, width = shape
    scale = image.shape[0] / height
    rows = max(1, BAND // width)
    resized = np.empty(shape, dtype=np.float32)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        box = (0, top * scale, image.shape[1], bottom * scale)
        part = picture.resize((width, bottom - top), Image.Resampling.BILINEAR, box)
        resized[top:bottom] = np.asarray(part)
    return resized


def warp(
    image: FloatArray, matrix: npt.NDArray[np.float64], shape: tuple[int, int]
) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
    """Sample an image at affinely mapped positions, bilinearly.

    Args:
        image: `(H, W)` or `(H, W, C)` float32.
        matrix: `(2, 3)`; pixel `(x, y)` of the output shows `matrix @ (x, y, 1)` of the image.
        shape: `(height, width)` of the output.

    Returns:
        The output, and where it shows the inside of the image (0 elsewhere).
    """
    height, width = image.shape[:2]
    (a, b, c), (d, e, f) = matrix
    xs = np.arange(shape[1], dtype=np.float64)[None]
    ys = np.arange(shape[0], dtype=np.float64)[:, None]
    # A small slack keeps the border in when rounding puts it a hair outside.
    slack = 1e-6 - 0.5
    x, y = a * xs + b * ys + c, d * xs + e * ys + f
    inside = (x >= slack) & (y >= slack) & (x <= width - 1 - slack) & (y <= height - 1 - slack)
    # Pillow counts from the corner of a pixel, we count from its centre.
    data = (a, b, c + 0.5 - 0.5 * (a + b), d, e, f + 0.5 - 0.5 * (d + e))
    channels = image[..., None] if image.ndim == 2 else image
    moved = [
        np.array(
            Image.fromarray(np.ascontiguousarray(channels[..., index], dtype=np.float32)).transform(
                shape[::-1], Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
            )
        )
        for index in range(channels.shape[2])
    ]
    stacked = np.stack(moved, axis=2) if image.ndim == 3 else moved[0]
    return np.asarray(stacked, dtype=np.float32), inside
