"""The picture of a report about a video: key frames with what was found, and scores over time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gadet.findings import Finding, VideoRegion
from gadet.localize.timeline import draw_timeline
from gadet.localize.tracks import box_at, colour_of, frames_in, key_frame
from gadet.media.video import Still, VideoSample
from gadet.media.video.sampling import uniform
from gadet.media.video.still import clock

__all__ = ["filmstrip"]

Scores = npt.NDArray[np.float32]

WIDTH: Final = 1024
_GAP: Final = 8
_HEAD: Final = 26
_MOST_ROWS: Final = 5
_PER_ROW: Final = 4
_PLOT: Final = 132
_INK: Final = (32, 36, 42)
_PAPER: Final = (255, 255, 255)
_TINT: Final = 90  # of 255: what is there stays to be seen


@dataclass(frozen=True)
class _Row:
    """Frames side by side with a line of words above."""

    words: str
    frames: tuple[int, ...]
    number: int | None = None
    region: VideoRegion | None = None


def filmstrip(video: VideoSample, findings: Sequence[Finding], scores: Scores | None) -> bytes:
    """Draw what was found in a clip, as a PNG file.

    Each finding has a row of frames, from its beginning over its key frame to its end, with its
    place outlined and numbered as it is listed. Below them are the scores of the frames over time,
    with the findings shaded. Without findings, frames of the whole clip are shown.

    Args:
        video: The clip.
        findings: What was found; those without a region keep their number and are not drawn.
        scores: `(T,)` the expert's scores of the frames in [0, 1], when there are any.
    """
    placed = [
        (number, finding)
        for number, finding in enumerate(findings, start=1)
        if isinstance(finding.region, VideoRegion)
    ]
    rows = [_row(video, number, finding) for number, finding in placed[:_MOST_ROWS]]
    if not rows:
        rows = [_Row("", tuple(uniform(video.clip, _PER_ROW)))]
    strips = [_strip(video, row) for row in rows]
    if len(placed) > _MOST_ROWS:
        strips.append(_line(f"and {len(placed) - _MOST_ROWS} more in the list"))
    spans = [(n, f.region) for n, f in placed if isinstance(f.region, VideoRegion)]
    strips.append(draw_timeline(video.clip, spans, scores, (WIDTH, _PLOT)))
    height = sum(strip.height for strip in strips) + _GAP * (len(strips) - 1)
    sheet = Image.new("RGB", (WIDTH, height), _PAPER)
    top = 0
    for strip in strips:
        sheet.paste(strip, (0, top))
        top += strip.height + _GAP
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG")
    return buffer.getvalue()


def _row(video: VideoSample, number: int, finding: Finding) -> _Row:
    region = finding.region
    assert isinstance(region, VideoRegion)
    start, stop = frames_in(region, video.clip)
    key = key_frame(region, video.clip)
    chosen = uniform(video.clip, _PER_ROW, start, stop)
    # The key frame takes the place of the one next to it.
    nearest = min(range(len(chosen)), key=lambda place: abs(chosen[place] - key))
    chosen[nearest] = key
    interval = region.interval
    words = f"{finding.label}, {interval.start_label} to {interval.end_label}"
    return _Row(words, tuple(chosen), number, region)


def _strip(video: VideoSample, row: _Row) -> Image.Image:
    """The frames of a row beside each other."""
    width = (WIDTH - _GAP * (_PER_ROW - 1)) // _PER_ROW
    size = (width, max(1, round(width * video.clip.size[1] / video.clip.size[0])))
    head = _HEAD if row.words else 0
    strip = Image.new("RGB", (WIDTH, head + size[1]), _PAPER)
    for number, still in enumerate(video.clip.frames(row.frames)):
        strip.paste(_cell(still, row, size), (number * (width + _GAP), head))
    if row.number is not None:
        _title(strip, row.number, row.words)
    return strip


def _cell(still: Still, row: _Row, size: tuple[int, int]) -> Image.Image:
    """A frame with the place of the finding outlined, and its time in the corner."""
    picture = Image.fromarray(still.pixels).resize(size, Image.Resampling.LANCZOS)
    mask = _mask_at(row.region, still.index) if row.region is not None else None
    if mask is not None and row.number is not None:
        shown = Image.fromarray(np.where(mask, _TINT, 0).astype(np.uint8)).resize(size)
        picture.paste(Image.new("RGB", size, colour_of(row.number)), mask=shown)
    pen = ImageDraw.Draw(picture)
    box = box_at(row.region, still.index, still.seconds) if row.region is not None else None
    if box is not None and row.number is not None:
        scale = size[0] / still.native[0]
        x0, y0, x1, y1 = (value * scale for value in box.as_tuple())
        pen.rectangle((x0 - 3, y0 - 3, x1 + 2, y1 + 2), outline=_INK)
        pen.rectangle((x0 - 2, y0 - 2, x1 + 1, y1 + 1), outline=colour_of(row.number), width=2)
    stamp = clock(still.seconds)
    room = pen.textlength(stamp, font=_font(14)) + 10
    pen.rectangle((0, size[1] - 20, room, size[1]), fill=_INK)
    pen.text((5, size[1] - 10), stamp, fill=_PAPER, font=_font(14), anchor="lm")
    return picture


def _mask_at(region: VideoRegion, frame: int) -> npt.NDArray[np.bool_] | None:
    """The pixels of a finding in a frame, where they are known."""
    masks = (point.mask for point in region.track if point.frame == frame)
    known = next((mask for mask in masks if mask is not None), None)
    return None if known is None else known.to_array()


def _title(strip: Image.Image, number: int, words: str) -> None:
    pen = ImageDraw.Draw(strip)
    pen.rectangle((0, 3, 20, _HEAD - 4), fill=colour_of(number))
    pen.text((10, _HEAD / 2), str(number), fill=_INK, font=_font(14), anchor="mm")
    room = WIDTH - 32
    while pen.textlength(words, font=_font(15)) > room:
        words = words[:-2].rstrip(" …") + "…"
    pen.text((28, _HEAD / 2), words, fill=_INK, font=_font(15), anchor="lm")


def _line(words: str) -> Image.Image:
    strip = Image.new("RGB", (WIDTH, _HEAD), _PAPER)
    ImageDraw.Draw(strip).text((0, _HEAD / 2), words, fill=_INK, font=_font(15), anchor="lm")
    return strip


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
