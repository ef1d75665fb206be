"""The colours that reports are drawn in: one per verdict, and a fixed scale for score maps."""

from __future__ import annotations

from typing import Final

from gadet.localize.heat import BOUNDARY, HEAT, heat
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
