"""Broad soft regions of their own colour: swellings of tissue, which have no sharp border."""

from __future__ import annotations

import math

import numpy as np

from gadet.experts.filters import gaussian
from gadet.experts.tissue import Tissue
from gadet.localize.proposal import Proposal, parts_of

__all__ = ["swellings"]

SIZES = (1 / 16, 1 / 10, 1 / 7)
"""Radii of a swelling as shares of the longest side."""
LEVELS = (0.5, 1.0, 1.5)
"""Thresholds, in usual differences at that size."""
LEAST_SHARE, LARGEST_SHARE = 0.02, 0.6
MOST_HIDDEN = 0.6
"""Share of a place that may be rim or reflection for the place to count."""


def swellings(tissue: Tissue) -> list[Proposal]:
    """Regions that differ softly from what is around them, in pixels of the small copy."""
    shown = tissue.shown
    counted = gaussian(shown.astype(np.float32), 2) > 1 - MOST_HIDDEN
    shape = (shown.shape[0], shown.shape[1])
    least, most = (max(1, int(share * shown.size)) for share in (LEAST_SHARE, LARGEST_SHARE))
    found: list[Proposal] = []
    for size in SIZES:
        for gap in np.moveaxis(tissue.gaps(size), 2, 0):
            for odd in (gap, -gap):
                for level in LEVELS:
                    for left, top, mask in parts_of((odd >= level) & counted, least, most):
                        part = odd[top : top + mask.shape[0], left : left + mask.shape[1]]
                        height = float(part[mask].mean())
                        strength = height * math.sqrt(np.count_nonzero(mask))
                        found.append(Proposal("swellings", strength, left, top, mask, shape))
    return found
