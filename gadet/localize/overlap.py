"""How much two regions of one item overlap, whatever kind they are."""

from __future__ import annotations

from dataclasses import dataclass

from gadet.findings import ImageRegion, PointsRegion, Region, SpanRegion, TrackPoint, VideoRegion
from gadet.geometry import Interval

__all__ = ["Overlap", "overlap"]


@dataclass(frozen=True)
class Overlap:
    """What two regions share.

    Attributes:
        iou: Intersection over union, in [0, 1].
        of_smaller: The share of the smaller one that lies in the other, in [0, 1].
    """

    iou: float = 0.0
    of_smaller: float = 0.0


def overlap(one: Region, other: Region) -> Overlap:
    """What two regions share: of images their boxes, of clouds their points, else their time.

    Two regions of a video also need to be at one place: where both are tracked, the time they share
    counts as much as their boxes overlap at the moments nearest to each other. Regions of different
    kinds, and times in different units, share nothing. The channels of a series do not count.
    """
    match one, other:
        case ImageRegion(), ImageRegion():
            return _of(one.box.area, other.box.area, one.box.intersection(other.box))
        case PointsRegion(), PointsRegion():
            mine, theirs = set(one.indices), set(other.indices)
            return _of(len(mine), len(theirs), len(mine & theirs))
        case SpanRegion(), SpanRegion():
            return _in_time(one.interval, other.interval)
        case VideoRegion(), VideoRegion():
            together = _in_time(one.interval, other.interval)
            same = _in_place(one.track, other.track)
            return Overlap(together.iou * same, together.of_smaller * same)
        case _:
            return Overlap()


def _of(one: float, other: float, shared: float) -> Overlap:
    union = one + other - shared
    return Overlap(shared / union if union else 0.0, shared / min(one, other) if shared else 0.0)


def _in_time(one: Interval, other: Interval) -> Overlap:
    if one.unit != other.unit:
        return Overlap()
    shared = max(min(one.end, other.end) - max(one.start, other.start), 0.0)
    return _of(one.end - one.start, other.end - other.start, shared)


def _in_place(one: tuple[TrackPoint, ...], other: tuple[TrackPoint, ...]) -> float:
    """The best share of the smaller box at a moment of the shorter track; 1 without boxes."""
    if not one or not other:
        return 1.0
    short, long = sorted((one, other), key=len)
    pairs = ((mine, min(long, key=lambda there: abs(there.frame - mine.frame))) for mine in short)
    return max(
        mine.box.intersection(near.box) / min(mine.box.area, near.box.area) for mine, near in pairs
    )
