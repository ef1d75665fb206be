"""The tolerant difference of a picture to registered references of the same scene.

A plain difference fires along every edge, because no registration is exact to the pixel. Here a
pixel counts only by how far it lies outside the range that the reference takes within a few pixels
around it, and the reference by how far it lies outside the range of the picture: the first finds
what is extra, the second what is missing, and neither minds an edge that moved a little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray, gaussian, local_max, local_min, luminance, warp
from gadet.experts.registration import Registration

__all__ = ["Difference", "compare", "match_levels", "noise_level", "outside_range"]

BoolArray = npt.NDArray[np.bool_]

TOLERANCE = 1 / 200
"""Edge tolerance as a share of the shorter side (3 px in a picture of 640)."""
FLOOR = 16.0
"""Least deviation in levels that counts. JPEG at quality 60 stays below it on flat ground."""
NOISES = 5.0
"""Deviation that counts, in standard deviations of the reference's own noise."""
EDGE = 0.4
"""Deviation that counts near an edge, as a share of the reference's range around it."""
SMOOTHING = 1.0
"""Standard deviation in pixels of the smoothing that removes single pixels."""


@dataclass(frozen=True, eq=False)
class Difference:
    """How a picture differs from the reference that explains it best, pixel by pixel.

    Attributes:
        ratio: `(H, W)` float32, deviation over what counts there; 1 is the decision boundary.
        score_map: `(H, W)` float32 in [0, 1], 0.5 where the ratio is 1, grown by the tolerance.
        baseline: `(H, W, 3)` float32, the references laid under the picture, levels matched.
        noise: The references' noise in levels.
        gain: Brightness of the picture over that of the reference, 1 when equal.
        radius: The edge tolerance in pixels.
    """

    ratio: FloatArray
    score_map: FloatArray
    baseline: FloatArray
    noise: float
    gain: float
    radius: int


def noise_level(gray: FloatArray) -> float:
    """Standard deviation of the fine noise of a luminance `(H, W)`, in levels, robust to edges.

    Source: Immerkær, "Fast noise variance estimation", CVIU 1996, doi:10.1006/cviu.1996.0060; the
    median in place of its mean keeps edges and texture out.
    """
    if min(gray.shape) < 3:
        return 0.0
    rows = gray[:-2] - 2 * gray[1:-1] + gray[2:]
    second = rows[:, :-2] - 2 * rows[:, 1:-1] + rows[:, 2:]
    return 1.4826 * float(np.median(np.abs(second))) / 6


def match_levels(
    picture: FloatArray, reference: FloatArray, inside: BoolArray
) -> tuple[FloatArray, float]:
    """Fit gain and offset of each channel of `reference` to `picture`, robust against defects.

    Both `(H, W, 3)` float32. Returns the fitted reference and the mean gain (held to [0.5, 2]).
    """
    fitted = np.empty_like(reference)
    gains = []
    # Every seventh pixel is enough for two numbers, and seven shares no factor with image sizes.
    for channel in range(3):
        x = reference[..., channel][inside][::7].astype(np.float64)
        y = picture[..., channel][inside][::7].astype(np.float64)
        gain, offset = 1.0, 0.0
        weight = np.ones_like(x)
        for _ in range(6 if x.size else 0):
            total = weight.sum()
            mean_x, mean_y = (weight * x).sum() / total, (weight * y).sum() / total
            spread = (weight * (x - mean_x) ** 2).sum()
            if spread > 1e-3 * x.size:
                gain = float((weight * (x - mean_x) * (y - mean_y)).sum() / spread)
                gain = min(max(gain, 0.5), 2.0)
            offset = mean_y - gain * mean_x
            residual = np.abs(y - gain * x - offset)
            scale = max(1.4826 * float(np.median(residual)), 1.0)
            weight = 1 / (1 + (residual / (2.4 * scale)) ** 2)
        fitted[..., channel] = gain * reference[..., channel] + offset
        gains.append(gain)
    return np.clip(fitted, 0, 255), float(np.mean(gains))


def outside_range(picture: FloatArray, reference: FloatArray, radius: int) -> FloatArray:
    """How far two aligned pictures leave each other's local range.

    Both `(H, W)` or `(H, W, C)`; the larger of (picture against the reference's range within
    `radius` pixels) and (reference against the picture's), 0 where both are inside.
    """
    deviation = np.maximum(
        picture - local_max(reference, radius), local_min(reference, radius) - picture
    )
    deviation = np.maximum(deviation, reference - local_max(picture, radius))
    deviation = np.maximum(deviation, local_min(picture, radius) - reference)
    return np.asarray(np.maximum(deviation, 0), dtype=np.float32)


def _against(
    picture: FloatArray, reference: FloatArray, registration: Registration, radius: int
) -> tuple[FloatArray, FloatArray, float, float]:
    """Ratio, baseline, noise and gain for one reference."""
    laid, inside = warp(reference, registration.matrix, picture.shape[:2])
    baseline, gain = match_levels(picture, laid, inside)
    baseline = np.where(inside[..., None], baseline, picture)
    deviation = outside_range(picture, baseline, radius).max(axis=2)
    # Ground that the reference does not show, and the rim whose window leaves it, says nothing.
    deviation *= local_min(inside.astype(np.float32), radius)
    deviation = gaussian(deviation, SMOOTHING)
    reach = radius + 4
    spread = (local_max(baseline, reach) - local_min(baseline, reach)).max(axis=2)
    noise = noise_level(luminance(reference))
    counts = np.maximum(max(FLOOR, NOISES * noise), EDGE * spread)
    return deviation / counts, baseline, noise, gain


def compare(picture: FloatArray, references: list[tuple[FloatArray, Registration]]) -> Difference:
    """Compare a picture with references of the same scene.

    What one of the references explains is normal, so the smallest ratio counts at each pixel.

    Args:
        picture: `(H, W, 3)` float32 RGB in levels.
        references: Pictures of the same shape with their registrations, at least one.
    """
    radius = max(1, round(TOLERANCE * min(picture.shape[:2])))
    found = [_against(picture, *reference, radius) for reference in references]
    ratio, baseline, noise, gain = found[0]
    for other_ratio, other_baseline, other_noise, _ in found[1:]:
        closer = other_ratio < ratio
        ratio = np.where(closer, other_ratio, ratio).astype(np.float32)
        baseline = np.where(closer[..., None], other_baseline, baseline).astype(np.float32)
        noise = max(noise, other_noise)
    score = np.asarray(ratio / (1 + ratio), dtype=np.float32)
    # The tolerance hides the rim of every deviation as wide as itself: grow by it, and let the
    # score fall off softly. The maximum keeps what was found, so that growing never hides a thing.
    grown = np.maximum(score, gaussian(local_max(score, radius), radius + 1))
    return Difference(ratio, grown, baseline, noise, gain, radius)
