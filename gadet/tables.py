"""Findings as a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from gadet.exportable import Exportable
from gadet.findings import Finding, PointsRegion, SpanRegion, VideoRegion

__all__ = ["to_csv"]

_COLUMNS = (
    *("item", "verdict", "item_score", "number", "label", "severity", "score"),
    *("start", "end", "start_row", "end_row", "seconds", "channels", "description"),
    *("frame", "x0", "y0", "x1", "y1"),
    *("points", "x", "y", "z", "length", "width", "height", "area", "units"),
)


def to_csv(reports: Iterable[Exportable]) -> str:
    """Write findings as a table, for a spreadsheet or pandas.

    A row per finding: its span from `start` to `end` (timestamps; empty for a series without) and
    from `start_row` to `end_row` (half-open), `seconds`, and its channels with `; ` between them.
    One of a cloud has the number of its `points`, its centre `x`, `y`, `z`, the `length`, `width`
    and `height` of the box that lies close around it, and its `area`, in `units` and their square.
    A finding of another kind has these empty, and an item without findings has one row with its
    verdict, so that nothing that was not judged can be taken for normal. A text that a spreadsheet
    would run as a formula gets an apostrophe in front.

    Args:
        reports: Reports, in the order of their rows.

    Returns:
        CSV with a line of names, UTF-8 when it is written to a file.
    """
    buffer = io.StringIO()
    table = csv.DictWriter(buffer, _COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    for report in reports:
        item = {"item": _cell(report.item.source or report.item.name), "verdict": report.verdict}
        about = item | {"item_score": report.score}
        table.writerows(
            about | _csv_row(number, found) for number, found in enumerate(report.findings, start=1)
        )
        if not report.findings:
            table.writerow(about)
    return buffer.getvalue()


def _csv_row(number: int, finding: Finding) -> dict[str, Any]:
    row = {
        "number": number,
        "label": _cell(finding.label),
        "severity": finding.severity,
        "score": finding.confidence,
        "description": _cell(finding.description),
    }
    match finding.region:
        case PointsRegion() as region:
            return row | _points_row(region)
        case SpanRegion() as region:
            return row | _span_row(region)
        case VideoRegion() as region:
            return row | _video_row(region)
    return row


def _span_row(region: SpanRegion) -> dict[str, Any]:
    interval = region.interval
    return {
        "start": interval.start_label,
        "end": interval.end_label,
        "start_row": int(interval.start),
        "end_row": int(interval.end),
        "seconds": region.seconds,
        "channels": _cell("; ".join(region.channels)),
    }


def _video_row(region: VideoRegion) -> dict[str, Any]:
    interval = region.interval
    row: dict[str, Any] = {
        "start": interval.start_label or interval.start,
        "end": interval.end_label or interval.end,
        "seconds": round(interval.end - interval.start, 3),
    }
    if region.frames is not None:
        row |= dict(zip(("start_row", "end_row"), region.frames, strict=True))
    best = max(region.track, key=lambda point: point.box.area, default=None)
    if best is None:
        return row
    corners = zip(("x0", "y0", "x1", "y1"), best.box.as_tuple(), strict=True)
    return row | {"frame": best.frame} | {name: round(value, 1) for name, value in corners}


def _points_row(region: PointsRegion) -> dict[str, Any]:
    sides = region.box.sides if region.box else region.extent
    return {
        "points": len(region.indices),
        **dict(zip("xyz", region.centroid, strict=True)),
        **dict(zip(("length", "width", "height"), sides, strict=True)),
        "area": region.area,
        "units": _cell(region.units or ""),
    }


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
