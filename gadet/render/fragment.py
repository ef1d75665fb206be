"""A report as a piece of HTML for a notebook, written with the standard library alone."""

from __future__ import annotations

from html import escape

from gadet.render.colours import VERDICTS
from gadet.render.overlay import overlay
from gadet.render.picture import PictureLoader, data_url, jpeg
from gadet.render.words import SCORE_SOURCES, describe_region, spent, why_not_judged
from gadet.report import Report

__all__ = ["fragment"]

_SIDE = 640
_PLOT_SIDE = 1024  # letters of a plot or a sheet are no longer read when it is made smaller


def fragment(report: Report, loader: PictureLoader | None = None) -> str:
    """Write a report for a notebook.

    Styles are inline and colours of text are inherited, since the page around it is the
    notebook's, light or dark. Every text is escaped.
    """
    plot = report.item.modality in ("series", "pointcloud", "video")
    side = _PLOT_SIDE if plot else _SIDE
    picture = overlay(report, max_side=side, legend=False, loader=loader)
    url = data_url(jpeg(picture, max_side=side, quality=82), "image/jpeg")
    red, green, blue = VERDICTS[report.verdict]
    ink = "#000" if report.verdict == "uncertain" else "#fff"
    score = "no score"
    if report.score is not None and report.score_source is not None:
        score = f"<b>{report.score:.2f}</b> {escape(SCORE_SOURCES[report.score_source])}"
    alt = f"{report.item.name}: {report.verdict}"
    parts = [
        '<div style="display:flex;flex-wrap:wrap;gap:16px;align-items:flex-start;'
        'font-family:system-ui,sans-serif;font-size:14px;line-height:1.45;max-width:960px">',
        f'<img src="{url}" alt="{escape(alt)}" style="max-width:min({960 if plot else 420}px,'
        "100%);height:auto;"
        'border-radius:6px">',
        '<div style="flex:1 1 300px;min-width:0;overflow-wrap:anywhere">',
        f'<div><span style="background:rgb({red},{green},{blue});color:{ink};font-weight:600;'
        f'padding:3px 10px;border-radius:5px">{escape(report.verdict.upper())}</span> '
        f"&nbsp;{score}</div>",
        f'<div style="opacity:.75;margin:6px 0">{escape(report.item.name)}</div>',
    ]
    parts += [f"<p><b>{escape(reason)}</b></p>" for reason in why_not_judged(report)]
    if report.explanation:
        parts.append(f'<p style="margin:8px 0">{escape(report.explanation)}</p>')
    parts += _findings(report)
    parts += [
        '<div style="opacity:.75;font-size:12px">'
        f"{escape(report.provenance.backend)} · cost: {escape(spent(report.usage, report.cost))}"
        "</div></div></div>"
    ]
    return "".join(parts)


def _findings(report: Report) -> list[str]:
    if not report.findings:
        return []
    items = []
    for finding in report.findings:
        where, extent = describe_region(finding.region, report.item.size)
        severity = f" · {escape(finding.severity)}" if finding.severity else ""
        description = f"<br>{escape(finding.description)}" if finding.description else ""
        place = " · ".join(text for text in (where, extent) if text)
        items.append(
            f'<li style="margin:4px 0"><b>{escape(finding.label)}</b>{severity}{description}'
            f'<br><span style="opacity:.75;font-size:12px">{escape(place)}</span></li>'
        )
    return ['<ol style="margin:8px 0;padding-left:22px">', *items, "</ol>"]
