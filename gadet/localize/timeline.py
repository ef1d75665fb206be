"""The scores of a clip over time, with what was found shaded and numbered."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gadet.findings import VideoRegion
from gadet.localize.tracks import colour_of
from gadet.media.video.clip import Clip
from gadet.media.video.still import clock

__all__ = ["draw_timeline"]

Scores = npt.NDArray[np.float32]

_INK: Final = (32, 36, 42)
_FAINT: Final = (150, 156, 164)
_LINE: Final = (40, 84, 130)
_BOUNDARY: Final = 0.5
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 10, 20, 22
_FINE: Final = 2  # drawn larger and reduced, which smooths the line
_STEPS: Final = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
_TICK_ROOM: Final = 84


def draw_timeline(
    clip: Clip,
    spans: Sequence[tuple[int, VideoRegion]],
    scores: Scores | None,
    size: tuple[int, int],
) -> Image.Image:
    """Draw the scores of the frames, 0 to 1, over the seconds of the clip.

    Args:
        clip: The clip.
        spans: What was found, with its number.
        scores: `(T,)` or one value for every few frames; None draws the findings alone.
        size: `(width, height)` in pixels.
    """
    width, height = size
    plot = (_LEFT, _TOP, width - _RIGHT, height - _BOTTOM)
    large = Image.new("RGB", (width * _FINE, height * _FINE), "white")
    pen = ImageDraw.Draw(large)
    for number, region in spans:
        x0, x1 = (_across(clip, at, plot) for at in (region.interval.start, region.interval.end))
        pale = tuple(round(255 - 0.4 * (255 - part)) for part in colour_of(number))
        pen.rectangle(_fine(x0, plot[1], max(x1, x0 + 2), plot[3]), fill=pale)
    middle = plot[1] + (1 - _BOUNDARY) * (plot[3] - plot[1])
    for x in range(plot[0], plot[2], 8):
        pen.line(_fine(x, middle, min(x + 4, plot[2]), middle), fill=_FAINT, width=_FINE)
    if scores is not None and len(scores):
        pen.line(_curve(clip, scores, plot), fill=_LINE, width=2 * _FINE, joint="curve")
    pen.rectangle(_fine(*plot), outline=_FAINT, width=_FINE)
    drawn = large.resize(size, Image.Resampling.LANCZOS)
    _letter(drawn, clip, spans, plot, scored=scores is not None)
    return drawn


def _letter(
    picture: Image.Image,
    clip: Clip,
    spans: Sequence[tuple[int, VideoRegion]],
    plot: tuple[int, int, int, int],
    *,
    scored: bool,
) -> None:
    """Write the axis and the numbers of the findings."""
    pen = ImageDraw.Draw(picture)
    for level in (0.0, 0.5, 1.0) if scored else ():
        y = plot[1] + (1 - level) * (plot[3] - plot[1])
        pen.text((plot[0] - 6, y), f"{level:g}", fill=_INK, font=_font(12), anchor="rm")
    step = _step(clip.duration, plot[2] - plot[0])
    at = math.ceil(clip.start / step) * step
    while at <= clip.end:
        x = _across(clip, at, plot)
        pen.line((x, plot[3], x, plot[3] + 4), fill=_FAINT)
        words = clock(at, 1 if step < 1 else 0)
        x = min(x, picture.width - pen.textlength(words, font=_font(12)) / 2 - 1)
        pen.text((x, plot[3] + 5), words, _INK, _font(12), "ma")
        at += step
    last = -math.inf
    for number, region in sorted(spans, key=lambda span: span[1].interval.start):
        interval = region.interval
        x = (_across(clip, interval.start, plot) + _across(clip, interval.end, plot)) / 2
        x = max(x, last + 20)
        pen.ellipse((x - 8, 2, x + 8, 18), fill=colour_of(number))
        pen.text((x, 10), str(number), fill=_INK, font=_font(12), anchor="mm")
        last = x


def _across(clip: Clip, seconds: float, plot: tuple[int, int, int, int]) -> float:
    share = (seconds - clip.start) / clip.duration
    return plot[0] + min(max(share, 0.0), 1.0) * (plot[2] - plot[0])


def _curve(
    clip: Clip, scores: Scores, plot: tuple[int, int, int, int]
) -> list[tuple[float, float]]:
    """The line through the scores; of more than a pixel column holds, the highest."""
    together = -(-len(clip.times) // len(scores))
    times = clip.times[::together][: len(scores)]
    columns = max(plot[2] - plot[0], 1)
    group = -(-len(times) // columns)
    starts = np.arange(0, len(times), group)
    highest = np.maximum.reduceat(np.nan_to_num(scores[: len(times)]), starts)
    points = [
        (
            _across(clip, float(at), plot) * _FINE,
            (plot[1] + (1 - min(max(float(score), 0), 1)) * (plot[3] - plot[1])) * _FINE,
        )
        for at, score in zip(times[starts], highest, strict=True)
    ]
    return points if len(points) > 1 else points * 2


def _step(duration: float, width: int) -> float:
    most = max(width // _TICK_ROOM, 1)
    return next((step for step in _STEPS if duration / step <= most), duration)


def _fine(*values: float) -> list[float]:
    return [value * _FINE for value in values]


@lru_cache(maxsize=4)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
