"""The localizer for point clouds."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.errors import LocalizationError
from gadet.experts.base import Evidence, Suspect
from gadet.experts.pointcloud import PointsCandidate, register
from gadet.findings import Finding, PointsRegion, Region
from gadet.localize.base import Closeup, Pointer, Scene
from gadet.localize.pointcloud.closer import close_cameras, close_view
from gadet.localize.pointcloud.coloured import write_scored
from gadet.localize.pointcloud.drawing import marked
from gadet.localize.pointcloud.pointing import rows_of_box, rows_of_point, rows_of_words
from gadet.localize.pointcloud.segments import Patch, further_peaks, surface_segments
from gadet.media.base import Sample
from gadet.media.pointcloud import PointCloudSample
from gadet.media.pointcloud.pages import pages
from gadet.media.pointcloud.sample import Aim
from gadet.media.pointcloud.stance import Stance
from gadet.media.pointcloud.view import PointCloudView
from gadet.report import Writer
from gadet.view import View, ViewLimits

__all__ = ["PointCloudLocalizer"]

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

MOST_READABLE: Final = 60
"""More numbers than this cannot be read: who asks for more looks at none of them."""
MOST_NUMBERS: Final = 12
"""Numbers up to which parts of the surface are numbered beside what is suspicious."""

_PEAKS: Final = 4
_PARTS_OF_PLACE: Final = 6
_DRAWN: Final = ViewLimits(max_side=1568, max_pixels=1568**2)
_CELLS: Final = 6
_CLOSEUPS: Final = 2
_RED: Final = (224, 36, 60)
_TINT: Final = 0.3


class PointCloudLocalizer:
    """Marks from the expert's candidates, weaker peaks and parts of the surface; points from marks.

    Boxes and points in a picture are lifted to the points that it shows there. It also draws the
    picture of a report, since a cloud has none of its own, and writes a cloud with its scores.
    """

    def propose(
        self, sample: Sample, evidence: Evidence | None, *, most: int
    ) -> tuple[Suspect, ...]:
        """At most `most` regions worth a number: candidates, weaker peaks, parts of the surface.

        Who asks for more than can be read in a picture gets the expert's candidates alone.
        """
        cloud = _cloud(sample)
        found: list[Suspect] = [] if evidence is None else list(evidence.candidates[:most])
        if most > MOST_READABLE:
            return tuple(found)
        wanted = min(most, MOST_NUMBERS)
        scores = None if evidence is None else evidence.score_map
        if scores is not None and len(found) < wanted:
            taken = np.zeros(len(cloud), bool)
            for one in found:
                if isinstance(one, Patch):
                    taken[one.rows] = True
            room = min(_PEAKS, wanted - len(found))
            found += further_peaks(cloud, scores, taken, most=room)
        found += surface_segments(cloud, max(wanted - len(found), 0), scores=scores)
        return tuple(found)

    def mark(
        self,
        sample: Sample,
        views: Sequence[View],
        candidates: Sequence[Suspect],
        limits: ViewLimits,
    ) -> tuple[View, ...]:
        """Every view with the regions numbered from 1, the same one by one number in all."""
        cloud = _cloud(sample)
        regions = _numbered(candidates)
        return tuple(
            _marked(cloud, view, regions) for view in views if isinstance(view, PointCloudView)
        )

    def locate(self, pointer: Pointer, scene: Scene) -> tuple[PointsRegion | None, tuple[str, ...]]:
        """The points that a pointer means, and what had to be mended.

        A mark is exact. A box stands for the one piece of surface that shows in it, and of that for
        what the expert scores above its boundary, where there is such. A point stands for the
        numbered region that it lies in, else for its surroundings. Words are the last resort.
        """
        sample = _cloud(scene.sample)
        candidate, notes = scene.candidate_of(pointer)
        if candidate is not None:
            return self.region_of(candidate, sample), ()
        for way in (rows_of_box, rows_of_point, rows_of_words):
            rows, said = way(pointer, scene, sample)
            notes += said
            if rows is not None:
                return sample.region(rows), notes
        return None, notes

    def region_of(self, suspect: Suspect, sample: Sample) -> PointsRegion:
        """The points of a candidate or a part of the surface.

        The area is the one that the expert measured: that of a gap is no area of its points.
        """
        if not isinstance(suspect, Patch):
            raise LocalizationError(f"a part of a cloud is needed; got {type(suspect).__name__}")
        region = _cloud(sample).region(suspect.rows)
        if not isinstance(suspect, PointsCandidate):
            return region
        return region.model_copy(update={"area": suspect.area})

    def closeup(self, region: Region, scene: Scene, limits: ViewLimits) -> Closeup | None:
        """A place from two sides with the camera moved closer, and its parts numbered."""
        if not isinstance(region, PointsRegion):
            return None
        sample = _cloud(scene.sample)
        view = close_view(sample, sample.rows_of(region), limits)
        if view is None:
            return None
        parts = self._parts(sample, view, scene)
        marks = (_marked(sample, view, _numbered(parts)),) if parts else ()
        return Closeup(scene.views[0], (view,), marks, parts)

    def _parts(
        self, sample: PointCloudSample, view: PointCloudView, scene: Scene
    ) -> tuple[Suspect, ...]:
        """What is numbered in a closer look: candidates that show in it, then parts of surface."""
        shown = np.unique(np.concatenate([np.unique(cell.shown) for cell in view.cells]))
        shown = shown[shown >= 0]
        known = [
            one
            for one in (scene.evidence.candidates if scene.evidence else ())
            if isinstance(one, Patch) and 2 * np.isin(one.rows, shown).sum() > len(one.rows)
        ][:_PARTS_OF_PLACE]
        scores = scene.evidence.score_map if scene.evidence else None
        room = max(_PARTS_OF_PLACE - len(known), 0)
        return (*known, *surface_segments(sample, room, scores=scores, within=shown))

    def posed(self, sample: Sample, like: Sample) -> PointCloudSample:
        """The cloud, shown from where a normal one is, once it was brought onto that."""
        cloud, other = _cloud(sample), _cloud(like)
        return cloud.like(Stance(other, partial(_onto, cloud, other)))

    def illustrate(
        self, sample: Sample, findings: Sequence[Finding], evidence: Evidence | None
    ) -> bytes:
        """Renderings with the findings tinted and numbered and the scores over them, as PNG.

        The first two findings are shown again from close by.
        """
        cloud = _cloud(sample)
        regions = {
            number: cloud.rows_of(finding.region)
            for number, finding in enumerate(findings, start=1)
            if isinstance(finding.region, PointsRegion)
        }
        aims = _closeups(cloud, regions)
        around = cloud.cameras[: _CELLS - len(aims)]
        aims = [(camera, "shaded", f"view {n}") for n, camera in enumerate(around, 1)] + aims
        page = pages(len(aims), _DRAWN, columns=3)[0]
        sheet = cloud.sheet(aims, page)
        drawn, _ = marked(
            sheet,
            regions,
            len(cloud),
            colour=_RED,
            fill=_TINT if evidence is None else 0.0,
            scores=None if evidence is None or not findings else evidence.score_map,
        )
        buffer = io.BytesIO()
        drawn.save(buffer, format="PNG")
        return buffer.getvalue()

    def exports(
        self, sample: Sample, findings: Sequence[Finding], evidence: Evidence | None
    ) -> Mapping[str, Writer]:
        """`.ply`: the cloud with its scores and findings; see `write_scored`."""
        write = partial(
            write_scored, sample=_cloud(sample), findings=tuple(findings), evidence=evidence
        )
        return {".ply": write}


def _cloud(sample: Sample) -> PointCloudSample:
    if isinstance(sample, PointCloudSample):
        return sample
    raise LocalizationError(
        f"a point cloud is needed; got one of the kind {sample.info.modality!r}"
    )


def _onto(cloud: PointCloudSample, other: PointCloudSample) -> Floats | None:
    """The rigid transform that brings a cloud onto another; None when none was found."""
    found = register(cloud.cloud, other.cloud)
    return None if found.failed else found.transform


def _numbered(candidates: Sequence[Suspect]) -> dict[int, Ids]:
    return {n: one.rows for n, one in enumerate(candidates, start=1) if isinstance(one, Patch)}


def _marked(
    sample: PointCloudSample, view: PointCloudView, regions: Mapping[int, Ids]
) -> PointCloudView:
    drawn, numbers = marked(view.sheet, regions, len(sample))
    return view.redrawn(drawn, view.frame, kind="marked", marks=numbers)


def _closeups(sample: PointCloudSample, regions: Mapping[int, Ids]) -> list[Aim]:
    aims: list[Aim] = []
    for number, rows in list(regions.items())[:_CLOSEUPS]:
        cameras = close_cameras(sample, rows)
        if cameras:
            aims.append((cameras[0], "shaded", f"finding {number}, closer"))
    return aims
