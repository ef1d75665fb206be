"""The colours that reports are drawn in: one per verdict, and a fixed scale for score maps."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.report import Verdict

__all__ = ["BOUNDARY", "HEAT", "LINES", "VERDICTS", "Colour", "heat"]

Colour = tuple[int, int, int]

VERDICTS: Final[dict[Verdict, Colour]] = {
    "anomalous": (200, 30, 50),
    "normal": (22, 122, 68),
    "uncertain": (245, 166, 35),
    "refused": (108, 117, 130),
    "unparsed": (116, 74, 180),
}
"""Verdicts, as the ground of a label; the same as in the style sheet of the pages."""

LINES: Final[dict[Verdict, Colour]] = {
    "anomalous": (224, 36, 60),
    "normal": (120, 160, 190),
    "uncertain": (255, 176, 0),
    "refused": (150, 158, 170),
    "unparsed": (150, 110, 220),
}
"""Outlines of findings; what is listed on a normal item is drawn without alarm."""

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
