"""What the network looks at: a picture or a part of it, no larger than masks are worked out at."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import InputError
from gadet.experts.cache import pixel_key
from gadet.geometry import Box, Frame

__all__ = ["LONGEST_LOOK", "Look", "checked_pixels", "look_around", "look_at", "tiles"]

Pixels = npt.NDArray[np.uint8]

LONGEST_LOOK = 2048
"""Longest side of a look in pixels. The networks see 1024 and answer in cells of a quarter of that,
so more would only cost memory."""
CONTEXT = 4
"""How many times its own size a prompt is looked at with, in a picture larger than a look."""
_OVERLAP = 512 / 1500
"""Overlap of tiles, the value of segment-anything: part of the shorter side, for two tiles."""


@dataclass(frozen=True, eq=False)
class Look:
    """A part of a picture, made smaller where it is too large.

    Attributes:
        pixels: `(h, w, 3)` uint8 RGB.
        frame: How it lies in the native picture.
    """

    pixels: Pixels = field(repr=False)
    frame: Frame

    @property
    def size(self) -> tuple[int, int]:
        """`(width, height)` in pixels of the look."""
        return self.frame.width, self.frame.height

    @cached_property
    def key(self) -> str:
        """What two looks share only if their pixels are equal."""
        return pixel_key(self.pixels)


def checked_pixels(pixels: Pixels) -> Pixels:
    """The pixels, if they are a picture.

    Raises:
        InputError: They are not `(H, W, 3)` uint8.
    """
    if (
        not isinstance(pixels, np.ndarray)
        or pixels.dtype != np.uint8
        or pixels.ndim != 3
        or pixels.shape[2] != 3
        or pixels.size == 0
    ):
        came = f"{getattr(pixels, 'dtype', type(pixels).__name__)} {np.shape(pixels)}"
        raise InputError(
            f"a segmenter needs pixels as an array (H, W, 3) of uint8, RGB; got {came}"
        )
    return pixels


def look_at(pixels: Pixels, part: tuple[int, int, int, int] | None = None) -> Look:
    """Look at a picture or at a part of it.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        part: `x0, y0, x1, y1` in whole pixels, half-open; None is all of it.
    """
    height, width = pixels.shape[:2]
    x0, y0, x1, y1 = part or (0, 0, width, height)
    seen = np.ascontiguousarray(pixels[y0:y1, x0:x1])
    tall, wide = seen.shape[:2]
    shrink = max(tall, wide) / LONGEST_LOOK
    if shrink > 1:
        tall, wide = max(1, round(tall / shrink)), max(1, round(wide / shrink))
        seen = np.asarray(Image.fromarray(seen).resize((wide, tall), Image.Resampling.BOX))
    frame = Frame(
        native_width=width,
        native_height=height,
        source=Box.of(x0, y0, x1, y1),
        width=wide,
        height=tall,
    )
    return Look(seen, frame)


def look_around(pixels: Pixels, box: Box) -> Look:
    """Look at what a prompt is in: all of a picture, or the surroundings of it in a large one.

    A small region of a large picture would be a few pixels of what the network sees. The window is
    a square, moved in steps of a quarter of its side, so that prompts near each other share it.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        box: Around the prompt, in native pixels, inside the picture.
    """
    height, width = pixels.shape[:2]
    if max(height, width) <= LONGEST_LOOK:
        return look_at(pixels)
    wanted = max(CONTEXT * max(box.width, box.height), LONGEST_LOOK / 2)
    side = LONGEST_LOOK // 2 * 2 ** math.ceil(math.log2(wanted / (LONGEST_LOOK / 2)))
    spans = [
        _span(middle, side, whole)
        for middle, whole in zip(box.centre, (width, height), strict=True)
    ]
    return look_at(pixels, (spans[0][0], spans[1][0], spans[0][1], spans[1][1]))


def _span(middle: float, side: int, whole: int) -> tuple[int, int]:
    """Where a window of `side` begins and ends on an axis of `whole` pixels."""
    if side >= whole:
        return 0, whole
    step = side // 4
    start = round((middle - side / 2) / step) * step
    start = min(max(start, 0), whole - side)
    return start, start + side


def tiles(size: tuple[int, int], layers: int) -> list[tuple[int, int, int, int]]:
    """The whole of a picture, then layers of overlapping tiles: 2 × 2, 4 × 4 and so on.

    Args:
        size: `(width, height)` of the picture.
        layers: Number of layers besides the whole.

    Returns:
        `x0, y0, x1, y1` each, in whole pixels, half-open.

    Source: Kirillov et al., "Segment Anything", ICCV 2023, arXiv:2304.02643, appendix B; the
    overlap is that of the package.
    """
    width, height = size
    found = [(0, 0, width, height)]
    for layer in range(1, layers + 1):
        count = 2**layer
        overlap = int(_OVERLAP * min(size) * (2 / count))
        wide, tall = (math.ceil((overlap * (count - 1) + whole) / count) for whole in size)
        found += [
            (x, y, min(x + wide, width), min(y + tall, height))
            for x in range(0, count * (wide - overlap), wide - overlap)
            for y in range(0, count * (tall - overlap), tall - overlap)
        ]
    return found
