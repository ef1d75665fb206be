"""The localizer for images: it needs no weights, and takes a segmenter where there is one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError, LocalizationError
from gadet.experts.base import Candidate, Evidence, Suspect
from gadet.experts.cache import Cache, pixel_key
from gadet.experts.regions import bounding_box
from gadet.findings import ImageRegion, Region
from gadet.geometry import Box, Mask
from gadet.localize.base import Closeup, Pointer, Scene
from gadet.localize.counting import Counted, counted, tally, with_counts
from gadet.localize.counting_view import counting_view
from gadet.localize.groups import Group, closer_views, nested
from gadet.localize.marks import mark_view
from gadet.localize.points import decode_point
from gadet.localize.proposals import expert_regions, propose_regions
from gadet.localize.refine import Refiner
from gadet.localize.sam.segmenter import Segmenter
from gadet.localize.words import box_of_words
from gadet.media.base import Sample
from gadet.media.image import ImageSample
from gadet.view import View, ViewLimits

__all__ = ["ImageLocalizer"]

MOST_READABLE = 60
"""More numbers than this cannot be read in one picture: who asks for more looks at none of them."""

COUNTED_KEPT = 32
"""Pictures whose objects are kept, about 2 MB each; references are counted once for many items."""
MOST_COUNTED = 8
"""References that numbers are compared with."""
COARSE = "one number may stand for several outlines near it"
FINER = 3
"""So many times as many regions are proposed when marks may be coarse."""

Located = tuple[ImageRegion | None, tuple[str, ...]]


class ImageLocalizer:
    """Marks from the expert's map and the picture; masks from marks, boxes, points and words.

    Args:
        segmenter: Proposes regions and makes boxes and points exact; None does both without
            weights.
        fill: Share of a mark's colour that is laid over its region, in [0, 1]; 0 draws outlines
            alone, so that what lies under them stays as it is.

    Raises:
        ConfigurationError: `fill` is not in [0, 1].
    """

    def __init__(self, segmenter: Segmenter | None = None, *, fill: float = 0.0) -> None:
        """Keep the segmenter; nothing is loaded."""
        if not 0 <= fill <= 1:
            raise ConfigurationError(
                f"the fill of marks is a share of their colour, from 0 to 1; got {fill}"
            )
        self._segmenter = segmenter
        self._fill = fill
        self._counted: Cache[Counted] = Cache(COUNTED_KEPT)

    def propose(
        self, sample: Sample, evidence: Evidence | None, *, most: int
    ) -> tuple[Candidate, ...]:
        """At most `most` regions worth a number, the most suspicious first.

        Who asks for more than can be read in a picture gets the expert's regions alone.
        """
        if evidence is None:
            return ()
        if most > MOST_READABLE:
            return expert_regions(sample.pixels, evidence, most=most)
        found = self._segmenter.propose(sample.pixels) if self._segmenter else ()
        # One at a time: all masks of a large picture at once would not fit into memory.
        segments = ((one.mask, one.quality) for one in found)
        return propose_regions(sample.pixels, evidence, most=most, segments=segments)

    def count(self, sample: Sample, references: Sequence[Sample], evidence: Evidence) -> Evidence:
        """The evidence with the numbers of alike objects, as `counting.tally` compares them."""
        compared = [self._objects(one) for one in references[:MOST_COUNTED]]
        if not compared:
            return evidence
        return with_counts(evidence, tally(self._objects(sample), compared))

    def counting_views(
        self, sample: Sample, references: Sequence[Sample], limits: ViewLimits
    ) -> tuple[View, ...]:
        """The item and its first reference with the kinds numbered whose numbers differ."""
        compared = [self._objects(one) for one in references[:MOST_COUNTED]]
        item = self._objects(sample)
        kinds = [kind for kind in tally(item, compared).kinds if kind.differs]
        if not kinds:
            return ()
        here, there = sample.views(limits)[0], references[0].views(limits, role="reference")[0]
        return (
            counting_view(here, item, [kind.item for kind in kinds]),
            counting_view(there, compared[0], [kind.references[0] for kind in kinds]),
        )

    def _objects(self, sample: Sample) -> Counted:
        pixels = sample.pixels
        return self._counted.get(pixel_key(pixels), lambda: counted(pixels))

    def propose_nested(
        self, sample: Sample, evidence: Evidence | None, *, most: int
    ) -> tuple[Candidate, ...]:
        """At most `most` marks for up to three times as many regions, as `groups.nested` says."""
        finer = max(most, min(FINER * most, MOST_READABLE))
        return nested(self.propose(sample, evidence, most=finer), most)

    def parts_of(self, suspect: Suspect) -> tuple[Candidate, ...]:
        """The regions of a group; none of a region by itself."""
        return suspect.parts if isinstance(suspect, Group) else ()

    def inside(self, suspect: Suspect, scene: Scene, limits: ViewLimits) -> Closeup:
        """The surroundings of a group, enlarged, clean and with its regions numbered from 1."""
        if not isinstance(suspect, Group):
            raise LocalizationError(f"a group of regions is needed; got {type(suspect).__name__}")
        clean, marked = closer_views(scene.sample, suspect, limits, fill=self._fill)
        return Closeup(scene.views[0], (clean,), (marked,), suspect.parts)

    def mark(
        self,
        sample: Sample,
        views: Sequence[View],
        candidates: Sequence[Suspect],
        limits: ViewLimits,
    ) -> tuple[View, ...]:
        """The first view with the regions numbered from 1, still within what the model takes."""
        regions = [candidate for candidate in candidates if isinstance(candidate, Candidate)]
        view = mark_view(views[0], regions, limits, fill=self._fill)
        if any(self.parts_of(one) for one in regions):
            view = replace(view, caption=COARSE)
        return (view,)

    def locate(self, pointer: Pointer, scene: Scene) -> Located:
        """The region that a pointer means, in native pixels, and what had to be mended.

        A mark is exact. A box or a point is converted once through the model's own format and the
        view's frame, then made exact. Words are the last resort: the most suspicious region in
        the part of the picture that they name. What leads nowhere is noted, and the next way of
        pointing is taken.
        """
        candidate, notes = scene.candidate_of(pointer)
        if isinstance(candidate, Candidate):
            exact = self.region_of(candidate, scene.sample)
            return exact.model_copy(update={"mark": pointer.mark}), ()
        for way in (self._by_box, self._by_point, self._by_words):
            region, said = way(pointer, scene)
            notes += said
            if region is not None:
                return region, notes
        return None, notes

    def region_of(self, suspect: Suspect, sample: Sample) -> ImageRegion:
        """The exact pixels of a candidate."""
        if not isinstance(suspect, Candidate):
            raise LocalizationError(f"a region of an image is needed; got {type(suspect).__name__}")
        return ImageRegion(box=suspect.box, mask=Mask.from_array(suspect.mask))

    def closeup(self, region: Region, scene: Scene, limits: ViewLimits) -> Closeup | None:
        """The part around a region at the resolution of the input or larger."""
        sample = scene.sample
        if not isinstance(region, ImageRegion) or not isinstance(sample, ImageSample):
            return None
        view = sample.zoom(region.box, limits)
        return None if view is None else Closeup(scene.views[0], (view,))

    def _by_box(self, pointer: Pointer, scene: Scene) -> Located:
        if pointer.box is None:
            return None, ()
        view, notes = scene.view_of(pointer)
        frame = view.frame
        box, mended = scene.boxes.decode(pointer.box, frame.width, frame.height)
        notes += mended
        if box is None:
            return None, notes
        native = frame.to_native(box).clipped(frame.native_width, frame.native_height)
        if native is None:
            return None, (*notes, f"box {list(pointer.box)} lies outside the picture")
        mask = self._in_box(native, scene)
        return ImageRegion(box=native, mask=None if mask is None else Mask.from_array(mask)), notes

    def _by_point(self, pointer: Pointer, scene: Scene) -> Located:
        if pointer.point is None:
            return None, ()
        view, notes = scene.view_of(pointer)
        frame = view.frame
        point, mended = decode_point(pointer.point, scene.boxes, frame.width, frame.height)
        notes += mended
        if point is None:
            return None, notes
        sx, sy = frame.scale
        x, y = frame.source.x0 + point[0] * sx, frame.source.y0 + point[1] * sy
        mask = self._at_point(x, y, scene)
        if mask is None:
            return None, (*notes, f"nothing could be outlined at point {list(pointer.point)}")
        return _region(mask), notes

    def _by_words(self, pointer: Pointer, scene: Scene) -> Located:
        if pointer.place is None:
            return None, ()
        height, width = scene.sample.pixels.shape[:2]
        box = box_of_words(pointer.place, width, height)
        if box is None:
            return None, (f"the place {pointer.place[:80]!r} is no part of a picture",)
        note = f"only the words {pointer.place[:80]!r} told where: the region is a guess"
        inside = [
            one
            for one in (scene.evidence.candidates if scene.evidence else ())
            if isinstance(one, Candidate) and _holds(box, one.box.centre)
        ]
        if inside and scene.evidence:
            refiner = Refiner(scene.sample.pixels, scene.evidence.score_map)
            return _region(refiner.region(inside[0].mask)), (note,)
        return ImageRegion(box=box), (note,)

    def _in_box(self, box: Box, scene: Scene) -> npt.NDArray[np.bool_] | None:
        pixels = scene.sample.pixels
        if self._segmenter:
            found = self._segmenter.in_box(pixels, box)
            if found is not None and found.mask.any():
                return found.mask
        return _refiner(scene).box(box)

    def _at_point(self, x: float, y: float, scene: Scene) -> npt.NDArray[np.bool_] | None:
        pixels = scene.sample.pixels
        if self._segmenter:
            found = self._segmenter.at_points(pixels, [(x, y)], [True])
            if found is not None and found.mask.any():
                return found.mask
        return _refiner(scene).point(x, y)


def _refiner(scene: Scene) -> Refiner:
    return Refiner(scene.sample.pixels, scene.evidence.score_map if scene.evidence else None)


def _region(mask: npt.NDArray[np.bool_]) -> ImageRegion:
    return ImageRegion(box=Box.of(*bounding_box(mask)), mask=Mask.from_array(mask))


def _holds(box: Box, point: tuple[float, float]) -> bool:
    return box.x0 <= point[0] <= box.x1 and box.y0 <= point[1] <= box.y1
