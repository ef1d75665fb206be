"""Colours as people tell them apart: CIE L*a*b* of sRGB."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["lab", "linear"]

FloatArray = npt.NDArray[np.floating[Any]]

_TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
_WHITE = np.array([0.9505, 1.0, 1.089])


def linear(rgb: npt.NDArray[Any]) -> FloatArray:
    """Light in proportion to its power, in [0, 1], of sRGB values in 0 … 255.

    Source: IEC 61966-2-1.
    """
    share = rgb / 255
    return np.asarray(np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4))


@cache
def _levels() -> npt.NDArray[np.float32]:
    """`linear` of the 256 levels of a byte."""
    return linear(np.arange(256.0)).astype(np.float32)


def lab(rgb: npt.NDArray[Any]) -> FloatArray:
    """CIE L*a*b* (D65) of sRGB colours `(..., 3)` in 0 … 255; float32 of bytes, else float64.

    Source: IEC 61966-2-1 and CIE 15.
    """
    light = _levels()[rgb] if rgb.dtype == np.uint8 else linear(rgb)
    xyz = light @ (_TO_XYZ / _WHITE[:, None]).T.astype(light.dtype)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    x, y, z = np.moveaxis(f, -1, 0)
    return np.stack((116 * y - 16, 500 * (x - y), 200 * (y - z)), axis=-1)
