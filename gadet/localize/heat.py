"""The fixed scale that scores are drawn on."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

__all__ = ["BOUNDARY", "HEAT", "heat"]

Colour = tuple[int, int, int]

BOUNDARY: Final = 0.5
"""The decision boundary of every score: below it the heat is transparent."""

HEAT: Final[tuple[Colour, ...]] = ((255, 221, 64), (250, 140, 30), (214, 20, 40), (150, 0, 50))
"""The scale from the boundary to 1, in equal steps."""

_STRONGEST = 0.62  # opacity at 1: the surface under the heat stays visible


def heat(scores: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.uint8]:
    """Colour scores in [0, 1] on the fixed scale.

    The scale is never stretched to what a map happens to hold: a map that stays below the boundary
    is transparent everywhere, and equal colours mean equal scores in any two pictures. A value
    that is not a number is transparent.

    Args:
        scores: `(H, W)` in [0, 1]; 0.5 is the decision boundary.

    Returns:
        `(H, W, 4)` RGBA.
    """
    level = np.clip((np.nan_to_num(scores, nan=0.0) - BOUNDARY) / (1 - BOUNDARY), 0.0, 1.0)
    stops = np.linspace(0.0, 1.0, len(HEAT))
    channels = np.array(HEAT, dtype=np.float64)
    rgba = np.zeros((*scores.shape, 4), dtype=np.uint8)
    for channel in range(3):
        rgba[..., channel] = np.interp(level, stops, channels[:, channel]).round()
    rgba[..., 3] = (255 * _STRONGEST * np.sqrt(level)).round()
    return rgba
