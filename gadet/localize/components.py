"""Regions of the expert's map: what reaches it at several heights."""

from __future__ import annotations

from gadet.experts.filters import FloatArray
from gadet.localize.proposal import Proposal, parts_of

__all__ = ["map_parts"]

HEIGHTS = (0.8, 0.6, 0.45, 0.3, 0.2, 0.12)
"""Thresholds as shares of the highest value: what is one region low down may be three higher up."""
FLAT = 0.05
"""A map that spans less than this names no place."""
LEAST = 6
LARGEST_SHARE = 0.6


def map_parts(score_map: FloatArray) -> list[Proposal]:
    """The connected parts of a map `(H, W)` in [0, 1] above several heights, in its own pixels."""
    peak, floor = float(score_map.max()), float(score_map.min())
    if peak - floor < FLAT:
        return []
    shape = (score_map.shape[0], score_map.shape[1])
    most = max(LEAST, int(LARGEST_SHARE * score_map.size))
    found: list[Proposal] = []
    for height in HEIGHTS:
        above = score_map >= floor + height * (peak - floor)
        for left, top, mask in parts_of(above, min(LEAST, score_map.size), most):
            window = score_map[top : top + mask.shape[0], left : left + mask.shape[1]]
            found.append(Proposal("expert", float(window[mask].max()), left, top, mask, shape))
    return found
