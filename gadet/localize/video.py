"""The localizer for videos: events numbered where they are seen, found again in time and place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from gadet.errors import LocalizationError
from gadet.experts.base import Evidence, Suspect
from gadet.experts.video import EventCandidate
from gadet.findings import Finding, Region, TrackPoint, VideoRegion
from gadet.geometry import Box
from gadet.localize.base import Bracket, Closeup, Pointer, Scene, Window
from gadet.localize.clock import frames_of, frames_shown
from gadet.localize.filmstrip import filmstrip
from gadet.localize.marks import draw_marks
from gadet.localize.points import decode_point
from gadet.localize.replay import exports_of
from gadet.localize.tracks import box_at, frames_in, key_frame, of_event, of_frames, shape_of
from gadet.media.base import Sample
from gadet.media.video import VideoSample
from gadet.media.video.grid import cells_within
from gadet.media.video.sampling import uniform
from gadet.media.video.view import VideoView
from gadet.media.video.windows import windows
from gadet.report import Writer
from gadet.view import View, ViewLimits

__all__ = ["VideoLocalizer"]

Located = tuple[VideoRegion | None, tuple[str, ...]]

# A clip is shown whole where so many sheets hold a frame for every second of it.
WHOLE_SHEETS: Final = 4
WHOLE_RATE: Final = 1.0
# Otherwise a window is what so many sheets hold at this rate, in frames per second …
WINDOW_SHEETS: Final = 2
WINDOW_RATE: Final = 2.0
# … and windows grow until this many are enough, which bounds pictures in memory and cost.
MOST_WINDOWS: Final = 24
# A closer look shows so many times as many frames as were seen of that time, on so many sheets at
# most.
CLOSER: Final = 2
CLOSER_SHEETS: Final = 3
# It shows so much time before and after, as a share of the event and in seconds at most.
AROUND: Final = (0.25, 1.5)
# Numbers are as high as the times above the frames, because a model sees a sheet as a whole.
LABEL_SHARE: Final = 1 / 64
LEAST_LABEL: Final = 16
# Beside a point that nothing is known of, this share of the frame stands for the place.
SPOT: Final = 1 / 12


class VideoLocalizer:
    """Marks from the expert's events; stretches and boxes from marks, times, boxes and points.

    Native coordinates are frames, seconds on the clip's own clock, and pixels of a frame. It also
    draws the picture of a report and writes the clip with what was found.
    """

    def propose(
        self, sample: Sample, evidence: Evidence | None, *, most: int
    ) -> tuple[EventCandidate, ...]:
        """At most `most` events worth a number, the most suspicious first."""
        found = evidence.candidates if evidence is not None else ()
        return tuple(one for one in found if isinstance(one, EventCandidate) and one.track)[:most]

    def mark(
        self,
        sample: Sample,
        views: Sequence[View],
        candidates: Sequence[Suspect],
        limits: ViewLimits,
    ) -> tuple[View, ...]:
        """The views in which an event is seen, with its number at its place in every frame."""
        clip = _video(sample).clip
        events = [one for one in candidates if isinstance(one, EventCandidate)]
        regions = {n: of_event(clip, event) for n, event in enumerate(events, start=1)}
        marked = (_marked(view, regions, sample) for view in views if isinstance(view, VideoView))
        return tuple(view for view in marked if view is not None)

    def windows(self, sample: Sample, limits: ViewLimits, *, most: int) -> tuple[Window, ...]:
        """The clip whole where its pictures say enough, else in windows that overlap.

        Without room for a picture one frame stands for the clip.
        """
        video = _video(sample)
        if most < 1:
            return (Window((video.still_view(len(video) // 2, ViewLimits(max_side=640)),)),)
        each = cells_within(video.clip.size, limits)
        sheets = min(most, WHOLE_SHEETS)
        if video.clip.duration * WHOLE_RATE <= each * sheets or len(video) <= each * sheets:
            return (Window(video.sheets(video.chosen(limits, sheets), limits)),)
        shown = each * min(most, WINDOW_SHEETS)
        cut = windows(video.clip, shown / WINDOW_RATE, most=MOST_WINDOWS)
        return tuple(_window(video, start, stop, shown, limits) for start, stop in cut)

    def locate(self, pointer: Pointer, scene: Scene) -> Located:
        """The stretch that a pointer means, with its places, and what had to be mended.

        A mark is exact. Otherwise moments give the time, and a box or a point gives the place in
        the frames of the sheet that it lies in; each stands in for the other where one is missing.
        In a window of a longer clip, what says neither lies somewhere in the window.
        """
        clip = _video(scene.sample).clip
        candidate, notes = scene.candidate_of(pointer)
        if isinstance(candidate, EventCandidate):
            return of_event(clip, candidate, pointer.mark), ()
        frames, said = frames_of(pointer, clip, _sheets(scene))
        notes += said
        track, said = _places(pointer, scene)
        notes += said
        if frames is None and track:
            shown = [frame for frame in frames_shown(_sheets(scene)) if frame > track[-1].frame]
            frames = track[0].frame, shown[0] if shown else len(clip)
            notes += ("no time could be used: the frames of the box or point stand for it",)
        elif frames is None:
            return _somewhere(scene, notes)
        inside = [point for point in track if frames[0] <= point.frame < frames[1]]
        if track and not inside:
            notes += (f"the box lies in frame {track[0].frame}, outside of the time stated",)
        return of_frames(clip, *frames, inside), notes

    def region_of(self, suspect: Suspect, sample: Sample) -> VideoRegion:
        """The frames and boxes of an event."""
        if not isinstance(suspect, EventCandidate):
            raise LocalizationError(f"an event of a video is needed; got {type(suspect).__name__}")
        return of_event(_video(sample).clip, suspect)

    def closeup(self, region: Region, scene: Scene, limits: ViewLimits) -> Closeup | None:
        """The time around an event at a higher rate, and its key frame large.

        The key frame is repeated with the events that are going on in it, numbered.
        """
        video = _video(scene.sample)
        if not isinstance(region, VideoRegion):
            return None
        first, last = _around(video, region)
        each = cells_within(video.clip.size, limits)
        shown = sum(first <= frame < last for frame in frames_shown(_sheets(scene)))
        wanted = min(max(each, CLOSER * shown), each * CLOSER_SHEETS)
        frames = uniform(video.clip, wanted, first, last)
        parts = np.array_split(frames, -(-len(frames) // each))
        sheets = [video.sheet(part.tolist(), limits, kind="zoom") for part in parts]
        key = video.still_view(key_frame(region, video.clip), limits, kind="zoom")
        events = tuple(one for one in _events(scene) if one.start < last and one.stop > first)
        marked = self.mark(video, (key,), events, limits)
        within = min(_sheets(scene), key=lambda view: _distance(view, region, video))
        return Closeup(within, (*sheets, key), marked, events if marked else ())

    def brackets(self, region: Region, scene: Scene) -> tuple[Bracket, Bracket] | None:
        """Between which frames a finding begins and ends: those shown beside its first and last."""
        if not isinstance(region, VideoRegion):
            return None
        video = _video(scene.sample)
        start, stop = frames_in(region, video.clip)
        shown = frames_shown(_sheets(scene))
        before = max((frame for frame in shown if frame < start), default=start - 1)
        after = min((frame for frame in shown if frame >= stop), default=stop)
        brackets = Bracket(before, start), Bracket(after, stop - 1)
        return None if all(bracket.closed for bracket in brackets) else brackets

    def probe(
        self, position: int, region: Region, scene: Scene, limits: ViewLimits
    ) -> tuple[View, View]:
        """The finding in its key frame, outlined; and the frame in question."""
        video = _video(scene.sample)
        if not isinstance(region, VideoRegion):
            raise LocalizationError(f"a region of a video is needed; got {region.kind!r}")
        key = video.still_view(key_frame(region, video.clip), limits)
        found = _marked(key, {region.mark or 1: region}, video)
        return found or key, video.still_view(position, limits)

    def trimmed(self, region: Region, start: Bracket, end: Bracket, scene: Scene) -> Region:
        """The region from the first frame at which it was seen to the last."""
        clip = _video(scene.sample).clip
        first, stop = start.inside, end.inside + 1
        if not isinstance(region, VideoRegion) or first >= stop:
            return region
        inside = [point for point in region.track if first <= point.frame < stop]
        return of_frames(clip, first, stop, inside, region.mark)

    def illustrate(
        self, sample: Sample, findings: Sequence[Finding], evidence: Evidence | None
    ) -> bytes:
        """Key frames with what was found, numbered as listed, and the scores over time, as PNG."""
        scores = None if evidence is None else evidence.score_map
        return filmstrip(_video(sample), findings, scores)

    def exports(
        self, sample: Sample, findings: Sequence[Finding], evidence: Evidence | None
    ) -> Mapping[str, Writer]:
        """`.mp4`: the clip with boxes, numbers and the scores drawn in."""
        scores = None if evidence is None else evidence.score_map
        return exports_of(_video(sample), findings, scores)


def _video(sample: Sample) -> VideoSample:
    if isinstance(sample, VideoSample):
        return sample
    raise LocalizationError(f"a video is needed; got one of the kind {sample.info.modality!r}")


def _sheets(scene: Scene) -> list[VideoView]:
    sheets = [view for view in scene.views if isinstance(view, VideoView)]
    if not sheets:
        raise LocalizationError("views of a video are needed; got none")
    return sheets


def _events(scene: Scene) -> list[EventCandidate]:
    found = scene.evidence.candidates if scene.evidence else ()
    return [one for one in found if isinstance(one, EventCandidate)]


def _window(video: VideoSample, start: int, stop: int, shown: int, limits: ViewLimits) -> Window:
    region = of_frames(video.clip, start, stop)
    views = video.sheets(uniform(video.clip, shown, start, stop), limits)
    interval = region.interval
    words = f"{interval.start_label} to {interval.end_label}"
    return Window(views, interval, region, words)


def _marked(
    view: VideoView, regions: Mapping[int, VideoRegion], sample: Sample
) -> VideoView | None:
    """A view with regions outlined and numbered; None when it shows none of them."""
    clip = _video(sample).clip
    drawn, numbers = view.picture.copy(), set[int]()
    letter = max(LEAST_LABEL, round(LABEL_SHARE * max(drawn.size)))
    # Cell by cell, so that no number lies in the frame of another moment.
    for cell in view.cells:
        shapes = [
            shape
            for number, region in regions.items()
            if (shape := shape_of(cell, number, region, clip)) is not None
        ]
        if shapes:
            corner = cell.shown.rounded_out()
            marked, _ = draw_marks(drawn.crop(corner), shapes, label_height=letter)
            drawn.paste(marked, corner[:2])
            numbers.update(shape.number for shape in shapes)
    if not numbers:
        return None
    return view.redrawn(drawn, view.frame, kind="marked", marks=tuple(sorted(numbers)))


def _places(pointer: Pointer, scene: Scene) -> tuple[list[TrackPoint], tuple[str, ...]]:
    """Where a pointer's box or point lies, in each frame that it covers."""
    if pointer.box is None and pointer.point is None:
        return [], ()
    view, notes = scene.view_of(pointer)
    if not isinstance(view, VideoView):
        raise LocalizationError(f"views of a video are needed; got {type(view).__name__}")
    width, height = view.picture.size
    if pointer.box is not None:
        box, said = scene.boxes.decode(pointer.box, width, height)
        notes += said
        spans = view.located(box) if box is not None else ()
        if len(spans) > 1:
            notes += (
                f"box {list(pointer.box)} spans {len(spans)} frames: its part in each counts",
            )
        if box is not None and not spans:
            notes += (f"box {list(pointer.box)} lies beside the frames",)
        track = [TrackPoint(frame=one.frame, seconds=one.seconds, box=one.box) for one in spans]
        if track or pointer.point is None:
            return track, notes
    assert pointer.point is not None
    point, said = decode_point(pointer.point, scene.boxes, width, height)
    notes += said
    place = view.at(*point) if point is not None else None
    if place is None:
        beside = (f"point {list(pointer.point)} lies beside the frames",) if point else ()
        return [], notes + beside
    box = _around_point(place.x, place.y, place.frame, place.seconds, scene)
    return [TrackPoint(frame=place.frame, seconds=place.seconds, box=box)], notes


def _around_point(x: float, y: float, frame: int, seconds: float, scene: Scene) -> Box:
    """The box of the event at a point, else a small one around it."""
    clip = _video(scene.sample).clip
    for event in _events(scene):
        box = box_at(of_event(clip, event), frame, seconds)
        if box is not None and box.x0 <= x < box.x1 and box.y0 <= y < box.y1:
            return box
    width, height = clip.size
    reach = max(SPOT * min(width, height), 1.0)
    spot = Box.of(x - reach, y - reach, x + reach, y + reach).clipped(width, height)
    assert spot is not None  # the point lies in the frame
    return spot


def _somewhere(scene: Scene, notes: tuple[str, ...]) -> Located:
    """The window of a longer clip; nothing when the whole clip is shown."""
    clip = _video(scene.sample).clip
    shown = frames_shown(_sheets(scene))
    step = max(1, (shown[-1] - shown[0]) // max(len(shown) - 1, 1))
    start, stop = max(shown[0] - step, 0), min(shown[-1] + step, len(clip))
    if stop - start >= len(clip) - 2 * step:
        return None, notes
    notes += ("neither a time nor a place could be used: the stretch that was shown stands for it",)
    return of_frames(clip, start, stop), notes


def _around(video: VideoSample, region: VideoRegion) -> tuple[int, int]:
    """The frames to show of an event, with some before and after."""
    clip = video.clip
    start, stop = frames_in(region, clip)
    share, most = AROUND
    begin = float(clip.times[start])
    end = float(clip.times[stop]) if stop < len(clip) else clip.end
    margin = min(max(share * (end - begin), 0.5), most)
    return clip.index_of(begin - margin), min(clip.index_of(end + margin) + 1, len(clip))


def _distance(view: VideoView, region: VideoRegion, video: VideoSample) -> int:
    """How far the frames of a view are from the middle of a region."""
    key = key_frame(region, video.clip)
    return min((abs(cell.frame - key) for cell in view.cells), default=len(video))
