"""A `Card`: everything that a page shows of one report or failure, in words and pictures."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from PIL import Image

from gadet.errors import GadetError
from gadet.export import mask_png, to_csv, to_label_studio
from gadet.findings import Severity
from gadet.render.overlay import overlay, plain, thumbnail
from gadet.render.picture import PictureLoader, data_url, find_picture, jpeg, png
from gadet.render.words import (
    SCORE_SOURCES,
    TIME_COLUMNS,
    count,
    describe_region,
    money,
    spent,
    time_cells,
    why_not_judged,
)
from gadet.report import Failure, Report, Usage

__all__ = ["Card", "Detail", "Row", "Summary", "card_of", "detail_for", "summary_of"]

STATES = ("anomalous", "uncertain", "normal", "refused", "unparsed", "failed")


@dataclass(frozen=True)
class Detail:
    """How large the pictures of a page are, so that a page of any length can be opened.

    Attributes:
        side: Longest side of the pictures of an item, in pixels.
        quality: JPEG quality.
        thumb: Longest side of the small picture in the list.
        original: Whether the picture without drawing is shown beside the other.
        files: Whether the result can be saved from the page, as JSON and as a mask.
    """

    side: int
    quality: int
    thumb: int
    original: bool
    files: bool


def detail_for(reports: int) -> Detail:
    """Choose the pictures' size by the number of reports: a page stays under some 50 MB."""
    if reports <= 50:
        return Detail(side=1024, quality=84, thumb=256, original=True, files=True)
    if reports <= 200:
        return Detail(side=640, quality=78, thumb=192, original=True, files=False)
    return Detail(side=448, quality=72, thumb=128, original=False, files=False)


@dataclass(frozen=True)
class Row:
    """A finding in words; `places` stand under the columns of the card, when it has some."""

    number: int
    label: str
    description: str
    severity: Severity | None
    confidence: str
    where: str
    extent: str
    mark: int | None
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Card:
    """What a page shows of one item; all texts are plain and are escaped where they are written.

    Attributes:
        state: The verdict, or `failed`.
        name: Name of the item.
        source: Where it came from.
        score: Two decimals, empty when there is none.
        score_words: Where the score comes from, or why there is none.
        level: The score in percent, for a bar; None when there is none.
        rows: The findings.
        columns: Names of the columns that say where a finding is in time, of what has a time.
        why: Why there is no verdict, in sentences.
        cost: What it cost, in words.
        report: The report; None for a failure.
        failure: The failure; None for a report.
        thumb: Small picture as a `data:` URL.
        picture: Picture with findings as a `data:` URL.
        original: Picture without findings as a `data:` URL; empty when nothing was drawn on it.
        no_picture: Why there is no picture, when there is none.
        files: Label, name and `data:` URL of files to save.
    """

    state: str
    name: str
    source: str
    score: str = ""
    score_words: str = ""
    level: float | None = None
    rows: tuple[Row, ...] = ()
    columns: tuple[str, ...] = ()
    why: tuple[str, ...] = ()
    cost: str = ""
    report: Report | None = None
    failure: Failure | None = None
    thumb: str = field(default="", repr=False)
    picture: str = field(default="", repr=False)
    original: str = field(default="", repr=False)
    no_picture: str = ""
    files: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)

    @property
    def drawn(self) -> bool:
        """Whether the picture was drawn of an item that is none, and so needs all the width."""
        return self.report is not None and self.report.item.modality != "image"

    @property
    def place_heading(self) -> str:
        """What stands above where a finding is, without columns for it."""
        return "Where, in the item's own coordinates" if self.drawn else "Where (original pixels)"


def card_of(result: Report | Failure, detail: Detail, loader: PictureLoader | None = None) -> Card:
    """Prepare a report or a failure for a page."""
    if isinstance(result, Failure):
        return Card(
            state="failed",
            name=result.name,
            source=result.source or "",
            score_words="not inspected",
            why=("The item could not be inspected. This says nothing about the item.",),
            failure=result,
        )
    found = find_picture(result, loader)
    thumb, picture, original = _pictures(result, found.picture, detail)
    return Card(
        state=result.verdict,
        name=result.item.name,
        source=result.item.source or "",
        score="" if result.score is None else f"{result.score:.2f}",
        score_words=SCORE_SOURCES[result.score_source] if result.score_source else "no score",
        level=None if result.score is None else round(100 * result.score, 1),
        rows=_rows(result),
        columns=TIME_COLUMNS.get(result.item.modality, ()),
        why=why_not_judged(result),
        cost=spent(result.usage, result.cost),
        report=result,
        no_picture=found.why,
        files=_files(result) if detail.files else (),
        thumb=thumb,
        picture=picture,
        original=original,
    )


def _pictures(report: Report, picture: Image.Image | None, detail: Detail) -> tuple[str, str, str]:
    """The small picture, the one with findings and the one without, as `data:` URLs."""
    if picture is None:
        return "", "", ""

    def url(drawn: Image.Image, side: int, quality: int) -> str:
        if report.item.modality in TIME_COLUMNS:
            return data_url(png(drawn), "image/png")  # lines and letters stay sharp
        return data_url(jpeg(drawn, max_side=side, quality=quality), "image/jpeg")

    clean = plain(picture, max_side=detail.side)
    large = overlay(report, clean, max_side=detail.side, legend=False)
    small = thumbnail(report, clean, side=detail.thumb)
    beside = detail.original and large.tobytes() != clean.tobytes()
    return (
        url(small, detail.thumb, 74),
        url(large, detail.side, detail.quality),
        url(clean, detail.side, detail.quality) if beside else "",
    )


def _rows(report: Report) -> tuple[Row, ...]:
    rows = []
    for number, finding in enumerate(report.findings, start=1):
        where, extent = describe_region(finding.region, report.item.size)
        rows.append(
            Row(
                number=number,
                label=finding.label,
                description=finding.description,
                severity=finding.severity,
                confidence="" if finding.confidence is None else f"{finding.confidence:.2f}",
                where=where,
                extent=extent,
                mark=getattr(finding.region, "mark", None),
                places=time_cells(finding.region) if report.item.modality in TIME_COLUMNS else (),
            )
        )
    return tuple(rows)


def _files(report: Report) -> tuple[tuple[str, str, str], ...]:
    """What can be saved from the page: label, file name and content."""
    # The name of an item is the caller's; only what every file system takes is kept of it.
    stem = "".join(c if c.isascii() and c.isalnum() else "-" for c in report.item.name)[:60]
    whole = report.model_dump_json(indent=2).encode()
    files = [("Report (JSON)", f"{stem}.json", data_url(whole, "application/json"))]
    if report.item.modality in TIME_COLUMNS:
        table = to_csv([report]).encode()
        return (*files, ("Spans (CSV)", f"{stem}.spans.csv", data_url(table, "text/csv")))
    if report.item.modality == "pointcloud":
        table = to_csv([report]).encode()
        return (*files, ("Findings (CSV)", f"{stem}.findings.csv", data_url(table, "text/csv")))
    task = json.dumps([to_label_studio(report)], ensure_ascii=False).encode()
    studio = data_url(task, "application/json")
    files.append(("Label Studio task", f"{stem}.label-studio.json", studio))
    # A mask is offered only where it says what the report says.
    with contextlib.suppress(GadetError):
        files.append(("Mask (PNG)", f"{stem}.mask.png", data_url(mask_png(report), "image/png")))
    return tuple(files)


@dataclass(frozen=True)
class Summary:
    """What a page says about all of its items.

    Attributes:
        states: How many items of each state, in the order of urgency.
        answered: How many items got a readable answer, in words.
        cost: What all answers cost, in words.
        requests: Requests and tokens, in words.
        seconds: Time spent, in words; empty when it was not measured.
        backends: Names of the backends.
    """

    states: tuple[tuple[str, int], ...]
    answered: str
    cost: str
    requests: str
    seconds: str
    backends: tuple[str, ...]


def summary_of(results: Sequence[Report | Failure]) -> Summary:
    """Count the states of the items and add up what they cost."""
    reports = [result for result in results if isinstance(result, Report)]
    failed = len(results) - len(reports)
    counts = {state: sum(report.verdict == state for report in reports) for state in STATES}
    counts["failed"] = failed
    judged = sum(report.judged for report in reports)
    usage = sum((report.usage for report in reports), Usage())
    costs = [report.cost for report in reports if report.cost is not None]
    unknown = sum(report.cost is None and report.usage.requests > 0 for report in reports)
    cost = money(costs) or ("not known" if unknown else "nothing: no request was sent")
    if costs and unknown:
        cost += f" and {count(unknown, 'answer')} of unknown price"
    tokens = usage.input_tokens + usage.output_tokens
    seconds = sum(report.timings.get("total", 0.0) for report in reports)
    share = f" ({100 * judged / len(results):.0f} %)" if results else ""
    return Summary(
        states=tuple(counts.items()),
        answered=f"{judged} of {count(len(results), 'item')}{share}",
        cost=cost,
        requests=f"{count(usage.requests, 'request')}, {count(tokens, 'token')}",
        seconds=f"{seconds:.1f} s" if seconds else "",
        backends=tuple(sorted({report.provenance.backend for report in reports})),
    )
