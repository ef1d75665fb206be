"""A picture against itself: what is unlike the rest of it."""

from __future__ import annotations

import numpy as np

from gadet.experts.cues import Cue, Described
from gadet.experts.filters import FloatArray
from gadet.experts.memory import BOUNDARY, Verdict, evidence_map, logit, sigmoid
from gadet.experts.patches import nearest_elsewhere, top_mean, typical_distance

__all__ = ["assess_alone"]

TOP = 0.2
"""Share of the patches, the most unusual ones, whose mean is the picture's score."""
USUAL, SPREAD = 0.61, 0.06
"""Distance of these patches in normal pictures, per root of the number of stages, and the spread of
its logarithm. Over steel, nuts and heads the mean lay between 0.55 and 0.69, the spread at 0.05."""
USUAL_TEXTURE, SPREAD_TEXTURE = 0.75, 0.15
"""The same for colour and texture, as a share of the distance between any two patches."""


def _sigmas(cue: Cue, grid: FloatArray, distances: FloatArray) -> FloatArray:
    """Standard deviations of distances above what is usual in normal pictures of all kinds."""
    if cue.stages:
        unit, usual, spread = len(cue.stages) ** 0.5, USUAL, SPREAD
    else:
        unit, usual, spread = typical_distance(grid), USUAL_TEXTURE, SPREAD_TEXTURE
    share = np.maximum(distances / max(unit, 1e-6), 1e-6)
    return np.asarray((np.log(share) - np.log(usual)) / spread, dtype=np.float32)


def assess_alone(cues: tuple[Cue, ...], picture: Described) -> Verdict:
    """Score a picture without references, by the distance of its patches to others of its own.

    There is nothing to learn a scale from, so the scale is a convention, the same for all pictures.
    Within one kind of picture the scores rank well; the boundary fits some kinds better.

    Args:
        cues: The ways to look; only those of kind `nearest` are used.
        picture: Descriptors of the picture.
    """
    maps, sigmas = [], {}
    for cue in cues:
        if cue.kind == "nearest":
            grid = picture.grids[cue.grid]
            distances = nearest_elsewhere(grid)
            level = np.array(top_mean(distances, TOP), dtype=np.float32)
            sigmas[cue.name] = float(_sigmas(cue, grid, level))
            maps.append(_sigmas(cue, grid, distances))
    weights = [1 / len(maps)] * len(maps)
    whole = float(np.mean([sigmoid(sigma) for sigma in sigmas.values()]))
    score = float(sigmoid(logit(whole) - BOUNDARY))
    return Verdict(score, evidence_map(maps, weights, score), sigmas)
