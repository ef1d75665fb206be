"""An enlarged part of a picture, with its surroundings and a small map of where it is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from gadet.geometry import Box, Frame
from gadet.media.shrink import resized
from gadet.view import ImageType, View, ViewLimits

__all__ = ["enlarged"]

# The place takes this share of the enlarged part, so that it is seen among its surroundings.
SHARE = 1 / 3
# No side of the part is shorter than this many native pixels: fewer show no surroundings.
SHORTEST = 64
# Of a long and thin place more is shown across than along, so that the part is no thin strip.
LONGEST_TO_SHORTEST = 3
# Enlarging a part beyond this many view pixels adds nothing but size.
LARGEST = 768
# Small parts are blown up at most this much: interpolation invents no detail.
MOST = 8.0
# The map of where the part is stands to the right and takes this share of the part's width.
MAP_SHARE = 0.25
GAP = 8
PAPER, EDGE = (255, 255, 255), (128, 128, 128)
FRAME_COLOUR, HALO = (230, 0, 0), (255, 255, 255)


def enlarged(
    pixels: npt.NDArray[np.uint8], box: Box, limits: ViewLimits, *, encoding: ImageType
) -> View | None:
    """Show part of a picture at its own resolution or larger.

    The part lies at the left of the view, unchanged but for its size; a map of the whole picture
    with the part's outline stands beside it on white. The view's frame holds for the part, and
    continues beyond it at the same scale.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        box: The place, in native pixels.
        limits: What the model takes.
        encoding: How the view is sent.

    Returns:
        The view, or None when it would show nothing that the whole picture does not.
    """
    height, width = pixels.shape[:2]
    least = max(SHORTEST, max(box.width, box.height) / SHARE / LONGEST_TO_SHORTEST)
    x0, x1 = _stretch(box.x0, box.x1, width, least)
    y0, y1 = _stretch(box.y0, box.y1, height, least)
    part = (x1 - x0, y1 - y0)
    size = _size(part, limits)
    whole = limits.fit(width, height)
    if size[0] / part[0] <= whole[0] / width * 1.2:
        return None
    shown = Image.fromarray(pixels[y0:y1, x0:x1]).resize(size, Image.Resampling.LANCZOS)
    chart = _map(pixels, (x0, y0, x1, y1), max(1, int(size[0] * MAP_SHARE)), size[1])
    canvas = Image.new("RGB", (size[0] + GAP + chart.width, size[1]), PAPER)
    canvas.paste(shown, (0, 0))
    canvas.paste(chart, (size[0] + GAP, 0))
    across, down = part[0] / size[0], part[1] / size[1]
    frame = Frame(
        native_width=width,
        native_height=height,
        source=Box.of(x0, y0, x0 + canvas.width * across, y0 + canvas.height * down),
        width=canvas.width,
        height=canvas.height,
    )
    return View(
        canvas,
        frame,
        kind="zoom",
        caption="the part at the left; the small map at the right shows where it is",
        encoding=limits.encoding or encoding,
        quality=limits.quality,
    )


def _stretch(low: float, high: float, length: int, least: float) -> tuple[int, int]:
    """The interval of the part around the place, within the picture."""
    wanted = min(max((high - low) / SHARE, least), length)
    start = min(max((low + high - wanted) / 2, 0), length - wanted)
    return int(np.floor(start)), min(int(np.ceil(start + wanted)), length)


def _size(part: tuple[int, int], limits: ViewLimits) -> tuple[int, int]:
    """The size of the part in the view: enlarged as far as is of use, with room for the map."""
    room = limits.fit(*(round(side * 1e4 / max(part)) for side in part))
    scale = min(MOST, LARGEST / max(part), (room[0] / (1 + MAP_SHARE) - GAP) / part[0])
    scale = min(scale, room[1] / part[1])
    return max(1, int(part[0] * scale)), max(1, int(part[1] * scale))


def _map(
    pixels: npt.NDArray[np.uint8], part: tuple[int, int, int, int], width: int, height: int
) -> Image.Image:
    """The whole picture, small, with the outline of the part."""
    scale = min(width / pixels.shape[1], height / pixels.shape[0], 1.0)
    size = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
    chart = resized(pixels, size, Image.Resampling.BOX)
    each = chart.width / pixels.shape[1], chart.height / pixels.shape[0]
    x0, y0, x1, y1 = (round(value * each[n % 2]) for n, value in enumerate(part))
    pen = ImageDraw.Draw(chart)
    outline = (x0 - 1, y0 - 1, max(x1, x0 + 2), max(y1, y0 + 2))
    pen.rectangle(tuple(v - 1 if n < 2 else v + 1 for n, v in enumerate(outline)), outline=HALO)
    pen.rectangle(outline, outline=FRAME_COLOUR)
    pen.rectangle((0, 0, chart.width - 1, chart.height - 1), outline=EDGE)
    return chart
