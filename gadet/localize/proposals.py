"""Region proposals without weights: the expert's regions, and the next peaks of its map."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gadet.experts.base import Candidate, Evidence
from gadet.geometry import Box
from gadet.localize.refine import snap_to_superpixels

__all__ = ["propose_regions"]

# Two regions that share more than this are one place.
SAME_PLACE_IOU = 0.5
PEAK_WINDOW = 1 / 12
LOWEST_PEAK = 0.15


def propose_regions(
    pixels: npt.NDArray[np.uint8], evidence: Evidence, *, most: int
) -> tuple[Candidate, ...]:
    """Choose at most `most` regions that deserve a number.

    The expert's own regions come first, snapped to the borders in the picture. When fewer than
    three remain, the highest remaining peaks of the map are added, so that a model which looks
    again can also point at something the expert thought harmless.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        evidence: What the expert measured on these pixels.
        most: Largest number of regions.

    Returns:
        Regions, the highest score first.
    """
    chosen: list[Candidate] = []
    for candidate in evidence.candidates:
        if len(chosen) == most:
            break
        if not isinstance(candidate, Candidate):
            continue
        refined = _refined(pixels, candidate)
        if all(refined.box.iou(other.box) < SAME_PLACE_IOU for other in chosen):
            chosen.append(refined)
    wanted = min(most, 3)
    if len(chosen) < wanted:
        chosen += _peaks(evidence, chosen, wanted - len(chosen))
    return tuple(chosen)


def _refined(pixels: npt.NDArray[np.uint8], candidate: Candidate) -> Candidate:
    mask = snap_to_superpixels(pixels, candidate.mask)
    return candidate if mask is candidate.mask else replace(candidate, mask=mask, box=_box(mask))


def _peaks(evidence: Evidence, taken: list[Candidate], count: int) -> list[Candidate]:
    """The highest places of the map that no chosen region covers, as small square windows."""
    remaining = evidence.score_map.copy()
    height, width = remaining.shape
    side = max(8, round(PEAK_WINDOW * max(height, width)))
    for candidate in taken:
        x0, y0, x1, y1 = candidate.box.padded(side / 2).rounded_out()
        remaining[max(y0, 0) : y1, max(x0, 0) : x1] = 0
    found: list[Candidate] = []
    while len(found) < count:
        y, x = np.unravel_index(int(np.argmax(remaining)), remaining.shape)
        score = float(remaining[y, x])
        if score < LOWEST_PEAK:
            break
        top, left = max(int(y) - side // 2, 0), max(int(x) - side // 2, 0)
        window = np.s_[top : top + side, left : left + side]
        mask = np.zeros(remaining.shape, dtype=bool)
        mask[window] = evidence.score_map[window] >= score / 2
        box = _box(mask)
        found.append(
            Candidate(
                mask=mask,
                box=box,
                # A place below the expert's own operating point stays below the boundary.
                score=min(score, 0.49),
                label="unremarkable place",
                fact=f"the next highest place of the anomaly map, {score:.2f} of 1.",
            )
        )
        remaining[
            max(top - side // 2, 0) : top + 2 * side, max(left - side // 2, 0) : left + 2 * side
        ] = 0
    return found


def _box(mask: npt.NDArray[np.bool_]) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return Box.of(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
