"""Findings that go on from one window of a long item into the next, told as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gadet.findings import Finding, VideoRegion
from gadet.geometry import Box, Interval

__all__ = ["continued"]

# Boxes that share so much of the smaller one at the same moment are of one thing.
_SAME_PLACE: Final = 0.3


def continued(findings: Sequence[tuple[int, Finding]]) -> tuple[Finding, ...]:
    """Join what was reported in windows that overlap.

    Two findings of a video are one when they are from different windows, have the same label,
    overlap in time, and are at one place in the frames in which both have a box. The first stays,
    over the time of both and with the boxes of both. Others stay as they are.

    Args:
        findings: In order of importance, each with the number of its window.
    """
    kept: list[tuple[set[int], Finding]] = []
    for window, finding in findings:
        for place, (windows, other) in enumerate(kept):
            joined = _joined(other, finding) if window not in windows else None
            if joined is not None:
                kept[place] = ({*windows, window}, joined)
                break
        else:
            kept.append(({window}, finding))
    return tuple(finding for _, finding in kept)


def _joined(one: Finding, other: Finding) -> Finding | None:
    """The two as one; None when they are two."""
    mine, theirs = one.region, other.region
    if not isinstance(mine, VideoRegion) or not isinstance(theirs, VideoRegion):
        return None
    if one.label.casefold().strip() != other.label.casefold().strip():
        return None
    first, second = mine.interval, theirs.interval
    if first.unit != second.unit or first.start > second.end or second.start > first.end:
        return None
    if not _in_one_place(mine, theirs):
        return None
    sure = [finding.confidence for finding in (one, other) if finding.confidence is not None]
    return one.model_copy(
        update={"region": _together(mine, theirs), "confidence": max(sure, default=None)}
    )


def _in_one_place(one: VideoRegion, other: VideoRegion) -> bool:
    theirs = {point.frame: point.box for point in other.track}
    both = [(p.box, theirs[p.frame]) for p in one.track if p.frame in theirs]
    return all(_shared(mine, his) >= _SAME_PLACE for mine, his in both)


def _shared(one: Box, other: Box) -> float:
    return one.intersection(other) / min(one.area, other.area)


def _together(one: VideoRegion, other: VideoRegion) -> VideoRegion:
    early, late = sorted((one.interval, other.interval), key=lambda interval: interval.start)
    last = max((early, late), key=lambda interval: interval.end)
    track = {point.frame: point for point in (*other.track, *one.track)}
    frames = None
    if one.frames is not None and other.frames is not None:
        starts, stops = zip(one.frames, other.frames, strict=True)
        frames = min(starts), max(stops)
    return one.model_copy(
        update={
            "interval": Interval(
                start=early.start,
                end=last.end,
                unit=early.unit,
                start_label=early.start_label,
                end_label=last.end_label,
            ),
            "frames": frames,
            "track": tuple(track[frame] for frame in sorted(track)),
        }
    )
