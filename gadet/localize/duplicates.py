"""Findings that were reported twice, as from two windows that overlap or two sides of a cloud."""

from __future__ import annotations

from collections.abc import Sequence

from gadet.findings import Finding, PointsRegion, SpanRegion, VideoRegion
from gadet.localize.overlap import overlap

__all__ = ["merged"]

SAME_SPAN_IOU = 0.5
SAME_POINTS_IOU = 0.5


def merged(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Leave out what says again what a more confident finding says.

    Two spans are one when they share more than half of the rows of both together and a channel; a
    span that names no channel is one of all. Of equally confident ones the first stays, and one
    that states no confidence is the least confident. Two parts of a cloud are one when they share
    more than half of the points of both. Findings in pictures stay.

    Args:
        findings: In order of importance.

    Returns:
        Those that stay, in their order.
    """
    by_confidence = sorted(
        range(len(findings)), key=lambda number: -(findings[number].confidence or 0.0)
    )
    kept: list[int] = []
    for number in by_confidence:
        if not any(_same(findings[number], findings[other]) for other in kept):
            kept.append(number)
    return tuple(findings[number] for number in sorted(kept))


def _same(one: Finding, other: Finding) -> bool:
    if isinstance(one.region, VideoRegion) and isinstance(other.region, VideoRegion):
        placed = bool(one.region.track and other.region.track)
        return (
            placed
            and one.label.casefold() == other.label.casefold()
            and overlap(one.region, other.region).iou > SAME_SPAN_IOU
        )
    if isinstance(one.region, PointsRegion) and isinstance(other.region, PointsRegion):
        return overlap(one.region, other.region).iou > SAME_POINTS_IOU
    if not isinstance(one.region, SpanRegion) or not isinstance(other.region, SpanRegion):
        return False
    mine, theirs = one.region.channels, other.region.channels
    together = not mine or not theirs or not set(mine).isdisjoint(theirs)
    return together and overlap(one.region, other.region).iou > SAME_SPAN_IOU
