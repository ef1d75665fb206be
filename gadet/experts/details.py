"""Details: a large picture compared with its references part by part, at full resolution.

On a small copy of a large picture a defect of a few pixels is gone. So once the copy has shown how
the references lie under the picture, parts of it are registered anew, each for itself, and compared
as small pictures are. No array but the map is as large as the picture.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from gadet.experts.base import Candidate
from gadet.experts.difference import Difference, compare
from gadet.experts.facts import describe
from gadet.experts.filters import FloatArray, luminance, warp
from gadet.experts.regions import Windowed, bounding_box, windowed_regions
from gadet.experts.registration import ODD, Registration, register
from gadet.geometry import Box

__all__ = ["Close", "Laid", "look_closely"]

Pixels = npt.NDArray[np.uint8]
BoolArray = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.float64]
Corners = tuple[int, int, int, int]

SIDE = 800
"""Longest side of a part in pixels, that of the small copy of a picture."""
RIM = 24
"""Pixels at the border of a part that are left to its neighbour: there its surroundings end."""
SLACK = 8
"""Pixels of the reference around a part, besides those that the motion asks for."""
MOST = 24
"""Largest number of regions."""
COVERED = 0.8
"""Share of a region of the copy that the parts must find again to give it its outline. Less is
found where parts lie within a stain and match their levels to it: of it they see the rim."""
BELOW = 0.499
"""What is not believed stays below the boundary."""
RESOLUTION = (0.8, 1.25)
"""Pixels of a reference per pixel of the picture; others lack the details, or have other ones."""


@dataclass(frozen=True, eq=False)
class Laid:
    """A reference of the same scene, and how it lies under the picture.

    Attributes:
        pixels: `(H, W, 3)` uint8 RGB, as it came.
        matrix: `(2, 3)`; pixel `(x, y)` of the picture is `matrix @ (x, y, 1)` of the reference,
            both in native pixels.
    """

    pixels: Pixels = field(repr=False)
    matrix: Matrix

    @classmethod
    def of(
        cls, pixels: Pixels, motion: Registration, picture: tuple[int, ...], copy: tuple[int, ...]
    ) -> Laid:
        """From the motion between two copies of one shape, of a picture and of the reference."""
        down, up = _scaled(picture, copy), _scaled(copy, pixels.shape)
        return cls(pixels, (up @ _square(motion.matrix) @ down)[:2])

    @property
    def fits(self) -> bool:
        """Whether it shows as much detail as the picture."""
        across = float(np.abs(np.linalg.det(self.matrix[:, :2]))) ** 0.5
        return bool(RESOLUTION[0] <= across <= RESOLUTION[1])

    def under(self, corners: Corners) -> tuple[FloatArray, Matrix]:
        """The piece that lies under a part `x0, y0, x1, y1`, float32, and the motion to it."""
        x0, y0, x1, y1 = corners
        ends = np.array([(x, y, 1) for x in (x0, x1) for y in (y0, y1)], dtype=np.float64)
        low, high = (self.matrix @ ends.T).min(axis=1), (self.matrix @ ends.T).max(axis=1)
        height, width = self.pixels.shape[:2]
        left, right = _stretch(low[0], high[0], width)
        top, bottom = _stretch(low[1], high[1], height)
        moved = self.matrix.copy()
        moved[:, 2] += self.matrix[:, :2] @ (x0, y0) - (left, top)
        return self.pixels[top:bottom, left:right].astype(np.float32), moved


@dataclass(frozen=True, eq=False)
class Close:
    """What the parts show, together with what the small copy has shown.

    Attributes:
        score_map: `(H, W)` float32 in [0, 1], 0.5 is the decision boundary.
        candidates: The regions, the highest score first.
        notes: How it was looked at.
    """

    score_map: FloatArray = field(repr=False)
    candidates: tuple[Candidate, ...]
    notes: tuple[str, ...]


def look_closely(
    pixels: Pixels,
    references: Sequence[Laid],
    known: Sequence[Candidate],
    cores: Sequence[BoolArray],
    overview: FloatArray,
) -> Close:
    """Compare a picture with references of the same scene, part by part.

    Where a part departs as a whole it may be registered wrongly, and is believed only within the
    regions that the small copy shows as well. A region of the copy that the parts do not find, such
    as a stain larger than they are, stays as it was; of the others they give the outline.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        references: At least one.
        known: The regions that the small copy has shown.
        cores: Of each `(H, W)` bool, the part that is beyond the boundary for itself, without the
            rim that the edge tolerance adds; not empty.
        overview: `(h, w)` float32, the map of the small copy.
    """
    height, width = pixels.shape[:2]
    score_map = np.zeros((height, width), dtype=np.float32)
    parts = list(_parts(width, height))
    radius = 1
    for part in parts:
        seen = _compared(pixels, references, part)
        radius = max(radius, seen.radius)
        # The map of a small picture is grown by the edge tolerance; outlines are wanted here.
        found = _believed(seen.ratio / (1 + seen.ratio), part, known)
        x0, y0, x1, y1 = _inner(part, width, height)
        score_map[y0:y1, x0:x1] = found[y0 - part[1] : y1 - part[1], x0 - part[0] : x1 - part[0]]
    kept = [one for one, core in zip(known, cores, strict=True) if not _covered(core, score_map)]
    for one in kept:
        _raise(score_map, one.mask, overview)
    others = [
        _candidate(region, owner, pixels, references)
        for region in windowed_regions(score_map, 0.5, cell=radius, least=radius)
        if (owner := _owner(region, known)) not in kept
    ]
    candidates = sorted((*kept, *others), key=lambda one: -one.score)
    note = f"compared at full resolution, in {len(parts)} parts"
    return Close(score_map, tuple(candidates[:MOST]), (note,))


def _believed(found: FloatArray, part: Corners, known: Sequence[Candidate]) -> FloatArray:
    """The map of a part; of one that departs as a whole, within the known regions only."""
    if np.mean(found >= 0.5) <= ODD:
        return found
    x0, y0, x1, y1 = part
    told = np.zeros(found.shape, dtype=bool)
    for one in known:
        told |= one.mask[y0:y1, x0:x1]
    return np.where(told, found, np.minimum(found, BELOW))


def _candidate(
    region: Windowed, owner: Candidate | None, pixels: Pixels, references: Sequence[Laid]
) -> Candidate:
    """A region of the parts; what was measured is its owner's, or is measured at its place."""
    mask = region.whole((pixels.shape[0], pixels.shape[1]))
    if owner is not None:
        return replace(owner, mask=mask, box=region.box, score=region.score)
    part = _around(region.box, pixels)
    x0, y0, x1, y1 = part
    seen = _compared(pixels, references, part)
    here = mask[y0:y1, x0:x1]
    core = here & (seen.ratio >= 1)
    told = describe(
        pixels[y0:y1, x0:x1],
        core if core.any() else here,
        Box.of(*bounding_box(here)),
        baseline=seen.baseline,
        sigma=seen.noise if seen.noise >= 1 else None,
    )
    return Candidate(mask, region.box, region.score, told.label, told.fact, told.measures)


def _compared(pixels: Pixels, references: Sequence[Laid], corners: Corners) -> Difference:
    """Compare a part `x0, y0, x1, y1` of a picture; the result is in pixels of the part."""
    x0, y0, x1, y1 = corners
    part = pixels[y0:y1, x0:x1].astype(np.float32)
    light = luminance(part)
    laid = []
    for one in references:
        piece, motion = one.under(corners)
        under, inside = warp(luminance(piece), motion, light.shape)
        local = register(light, np.where(inside, under, light))
        whole = (_square(motion) @ _square(local.matrix))[:2]
        laid.append((piece, Registration(whole, local.similarity, local.moved)))
    return compare(part, laid)


def _around(box: Box, pixels: Pixels) -> Corners:
    """The part of a picture with a region of at most a part's size in its middle."""
    height, width = pixels.shape[:2]
    (x0, x1), (y0, y1) = (
        _centred(low, high, length)
        for low, high, length in ((box.x0, box.x1, width), (box.y0, box.y1, height))
    )
    return x0, y0, x1, y1


def _parts(width: int, height: int) -> Iterator[Corners]:
    """Parts of equal size that overlap by twice the rim and cover everything."""
    for y0, y1 in _stretches(height):
        for x0, x1 in _stretches(width):
            yield x0, y0, x1, y1


def _stretches(length: int) -> list[tuple[int, int]]:
    if length <= SIDE:
        return [(0, length)]
    count = -(-(length - 2 * RIM) // (SIDE - 2 * RIM))
    starts = np.linspace(0, length - SIDE, count).astype(int).tolist()
    return [(start, start + SIDE) for start in starts]


def _inner(part: Corners, width: int, height: int) -> Corners:
    """A part without the rim that its neighbours see better."""
    x0, y0, x1, y1 = part
    return (
        x0 + (RIM if x0 else 0),
        y0 + (RIM if y0 else 0),
        x1 - (RIM if x1 < width else 0),
        y1 - (RIM if y1 < height else 0),
    )


def _centred(low: float, high: float, length: int) -> tuple[int, int]:
    side = min(SIDE, length)
    start = min(max(int((low + high - side) / 2), 0), length - side)
    return start, start + side


def _stretch(low: float, high: float, length: int) -> tuple[int, int]:
    """Whole pixels with some slack, one at least, within an axis."""
    start = min(max(int(low) - SLACK, 0), length - 1)
    return start, max(min(int(high) + SLACK, length), start + 1)


def _scaled(old: tuple[int, ...], new: tuple[int, ...]) -> Matrix:
    """From pixels of a picture of one shape to those of its copy; both count from centres."""
    across, down = new[1] / old[1], new[0] / old[0]
    return np.array(
        [[across, 0, across / 2 - 0.5], [0, down, down / 2 - 0.5], [0, 0, 1]], dtype=np.float64
    )


def _square(matrix: Matrix) -> Matrix:
    return np.vstack((matrix, (0.0, 0.0, 1.0)))


def _covered(core: BoolArray, score_map: FloatArray) -> bool:
    """Whether the parts found a known region again."""
    if not core.any():
        return False
    x0, y0, x1, y1 = bounding_box(core)
    inside = core[y0:y1, x0:x1]
    found = score_map[y0:y1, x0:x1] >= 0.5
    return bool(np.count_nonzero(found & inside) >= COVERED * np.count_nonzero(inside))


def _raise(score_map: FloatArray, mask: BoolArray, overview: FloatArray) -> None:
    """Let a region of the copy stand in the map as the copy has it."""
    x0, y0, x1, y1 = bounding_box(mask)
    rows, columns = (
        (np.arange(low, high) * short // long)
        for low, high, short, long in zip(
            (y0, x0), (y1, x1), overview.shape, score_map.shape, strict=True
        )
    )
    copy = np.where(mask[y0:y1, x0:x1], overview[np.ix_(rows, columns)], 0)
    window = score_map[y0:y1, x0:x1]
    window[...] = np.maximum(window, copy)


def _owner(one: Windowed, known: Sequence[Candidate]) -> Candidate | None:
    """The known region that a region lies in for the most part."""
    for other in known:
        if 2 * np.count_nonzero(other.mask[one.window] & one.mask) > np.count_nonzero(one.mask):
            return other
    return None
