"""The localizer for time series."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import zip_longest

from gadet.errors import LocalizationError
from gadet.experts.base import Evidence, Suspect
from gadet.experts.series import SpanCandidate
from gadet.findings import Finding, Region, SpanRegion
from gadet.geometry import Box, Interval
from gadet.localize.base import Closeup, Pointer, Scene
from gadet.localize.moments import rows_of
from gadet.localize.peaks import propose_spans
from gadet.media.base import Sample
from gadet.media.series import SeriesSample, SeriesView
from gadet.view import View, ViewLimits

__all__ = ["SeriesLocalizer"]

Rows = tuple[int, int]
DRAWN_SIDE = 1024


class SeriesLocalizer:
    """Marks from the expert's spans and the next peaks of its scores; spans from marks and times.

    Native coordinates are rows and channels. It also draws the picture of a report, since a series
    has none of its own.
    """

    def propose(
        self, sample: Sample, evidence: Evidence | None, *, most: int
    ) -> tuple[SpanCandidate, ...]:
        """At most `most` spans worth a number, the most suspicious first."""
        if evidence is None:
            return ()
        return propose_spans(evidence, len(_series(sample).channels), most=most)

    def mark(
        self,
        sample: Sample,
        views: Sequence[View],
        candidates: Sequence[Suspect],
        limits: ViewLimits,
    ) -> tuple[View, ...]:
        """The whole series with the spans numbered from 1, the most suspicious channels first."""
        spans = [one for one in candidates if isinstance(one, SpanCandidate)]
        view = _series(sample).plot(
            limits=limits,
            kind="marked",
            spans=[(one.start, one.stop, one.channels) for one in spans],
            first=_clearest([one.channels for one in spans]),
        )
        return (view,)

    def locate(self, pointer: Pointer, scene: Scene) -> tuple[SpanRegion | None, tuple[str, ...]]:
        """The span that a pointer means, in rows, and what had to be mended.

        A mark is exact. Otherwise moments are read with the clock of the series and snapped to the
        nearest rows, and a box stands for the rows and channels that it touches. The channels of
        moments, which name none, are those of the expert's span that overlaps most.
        """
        sample = _series(scene.sample)
        candidate, notes = scene.candidate_of(pointer)
        if isinstance(candidate, SpanCandidate):
            return self.region_of(candidate, sample), ()
        view, named = scene.view_of(pointer)
        if not isinstance(view, SeriesView):
            raise LocalizationError(f"views of a series are needed; got {type(view).__name__}")
        if pointer.start is not None or pointer.end is not None:
            rows, mended = rows_of(pointer, sample.clock, view)
            if rows is not None:
                return _region(sample, rows, _channels(rows, scene)), notes + mended
            notes += mended
        if pointer.box is None:
            return None, notes
        box, mended = scene.boxes.decode(pointer.box, view.frame.width, view.frame.height)
        notes += named + mended
        touched = view.located(box) if box is not None else None
        if touched is not None:
            return _region(sample, touched[:2], touched[2]), notes
        if box is not None:
            notes += (f"box {list(pointer.box)} lies beside the plotted rows",)
        return None, notes

    def region_of(self, suspect: Suspect, sample: Sample) -> SpanRegion:
        """The rows and channels of a span."""
        if not isinstance(suspect, SpanCandidate):
            raise LocalizationError(f"a span of a series is needed; got {type(suspect).__name__}")
        return _region(_series(sample), (suspect.start, suspect.stop), suspect.channels)

    def closeup(self, region: Region, scene: Scene, limits: ViewLimits) -> Closeup | None:
        """The rows of a span with those around it, its channels first."""
        if not isinstance(region, SpanRegion):
            return None
        sample = _series(scene.sample)
        start, stop, channels = _span(sample, region)
        view = sample.zoom(Box.of(start, min(channels), stop, max(channels) + 1), limits)
        return None if view is None else Closeup(scene.views[0], (view,))

    def illustrate(
        self, sample: Sample, findings: Sequence[Finding], evidence: Evidence | None
    ) -> bytes:
        """The plot with the findings shaded and numbered as listed, the scores below, as PNG."""
        series = _series(sample)
        placed = [
            (number, finding.region)
            for number, finding in enumerate(findings, start=1)
            if isinstance(finding.region, SpanRegion)
        ]
        spans = [_span(series, region) for _, region in placed]
        view = series.plot(
            limits=ViewLimits(max_side=DRAWN_SIDE, max_pixels=DRAWN_SIDE**2),
            spans=spans,
            numbers=[number for number, _ in placed],
            first=_clearest([channels for _, _, channels in spans]),
            scores=None if evidence is None else evidence.score_map,
        )
        buffer = io.BytesIO()
        view.picture.save(buffer, format="PNG")
        return buffer.getvalue()


def _series(sample: Sample) -> SeriesSample:
    if isinstance(sample, SeriesSample):
        return sample
    raise LocalizationError(f"a series is needed; got one of the kind {sample.info.modality!r}")


def _clearest(channels: Sequence[Sequence[int]]) -> list[int]:
    """The first channel of every span, then the second of each, so that every span is seen."""
    return [one for rank in zip_longest(*channels) for one in rank if one is not None]


def _region(sample: SeriesSample, rows: Rows, channels: Sequence[int]) -> SpanRegion:
    timed = sample.times is not None
    interval = Interval(
        start=rows[0],
        end=rows[1],
        unit="step",
        start_label=sample.label(rows[0]) if timed else None,
        end_label=sample.label(rows[1]) if timed else None,
    )
    return SpanRegion(interval=interval, channels=tuple(sample.channels[one] for one in channels))


def _channels(rows: Rows, scene: Scene) -> tuple[int, ...]:
    """The only channel, else those of the candidate that shares most rows; none when none does."""
    if len(_series(scene.sample).channels) == 1:
        return (0,)
    found = scene.evidence.candidates if scene.evidence else ()
    shared = {
        one.channels: min(rows[1], one.stop) - max(rows[0], one.start)
        for one in (*found, *scene.candidates)
        if isinstance(one, SpanCandidate)
    }
    best = max(shared, key=lambda channels: shared[channels], default=())
    return best if shared.get(best, 0) > 0 else ()


def _span(sample: SeriesSample, region: SpanRegion) -> tuple[int, int, tuple[int, ...]]:
    """A region as rows and channels to shade; all channels where it names none."""
    channels = tuple(sample.channels.index(name) for name in region.channels)
    shaded = channels or tuple(range(len(sample.channels)))
    return int(region.interval.start), int(region.interval.end), shaded
