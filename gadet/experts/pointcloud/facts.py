"""What a part of a cloud is called, and how it differs, in words and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gadet.experts.pointcloud.candidate import OrientedBox
from gadet.experts.pointcloud.cells import Floats

__all__ = ["Description", "Traits", "described", "number", "unlike"]

LONG = 4.0
"""Length² over area from which a groove or ridge is a scratch; a disc has 1.3."""
STEEP = 0.6
"""Height over half the width from which what stands out is a part of its own."""
DEEP = 0.25
"""Thickness of a gap, of its width, from which it is a missing part and no hole in a surface."""
BOTH = 0.25
"""Share of points on the rarer side from which a part goes up and down."""


@dataclass(frozen=True, eq=False)
class Traits:
    """What is measured on a part.

    Attributes:
        offset: float64 `(n,)` smoothed distance of its points from normal, outwards positive.
        noise: Their standard error.
        box: The box around it, or around the gap.
        area: Of the surface it takes, or of the gap.
        gap: Whether points are missing rather than displaced.
    """

    offset: Floats
    noise: float
    box: OrientedBox
    area: float
    gap: bool


@dataclass(frozen=True)
class Description:
    """A short label, a sentence, the numbers behind it."""

    label: str
    fact: str
    measures: dict[str, float]


def number(value: float) -> str:
    """Three significant digits without an exponent: "1.2", "0.00345", "1230"."""
    if value == 0 or not np.isfinite(value):
        return "0"
    digits = max(0, 2 - int(np.floor(np.log10(abs(value)))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _label(traits: Traits, height: float) -> str:
    """The name that the measures give."""
    if traits.gap:
        return "missing part" if traits.box.sides[2] > DEEP * traits.box.sides[1] else "hole"
    clear = traits.offset[np.abs(traits.offset) > 2 * traits.noise]
    outside = float(np.mean(clear > 0)) if len(clear) else 0.5
    if BOTH <= outside <= 1 - BOTH:
        return "waviness"
    if outside > 0.5 and height > STEEP * traits.box.sides[1] / 2:
        return "extra part"
    if traits.box.sides[0] ** 2 > LONG * traits.area:
        return "scratch" if outside < 0.5 else "ridge"
    return "bump" if outside > 0.5 else "dent"


PHRASES: Mapping[str, Callable[[str, str], str]] = {
    "dent": lambda height, size: f"Dent {height} deep over {size}",
    "bump": lambda height, size: f"Bump {height} high over {size}",
    "scratch": lambda height, size: f"Scratch {height} deep over {size}",
    "ridge": lambda height, size: f"Ridge {height} high over {size}",
    "extra part": lambda height, size: f"Extra part {height} high over {size}",
    "waviness": lambda height, size: f"Waviness of ±{height} over {size}",
    "hole": lambda height, size: f"Hole of {size}",
    "missing part": lambda height, size: f"A part of {size} is missing, {height} high",
}


def described(traits: Traits, centroid: Floats, units: str | None) -> Description:
    """Name a part and tell its measures.

    Args:
        traits: What was measured, in units of the cloud.
        centroid: `(3,)` where it is.
        units: Name of the unit, when it is known.
    """
    unit = f" {units}" if units else ""
    size = np.sort(np.abs(traits.offset))
    # The mean of the highest tenth: one point alone would tell its noise.
    height = float(size[-max(1, len(size) // 10) :].mean())
    if traits.gap:
        height = float(traits.box.sides[2])
    label = _label(traits, height)
    long, wide, thin = (float(side) for side in traits.box.sides)
    told = f"{number(long)} × {number(wide)}{unit}"
    place = ", ".join(number(float(value)) for value in centroid)
    fact = f"{PHRASES[label](f'{number(height)}{unit}', told)} at ({place})."
    measures = {
        "height": height, "length": long, "width": wide, "thickness": thin, "area": traits.area,
        "mean_offset": float(traits.offset.mean()) if len(traits.offset) else 0.0,
    }  # fmt: skip
    return Description(label, fact, measures)


def unlike(box: OrientedBox, centroid: Floats, area: float, units: str | None) -> Description:
    """What is told of a part that only looks like nothing in the references."""
    unit = f" {units}" if units else ""
    long, wide, thin = (float(side) for side in box.sides)
    place = ", ".join(number(float(value)) for value in centroid)
    fact = (
        f"Unlike any surface of the references over {number(long)} × {number(wide)}{unit} "
        f"at ({place})."
    )
    measures = {"length": long, "width": wide, "thickness": thin, "area": area}
    return Description("unusual shape", fact, measures)
