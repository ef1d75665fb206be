"""Contact sheets: frames side by side with their numbers and times, drawn for a model."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gadet.geometry import Box
from gadet.media.video.grid import Grid
from gadet.media.video.still import Pixels, clock
from gadet.media.video.view import Cell, VideoView, frame_of
from gadet.view import ViewLimits

__all__ = ["Tile", "compose", "cropped", "label_of"]

Role = Literal["item", "reference"]
Kind = Literal["clean", "marked", "zoom"]

_PAPER: Final = (255, 255, 255)
_INK: Final = (0, 0, 0)
_LEAST_LETTER: Final = 7


class Tile:
    """A picture for one cell.

    Attributes:
        frame: Number of the frame that it shows.
        seconds: Its time.
        pixels: `(h, w, 3)` uint8, of any size.
        label: What is written above it.
    """

    __slots__ = ("frame", "label", "pixels", "seconds")

    def __init__(self, frame: int, seconds: float, pixels: Pixels, label: str) -> None:
        self.frame, self.seconds, self.pixels, self.label = frame, seconds, pixels, label


def label_of(frame: int, seconds: float, digits: int = 1) -> str:
    """How a frame is named on a picture: `#312  0:12.4`."""
    return f"#{frame}  {clock(seconds, digits)}"


def cropped(pixels: Pixels, part: Box, native: tuple[int, int]) -> Pixels:
    """The part of a frame that lies in a box of whole native pixels."""
    x0, y0, x1, y1 = part.rounded_out()
    across, down = pixels.shape[1] / native[0], pixels.shape[0] / native[1]
    return pixels[
        round(y0 * down) : max(round(y1 * down), round(y0 * down) + 1),
        round(x0 * across) : max(round(x1 * across), round(x0 * across) + 1),
    ]


def compose(
    tiles: Sequence[Tile],
    grid: Grid,
    part: Box,
    native: tuple[int, int],
    limits: ViewLimits,
    *,
    role: Role = "item",
    kind: Kind = "clean",
    caption: str = "",
    latest: npt.NDArray[np.intp] | None = None,
    joined: tuple[tuple[int, float], ...] = (),
) -> VideoView:
    """Draw tiles on a sheet.

    Args:
        tiles: What is shown, in the order of time.
        grid: Where.
        part: The native pixels that each tile shows.
        native: `(width, height)` of a frame.
        limits: What the model takes.
        role: Whether the item is shown or a normal sample.
        kind: What the view is.
        caption: A short neutral label for the prompt.
        latest: Of a single tile that joins several frames: which one each of its pixels is from.
        joined: The frames that it joins.
    """
    sheet = Image.new("RGB", grid.size, _PAPER)
    pen = ImageDraw.Draw(sheet)
    cells = []
    for number, tile in enumerate(tiles):
        shown, label = grid.shown(number), grid.label(number)
        sheet.paste(_scaled(tile.pixels, grid.cell), (int(shown.x0), int(shown.y0)))
        if label is not None:
            _write(pen, tile.label, label, grid.letter)
        cells.append(Cell(tile.frame, tile.seconds, shown, part, label))
    whole = part == Box.of(0, 0, *native)
    return VideoView(
        picture=sheet,
        frame=frame_of(cells[0], native, grid.size),
        role=role,
        kind=kind if whole or kind == "marked" else "zoom",
        caption=caption,
        encoding=limits.encoding or "image/jpeg",
        quality=limits.quality,
        cells=tuple(cells),
        latest=None if latest is None else _lifted(latest, grid),
        joined=joined,
    )


def _scaled(pixels: Pixels, size: tuple[int, int]) -> Image.Image:
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    if picture.size == size:
        return picture
    return picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)


def _lifted(latest: npt.NDArray[np.intp], grid: Grid) -> npt.NDArray[np.intp]:
    """The numbers of a tile's pixels at the place of the tile on the whole sheet."""
    box, (width, height) = grid.shown(0), grid.cell
    rows = (np.arange(height) + 0.5) * latest.shape[0] / height
    columns = (np.arange(width) + 0.5) * latest.shape[1] / width
    sheet = np.zeros(grid.size[::-1], np.intp)
    top, left = int(box.y0), int(box.x0)
    sheet[top : top + height, left : left + width] = latest[
        np.ix_(rows.astype(np.intp), columns.astype(np.intp))
    ]
    return sheet


def _write(pen: ImageDraw.ImageDraw, text: str, box: Box, letter: int) -> None:
    """Write a label as large as it was meant, or as the width of its box allows."""
    size = letter
    while size > _LEAST_LETTER and pen.textlength(text, font=_font(size)) > box.width - 2:
        size -= 1
    pen.text((box.x0 + 1, (box.y0 + box.y1) / 2), text, fill=_INK, font=_font(size), anchor="lm")


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)
