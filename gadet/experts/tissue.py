"""The inside of a body: red ground, reflections on what is wet, and the black rim of an endoscope.

Swellings there have no sharp border, and the brightest things are reflections. So the picture is
made very small, reflections and rim are left out of all means, and each colour is compared with its
own surroundings at the size of a swelling.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.experts.filters import FloatArray, gaussian
from gadet.experts.lab import lab
from gadet.media.shrink import resized

__all__ = ["Tissue", "is_shown"]

BoolArray = npt.NDArray[np.bool_]

LONGEST = 64
"""Longest side in pixels of the copy that is looked at."""
BLACK, WHITE, PALE = 8.0, 85.0, 15.0
"""L* of the rim at most, of reflections at least, and how little colour those have."""
RED = (12.0, 22.0)
"""Median a* of pictures that are surely not of tissue, and surely are. Two endoscopies had 27 and
32; food, screws, nuts, boards and metal at most 14."""
FAINT = 0.3
"""Differences in L*a*b* below which nothing can be told apart."""
SOFT = 2.0
"""Pixels of the small copy over which what is known fades into what is hidden."""
SWELLING = 1 / 7
"""Radius of a swelling as a share of the longest side."""


@dataclass(frozen=True, eq=False)
class Tissue:
    """A small copy of a picture, as tissue is looked at.

    Attributes:
        colours: `(h, w, 3)` float32, L*, a* and b*.
        shown: `(h, w)` bool, what is neither rim nor reflection.
    """

    colours: FloatArray = field(repr=False)
    shown: BoolArray = field(repr=False)

    @classmethod
    def of(cls, pixels: npt.NDArray[np.uint8]) -> Tissue:
        """Look at a picture `(H, W, 3)` uint8 RGB."""
        height, width = pixels.shape[:2]
        scale = min(1.0, LONGEST / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        copy = resized(np.ascontiguousarray(pixels), size, Image.Resampling.BOX)
        colours = np.asarray(lab(np.asarray(copy)), dtype=np.float32)
        return cls(colours, is_shown(colours))

    @property
    def likely(self) -> float:
        """How surely the picture shows tissue, in [0, 1], by how red its ground is."""
        if not self.shown.any():
            return 0.0
        _, red, yellow = np.median(self.colours[self.shown], axis=0).tolist()
        return float(np.interp(red, RED, (0.0, 1.0))) if yellow > 0 else 0.0

    def gaps(self, size: float) -> FloatArray:
        """What each colour is above what is around it, `(h, w, 3)`, in usual differences.

        Args:
            size: Radius that is compared with twice the radius, as a share of the longest side.
        """
        radius = size * max(self.shown.shape)
        gaps = self._mean(radius) - self._mean(2 * radius)
        there = gaps[self.shown] if self.shown.any() else gaps.reshape(-1, 3)
        usual = np.sqrt(np.square(there).mean(axis=0))
        return np.asarray(gaps / np.maximum(usual, FAINT), dtype=np.float32)

    def redness(self) -> FloatArray:
        """How much redder than its surroundings each place is, `(h, w)` float32 in [0, 1]."""
        # Softly: a map that drops within a pixel would be taken for one that knows the borders.
        told = gaussian(self.shown.astype(np.float32), SOFT)
        red = np.maximum(self.gaps(SWELLING)[..., 1], 0) * told
        return np.asarray(red / max(float(red.max()), 1.0), dtype=np.float32)

    def _mean(self, radius: float) -> FloatArray:
        """The mean colour around each pixel, of what is shown alone."""
        weight = np.maximum(gaussian(self.shown.astype(np.float32), radius), 1e-3)
        mean = gaussian(self.colours * self.shown[..., None], radius) / weight[..., None]
        return np.asarray(mean, dtype=np.float32)


def is_shown(colours: npt.NDArray[Any]) -> BoolArray:
    """Which of the L*a*b* colours `(..., 3)` are neither the black rim nor a reflection."""
    light, colourful = colours[..., 0], np.hypot(colours[..., 1], colours[..., 2])
    return np.asarray(~((light < BLACK) | ((light > WHITE) & (colourful < PALE))))
