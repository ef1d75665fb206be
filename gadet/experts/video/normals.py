"""Which frames are learned from: of the references, of the opening, of the clip itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gadet.errors import InputError
from gadet.experts.backbone import Backbone
from gadet.experts.video.glimpse import Glimpse, Watcher
from gadet.media.base import Sample
from gadet.media.video import Clip, VideoSample

__all__ = ["RATE", "chunks", "glimpses", "learned", "opening_end", "video_of", "whole"]

RATE = 10.0
"""Frames per second that are measured at most."""
LEARNED = 300
"""Frames that are learned from in all …"""
CHUNK = 30
"""… in stretches of this many, and at least one from each clip …"""
MOST_CLIPS = 20
"""… of this many clips."""
OPENING = 0.1
"""Share of a clip that is taken as normal when nothing else is known …"""
LEAST_OPENING = 5
"""… but at least this many of its measured frames …"""
MOST_OPENING = 10.0
"""… and no more than this many seconds."""


def video_of(sample: Sample, what: str) -> VideoSample:
    """The sample, if it is a video.

    Raises:
        InputError: It is of another kind.
    """
    if isinstance(sample, VideoSample):
        return sample
    raise InputError(
        f"expected {what} to be a video, as the item is; got one of the kind "
        f"{sample.info.modality!r}"
    )


def glimpses(
    clip: Clip,
    backbone: Backbone | None,
    size: tuple[int, int],
    start: int = 0,
    stop: int | None = None,
) -> Iterator[tuple[int, Glimpse]]:
    """Measure the frames of a clip in copies of `size`, one at a time, with their numbers."""
    watcher = Watcher(backbone, size)
    for still in clip.scan(start, stop, rate=RATE, size=size):
        yield still.index, watcher.look(still.seconds, still.pixels)


def _measured(clip: Clip) -> int:
    """About how many frames of a clip are measured."""
    return min(len(clip), int(clip.duration * RATE) + 1)


def whole(
    clip: Clip, backbone: Backbone | None, size: tuple[int, int]
) -> list[tuple[int, Glimpse]] | None:
    """All that is measured of a clip, with the numbers of the frames; None of a long one."""
    return list(glimpses(clip, backbone, size)) if _measured(clip) <= LEARNED else None


def chunks(clip: Clip, most: int) -> list[tuple[int, int]]:
    """Stretches of a clip, first frame and frame after the last, evenly spread.

    They hold about `most` measured frames in all; a clip with fewer is taken whole.
    """
    measured = _measured(clip)
    if measured <= most:
        return [(0, len(clip))]
    count = max(1, most // CHUNK)
    length = max(1, round(len(clip) * CHUNK / measured))
    starts = np.linspace(0, len(clip) - length, count).round().astype(int).tolist()
    return [(start, start + length) for start in starts]


def learned(
    clips: Sequence[Clip], backbone: Backbone | None, size: tuple[int, int]
) -> list[list[Glimpse]]:
    """Glimpses to learn from, by clip: about 300 frames however long and many the clips are."""
    if len(clips) > MOST_CLIPS:
        kept = np.linspace(0, len(clips) - 1, MOST_CLIPS).round().astype(int).tolist()
        clips = [clips[index] for index in kept]
    each = max(CHUNK, LEARNED // max(len(clips), 1))
    return [
        [
            glimpse
            for start, stop in chunks(clip, each)
            for _, glimpse in glimpses(clip, backbone, size, start, stop)
        ]
        for clip in clips
    ]


def opening_end(clip: Clip) -> int:
    """The frame after the opening of a clip, which is taken as normal when nothing is known."""
    seconds = min(OPENING * clip.duration, MOST_OPENING)
    step = max(1.0, clip.rate / RATE)
    return min(len(clip), max(clip.index_of(clip.start + seconds), round(LEAST_OPENING * step)))
