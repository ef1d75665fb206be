"""Contact sheets: several views side by side, with a scale bar and axes for the model to read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from gadet.errors import ConfigurationError
from gadet.media.pointcloud.render.camera import Camera
from gadet.media.pointcloud.render.rendering import Rendering
from gadet.media.pointcloud.render.shade import BACKGROUND, Mode

__all__ = ["Layout", "annotated", "contact_sheet"]

_GROUND: Final = (BACKGROUND,) * 3
_INK: Final = (40, 44, 52)
_AXES: Final = (("x", (200, 40, 40)), ("y", (30, 130, 50)), ("z", (40, 80, 200)))
_FINE: Final = 4  # lines are drawn so many times larger, and reduced
_GAP: Final = 8
_MOST_VIEWS: Final = 64


def annotated(
    rendering: Rendering, mode: Mode = "shaded", *, units: str | None = None
) -> Image.Image:
    """A picture with a scale bar in the lower left corner and the axes in the lower right one.

    The scale holds everywhere in an orthographic view; in perspective it is that of the plane
    through the scene's middle, and the label says so.

    Args:
        rendering: The view.
        mode: One of the modes it was rendered in.
        units: The name of the cloud's unit of length, when it is known.
    """
    picture = rendering.picture(mode)
    width, height = picture.size
    if min(width, height) < 96:
        return picture  # letters would cover what is shown
    letter = max(11, min(width, height) // 36)
    camera = rendering.camera
    length, pixels = _round_length(camera, width)
    label = f"{length:g} {units or 'units'}"
    if camera.distance is not None:
        label += " (mid depth)"
    draw, edge = ImageDraw.Draw(picture), letter
    y = height - edge
    # A light rim keeps them legible where the picture is dark.
    for ink, rim in ((_GROUND, 2), (_INK, 0)):
        draw.line([(edge - rim, y), (edge + pixels + rim, y)], fill=ink, width=2 + 2 * rim)
        for x in (edge, edge + pixels):
            draw.line([(x, y - 4 - rim), (x, y + 4 + rim)], fill=ink, width=2 + 2 * rim)
    _write(draw, (edge, y - 5), label, letter)
    _axes(picture, camera, letter)
    return picture


@dataclass(frozen=True)
class Layout:
    """Where pictures of one size stand on a sheet, in rows, each below its caption.

    Attributes:
        count: How many pictures.
        columns: How many stand side by side.
        cell: `(width, height)` of each in pixels.
        captioned: Whether there is room for captions.
    """

    count: int
    columns: int
    cell: tuple[int, int]
    captioned: bool = True

    @property
    def letter(self) -> int:
        """Height of the letters of captions."""
        return max(12, self.cell[0] // 32)

    @property
    def head(self) -> int:
        """Height of the strip above each picture."""
        return 2 * self.letter if self.captioned else 0

    @property
    def size(self) -> tuple[int, int]:
        """`(width, height)` of the sheet."""
        rows = math.ceil(self.count / self.columns)
        wide, high = self.cell
        return self.columns * (wide + _GAP) + _GAP, rows * (high + self.head + _GAP) + _GAP

    @property
    def places(self) -> tuple[tuple[int, int], ...]:
        """Left and top edge of each picture on the sheet."""
        wide, high = self.cell[0] + _GAP, self.cell[1] + self.head + _GAP
        return tuple(
            (
                _GAP + index % self.columns * wide,
                _GAP + index // self.columns * high + self.head,
            )
            for index in range(self.count)
        )

    def drawn(
        self,
        pictures: Sequence[Image.Image],
        captions: Sequence[str] = (),
        size: tuple[int, int] | None = None,
    ) -> Image.Image:
        """The sheet, on a ground of `size` where that is larger than needed."""
        sheet = Image.new("RGB", size or self.size, _GROUND)
        draw = ImageDraw.Draw(sheet)
        wide, high = self.cell
        for index, (left, top) in enumerate(self.places):
            sheet.paste(pictures[index], (left, top))
            if captions:
                middle = (left + wide // 2, top - self.letter)
                draw.text(middle, captions[index], fill=_INK, font=_font(self.letter), anchor="mm")
            draw.rectangle([left - 1, top - 1, left + wide, top + high], outline=(205, 208, 212))
        return sheet


def contact_sheet(
    pictures: Sequence[Image.Image], captions: Sequence[str] = (), *, columns: int | None = None
) -> Image.Image:
    """Pictures in rows, each below its caption, on a light ground.

    Args:
        pictures: 1 to 64 of them; each cell is as large as the largest.
        captions: One for each, or none at all.
        columns: How many stand side by side; None makes the sheet nearly square.

    Raises:
        ConfigurationError: No picture or too many, captions that do not match, no column.
    """
    if not 1 <= len(pictures) <= _MOST_VIEWS:
        raise ConfigurationError(f"expected 1 to {_MOST_VIEWS} pictures; got {len(pictures)}")
    if captions and len(captions) != len(pictures):
        raise ConfigurationError(
            f"expected a caption for each of {len(pictures)} pictures; got {len(captions)}"
        )
    across = math.ceil(math.sqrt(len(pictures))) if columns is None else columns
    if across < 1:
        raise ConfigurationError(f"expected at least 1 column; got {columns}")
    cell = (max(one.width for one in pictures), max(one.height for one in pictures))
    layout = Layout(len(pictures), min(across, len(pictures)), cell, bool(captions))
    return layout.drawn(pictures, captions)


def _round_length(camera: Camera, width: int) -> tuple[float, int]:
    """A length of 1, 2 or 5 times a power of ten, about a fifth of the picture, and its pixels."""
    aim = width / 5 / camera.scale
    power = 10.0 ** math.floor(math.log10(aim))
    length = max(step * power for step in (1, 2, 5) if step * power <= aim * (1 + 1e-9))
    return length, round(length * camera.scale)


def _write(draw: ImageDraw.ImageDraw, place: tuple[float, float], text: str, letter: int) -> None:
    font = _font(letter)
    draw.text(place, text, fill=_INK, font=font, anchor="lb", stroke_width=2, stroke_fill=_GROUND)


def _axes(picture: Image.Image, camera: Camera, letter: int) -> None:
    """Draw the cloud's three axes as they lie in the view; the far ones first."""
    side = 6 * letter
    small = Image.new("RGBA", (side * _FINE, side * _FINE), (*_GROUND, 0))
    draw, middle, long = ImageDraw.Draw(small), side * _FINE / 2, 1.7 * letter * _FINE
    order = sorted(range(3), key=lambda axis: -camera.rotation[2, axis])
    for axis in order:
        name, colour = _AXES[axis]
        x, y = (float(part) for part in camera.rotation[:2, axis])
        end = (middle + x * long, middle + y * long)
        for ink, width in ((_GROUND, 5), (colour, 2)):
            draw.line([(middle, middle), end], fill=(*ink, 255), width=width * _FINE)
        reach = math.hypot(x, y)
        if reach > 0.35:
            out = 0.6 * letter * _FINE / reach
            at = (end[0] + x * out, end[1] + y * out)
            draw.text(
                at,
                name,
                fill=(*colour, 255),
                font=_font(letter * _FINE),
                anchor="mm",
                stroke_width=2 * _FINE,
                stroke_fill=(*_GROUND, 255),
            )
        else:
            dot = 2.2 * _FINE
            box = [middle - dot, middle - dot, middle + dot, middle + dot]
            draw.ellipse(box, fill=(*colour, 255))
    small = small.resize((side, side), Image.Resampling.BOX)
    picture.paste(small, (picture.width - side, picture.height - side), small)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
