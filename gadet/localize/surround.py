"""The black around what is shown: of a scan, an endoscope, a part on a dark table.

What stands out from it is the outline of the object and no defect, so it is left out of what
regions are compared with, and steps towards it say little.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.experts.lab import lab
from gadet.experts.regions import label_components

__all__ = ["Surround"]

BoolArray = npt.NDArray[np.bool_]

LONGEST = 128
"""Longest side in pixels of the copy that is looked at."""
BLACK = 15.0
"""L* of it at most."""
GREY = (2.0, 6.0)
"""Mean colourfulness of pictures that surely are without colour, and surely are not."""
LEAST_SHARE = 0.5
"""It holds that share of three sides at least; less are dark corners, or the shade of one side."""


@dataclass(frozen=True, eq=False)
class Surround:
    """The black around what a picture shows.

    Attributes:
        mask: `(H, W)` bool, where it is.
        share: The share of a side that is in it, of three sides at least, in [0, 1].
        grey: How surely the picture has no colours, in [0, 1].
    """

    mask: BoolArray = field(repr=False)
    share: float
    grey: float

    @classmethod
    def of(cls, pixels: npt.NDArray[np.uint8]) -> Surround:
        """Look at a picture `(H, W, 3)` uint8 RGB of at most a few hundred pixels a side."""
        height, width = pixels.shape[:2]
        scale = min(1.0, LONGEST / max(height, width))
        size = max(1, round(width * scale)), max(1, round(height * scale))
        picture = Image.fromarray(np.ascontiguousarray(pixels))
        colours = lab(np.asarray(picture.resize(size, Image.Resampling.BOX)))
        labels = label_components(colours[..., 0] < BLACK)
        sides = [labels[0], labels[-1], labels[:, 0], labels[:, -1]]
        mask = np.isin(labels, np.unique(np.concatenate(sides))) & (labels > 0)
        share = sorted(float(np.mean(side > 0)) for side in sides)[1]
        if share < LEAST_SHARE:
            mask, share = np.zeros_like(mask), 0.0
        colourful = float(np.hypot(colours[..., 1], colours[..., 2]).mean())
        whole = Image.fromarray(mask).resize((width, height), Image.Resampling.NEAREST)
        return cls(np.asarray(whole), share, float(np.interp(colourful, GREY, (1.0, 0.0))))
