"""How a region stands against its surroundings: in the picture, and on the expert's map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray
from gadet.experts.lab import lab
from gadet.localize.proposal import Proposal

__all__ = ["Ground", "Standing"]

RIM = 0.35
"""Width of the surroundings, in square roots of the area of the region."""
LEAST_RIM = 4
JUST_SEEN = 4.0
"""Variance of L* below which two levels cannot be told apart anyway."""


@dataclass(frozen=True)
class Standing:
    """How a region stands out.

    Attributes:
        evidence: The mean of the map in it, as a share of the map's peak.
        distinct: How far its mean colour lies from that around it, in spreads of both.
        shown: The share of it that is not in the surround.
    """

    evidence: float
    distinct: float
    shown: float = 1.0


@dataclass(frozen=True, eq=False)
class Ground:
    """What regions are measured on: sums over the picture, and the map.

    Attributes:
        colours: `(H, W, 5)` float32: L*, a*, b*, L* squared and 1; all 0 in the surround.
        sums: `(H + 1, W + 1, 5)` float64, their sums above and left of each corner.
        score_map: `(H, W)` float32 in [0, 1].
        peak: The highest value of the map, never 0.
    """

    colours: FloatArray = field(repr=False)
    sums: npt.NDArray[np.float64] = field(repr=False)
    score_map: FloatArray = field(repr=False)
    peak: float

    @classmethod
    def of(
        cls,
        pixels: npt.NDArray[np.uint8],
        score_map: FloatArray,
        surround: npt.NDArray[np.bool_] | None = None,
    ) -> Ground:
        """Prepare a picture `(H, W, 3)` and the map `(H, W)` on it.

        With a `surround` `(H, W)`, regions are compared with nothing in it.
        """
        colours = lab(pixels).astype(np.float32)
        shown = np.ones(pixels.shape[:2], dtype=np.float32)
        if surround is not None:
            shown[surround] = 0
        colours = np.dstack((colours, np.square(colours[..., 0]), shown))
        colours *= shown[..., None]
        sums = np.zeros((pixels.shape[0] + 1, pixels.shape[1] + 1, 5))
        sums[1:, 1:] = colours.cumsum(axis=0, dtype=np.float64).cumsum(axis=1)
        return cls(colours, sums, score_map, max(float(score_map.max()), 1e-6))

    def standing(self, one: Proposal) -> Standing:
        """Measure a region of this picture."""
        height, width = one.mask.shape
        rim = max(LEAST_RIM, int(RIM * np.sqrt(one.area)))
        y0, x0 = max(one.top - rim, 0), max(one.left - rim, 0)
        y1 = min(one.top + height + rim, self.colours.shape[0])
        x1 = min(one.left + width + rim, self.colours.shape[1])
        whole = self.sums[y1, x1] - self.sums[y0, x1] - self.sums[y1, x0] + self.sums[y0, x0]
        inside = self.colours[one.window][one.mask].sum(axis=0, dtype=np.float64)
        outside = (whole - inside) / max(float(whole[4] - inside[4]), 1)
        shown = float(inside[4]) / one.area
        inside = inside / max(float(inside[4]), 1)
        gap = float(np.linalg.norm(inside[:3] - outside[:3]))
        spread = sum(max(float(part[3] - part[0] ** 2), 0.0) for part in (inside, outside))
        evidence = float(self.score_map[one.window][one.mask].mean()) / self.peak
        return Standing(evidence, gap / float(np.sqrt(spread + JUST_SEEN)), shown)

    def sharpness(self) -> float:
        """The steepest step of the map between two pixels, as a share of its peak.

        A difference of two pictures has steps of an eighth and more; a map of patches rises over
        tens of pixels and cannot tell where a region ends.
        """
        down = np.abs(np.diff(self.score_map, axis=0)).max(initial=0.0)
        across = np.abs(np.diff(self.score_map, axis=1)).max(initial=0.0)
        return float(max(down, across)) / self.peak

    def standings(self, proposals: Sequence[Proposal]) -> list[Standing]:
        """Measure many regions."""
        return [self.standing(one) for one in proposals]
