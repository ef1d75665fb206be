"""The localizer for images that needs no weights."""

from __future__ import annotations

from collections.abc import Sequence

from gadet.experts.base import Candidate, Evidence, Suspect
from gadet.findings import ImageRegion
from gadet.geometry import Box, Mask
from gadet.localize.base import Pointer, Scene
from gadet.localize.marks import mark_view
from gadet.localize.proposals import propose_regions
from gadet.localize.refine import mask_in_box, snap_to_superpixels
from gadet.media.base import Sample
from gadet.view import View, ViewLimits

__all__ = ["ImageLocalizer"]


class ImageLocalizer:
    """Marks from the expert's map and superpixels; masks from marks and boxes."""

    def propose(
        self, sample: Sample, evidence: Evidence | None, *, most: int
    ) -> tuple[Candidate, ...]:
        """At most `most` regions worth a number, the most suspicious first."""
        if evidence is None:
            return ()
        return propose_regions(sample.pixels, evidence, most=most)

    def mark(
        self,
        sample: Sample,
        views: Sequence[View],
        candidates: Sequence[Suspect],
        limits: ViewLimits,
    ) -> tuple[View, ...]:
        """The first view with the regions numbered from 1, still within what the model takes."""
        regions = [candidate for candidate in candidates if isinstance(candidate, Candidate)]
        return (mark_view(views[0], regions, limits),)

    def locate(self, pointer: Pointer, scene: Scene) -> tuple[ImageRegion | None, tuple[str, ...]]:
        """The region that a pointer means, in native pixels, and what had to be mended.

        A mark is exact. A box is converted once through the model's own format and the view's
        frame, then refined to a mask on the expert's map when there is one.
        """
        candidate, notes = scene.candidate_of(pointer)
        if isinstance(candidate, Candidate):
            mask = Mask.from_array(candidate.mask)
            return ImageRegion(box=candidate.box, mask=mask, mark=pointer.mark), ()
        if pointer.box is None:
            return None, notes
        view, named = scene.view_of(pointer)
        frame = view.frame
        notes += named
        box, mended = scene.boxes.decode(pointer.box, frame.width, frame.height)
        notes += mended
        if box is None:
            return None, notes
        native = frame.to_native(box).clipped(frame.native_width, frame.native_height)
        if native is None:
            return None, (*notes, f"box {list(pointer.box)} lies outside the picture")
        return ImageRegion(box=native, mask=_mask(native, scene)), notes


def _mask(box: Box, scene: Scene) -> Mask | None:
    if scene.evidence is None:
        return None
    rough = mask_in_box(scene.evidence.score_map, box)
    if rough is None:
        return None
    return Mask.from_array(snap_to_superpixels(scene.sample.pixels, rough))
