"""Results as text for a terminal."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

from gadet.findings import Finding, ImageRegion, SpanRegion, VideoRegion
from gadet.report import Failure, Report

__all__ = ["summarise", "summarise_all"]

MOST_FINDINGS = 8
WIDTH = 96


def summarise_all(results: Sequence[Report | Failure]) -> str:
    """Every result as a block of lines, and a line that counts them."""
    return "\n".join([*(summarise(result) for result in results), "", _totals(results)])


def summarise(result: Report | Failure) -> str:
    """One result as a block of lines."""
    if isinstance(result, Failure):
        return f"{'FAILED':<10}  -     {result.name}\n{_indented(result.message)}"
    score = "-   " if result.score is None else f"{result.score:.2f}"
    seconds = result.timings.get("total", 0.0)
    lines = [
        f"{result.verdict.upper():<10}  {score}  {result.item.name}"
        f"  ({result.score_source or 'no score'}, {seconds:.2f} s)",
        _indented(result.explanation),
    ]
    lines += [_finding(number, f) for number, f in enumerate(result.findings[:MOST_FINDINGS], 1)]
    if len(result.findings) > MOST_FINDINGS:
        lines.append(_indented(f"… and {len(result.findings) - MOST_FINDINGS} more findings"))
    lines += [_indented(f"note: {note}") for note in result.notes]
    return "\n".join(lines)


def _finding(number: int, finding: Finding) -> str:
    return _indented(f"{number}. {finding.label}{_where(finding)}: {finding.description}")


def _where(finding: Finding) -> str:
    match finding.region:
        case ImageRegion(box=box):
            x0, y0, x1, y1 = box.rounded_out()
            return f" at x {x0}-{x1}, y {y0}-{y1}"
        case SpanRegion(interval=interval, channels=channels):
            start = interval.start_label or f"row {interval.start:.0f}"
            end = interval.end_label or f"row {interval.end:.0f}"
            return f" from {start} to {end}" + (f" in {', '.join(channels)}" if channels else "")
        case VideoRegion(interval=interval):
            return f" from {interval.start_label} to {interval.end_label}"
        case _:
            return ""


def _indented(text: str) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=" " * 12, subsequent_indent=" " * 15, break_long_words=False
    )


def _totals(results: Sequence[Report | Failure]) -> str:
    counts = Counter("failed" if isinstance(r, Failure) else r.verdict for r in results)
    parts = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    reports = [r for r in results if isinstance(r, Report)]
    costs = [r.cost for r in reports if r.cost is not None]
    money = f"; {sum(c.amount for c in costs):.4f} {costs[0].currency}" if costs else ""
    items = "item" if len(results) == 1 else "items"
    return f"{len(results)} {items}: {parts or 'nothing to inspect'}{money}"
