"""The strip under a picture that says what was decided, and the panel for a missing picture."""

from __future__ import annotations

import textwrap
import unicodedata
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gadet.findings import Finding, SpanRegion, VideoRegion
from gadet.render.colours import BOUNDARY, VERDICTS, Colour, heat
from gadet.render.words import SCORE_SOURCES, VERDICT_MEANING, count, time_cells
from gadet.report import Report, Verdict

__all__ = ["draw_legend", "missing_panel"]

_GROUND: Colour = (22, 27, 34)
_TEXT: Colour = (240, 243, 246)
_MUTED: Colour = (160, 170, 182)
_LISTED = 4  # findings named in the strip; the page lists all


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _printable(text: str) -> str:
    """Text in one line without accents, or nothing when Pillow's font cannot write it."""
    letters = unicodedata.normalize("NFKD", " ".join(text.split()).replace("ß", "ss"))
    line = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return line if line.isascii() and line.isprintable() else ""


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: float) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text.rstrip() + "…"


def draw_legend(report: Report, width: int, *, heat_drawn: bool) -> Image.Image:
    """Draw the strip: verdict, score and its source, the findings by number, the scale of the heat.

    Args:
        report: What was decided.
        width: Width in pixels.
        heat_drawn: Whether the picture above carries heat, whose scale is then shown.
    """
    size = max(14, min(26, round(width / 44)))
    font, small = _font(size), _font(max(12, round(size * 0.86)))
    pad = round(size * 0.7)
    row = round(size * 1.9)
    lines = _finding_lines(report)
    row_small = round(size * 1.45)
    strip = Image.new("RGB", (width, 2 * pad + row + row_small * len(lines)), _GROUND)
    draw = ImageDraw.Draw(strip)
    ground = VERDICTS[report.verdict]
    ink = (0, 0, 0) if report.verdict == "uncertain" else (255, 255, 255)
    name = report.verdict.upper()
    chip = round(font.getlength(name) + row + size * 0.5)
    draw.rounded_rectangle((pad, pad, pad + chip, pad + row), radius=row // 5, fill=ground)
    _symbol(draw, report.verdict, (pad + row * 0.5, pad + row / 2), size * 0.36, ink)
    middle = pad + row / 2
    draw.text((pad + row * 0.92, middle), name, fill=ink, font=font, anchor="lm")
    right = width - pad
    if heat_drawn:
        right = _heat_scale(strip, right, round(middle), size)
    room = right - 2.6 * pad - chip
    text = _numbers(report)
    if font.getlength(text) > room:
        text = _shortened(_numbers(report, brief=True), font, room)
    draw.text((2 * pad + chip, middle), text, fill=_TEXT, font=font, anchor="lm")
    for i, line in enumerate(lines):
        y = pad + row + pad * 0.6 + row_small * (i + 0.5)
        shown = _shortened(line, small, width - 2 * pad)
        draw.text((pad, y), shown, fill=_MUTED, font=small, anchor="lm")
    return strip


def _numbers(report: Report, *, brief: bool = False) -> str:
    parts = []
    if report.score is not None and report.score_source is not None:
        source = "" if brief else f" ({SCORE_SOURCES[report.score_source]})"
        parts.append(f"score {report.score:.2f}{source}")
    else:
        parts.append("no score")
    if report.judged or report.findings:
        number = len(report.findings)
        parts.append(count(number, "finding") if number else "no findings")
    return "  ·  ".join(parts)


def _finding_lines(report: Report) -> list[str]:
    lines = [] if report.judged else [VERDICT_MEANING[report.verdict]]
    for number, finding in enumerate(report.findings[:_LISTED], start=1):
        label = _printable(finding.label) or "(see the report)"
        parts = [f"{number}  {label}", finding.severity, _when(finding)]
        lines.append("  ·  ".join(part for part in parts if part))
    more = len(report.findings) - _LISTED
    return [*lines, f"and {more} more"] if more > 0 else lines


def _when(finding: Finding) -> str:
    """From when to when something is in a series or video; empty for other regions."""
    if not isinstance(finding.region, SpanRegion | VideoRegion):
        return ""
    start, end, *_ = time_cells(finding.region)
    return f"{start} to {end}"


def _symbol(
    draw: ImageDraw.ImageDraw,
    verdict: Verdict,
    centre: tuple[float, float],
    radius: float,
    ink: Colour,
) -> None:
    """A sign for each verdict, for those who do not tell the colours apart."""
    x, y = centre
    pen = max(2, round(radius / 3))
    match verdict:
        case "anomalous":
            corners = [
                (x, y - radius),
                (x + radius, y + radius * 0.8),
                (x - radius, y + radius * 0.8),
            ]
            draw.polygon(corners, fill=ink)
        case "normal":
            draw.line(
                [
                    (x - radius, y),
                    (x - radius * 0.3, y + radius * 0.7),
                    (x + radius, y - radius * 0.7),
                ],
                fill=ink,
                width=pen,
                joint="curve",
            )
        case "uncertain":
            draw.text((x, y), "?", fill=ink, font=_font(round(radius * 2.8)), anchor="mm")
        case "refused":
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=ink, width=pen)
            slope = radius * 0.7
            draw.line([(x - slope, y + slope), (x + slope, y - slope)], fill=ink, width=pen)
        case "unparsed":
            draw.line([(x - radius, y - radius), (x + radius, y + radius)], fill=ink, width=pen)
            draw.line([(x - radius, y + radius), (x + radius, y - radius)], fill=ink, width=pen)


def _heat_scale(strip: Image.Image, right: int, middle: int, size: int) -> int:
    """Draw the scale of the heat at the right; return where the space left of it ends."""
    width, height = size * 5, round(size * 0.8)
    font = _font(max(11, round(size * 0.75)))
    draw = ImageDraw.Draw(strip)
    draw.text((right, middle), "1", fill=_MUTED, font=font, anchor="rm")
    right -= round(font.getlength("1")) + size // 3
    scores = np.tile(np.linspace(BOUNDARY, 1.0, width), (height, 1))
    bar = Image.new("RGBA", (width, height), (235, 235, 235, 255))
    bar.alpha_composite(Image.fromarray(heat(scores)))
    strip.paste(bar.convert("RGB"), (right - width, middle - height // 2))
    right -= width + size // 3
    draw.text((right, middle), f"{BOUNDARY:g}", fill=_MUTED, font=font, anchor="rm")
    return right - round(font.getlength(f"{BOUNDARY:g}")) - size // 3


def missing_panel(why: str, width: int = 640, height: int = 400) -> Image.Image:
    """A neutral panel in the place of a picture, with the reason."""
    panel = Image.new("RGB", (width, height), (222, 226, 231))
    draw = ImageDraw.Draw(panel)
    step = max(16, width // 20)
    for x in range(-height, width, step):
        draw.line([(x, height), (x + height, 0)], fill=(213, 218, 224), width=1)
    size = max(11, width // 32)
    text = "\n".join(
        textwrap.wrap(_printable(why) or "No picture.", max(12, round(width / size * 1.5)))
    )
    draw.multiline_text(
        (width / 2, height / 2),
        text,
        fill=(70, 78, 88),
        font=_font(size),
        anchor="mm",
        align="center",
    )
    return panel
