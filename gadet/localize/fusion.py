"""All sources of proposals on one working copy, weighed against each other, and a few chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.experts.filters import FloatArray, resize
from gadet.experts.tissue import Tissue
from gadet.localize.choice import choose, overlaps
from gadet.localize.components import map_parts
from gadet.localize.contrast import stand_outs
from gadet.localize.grid import bands, cells
from gadet.localize.hierarchy import nested_regions
from gadet.localize.proposal import Proposal
from gadet.localize.standing import Ground, Standing
from gadet.localize.superpixels import features_of
from gadet.localize.surround import Surround
from gadet.localize.swellings import swellings

__all__ = ["SOURCES", "fuse", "region_at", "shrunk", "working_shape"]

FloatVector = npt.NDArray[np.float64]

SOURCES = ("expert", "contrast", "superpixels", "swellings", "bands", "grid", "sam")
LONGEST = 512
"""Longest side in pixels of the working copy."""
COARSE = 128
"""Longest side of the copy that superpixels and bands are found on."""
MOST_OF_A_SOURCE = 300
SOFT, SHARP = 0.05, 0.13
"""Sharpness of a map that says nothing of borders, and of one that says all."""
TRUST = (0.05, 0.97)
"""Chance that the truth is a part of the map as it stands, for a soft and for a sharp map."""
IN_TISSUE = 0.7
"""The same for the map of tissue, which is as soft as a swelling is."""
GRID_CHANCE = 0.03
REPEATED = 0.1
"""What a part of a sharp map that meets a known region counts: the map has drawn it already, and
more numbers on it would hide it. Where marks are left it may still be the better outline."""
INEXACT = 0.5
"""How well a region of a soft map outlines what it lies on."""
CLEAR = 6.0
"""Distinctness from which a region stands out as clearly as can be."""
IN_SCAN = 1.0
"""What swellings count where the picture is grey on black, as scans of a body are: broad lesions
are among them. Set with nine brain slices in view."""
HIDDEN = 0.1
"""What a region counts, as a share, for each part of it that lies in the surround."""
REFLECTION = 0.1
"""What contrast counts in tissue, where what stands out is a reflection, as a rule."""


class Kind(NamedTuple):
    """What a picture is like, each in [0, 1].

    Attributes:
        sharp: How steep the steps of the expert's map are.
        red: How surely it shows the inside of a body.
        around: The share of its border that is in a black surround.
        grey: How surely it has no colours.
    """

    sharp: float
    red: float
    around: float
    grey: float


def working_shape(shape: tuple[int, ...], longest: int = LONGEST) -> tuple[int, int]:
    """The `(height, width)` of a copy with the longest side at most `longest`."""
    scale = min(1.0, longest / max(shape[:2]))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def shrunk(pixels: npt.NDArray[np.uint8], shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A copy `(H, W, 3)` of `shape`, each pixel the mean of what it stands for."""
    if pixels.shape[:2] == shape:
        return pixels
    step = max(1, min(pixels.shape[0] // shape[0], pixels.shape[1] // shape[1]) // 4)
    picture = Image.fromarray(np.ascontiguousarray(pixels[::step, ::step]))
    return np.asarray(picture.resize(shape[::-1], Image.Resampling.BOX))


def fuse(
    pixels: npt.NDArray[np.uint8],
    score_map: FloatArray,
    known: Sequence[Proposal],
    more: Sequence[Proposal] = (),
    *,
    most: int,
    sources: Sequence[str] = SOURCES,
) -> list[tuple[Proposal, Standing]]:
    """Choose at most `most` regions of a working copy.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        score_map: `(H, W)` float32 in [0, 1].
        known: Regions of the expert, chosen in any case.
        more: Regions found elsewhere, of source `sam`.
        most: Largest number of regions, the known ones included.
        sources: Which sources to ask.

    Returns:
        The known regions, then the others in the order of choice, each with how it stands out.
    """
    surround = Surround.of(pixels)
    ground = Ground.of(pixels, score_map, surround.mask)
    proposals = [*known, *_gathered(pixels, score_map, more, sources)]
    standings = ground.standings(proposals)
    proposals, standings = _strongest(proposals, standings, len(known))
    if not proposals:
        return []
    kind = Kind(ground.sharpness(), Tissue.of(pixels).likely, surround.share, surround.grey)
    weights = _weights(proposals, standings, kind)
    if ground.sharpness() >= (SOFT + SHARP) / 2:
        for i, one in enumerate(proposals[len(known) :], start=len(known)):
            if one.source == "expert" and _meets(one, known):
                weights[i] *= REPEATED
    exact = float(np.interp(kind.sharp, (SOFT, SHARP), (INEXACT, 1.0)))
    chosen = choose(weights, overlaps(proposals), most, first=len(known), exact=exact)
    return [(proposals[i], standings[i]) for i in chosen]


def _meets(one: Proposal, known: Sequence[Proposal]) -> bool:
    return any(one.shared(other) for other in known)


def region_at(
    pixels: npt.NDArray[np.uint8], score_map: FloatArray, row: int, column: int
) -> Proposal | None:
    """Of the regions that hold a pixel of a working copy, the likeliest; None when none does."""
    ground = Ground.of(pixels, score_map)
    holding = [
        one
        for one in _gathered(pixels, score_map, (), ("contrast", "superpixels"))
        if one.holds(row, column)
    ]
    return max(holding, key=lambda one: _likelihood(one, ground.standing(one)), default=None)


def _gathered(
    pixels: npt.NDArray[np.uint8],
    score_map: FloatArray,
    more: Sequence[Proposal],
    sources: Sequence[str],
) -> list[Proposal]:
    shape = (pixels.shape[0], pixels.shape[1])
    coarse = working_shape(shape, COARSE)
    features = features_of(shrunk(pixels, coarse))
    asked = {
        "expert": lambda: map_parts(score_map),
        "contrast": lambda: stand_outs(pixels),
        "superpixels": lambda: nested_regions(features, resize(score_map, coarse)),
        "swellings": lambda: swellings(Tissue.of(pixels)),
        "bands": lambda: bands(features),
        "grid": lambda: cells(shape),
        "sam": lambda: list(more),
    }
    return [one.on(shape) for name in sources for one in asked[name]()]


def _likelihood(one: Proposal, standing: Standing) -> float:
    """How likely a region is the truth, compared with others of its source."""
    if one.source == "expert":
        return standing.evidence
    if one.source == "bands":
        return one.strength**2
    if one.source == "grid":
        return 1.0
    if one.source == "swellings":
        return one.strength
    if one.source == "contrast":
        # It finds what is too small for a map of patches, which then speaks of something else.
        return standing.distinct + 0.2
    return float(np.sqrt(standing.evidence + 0.01)) * (standing.distinct + 0.2)


def _strongest(
    proposals: list[Proposal], standings: list[Standing], first: int
) -> tuple[list[Proposal], list[Standing]]:
    """At most `MOST_OF_A_SOURCE` of each source, in their order; the first ones in any case."""
    kept = set(range(first))
    for source in SOURCES:
        of_it = [i for i in range(first, len(proposals)) if proposals[i].source == source]
        of_it.sort(key=lambda i: -_likelihood(proposals[i], standings[i]))
        kept |= set(of_it[:MOST_OF_A_SOURCE])
    order = sorted(kept)
    return [proposals[i] for i in order], [standings[i] for i in order]


def _weights(
    proposals: Sequence[Proposal], standings: Sequence[Standing], kind: Kind
) -> FloatVector:
    """The chance of each region: that of its source, shared among the regions of the source."""
    weights = np.array(
        [
            _likelihood(one, how) * (HIDDEN + (1 - HIDDEN) * how.shown)
            for one, how in zip(proposals, standings, strict=True)
        ]
    )
    names = np.array([one.source for one in proposals])
    chances = _chances(proposals, standings, kind)
    for source in SOURCES:
        of_it = names == source
        total = float(weights[of_it].sum())
        if total > 0:
            weights[of_it] *= chances[source] / total
    return weights


def _chances(
    proposals: Sequence[Proposal], standings: Sequence[Standing], kind: Kind
) -> dict[str, float]:
    """How likely the truth is a region of each source, in this picture.

    A sharp map is trusted as it stands. With a soft one the picture decides: contrast counts by
    how far its best regions stand out, bands by how large and sudden their step is unless it leads
    to the surround, swellings in scans, and in the red of tissue before all.
    """
    trust = max(float(np.interp(kind.sharp, (SOFT, SHARP), TRUST)), IN_TISSUE * kind.red)
    scan = kind.around * kind.grey
    pairs = list(zip(proposals, standings, strict=True))
    distinct = sorted((how.distinct for one, how in pairs if one.source == "contrast"))[-3:]
    step = max((one.strength for one, _ in pairs if one.source == "bands"), default=0.0)
    told = {
        "contrast": min(CLEAR, float(np.mean(distinct))) ** 2 / 8 if distinct else 0.0,
        "superpixels": 0.5,
        "swellings": 0.05 + 3.0 * kind.red + IN_SCAN * scan,
        "bands": 0.8 * step * (1 - kind.around),
        "sam": 1.0 if any(one.source == "sam" for one in proposals) else 0.0,
    }
    told["contrast"] *= 1 - (1 - REFLECTION) * kind.red
    total = sum(told.values())
    shares = {source: (1 - trust) * value / total for source, value in told.items()}
    return shares | {"expert": trust, "grid": (1 - trust) * GRID_CHANCE}
