"""What a clip is compared with: references, its first seconds, or its opening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gadet.experts.backbone import Backbone
from gadet.experts.video.glimpse import Glimpse
from gadet.experts.video.judge import Judge
from gadet.experts.video.motion import Motion
from gadet.experts.video.normals import RATE, learned, opening_end, whole
from gadet.experts.video.scene import Scene
from gadet.media.video import Clip, VideoSample

__all__ = ["LEAST_FRAMES", "Plan", "plan_for"]

LEAST_FRAMES = 8
"""Measured frames below which a clip cannot be judged without references."""
LEAST_MOTION = 30
"""Normal frames from which on ways of moving are learned from them."""

Measured = list[tuple[int, Glimpse]]


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


def plan_for(item: VideoSample, normals: Sequence[Clip], backbone: Backbone | None) -> Plan | None:
    """Learn what is usual; None where a clip without references is too short."""
    clip, known, notes = item.clip, 0, []
    measured: Measured | None = None
    if normals:
        usual, against = learned(normals, backbone), "the references"
    elif min(len(clip), clip.duration * RATE) < LEAST_FRAMES:
        return None
    else:
        measured = whole(clip, backbone)
        stop, against = opening_end(clip), "the opening"
        if item.normal_until is not None:
            stop = known = max(1, int(np.searchsorted(clip.times, item.normal_until)))
            against = "the first seconds"
        else:
            notes.append(
                f"nothing normal was given: the first {clip.times[stop - 1] - clip.start:.1f} s "
                "were taken as normal, so that an event in them cannot be seen"
            )
        if measured is None:
            usual = learned([replace(clip, times=clip.times[:stop])], backbone)
        else:
            usual = [[glimpse for index, glimpse in measured if index < stop]]
    frames = [one for part in usual for one in part]
    if len(frames) >= LEAST_MOTION:
        motion = Motion(usual, clean=True)
    else:
        measured = measured or whole(clip, backbone)
        own = [[one for _, one in measured]] if measured else learned([clip], backbone)
        motion = Motion(own, clean=False)
        notes.append(
            f"{len(frames)} normal frames are too few to show what usually moves: motion was "
            "compared with the rest of the clip"
        )
    return Plan(Judge(Scene(frames), motion), against, known, tuple(notes), measured)
