"""How reports are put into words: regions, scores, costs and why there is no verdict."""

from __future__ import annotations

from collections.abc import Sequence

from gadet.findings import ImageRegion, PointsRegion, Region, SpanRegion, VideoRegion
from gadet.geometry import Interval
from gadet.media.series.clock import in_words
from gadet.report import Cost, Modality, Report, ScoreSource, Stop, Usage, Verdict

__all__ = [
    "SCORE_SOURCES",
    "TIME_COLUMNS",
    "VERDICT_MEANING",
    "count",
    "describe_region",
    "money",
    "spent",
    "time_cells",
    "why_not_judged",
]

VERDICT_MEANING: dict[Verdict, str] = {
    "anomalous": "A readable answer says that something is wrong.",
    "normal": "A readable answer says that nothing is wrong.",
    "uncertain": "The answer does not decide.",
    "refused": "The model declined. This says nothing about the item.",
    "unparsed": "The answer could not be read. This says nothing about the item.",
}

SCORE_SOURCES: dict[ScoreSource, str] = {
    "logprob": "from token probabilities",
    "vote": "from votes",
    "stated": "stated by the model",
    "expert": "measured",
    "fused": "model and measurement",
}

TIME_COLUMNS: dict[Modality, tuple[str, ...]] = {
    "series": ("Start", "End", "Duration", "Channels"),
    "video": ("Start", "End", "Duration", "Where, in pixels"),
}
"""What is said in columns of where findings lie in time, of what has a time."""

_STOPS: dict[Stop, str] = {
    "complete": "The model finished its answer.",
    "truncated": "The answer was cut off at the limit of tokens: allow more output.",
    "refused": "Another model, or a domain that says what the picture is for, may answer.",
    "blocked": "The provider's safety filter stopped the request or the answer.",
    "other": "The provider ended the answer for a reason of its own.",
}


def count(number: int, noun: str) -> str:
    """A number with its noun: `1 finding`, `2 findings`, `3 210 tokens`."""
    grouped = f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{grouped} {noun}{'' if number == 1 else 's'}"


def describe_region(region: Region | None, size: tuple[int, int] | None) -> tuple[str, str]:
    """Say where a region is and how large, with the coordinates that the report holds.

    Args:
        region: What to describe.
        size: `(width, height)` of the picture, for the share of its area.
    """
    match region:
        case ImageRegion():
            box = region.box
            where = f"x {box.x0:g} – {box.x1:g}, y {box.y0:g} – {box.y1:g}"
            area = region.mask.area if region.mask is not None else box.area
            share = f", {100 * area / (size[0] * size[1]):.2g} % of the picture" if size else ""
            kind = "mask" if region.mask is not None else "box"
            extent = f"{box.width:g} × {box.height:g} px; {kind} {area:,.0f} px²{share}"
            return where, extent
        case VideoRegion():
            *_, duration, place = time_cells(region)
            return _interval(region.interval), f"{duration}; {place}" if region.track else duration
        case PointsRegion():
            unit = f" {region.units}" if region.units else ""
            where = "centre " + ", ".join(f"{value:.4g}" for value in region.centroid) + unit
            sides = region.box.sides if region.box else region.extent
            extent = " × ".join(f"{value:.3g}" for value in sides) + unit
            squared = f"{unit}²" if region.units else " units²"
            surface = "" if region.area is None else f"; surface {region.area:.3g}{squared}"
            return where, f"{count(len(region.indices), 'point')}; {extent}{surface}"
        case SpanRegion():
            *_, duration, channels = time_cells(region)
            told = f"{duration}; {channels}" if region.channels else duration
            return _interval(region.interval), told
    return "not located", ""


def time_cells(region: Region | None) -> tuple[str, str, str, str]:
    """What stands under `TIME_COLUMNS`: from when to when, how long, and in which part."""
    match region:
        case SpanRegion(interval=interval):
            duration = count(round(interval.end - interval.start), "row")
            if region.seconds:
                duration += f", {in_words(round(region.seconds * 1e9))}"
            return (
                interval.start_label or f"row {interval.start:.0f}",
                interval.end_label or f"row {interval.end:.0f}",
                duration,
                ", ".join(region.channels) or "not stated",
            )
        case VideoRegion(interval=interval):
            duration = f"{interval.end - interval.start:.1f} s"
            if region.frames is not None:
                duration += f", frames {region.frames[0]} – {region.frames[1] - 1}"
            return (
                interval.start_label or f"{interval.start:.1f} s",
                interval.end_label or f"{interval.end:.1f} s",
                duration,
                _seen_at(region),
            )
    return "not located", "", "", ""


def _seen_at(region: VideoRegion) -> str:
    """Where a region is in the frame in which it is largest."""
    best = max(region.track, key=lambda point: point.box.area, default=None)
    if best is None:
        return "not stated"
    x0, y0, x1, y1 = best.box.rounded_out()
    more = len(region.track) - 1
    others = f"; and in {count(more, 'other frame')}" if more else ""
    return f"x {x0} – {x1}, y {y0} – {y1} in frame {best.frame}{others}"


def _interval(interval: Interval) -> str:
    if interval.start_label is not None and interval.end_label is not None:
        return f"{interval.start_label} – {interval.end_label}"
    return f"{interval.unit}s {interval.start:g} – {interval.end:g}"


def money(costs: Sequence[Cost]) -> str:
    """The sum of costs, each currency on its own; empty when there are none."""
    sums: dict[str, float] = {}
    for cost in costs:
        sums[cost.currency] = sums.get(cost.currency, 0.0) + cost.amount
    return " + ".join(
        f"{currency} {amount:.2f}" if amount >= 1 else f"{currency} {amount:.4f}"
        for currency, amount in sums.items()
    )


def spent(usage: Usage, cost: Cost | None) -> str:
    """What an answer cost, or why that is not known."""
    if cost is not None:
        dated = f" (prices of {cost.as_of})" if cost.as_of else ""
        return money([cost]) + dated
    if usage.requests == 0:
        return "nothing: no request was sent"
    return "not known: the model's prices are not"


def why_not_judged(report: Report) -> tuple[str, ...]:
    """Why a report has no verdict, in sentences; empty when it has one."""
    if report.judged:
        return ()
    reasons = [VERDICT_MEANING[report.verdict]]
    if report.raw:
        last = report.raw[-1]
        if last.stop != "complete":
            reasons.append(_STOPS[last.stop])
        if last.problem:
            reasons.append(f"Reading it failed: {last.problem}")
    return tuple(reasons)
