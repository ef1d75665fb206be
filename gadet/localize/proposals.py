"""Region proposals: the expert's regions made exact, and what else may deserve a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gadet.experts.base import Candidate, Evidence
from gadet.experts.filters import FloatArray, resize
from gadet.experts.regions import bounding_box
from gadet.geometry import Box
from gadet.localize.fusion import fuse, shrunk, working_shape
from gadet.localize.proposal import Proposal
from gadet.localize.refine import Refiner
from gadet.localize.standing import Standing

__all__ = ["expert_regions", "propose_regions"]

Pixels = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]

SAME_PLACE_IOU = 0.7
"""Two regions that share more than this are one place."""
BELOW = 0.49
"""The score of what the expert did not find suspicious stays below the boundary."""
FLAT = 0.05
"""A map that spans less than this says nothing, and nothing is proposed from it."""
NAMES = {
    "expert": "part of the anomaly map",
    "contrast": "stands out from its surroundings",
    "superpixels": "region of its own colour or texture",
    "swellings": "soft region of its own colour",
    "bands": "side of a step in the picture",
    "grid": "part of the picture",
    "sam": "segment",
}


def expert_regions(pixels: Pixels, evidence: Evidence, *, most: int) -> tuple[Candidate, ...]:
    """The expert's own regions with the borders they have in the picture, at most `most`.

    Of two that become one place, the more suspicious stays. Score, label and what was measured
    stay those of the expert.
    """
    refiner = Refiner(pixels, evidence.score_map)
    kept: list[Candidate] = []
    for candidate in evidence.candidates:
        if len(kept) == most:
            break
        if not isinstance(candidate, Candidate):
            continue
        mask = refiner.region(candidate.mask)
        exact = replace(candidate, mask=mask, box=Box.of(*bounding_box(mask)))
        if not any(_same(exact, other) for other in kept):
            kept.append(exact)
    return tuple(kept)


def propose_regions(
    pixels: Pixels,
    evidence: Evidence,
    *,
    most: int,
    segments: Iterable[tuple[BoolArray, float]] = (),
) -> tuple[Candidate, ...]:
    """Choose at most `most` regions that deserve a number.

    The expert's own regions come first. The others are chosen from the parts of its map, what
    stands out in the picture, regions within regions, both sides of steps, and the cells of a
    grid, so that a model which looks again can also point at what the expert thought harmless.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        evidence: What the expert measured on these pixels.
        most: Largest number of regions.
        segments: Masks `(H, W)` bool of a segmenter with their quality in [0, 1].

    Returns:
        Regions, the expert's in its order, then the others by their score, which lies below 0.5.
    """
    known = expert_regions(pixels, evidence, most=most)
    if len(known) == most or (not known and float(np.ptp(evidence.score_map)) < FLAT):
        return known
    shape = working_shape(pixels.shape)
    score_map = _on(evidence.score_map, shape)
    chosen = fuse(
        shrunk(pixels, shape),
        score_map,
        [Proposal.of("expert", one.score, one.mask).on(shape) for one in known],
        [Proposal.of("sam", quality, mask).on(shape) for mask, quality in segments if mask.any()],
        most=most,
    )[len(known) :]
    peak = float(score_map.max())
    others = [_candidate(one, how, peak, pixels.shape) for one, how in chosen]
    others = [one for one in others if not any(_same(one, other) for other in known)]
    others.sort(key=lambda one: -one.score)
    return (*known, *others)


def _on(score_map: FloatArray, shape: tuple[int, int]) -> FloatArray:
    """The map on the working copy; the highest value of what a pixel stands for would widen it."""
    step = max(1, min(score_map.shape[0] // shape[0], score_map.shape[1] // shape[1]) // 2)
    return np.clip(resize(score_map[::step, ::step], shape), 0, 1)


def _candidate(one: Proposal, how: Standing, peak: float, native: tuple[int, ...]) -> Candidate:
    """A chosen region in native pixels, with what is known about it."""
    lifted = one.on((native[0], native[1]))
    height, width = lifted.mask.shape
    score = min(BELOW, how.evidence * peak)
    return Candidate(
        mask=lifted.whole(),
        box=Box.of(lifted.left, lifted.top, lifted.left + width, lifted.top + height),
        score=score,
        label=NAMES[one.source],
        fact=f"not found suspicious; {score:.2f} of 1 on the anomaly map.",
        measures={"evidence": how.evidence, "distinct": how.distinct},
    )


def _same(one: Candidate, other: Candidate) -> bool:
    if one.box.iou(other.box) < SAME_PLACE_IOU / 2:
        return False
    shared = int(np.count_nonzero(one.mask & other.mask))
    return shared > SAME_PLACE_IOU * int(np.count_nonzero(one.mask | other.mask))
