"""Regions that differ from what surrounds them: darker, brighter or of another colour.

The picture is compared with its own local mean at several sizes; what stands out from the usual
difference at that size is a region. It finds small defects in pictures where every other source
is too coarse.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray, box_mean, gaussian
from gadet.experts.lab import lab
from gadet.localize.proposal import Proposal, parts_of

__all__ = ["stand_outs"]

LEVELS = (2.5, 5.0)
"""Thresholds, in usual differences."""
SURROUND = 8
"""Radius in pixels of the surroundings; each copy is half as large as the one before."""
SMALLEST_COPY = 32
LARGEST_SHARE = 0.5
MOST = 60
"""Most regions of one copy."""
LEAST = 6


def stand_outs(pixels: npt.NDArray[np.uint8]) -> list[Proposal]:
    """Regions of a picture `(H, W, 3)` uint8 RGB that stand out, in its own pixels."""
    colours = lab(pixels).astype(np.float32)
    shape = (pixels.shape[0], pixels.shape[1])
    found: list[Proposal] = []
    while True:
        found += [one.on(shape) for one in _of_copy(colours)]
        if min(colours.shape[:2]) < 2 * SMALLEST_COPY:
            return found
        colours = _halved(colours)


def _halved(colours: FloatArray) -> FloatArray:
    """Every two pixels along both axes as one."""
    height, width = colours.shape[0] // 2 * 2, colours.shape[1] // 2 * 2
    even = colours[:height, :width]
    halved = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4
    return np.asarray(halved, dtype=np.float32)


def _of_copy(colours: FloatArray) -> list[Proposal]:
    shape = (colours.shape[0], colours.shape[1])
    most = int(LARGEST_SHARE * shape[0] * shape[1])
    found: list[Proposal] = []
    for odd in _differences(colours):
        for level in LEVELS:
            above = odd >= level
            if not above.any():
                continue
            for left, top, mask in parts_of(above, LEAST, most):
                part = odd[top : top + mask.shape[0], left : left + mask.shape[1]]
                height = float(part[mask].mean())
                # A larger region needs less contrast to be as unlikely by chance.
                strength = height * math.sqrt(np.count_nonzero(mask))
                found.append(Proposal("contrast", strength, left, top, mask, shape))
    found.sort(key=lambda one: -one.strength)
    return found[:MOST]


def _differences(colours: FloatArray) -> list[FloatArray]:
    """How much darker, brighter and otherwise coloured than its surroundings each pixel is."""
    smooth = gaussian(colours, 0.7)
    gap = smooth - box_mean(colours, SURROUND)
    light = gap[..., 0] / _usual(gap[..., 0])
    tint = np.hypot(gap[..., 1], gap[..., 2])
    return [-light, light, tint / _usual(tint)]


def _usual(gap: FloatArray) -> FloatArray:
    """The usual size of a difference nearby, and at least half of that in the whole picture."""
    size = np.abs(gap)
    usual = float(np.median(size)) * 1.48
    near = box_mean(np.minimum(size, 4 * usual + 0.5), 4 * SURROUND) * 1.25
    return np.asarray(np.maximum(near, max(0.5 * usual, 0.25)), dtype=np.float32)
