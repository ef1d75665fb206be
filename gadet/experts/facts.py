"""Puts measurements of a region into words and numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray, local_max, luminance
from gadet.geometry import Box

__all__ = ["Description", "describe"]

BoolArray = npt.NDArray[np.bool_]

VISIBLE = 4.0
"""Differences below this many levels are not put into words: few screens and eyes show them."""
CLEAR = 2.0
"""Contrast to the surroundings must differ by this factor to speak of extra or missing material."""


@dataclass(frozen=True)
class Description:
    """How a region differs: a short label, half a sentence, the numbers behind it."""

    label: str
    fact: str
    measures: dict[str, float]


def _means(pixels: FloatArray, where: BoolArray) -> FloatArray:
    """Mean colour `(3,)` of the pixels in a mask."""
    mean: FloatArray = pixels[where].mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def _roughness(gray: FloatArray, where: BoolArray) -> float:
    """Mean size of the steps between neighbouring pixels in a mask, in levels."""
    across = np.abs(np.diff(gray, axis=1))[:, :][where[:, 1:] & where[:, :-1]]
    down = np.abs(np.diff(gray, axis=0))[where[1:] & where[:-1]]
    steps = np.concatenate((across, down))
    return float(steps.mean()) if steps.size else 0.0


def describe(
    pixels: npt.NDArray[np.uint8] | FloatArray,
    mask: BoolArray,
    box: Box,
    *,
    baseline: FloatArray | None = None,
    sigma: float | None = None,
    against: str = "the reference",
) -> Description:
    """Describe a region against a registered reference, or else against its surroundings.

    Args:
        pixels: The picture, `(H, W, 3)` RGB in levels.
        mask: `(H, W)` bool, not empty.
        box: Its tight box.
        baseline: What normal looks like at the same place, `(H, W, 3)` float32 in levels, when the
            reference shows the same scene.
        sigma: Spread of normal brightness in levels; differences are then also given in sigma.
        against: What the picture was compared with.

    Returns:
        Label, sentence and numbers.
    """
    height, width = mask.shape
    margin = max(4, round(0.5 * max(box.width, box.height)))
    x0, y0, x1, y1 = box.padded(margin + 1).rounded_out()
    window = (slice(max(y0, 0), min(y1, height)), slice(max(x0, 0), min(x1, width)))
    inside = mask[window]
    crop = np.asarray(pixels[window], dtype=np.float32)
    # Three pixels of distance keep the blurred rim of the region out of its surroundings.
    near = local_max(inside.astype(np.float32), 3) > 0
    ring = ~near if (~near).any() else ~inside
    if not ring.any():
        ring = inside
    normal = crop if baseline is None else np.asarray(baseline[window], dtype=np.float32)
    mean = _means(crop, inside)
    usual = _means(normal, ring if baseline is None else inside)
    gap = mean - usual
    brightness = float(luminance(gap))
    tint = float(np.linalg.norm(gap - brightness))
    contrast_here = float(np.linalg.norm(mean - _means(crop, ring))) / 3**0.5
    contrast_there = float(np.linalg.norm(usual - _means(normal, ring))) / 3**0.5
    rough_here = _roughness(luminance(crop), inside)
    rough_there = _roughness(luminance(normal), ring if baseline is None else inside)
    measures = {
        "brightness_levels": brightness,
        "colour_levels": tint,
        "roughness_levels": rough_here,
        "roughness_normal_levels": rough_there,
    }
    if sigma is not None and sigma > 0:
        measures["brightness_sigma"] = brightness / sigma
    where = "its surroundings" if baseline is None else f"{against} at this place"
    parts = []
    if abs(brightness) >= VISIBLE:
        word = "brighter" if brightness > 0 else "darker"
        spread = f" ({abs(brightness) / sigma:.1f} sigma)" if sigma else ""
        parts.append(f"{abs(brightness):.0f} levels{spread} {word} than {where}")
    if tint >= VISIBLE and tint > 0.35 * abs(brightness):
        parts.append(f"its colour is {tint:.0f} levels away from {where}")
    rough = (rough_here + 1) / (rough_there + 1)
    if rough >= 1.5 or rough <= 1 / 1.5:
        word = "rougher" if rough > 1 else "smoother"
        parts.append(f"{word} texture ({rough_here:.1f} against {rough_there:.1f} levels per step)")
    label = _label(brightness, tint, rough)
    if baseline is not None:
        measures["contrast_levels"] = contrast_here
        measures["contrast_normal_levels"] = contrast_there
        if max(contrast_here, contrast_there) >= 2 * VISIBLE:
            if contrast_here > CLEAR * contrast_there + VISIBLE:
                label = "extra material"
                parts.append(f"something is here that {against} does not show")
            elif contrast_there > CLEAR * contrast_here + VISIBLE:
                label = "missing material"
                parts.append(f"something is missing that {against} shows")
    told = "; ".join(parts) or f"its structure differs from {against}"
    return Description(label, f"{told}.", measures)


def _label(brightness: float, tint: float, rough: float) -> str:
    """The most telling of brightness, colour and texture."""
    if tint >= 2 * VISIBLE and tint > 0.8 * abs(brightness):
        return "colour change"
    if brightness <= -2 * VISIBLE:
        return "darker patch"
    if brightness >= 2 * VISIBLE:
        return "brighter patch"
    if rough >= 1.5 or rough <= 1 / 1.5 or max(abs(brightness), tint) < VISIBLE:
        return "texture change"
    return "darker patch" if brightness < 0 else "brighter patch"
