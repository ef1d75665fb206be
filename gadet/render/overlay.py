"""The inspected picture with what was found on it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from gadet.findings import ImageRegion
from gadet.geometry import Frame
from gadet.localize.marks import Shape, draw_marks, shape_of
from gadet.render.colours import BOUNDARY, LINES
from gadet.render.colours import heat as heat_layer
from gadet.render.legend import draw_legend, missing_panel
from gadet.render.picture import PictureLoader, find_picture
from gadet.report import Report

__all__ = ["overlay", "plain", "thumbnail"]

_MIN_SIDE = 512  # smaller pictures are enlarged, so that numbers and lines can be read
_MIN_WIDTH = 480  # of the strip with the verdict
_BESIDE = (236, 238, 241)


def overlay(
    report: Report,
    picture: Image.Image | None = None,
    *,
    heat: bool = True,
    max_side: int = 1024,
    legend: bool = True,
    loader: PictureLoader | None = None,
) -> Image.Image:
    """Draw the findings of a report on its picture.

    Findings are outlined just outside their mask, or their box when they have no mask, and
    numbered in their order. The expert's map is laid over the picture on a fixed scale: what is
    below the decision boundary stays as it is, and a report whose verdict is `normal` gets no heat.
    The plot of a series shows all of that already and stays as it is.

    Args:
        report: What to draw.
        picture: The whole picture in native orientation, of any size; None takes the report's
            preview, asks `loader`, or opens the file that the item came from.
        heat: Whether to draw the map of the expert, when there is one.
        max_side: Longest side of the picture in pixels, the strip with the verdict not counted.
        legend: Whether to put the strip with the verdict under the picture.
        loader: How to read an item again.

    Returns:
        An RGB picture; a panel that says why when the item's picture cannot be had.
    """
    base, why = _base(report, picture, loader, max_side)
    if base is None:
        shown, heated = missing_panel(why), False
    else:
        shown, heated = _with_heat(report, base) if heat else (base, False)
        shown, _ = draw_marks(shown, _shapes(report, base.size), inside=False)
    if not legend:
        return shown
    width = max(shown.width, _MIN_WIDTH)
    strip = draw_legend(report, width, heat_drawn=heated)
    whole = Image.new("RGB", (width, shown.height + strip.height), _BESIDE)
    whole.paste(shown, ((width - shown.width) // 2, 0))
    whole.paste(strip, (0, shown.height))
    return whole


def plain(picture: Image.Image, *, max_side: int = 1024) -> Image.Image:
    """A picture at the size that `overlay` draws it in, with nothing drawn on it."""
    picture = picture.convert("RGB")
    longest = max(picture.size)
    wanted = min(max_side, max(longest, _MIN_SIDE))
    if wanted == longest:
        return picture
    width, height = (max(1, round(n * wanted / longest)) for n in picture.size)
    method = Image.Resampling.LANCZOS if wanted < longest else Image.Resampling.BICUBIC
    return picture.resize((width, height), method, reducing_gap=2.0)


def thumbnail(
    report: Report,
    picture: Image.Image | None = None,
    *,
    side: int = 256,
    loader: PictureLoader | None = None,
) -> Image.Image:
    """A small picture of at most `side` pixels with outlines, without numbers and strip."""
    base, why = _base(report, picture, loader, 2 * side)
    if base is None:
        return missing_panel(why, side, side * 3 // 4)
    small, _ = _with_heat(report, base)
    small, _ = draw_marks(small, _shapes(report, base.size), numbered=False)
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def _base(
    report: Report, picture: Image.Image | None, loader: PictureLoader | None, max_side: int
) -> tuple[Image.Image | None, str]:
    """The picture at the size to draw on, or the reason why there is none."""
    if picture is None:
        found = find_picture(report, loader)
        if found.picture is None:
            return None, found.why
        picture = found.picture
    return plain(picture, max_side=max_side), ""


def _with_heat(report: Report, picture: Image.Image) -> tuple[Image.Image, bool]:
    """Lay the map over a copy of the picture; say whether anything of it is above the boundary."""
    scores = report.anomaly_map
    if scores is None or scores.ndim != 2 or report.verdict == "normal":
        return picture, False
    if not np.any(scores > BOUNDARY):
        return picture, False
    resized = Image.fromarray(np.nan_to_num(scores).astype(np.float32)).resize(
        picture.size, Image.Resampling.BILINEAR
    )
    layer = Image.fromarray(heat_layer(np.asarray(resized)))
    return Image.alpha_composite(picture.convert("RGBA"), layer).convert("RGB"), True


def _shapes(report: Report, size: tuple[int, int]) -> list[Shape]:
    """The findings that have a place on the picture, numbered as in the report."""
    frame = Frame.whole(report.item.size or size, size)
    native = (frame.native_height, frame.native_width)
    shapes = []
    for number, finding in enumerate(report.findings, start=1):
        region = finding.region
        if not isinstance(region, ImageRegion):
            continue
        # A mask of another size cannot be placed; its box can.
        mask = region.mask if region.mask is not None and region.mask.size == native else None
        array = mask.to_array() if mask is not None else None
        shape = shape_of(number, frame, region.box, array, LINES[report.verdict])
        if shape is not None:
            shapes.append(shape)
    return shapes
