"""Regions of a video: from events and frames to a region, and where it is at a frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gadet.experts.video import EventCandidate
from gadet.findings import TrackPoint, VideoRegion
from gadet.geometry import Box, Interval
from gadet.localize.marks import Shape
from gadet.media.video.clip import Clip
from gadet.media.video.still import clock
from gadet.media.video.view import Cell

__all__ = ["box_at", "colour_of", "frames_in", "key_frame", "of_event", "of_frames", "shape_of"]

# Colours that people with any colour vision tell apart, after Okabe and Ito; one for each number,
# the same in every frame.
_COLOURS = (
    (255, 176, 0),
    (86, 180, 233),
    (255, 110, 60),
    (0, 200, 140),
    (225, 130, 200),
    (240, 228, 66),
)
# A box is still where something is within so many seconds of the frame that it was seen in.
_NEAR = 0.6


def of_frames(
    clip: Clip, start: int, stop: int, track: Sequence[TrackPoint] = (), mark: int | None = None
) -> VideoRegion:
    """The region of frames `start` up to `stop`, half-open."""
    end = float(clip.times[stop]) if stop < len(clip) else clip.end
    begin = float(clip.times[start])
    return VideoRegion(
        interval=Interval(
            start=begin,
            end=max(end, np.nextafter(begin, np.inf)),
            unit="second",
            start_label=clip.stamp(start),
            end_label=clock(end),
        ),
        frames=(start, stop),
        track=tuple(track),
        mark=mark,
    )


def of_event(clip: Clip, event: EventCandidate, mark: int | None = None) -> VideoRegion:
    """The region of an event that an expert found."""
    track = [
        TrackPoint(frame=one.frame, seconds=one.seconds, box=one.box, mask=one.mask)
        for one in event.track
    ]
    return of_frames(clip, event.start, event.stop, track, mark)


def frames_in(region: VideoRegion, clip: Clip) -> tuple[int, int]:
    """The frames of a region, also of one that was written without them."""
    if region.frames is not None:
        return region.frames
    start = clip.index_of(region.interval.start)
    stop = int(np.searchsorted(clip.times, region.interval.end - 1e-9))
    return start, max(stop, start + 1)


def key_frame(region: VideoRegion, clip: Clip) -> int:
    """The frame that shows a region best: where its box is largest, else the middle."""
    start, stop = frames_in(region, clip)
    inside = [point for point in region.track if start <= point.frame < stop]
    if inside:
        return max(inside, key=lambda point: point.box.area).frame
    return (start + stop) // 2


def box_at(region: VideoRegion, frame: int, seconds: float) -> Box | None:
    """Where a region is at a frame, from the boxes around it; None when none is near in time."""
    before = [point for point in region.track if point.frame <= frame]
    after = [point for point in region.track if point.frame >= frame]
    if not before or not after:
        near = next(iter([*before[-1:], *after[:1]]), None)
        return near.box if near is not None and abs(near.seconds - seconds) <= _NEAR else None
    left, right = before[-1], after[0]
    if left.frame == right.frame:
        return left.box
    if min(seconds - left.seconds, right.seconds - seconds) > _NEAR:
        return None
    share = (frame - left.frame) / (right.frame - left.frame)
    pairs = zip(left.box.as_tuple(), right.box.as_tuple(), strict=True)
    x0, y0, x1, y1 = (a + share * (b - a) for a, b in pairs)
    return Box.of(x0, y0, x1, y1)


def shape_of(cell: Cell, number: int, region: VideoRegion, clip: Clip) -> Shape | None:
    """A region as a shape to outline in the picture of a cell; None when it is not seen there."""
    start, stop = frames_in(region, clip)
    if not start <= cell.frame < stop:
        return None
    box = box_at(region, cell.frame, cell.seconds)
    if box is None:
        return None
    left, top, right, bottom = cell.shown.rounded_out()
    shown = cell.to_view(box)
    x0, y0, x1, y1 = shown.rounded_out()
    x0, y0, x1, y1 = max(x0, left), max(y0, top), min(x1, right), min(y1, bottom)
    if x1 <= x0 or y1 <= y0:
        return None
    filled = np.ones((y1 - y0, x1 - x0), dtype=bool)
    return Shape(number, x0 - left, y0 - top, filled, colour_of(number))


def colour_of(number: int) -> tuple[int, int, int]:
    """The colour of a number, the same in every frame."""
    return _COLOURS[(number - 1) % len(_COLOURS)]
