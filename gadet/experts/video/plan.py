"""What a clip is compared with: references, its first seconds, or its opening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gadet.experts.backbone import Backbone
from gadet.experts.cache import Cache
from gadet.experts.video.glimpse import Glimpse, small_size
from gadet.experts.video.judge import Judge
from gadet.experts.video.motion import Motion
from gadet.experts.video.normals import RATE, learned, opening_end, whole
from gadet.experts.video.scene import Scene
from gadet.media.video import Clip, VideoSample

__all__ = ["LEAST_FRAMES", "Plan", "Planner", "Usual"]

LEAST_FRAMES = 8
"""Measured frames below which a clip cannot be judged without references."""
LEAST_MOTION = 30
"""Normal frames from which on ways of moving are learned from them."""

MOST_SHARES = 1.1
"""Ratio of the shapes of pictures from which on a reference is said to be of another shape."""

Measured = list[tuple[int, Glimpse]]


@dataclass(frozen=True, eq=False)
class Usual:
    """What was learned from normal frames.

    Attributes:
        scene: What the place looks like.
        motion: What moves through it, and how; None where the frames do not show that.
        frames: How many there were.
    """

    scene: Scene
    motion: Motion | None
    frames: int

    @classmethod
    def of(cls, parts: Sequence[Sequence[Glimpse]], *, sure: bool = True) -> Usual:
        """Learn from normal frames, by clip; motion only where they are sure to be normal."""
        frames = [one for part in parts for one in part]
        enough = sure and len(frames) >= LEAST_MOTION
        motion = Motion(parts, clean=True) if enough else None
        return cls(Scene(frames), motion, len(frames))


@dataclass(frozen=True, eq=False)
class Plan:
    """What a clip is compared with.

    Attributes:
        judge: What is usual.
        against: What that was learned from, in the plural.
        known: Frames from 0 that are known to be normal.
        notes: What the reader should know about it.
        measured: What was measured of the clip on the way, None where it was not kept.
    """

    judge: Judge = field(repr=False)
    against: str
    known: int
    notes: tuple[str, ...]
    measured: Measured | None = field(default=None, repr=False)


class Planner:
    """Finds out what clips are to be compared with; what references show is learned once.

    Args:
        backbone: The network that describes cells, or None.
    """

    def __init__(self, backbone: Backbone | None) -> None:
        """Nothing is learned yet."""
        self.backbone = backbone
        self._learned: Cache[Usual] = Cache(4)

    def plan(self, item: VideoSample, references: Sequence[VideoSample]) -> Plan | None:
        """Learn what is usual; None where a clip without references is too short."""
        clip, known, notes = item.clip, 0, []
        size = small_size(clip.size)
        measured: Measured | None = None
        if references:
            usual, against = self._of_references(references, size), "the references"
            notes += _shape_notes(clip, references)
        elif min(len(clip), clip.duration * RATE) < LEAST_FRAMES:
            return None
        else:
            measured = whole(clip, self.backbone, size)
            stop, against = opening_end(clip), "the opening"
            if item.normal_until is not None:
                stop = known = max(1, int(np.searchsorted(clip.times, item.normal_until)))
                against = "the first seconds"
            else:
                lasts = float(clip.times[stop - 1]) - clip.start
                notes.append(
                    f"nothing normal was given: the first {lasts:.1f} s were taken as what the "
                    "place looks like, and motion was compared with the rest of the clip; an event "
                    "in the first seconds cannot be seen, and what lasts or recurs over a fifth of "
                    "the clip counts as usual"
                )
            usual = self._of_first(clip, stop, measured, sure=known > 0)
        scene, motion = usual.scene, usual.motion
        if motion is None:
            measured = measured or whole(clip, self.backbone, size)
            own = [[one for _, one in measured]] if measured else self._learn([clip], size)
            motion = Motion(own, clean=False)
            if not references and not known:
                scene = scene.beside([one for part in own for one in part])
            else:
                notes.append(
                    f"{usual.frames} normal frames are too few to show what usually moves "
                    f"({LEAST_MOTION} are needed): motion was compared with the rest of the clip"
                )
        return Plan(Judge(scene, motion), against, known, tuple(notes), measured)

    def _learn(self, clips: Sequence[Clip], size: tuple[int, int]) -> list[list[Glimpse]]:
        return learned(clips, self.backbone, size)

    def _of_references(self, references: Sequence[VideoSample], size: tuple[int, int]) -> Usual:
        clips = [one.clip for one in references]
        key = tuple(
            (one.info.sha256, one.clip.first, len(one.clip), one.clip.start, one.clip.end)
            for one in references
        )
        return self._learned.get((size, key), lambda: Usual.of(self._learn(clips, size)))

    def _of_first(self, clip: Clip, stop: int, measured: Measured | None, *, sure: bool) -> Usual:
        """What the frames before `stop` show."""
        if measured is None:
            first = replace(clip, times=clip.times[:stop])
            return Usual.of(self._learn([first], small_size(clip.size)), sure=sure)
        return Usual.of([[glimpse for index, glimpse in measured if index < stop]], sure=sure)


def _shape_notes(clip: Clip, references: Sequence[VideoSample]) -> list[str]:
    """A note on references whose pictures have another shape."""
    wide = clip.size[0] / clip.size[1]
    other = [
        number
        for number, one in enumerate(references, start=1)
        if not 1 / MOST_SHARES < wide * one.clip.size[1] / one.clip.size[0] < MOST_SHARES
    ]
    if not other:
        return []
    return [
        f"reference {', '.join(map(str, other))} has pictures of another shape than the clip: it "
        "was stretched, and may be of another camera"
    ]
