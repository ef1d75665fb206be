"""Smaller copies of a picture, made without a second copy of the whole."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PIL import Image

__all__ = ["resized"]

GAP = 3.0
"""Pixels are first averaged in whole blocks, until so many are left for each of the copy."""
LARGE = 2**24
"""Pictures of more pixels are handed over in bands."""
BAND = 2**22
"""Pixels of a band."""
REACH = 3
"""How far Pillow's widest filter looks, in pixels of the copy."""


def resized(
    pixels: npt.NDArray[np.uint8], size: tuple[int, int], resample: Image.Resampling
) -> Image.Image:
    """A copy of a picture, that of Pillow's `resize` with a reducing gap of 3, but for rounding.

    Pillow needs four bytes a pixel for the picture that it starts from, beside the three that are
    there already. Here it is handed one band of a large picture after the other.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        size: `(width, height)` of the copy.
        resample: Pillow's filter.
    """
    height, width = pixels.shape[:2]
    if width * height <= LARGE or size[0] > width or size[1] > height or size == (width, height):
        picture = Image.fromarray(pixels)
        same = picture.size == size
        return picture if same else picture.resize(size, resample, reducing_gap=GAP)
    each = height / size[1]
    block = max(1, int(width / size[0] / GAP)), max(1, int(each / GAP))
    rows = max(1, int(BAND / width / each))
    reach = math.ceil(REACH * each) + block[1]
    copy = Image.new("RGB", size)
    for top in range(0, size[1], rows):
        bottom = min(top + rows, size[1])
        low = max(0, int(top * each) - reach) // block[1] * block[1]
        high = low + -(-(int(bottom * each) + reach - low) // block[1]) * block[1]
        part = Image.fromarray(pixels[low:high]).reduce(block)
        box = (0, (top * each - low) / block[1], width / block[0], (bottom * each - low) / block[1])
        copy.paste(part.resize((size[0], bottom - top), resample, box), (0, top))
    return copy
