"""Puts motion and scene together: one score and one map for a frame."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray, resize
from gadet.experts.video.glimpse import Glimpse
from gadet.experts.video.motion import Motion
from gadet.experts.video.scene import Scene

__all__ = ["BOUNDARY", "Judge", "Judgement", "to_score", "together"]

BOUNDARY = 4.0
"""Spreads above normal frames at which a frame counts as anomalous."""
POWER = 3.0
"""How much the leading cue outweighs the others."""


def to_score(sigmas: npt.ArrayLike) -> FloatArray:
    """Spreads above normal as scores in (0, 1): 0.5 at the boundary, never quite 1."""
    above = np.logaddexp(0, np.asarray(sigmas, dtype=np.float64))
    return np.asarray(above / (above + np.logaddexp(0, BOUNDARY)), dtype=np.float32)


def together(sigmas: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Spreads above normal of all cues, along the first axis.

    They are those of the leading cue, and a little more where others are high too. What is below
    normal counts less and less, but still says which of two quiet places is quieter.
    """
    above = np.logaddexp(0, np.asarray(sigmas, dtype=np.float64))
    total: npt.NDArray[np.float64] = (above**POWER).sum(axis=0) ** (1 / POWER)
    # The inverse of the softened maximum above; it is above 0 for any cue.
    return np.where(total > 30, total, np.log(np.expm1(np.minimum(total, 30))))


@dataclass(frozen=True, eq=False)
class Judgement:
    """How far a frame is from normal.

    Attributes:
        sigmas: Spreads above normal by cue.
        maps: The same by place, `(h, w)` float32 each, in cells of 4 pixels; the highest value of a
            map is that of its cue.
    """

    sigmas: dict[str, float]
    maps: dict[str, FloatArray] = field(repr=False)

    @property
    def level(self) -> float:
        """Spreads above normal of all cues together."""
        return float(together(list(self.sigmas.values())))

    @property
    def map(self) -> FloatArray:
        """Spreads above normal by place, of all cues together."""
        return np.asarray(together(list(self.maps.values())), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Judge:
    """What is usual at a place, and how far a frame is from it.

    Attributes:
        scene: What the place looks like.
        motion: What moves through it, and how.
    """

    scene: Scene
    motion: Motion

    def judge(self, glimpse: Glimpse) -> Judgement:
        """How far a frame is from normal, by cue and by place."""
        maps = self.motion.maps(glimpse)
        sigmas = {cue: float(one.max()) for cue, one in maps.items()}
        share, changed = self.scene.judge(glimpse)
        shape = next(iter(maps.values())).shape
        peak = max(float(changed.max()), 1e-6)
        sigmas["change"] = share
        maps["change"] = resize(changed, (shape[0], shape[1])) * np.float32(share / peak)
        return Judgement(sigmas, maps)
