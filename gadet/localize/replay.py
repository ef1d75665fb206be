"""A clip played again with what was found drawn in: boxes, numbers, the scores as a bar."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gadet.findings import Finding, VideoRegion
from gadet.localize.tracks import box_at, colour_of, frames_in
from gadet.media.video import Still, VideoSample
from gadet.media.video.encode import write_mp4
from gadet.report import Writer

__all__ = ["exports_of", "redrawn"]

Scores = npt.NDArray[np.float32]
Numbered = Sequence[tuple[int, str, VideoRegion]]

_BAR: Final = 26
_INK: Final = (245, 246, 248)
_GROUND: Final = (24, 27, 32)
_LEVEL: Final = (88, 166, 255)
_ALARM: Final = (240, 84, 72)
_BOUNDARY: Final = 0.5
_LEAST_SIDE: Final = 480


def exports_of(
    video: VideoSample, findings: Sequence[Finding], scores: Scores | None
) -> Mapping[str, Writer]:
    """What writes the clip with the findings drawn in, by the ending of the file."""
    return {".mp4": partial(_write, video, tuple(findings), scores)}


def redrawn(
    video: VideoSample, findings: Sequence[Finding], scores: Scores | None
) -> Iterator[npt.NDArray[np.uint8]]:
    """The frames of a clip with the findings drawn in, one at a time.

    Each frame gets the boxes and numbers of what is going on in it, and a bar below: the time, the
    scores of the whole clip, and where in it the frame is. Small frames are enlarged.

    Args:
        video: The clip.
        findings: What was found.
        scores: `(T,)` the expert's scores of the frames in [0, 1], when there are any.

    Yields:
        The picture of each frame, `(H, W, 3)` uint8 RGB, all of one even size.
    """
    regions = [
        (number, finding.label, finding.region)
        for number, finding in enumerate(findings, start=1)
        if isinstance(finding.region, VideoRegion)
    ]
    size = _shown_size(video.clip.size)
    bar = _bar(video, regions, scores, size[0])
    for still in video.clip.scan(size=size):
        yield _frame(video, still, regions, bar)


def _write(
    video: VideoSample, findings: tuple[Finding, ...], scores: Scores | None, path: Path
) -> None:
    times = (float(seconds) - video.clip.start for seconds in video.clip.times)
    frames = redrawn(video, findings, scores)
    write_mp4(path, frames, video.clip.rate, times=times)


def _shown_size(native: tuple[int, int]) -> tuple[int, int]:
    """An even size of the frames, enlarged where numbers could not be read."""
    scale = max(1.0, _LEAST_SIDE / max(native))
    width, height = (round(side * scale / 2) * 2 for side in native)
    return max(width, 2), max(height, 2)


def _frame(
    video: VideoSample, still: Still, regions: Numbered, bar: Image.Image
) -> npt.NDArray[np.uint8]:
    width, height = still.size
    sheet = Image.new("RGB", (width, height + bar.height), _GROUND)
    sheet.paste(Image.fromarray(still.pixels), (0, 0))
    sheet.paste(bar, (0, height))
    pen = ImageDraw.Draw(sheet)
    scale = width / video.clip.size[0]
    for number, label, region in regions:
        start, stop = frames_in(region, video.clip)
        if not start <= still.index < stop:
            continue
        box = box_at(region, still.index, still.seconds)
        colour = colour_of(number)
        if box is None:
            pen.rectangle((1, 1, width - 2, height - 2), outline=colour, width=3)
            _tag(pen, f"{number} {label}", 4, 4, colour)
            continue
        x0, y0, x1, y1 = (value * scale for value in box.as_tuple())
        pen.rectangle((x0 - 2, y0 - 2, x1 + 1, y1 + 1), outline=colour, width=2)
        _tag(pen, f"{number} {label}", max(x0 - 2, 0), max(y0 - 20, 0), colour)
    at = still.index / max(len(video) - 1, 1)
    x = _LABEL + at * (width - _LABEL - 4)
    pen.line((x, height + 2, x, height + bar.height - 2), fill=_INK, width=2)
    stamp = video.clip.stamp(still.index)
    pen.text((6, height + bar.height / 2), stamp, fill=_INK, font=_FONT, anchor="lm")
    return np.asarray(sheet)


_LABEL: Final = 66
_FONT: Final = ImageFont.load_default(size=14)


def _tag(
    pen: ImageDraw.ImageDraw, words: str, x: float, y: float, colour: tuple[int, int, int]
) -> None:
    shown = words if len(words) <= 28 else words[:27] + "…"
    length = pen.textlength(shown, font=_FONT)
    pen.rectangle((x, y, x + length + 8, y + 18), fill=colour)
    pen.text((x + 4, y + 9), shown, fill=_GROUND, font=_FONT, anchor="lm")


def _bar(video: VideoSample, regions: Numbered, scores: Scores | None, width: int) -> Image.Image:
    """The scores of the whole clip as columns, and what was found as a line above them."""
    bar = Image.new("RGB", (width, _BAR), _GROUND)
    pen = ImageDraw.Draw(bar)
    room, frames = width - _LABEL - 4, len(video)
    for column in range(room):
        first = column * frames // room
        last = max((column + 1) * frames // room, first + 1)
        if scores is not None:
            score = float(np.nan_to_num(scores[first:last]).max(initial=0.0))
            colour = _ALARM if score >= _BOUNDARY else _LEVEL
            x = _LABEL + column
            pen.line((x, _BAR - 3, x, _BAR - 3 - score * (_BAR - 9)), fill=colour)
    for number, _, region in regions:
        start, stop = frames_in(region, video.clip)
        x0, x1 = (_LABEL + at * room / frames for at in (start, stop))
        pen.rectangle((x0, 1, max(x1, x0 + 2), 4), fill=colour_of(number))
    return bar
