"""How many renderings stand on a picture, and how large, by what a model takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gadet.media.pointcloud.render.sheet import Layout
from gadet.sizing import Sizing

__all__ = ["Page", "pages"]

_LARGEST: Final = 640
"""Pixels of a rendering's side beyond which it only costs."""
_SMALLEST: Final = 320
"""Pixels under which a rendering shows too little, so that more pictures are made of them."""


@dataclass(frozen=True)
class Page:
    """One picture of several renderings.

    Attributes:
        numbers: Which of the renderings it shows, from 0.
        layout: Where they stand.
        size: `(width, height)` of the picture.
    """

    numbers: tuple[int, ...]
    layout: Layout
    size: tuple[int, int]


def pages(count: int, limits: Sizing, *, columns: int) -> tuple[Page, ...]:
    """Put renderings on as few pictures as show each large enough.

    All stand on one picture where each has at least 320 pixels to a side; else two on each, or one.

    Args:
        count: How many renderings.
        limits: What a model takes as one picture.
        columns: How many stand side by side where all are on one.
    """
    for together in (count, *(number for number in (2,) if number < count)):
        layout, size = _fitted(together, min(columns, together), limits)
        if layout.cell[0] >= _SMALLEST:
            break
    else:
        together = 1
        layout, size = _fitted(1, 1, limits)
    return tuple(
        Page(
            tuple(range(start, min(start + together, count))),
            Layout(min(together, count - start), layout.columns, layout.cell),
            size,
        )
        for start in range(0, count, together)
    )


def _fitted(count: int, columns: int, limits: Sizing) -> tuple[Layout, tuple[int, int]]:
    """The largest cells with which a sheet fits, and its size."""
    ideal = Layout(count, columns, (_LARGEST, _LARGEST))
    width, height = limits.fit(*ideal.size)
    side = min(_LARGEST, round(_LARGEST * width / ideal.size[0]))
    while side > 1:
        layout = Layout(count, columns, (side, side))
        if layout.size[0] <= width and layout.size[1] <= height:
            break
        side -= 1
    return Layout(count, columns, (side, side)), (width, height)
