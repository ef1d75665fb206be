"""Set-of-Mark: regions outlined and numbered on a picture, so that a model can name them.

The drawing keeps what it points at visible: outlines lie just outside a region, a label goes inside
only where the region is large, and no label hides a small region or another label. It uses numpy
and Pillow alone, so that the same input gives the same picture (and the same prompt) whatever else
is installed.

Source: Yang et al., *Set-of-Mark Prompting*, arXiv 2310.11441; the placement is our own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from gadet.errors import LocalizationError
from gadet.experts.base import Candidate
from gadet.experts.lab import lab, linear
from gadet.geometry import Box, Frame
from gadet.localize.placement import Plot, place_labels, squared_distance
from gadet.view import View, ViewLimits

__all__ = ["PALETTE", "Label", "Shape", "draw_marks", "mark_view", "shape_of"]

Colour = tuple[int, int, int]
BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]

PALETTE: tuple[Colour, ...] = (
    (255, 176, 0),
    (86, 180, 233),
    (0, 200, 140),
    (240, 228, 66),
    (255, 110, 60),
    (225, 130, 200),
    (0, 90, 190),
    (190, 30, 90),
)
"""Colours that people with any colour vision tell apart, light and dark ones for any background.

Source: after Okabe and Ito, *Color Universal Design*, 2008; made brighter for thin lines.
"""

_MIN_SIDE = 512  # smaller views are enlarged: a label of readable size would cover them
_LABEL_SHARE = 0.042  # of the long side: 21 px when the picture is shown at 512 px
_CROWDED_SHARE = 0.036
_CROWDED = 20
_MIN_LABEL = 16


@dataclass(frozen=True, eq=False)
class Shape:
    """A region to outline, in the pixels of the picture it is drawn on.

    Attributes:
        number: What its label says.
        left: Left edge of `mask` in the picture.
        top: Top edge of `mask` in the picture.
        mask: `(H, W)` bool, the region cut out of the picture; never empty.
        colour: RGB of its line and label; None picks one from `PALETTE` by contrast.
    """

    number: int
    left: int
    top: int
    mask: BoolArray = field(repr=False)
    colour: Colour | None = None

    @property
    def area(self) -> int:
        """Number of pixels in the region."""
        return int(np.count_nonzero(self.mask))

    @property
    def right(self) -> int:
        """Right edge of `mask`, excluded."""
        return self.left + int(self.mask.shape[1])

    @property
    def bottom(self) -> int:
        """Bottom edge of `mask`, excluded."""
        return self.top + int(self.mask.shape[0])


@dataclass(frozen=True)
class Label:
    """Where a number was drawn.

    Attributes:
        number: What it says.
        box: `x0, y0, x1, y1` in pixels of the picture, half-open.
        inside: Whether it lies within its region.
    """

    number: int
    box: tuple[int, int, int, int]
    inside: bool


def mark_view(
    view: View,
    candidates: Sequence[Candidate],
    limits: ViewLimits | None = None,
    *,
    fill: float = 0.0,
) -> View:
    """Draw candidates as numbered regions on a view.

    The numbers are the positions of the candidates, from 1. A view whose long side is under 512 px
    is enlarged to it where `limits` allow, because readable labels would cover it otherwise; its
    frame follows.

    Args:
        view: What to draw on; it is not changed.
        candidates: Regions in native pixels.
        limits: What the model takes; None takes the defaults.
        fill: Share of the colour that is laid over a region, as in `draw_marks`.

    Returns:
        A view of kind `marked`. Its `marks` are the numbers of the candidates that the view shows:
        `1 … n`, save those that lie outside a view of a part of the picture.

    Raises:
        LocalizationError: The mask of a candidate does not have the size of the native picture, or
            `fill` is not in [0, 1].
    """
    picture, frame = view.picture.convert("RGB"), view.frame
    enlarge = _MIN_SIDE / max(frame.width, frame.height)
    if enlarge > 1:
        width, height = (limits or ViewLimits()).fit(
            max(1, round(frame.width * enlarge)), max(1, round(frame.height * enlarge))
        )
        frame = frame.model_copy(update={"width": width, "height": height})
        picture = picture.resize((width, height), Image.Resampling.BICUBIC)
    shapes = [
        shape
        for number, candidate in enumerate(candidates, start=1)
        if (shape := shape_of(number, frame, candidate.box, candidate.mask)) is not None
    ]
    drawn, _ = draw_marks(picture, shapes, fill=fill)
    marks = tuple(shape.number for shape in shapes)
    return view.redrawn(drawn, frame, kind="marked", marks=marks)


def shape_of(
    number: int,
    frame: Frame,
    box: Box,
    mask: BoolArray | None = None,
    colour: Colour | None = None,
) -> Shape | None:
    """Map a region from native pixels to a view; every view pixel that it touches is part of it.

    Args:
        number: What its label says.
        frame: How the view lies in the native picture.
        box: The rectangle around the region, native pixels.
        mask: `(native_height, native_width)` bool; None, or an empty one, stands for the box.
        colour: RGB to draw it with; None picks one by contrast.

    Returns:
        The shape, or None when the view does not show the region.

    Raises:
        LocalizationError: The mask does not have the size of the native picture.
    """
    native = (frame.native_height, frame.native_width)
    if mask is not None and mask.shape != native:
        raise LocalizationError(
            f"a mask in native pixels of shape (height, width) = {native} is needed to mark a "
            f"region; got {mask.shape}"
        )
    shown = frame.to_view(box).clipped(frame.width, frame.height)
    if shown is None:
        return None
    x0, y0, x1, y1 = shown.rounded_out()
    x1, y1 = min(x1, frame.width), min(y1, frame.height)
    if mask is None:
        return Shape(number, x0, y0, np.ones((y1 - y0, x1 - x0), dtype=bool), colour)
    sx, sy = frame.scale
    cut = _touched(mask, frame.source.y0 + np.arange(y0, y1 + 1) * sy, axis=0)
    cut = _touched(cut, frame.source.x0 + np.arange(x0, x1 + 1) * sx, axis=1)
    if not cut.any():
        empty = not mask.any()
        return shape_of(number, frame, box, None, colour) if empty else None
    return Shape(number, x0, y0, cut, colour)


def _touched(mask: BoolArray, edges: FloatArray, axis: int) -> BoolArray:
    """Whether any pixel of `mask` lies between neighbouring `edges`, along one axis."""
    length = mask.shape[axis]
    # Edges that should be whole numbers are only nearly so after scaling.
    starts = np.clip(np.floor(edges[:-1] + 1e-6), 0, length).astype(int)
    ends = np.clip(np.ceil(edges[1:] - 1e-6), 0, length).astype(int)
    first, last = int(starts.min()), int(ends.max())
    part = mask[first:last] if axis == 0 else mask[:, first:last]
    sums = np.cumsum(part, axis=axis, dtype=np.int32)
    sums = np.concatenate((np.zeros_like(np.take(sums, [0], axis=axis)), sums), axis=axis)
    counts = np.take(sums, ends - first, axis=axis) - np.take(sums, starts - first, axis=axis)
    return np.asarray(counts > 0, dtype=bool)


def draw_marks(
    picture: Image.Image,
    shapes: Sequence[Shape],
    *,
    numbered: bool = True,
    inside: bool = True,
    fill: float = 0.0,
    label_height: int | None = None,
) -> tuple[Image.Image, tuple[Label, ...]]:
    """Outline shapes on a copy of a picture and put their numbers where they hide nothing.

    Args:
        picture: RGB picture; it is not changed.
        shapes: Regions in pixels of the picture.
        numbered: Whether to draw labels.
        inside: Whether the label of a large region may lie within it.
        fill: Share of the colour that is laid over a region, in [0, 1]; 0 leaves it as it is,
            because what lies under it is what the number points at.
        label_height: Height of the labels in pixels; None goes by the size of the picture.

    Returns:
        The picture with outlines and labels, and the labels in the order of the shapes.

    Raises:
        LocalizationError: `fill` is not in [0, 1].
    """
    if not 0 <= fill <= 1:
        raise LocalizationError(f"fill must lie in [0, 1], the share of the colour; got {fill}")
    if not shapes:
        return picture.copy(), ()
    pixels = np.array(picture.convert("RGB"))
    height, width = pixels.shape[:2]
    label_height = label_height or _label_height(width, height, len(shapes))
    pen = max(2, round(max(width, height) / 320))
    covered = np.zeros((height, width), dtype=bool)
    for shape in shapes:
        covered[shape.top : shape.bottom, shape.left : shape.right] |= shape.mask
    areas = [shape.area for shape in shapes]
    rings = [
        _ring(i, shapes, areas, (width, height), pen=pen, label_height=label_height)
        for i in range(len(shapes))
    ]
    colours = _choose_colours(pixels, shapes, rings)
    for i in sorted(range(len(shapes)), key=lambda i: (-areas[i], i)):
        if fill:
            _tint(pixels, shapes[i], colours[i], fill)
        rings[i].paint(pixels, colours[i])
    if not numbered:
        return Image.fromarray(pixels), ()
    plots = [
        Plot(_label_width(shape.number, label_height), label_height, *ring.footprint(shape))
        for shape, ring in zip(shapes, rings, strict=True)
    ]
    spots = place_labels((width, height), plots, inside=inside)
    placed = tuple(
        Label(shape.number, spot.box, spot.inside)
        for shape, spot in zip(shapes, spots, strict=True)
    )
    for i, spot in enumerate(spots):
        if spot.anchor is not None:
            _paint_leader(pixels, spot.box, spot.anchor, covered, pen, colours[i])
    drawn = Image.fromarray(pixels)
    for i, label in enumerate(placed):
        _draw_label(drawn, label, colours[i])
    return drawn, placed


def _label_height(width: int, height: int, count: int) -> int:
    share = _LABEL_SHARE if count <= _CROWDED else _CROWDED_SHARE
    wanted = max(_MIN_LABEL, math.ceil(share * max(width, height)))
    return max(6, min(wanted, min(width, height) // 2))  # a strip has no room for more


@lru_cache(maxsize=64)
def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font with digits 0.7 times as high as the label."""
    return ImageFont.load_default(size=max(5.0, height * 0.96))


def _label_width(number: int, height: int) -> int:
    left, _, right, _ = _font(height).getbbox(str(number))
    return max(height, math.ceil(right - left + height * 0.44))


@dataclass(frozen=True, eq=False)
class _Ring:
    """The outline of a shape: a coloured line with a dark or light edge on its outer side."""

    left: int
    top: int
    line: BoolArray
    edge: BoolArray
    disc: BoolArray | None  # what a circle around a tiny region encloses

    def footprint(self, shape: Shape) -> tuple[int, int, BoolArray, BoolArray]:
        """What labels should keep clear of: origin, region, and region with its outline."""
        region = np.zeros(self.line.shape, dtype=bool)
        y, x = shape.top - self.top, shape.left - self.left
        region[y : y + shape.mask.shape[0], x : x + shape.mask.shape[1]] = shape.mask
        region = region if self.disc is None else region | self.disc
        return self.left, self.top, region, region | self.line | self.edge

    def paint(self, pixels: npt.NDArray[np.uint8], colour: Colour) -> None:
        part = pixels[self.top :, self.left :][: self.line.shape[0], : self.line.shape[1]]
        part[self.edge] = _contrasting(colour)
        part[self.line] = colour


def _overlap(one: Shape, other: Shape) -> int:
    """Number of pixels that two shapes share."""
    x0, x1 = max(one.left, other.left), min(one.right, other.right)
    y0, y1 = max(one.top, other.top), min(one.bottom, other.bottom)
    if x0 >= x1 or y0 >= y1:
        return 0
    both = one.mask[y0 - one.top : y1 - one.top, x0 - one.left : x1 - one.left]
    both = both & other.mask[y0 - other.top : y1 - other.top, x0 - other.left : x1 - other.left]
    return int(np.count_nonzero(both))


def _kept_free(
    i: int, shapes: Sequence[Shape], areas: Sequence[int], window: tuple[int, int, int, int]
) -> BoolArray:
    """Where in a window `x0, y0, x1, y1` the outline of a shape must not run.

    That is over any shape, except a larger one that the shape lies in, since its outline would
    vanish.
    """
    left, top, right, bottom = window
    kept = np.zeros((bottom - top, right - left), dtype=bool)
    for j, other in enumerate(shapes):
        if areas[j] > areas[i] and 2 * _overlap(shapes[i], other) > areas[i]:
            continue
        x0, x1 = max(left, other.left), min(right, other.right)
        y0, y1 = max(top, other.top), min(bottom, other.bottom)
        if x0 < x1 and y0 < y1:
            part = other.mask[y0 - other.top : y1 - other.top, x0 - other.left : x1 - other.left]
            kept[y0 - top : y1 - top, x0 - left : x1 - left] |= part
    return kept


def _ring(
    i: int,
    shapes: Sequence[Shape],
    areas: Sequence[int],
    size: tuple[int, int],
    *,
    pen: int,
    label_height: int,
) -> _Ring:
    """Outline a shape on a picture of `size = (width, height)`."""
    shape, (width, height) = shapes[i], size
    rows, columns = shape.mask.shape
    tiny = max(rows, columns) < 0.6 * label_height
    gap = max(2, round(0.22 * label_height)) if tiny else 1
    reach = gap + pen + max(1, pen // 2)
    if tiny:
        reach += math.ceil(math.hypot(rows, columns) / 2)
    left, top = max(shape.left - reach, 0), max(shape.top - reach, 0)
    right, bottom = min(shape.right + reach, width), min(shape.bottom + reach, height)
    disc: BoolArray | None = None
    if tiny:
        y = np.arange(top, bottom)[:, None] + 0.5 - (shape.top + rows / 2)
        x = np.arange(left, right)[None, :] + 0.5 - (shape.left + columns / 2)
        inner = math.hypot(rows, columns) / 2 + gap
        distance = np.hypot(y, x)
        disc = distance <= inner
        line, edge = (distance > inner) & (distance <= inner + pen), distance > inner + pen
        edge &= distance <= inner + pen + max(1, pen // 2)
    else:
        region = np.zeros((bottom - top, right - left), dtype=bool)
        y0, x0 = shape.top - top, shape.left - left
        region[y0 : y0 + rows, x0 : x0 + columns] = shape.mask
        squared = squared_distance(region, reach)
        line = (squared > gap**2) & (squared <= (gap + pen) ** 2)
        edge = (squared > (gap + pen) ** 2) & (squared <= reach**2)
    free = ~_kept_free(i, shapes, areas, (left, top, right, bottom))
    line, edge = line & free, edge & free
    if not line.any():  # the region fills the picture: its only outline is the picture's border
        line = np.ones_like(line)
        line[pen:-pen, pen:-pen] = False
    return _Ring(left, top, line, edge, disc)


def _choose_colours(
    pixels: npt.NDArray[np.uint8], shapes: Sequence[Shape], rings: Sequence[_Ring]
) -> list[Colour]:
    """For each shape the palette colour that stands out most from what is under its outline.

    Colours in use count less, so that neighbours differ; the fifth percentile of the differences
    makes busy backgrounds count by their most similar part.
    """
    palette = lab(np.array(PALETTE, dtype=np.float64))
    used = np.zeros(len(PALETTE))
    chosen: list[Colour] = []
    for i, shape in enumerate(shapes):
        if shape.colour is not None:
            chosen.append(shape.colour)
            continue
        ring = rings[i]
        part = pixels[ring.top :, ring.left :][: ring.line.shape[0], : ring.line.shape[1]]
        colours = part[ring.line]
        under = lab(colours[:: max(1, len(colours) // 512)].astype(np.float64))
        apart = np.linalg.norm(under[:, None, :] - palette[None], axis=2)
        best = int(np.argmax(np.percentile(apart, 5, axis=0) - 14 * used))
        used[best] += 1
        chosen.append(PALETTE[best])
    return chosen


def _tint(pixels: npt.NDArray[np.uint8], shape: Shape, colour: Colour, fill: float) -> None:
    """Lay a share of a colour over a region."""
    part = pixels[shape.top : shape.bottom, shape.left : shape.right]
    mixed = (1 - fill) * part[shape.mask] + fill * np.array(colour)
    part[shape.mask] = np.rint(mixed).astype(np.uint8)


def _contrasting(colour: Colour) -> Colour:
    """Black or white, whichever is easier to read on `colour` (WCAG 2 relative luminance)."""
    light = linear(np.array(colour, dtype=np.float64))
    luminance = float(light @ np.array([0.2126, 0.7152, 0.0722]))
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


def _paint_leader(
    pixels: npt.NDArray[np.uint8],
    box: tuple[int, int, int, int],
    anchor: tuple[int, int],
    covered: BoolArray,
    pen: int,
    colour: Colour,
) -> None:
    """Draw a line from a label to its region, not over any region."""
    start = ((box[0] + box[2]) // 2, (box[1] + box[3]) // 2)
    height, width = covered.shape
    for extra, paint in ((2 * max(1, pen // 2), _contrasting(colour)), (0, colour)):
        line = Image.new("1", (width, height))
        ImageDraw.Draw(line).line([start, anchor], fill=1, width=pen + extra)
        pixels[np.asarray(line) & ~covered] = paint


def _draw_label(picture: Image.Image, label: Label, colour: Colour) -> None:
    x0, y0, x1, y1 = label.box
    height = y1 - y0
    text, ink, font = str(label.number), _contrasting(colour), _font(height)
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle(
        (x0, y0, x1 - 1, y1 - 1),
        radius=height * 0.22,
        fill=colour,
        outline=ink,
        width=max(1, height // 18),
    )
    left, top, right, bottom = font.getbbox(text)
    draw.text(
        ((x0 + x1 - left - right) / 2, (y0 + y1 - top - bottom) / 2), text, fill=ink, font=font
    )
