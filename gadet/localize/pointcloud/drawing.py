"""What is drawn on the pictures of a cloud: numbers, tinted regions, scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.localize.heat import heat
from gadet.localize.marks import PALETTE, Shape, draw_marks
from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.view import Cell, Sheet

__all__ = ["marked"]

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Colour = tuple[int, int, int]

_ROOM: Final = 4  # pixels between two regions, for the outline of one
_LEAST: Final = 30  # pixels of a region under which it is not seen in a rendering
_LEAST_SHARE: Final = 0.05  # of what the rendering shows of it that shows most


def marked(
    sheet: Sheet,
    regions: Mapping[int, Ids],
    points: int,
    *,
    colour: Colour | None = None,
    fill: float = 0.0,
    scores: npt.NDArray[np.float32] | None = None,
) -> tuple[Image.Image, tuple[int, ...]]:
    """A sheet with regions outlined, each under one number in every rendering that shows it.

    Args:
        sheet: The renderings.
        regions: Rows of the cloud by number.
        points: How many points the cloud has.
        colour: Of all outlines; None gives each number its own, the same in every rendering.
        fill: Share of the colour that is laid over a region.
        scores: `(N,)` in [0, 1], laid over the surface where they are above the boundary.

    Returns:
        The picture, and the numbers that are drawn in it, ascending.
    """
    picture = sheet.picture.copy()
    drawn_numbers: set[int] = set()
    for cell, masks in zip(sheet.cells, _masks(sheet, regions, points), strict=True):
        part = picture.crop(cell.edges)
        if scores is not None:
            part = _heated(part, cell, scores)
        shapes = [
            _shape(number, mask, colour or PALETTE[(number - 1) % len(PALETTE)])
            for number, mask in _apart(masks).items()
        ]
        drawn, _ = draw_marks(part, shapes, fill=fill)
        picture.paste(drawn, (cell.left, cell.top))
        drawn_numbers.update(shape.number for shape in shapes)
    return picture, tuple(sorted(drawn_numbers))


def _masks(sheet: Sheet, regions: Mapping[int, Ids], points: int) -> list[dict[int, Bools]]:
    """The pixels of each region in each rendering that shows enough of it."""
    found: list[dict[int, Bools]] = [{} for _ in sheet.cells]
    for number, rows in regions.items():
        chosen = np.zeros(points, bool)
        chosen[rows] = True
        masks = [cell.showing(chosen) for cell in sheet.cells]
        areas = [int(np.count_nonzero(mask)) for mask in masks]
        least = max(_LEAST, _LEAST_SHARE * max(areas, default=0))
        for masks_of_cell, mask, area in zip(found, masks, areas, strict=True):
            # What is seen nowhere else is drawn however small it is.
            if area >= least or (0 < area == max(areas)):
                masks_of_cell[number] = mask
    return found


def _apart(masks: Mapping[int, Bools]) -> dict[int, Bools]:
    """Masks with room for an outline between them, taken from the larger of two that touch."""
    ndimage = needed("scipy.ndimage", "Marking a point cloud")
    apart: dict[int, Bools] = {}
    kept = None
    for number in sorted(masks, key=lambda n: int(np.count_nonzero(masks[n]))):
        mask = masks[number] if kept is None else masks[number] & ~kept
        if not mask.any():
            continue
        apart[number] = mask
        wider = ndimage.binary_dilation(masks[number], iterations=_ROOM)
        kept = wider if kept is None else kept | wider
    return {number: apart[number] for number in sorted(apart)}


def _shape(number: int, mask: Bools, colour: Colour) -> Shape:
    down, right = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = mask[down[0] : down[-1] + 1, right[0] : right[-1] + 1]
    return Shape(number, int(right[0]), int(down[0]), cut, colour)


def _heated(part: Image.Image, cell: Cell, scores: npt.NDArray[np.float32]) -> Image.Image:
    level = np.where(cell.shown >= 0, scores[np.maximum(cell.shown, 0)], 0.0)
    layer = Image.fromarray(heat(level))
    return Image.alpha_composite(part.convert("RGBA"), layer).convert("RGB")
