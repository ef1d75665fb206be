"""The outlines of a mask as polygons, exact to the pixel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gadet.geometry import Mask

__all__ = ["is_hole", "outlines"]


def outlines(mask: Mask) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The outlines of a mask as polygons along the edges of its pixels.

    They are exact: filling them by the even-odd rule gives the mask again. Outer outlines run
    clockwise as seen on the picture, holes the other way, and pixels that touch at a corner only
    get outlines of their own.

    Returns:
        Rings of corners `(x, y)` in pixels, from their topmost left corner, top to bottom; the
        last corner is not repeated.
    """
    array = np.pad(mask.to_array(), 1)
    ahead: dict[tuple[int, int], list[tuple[int, int]]] = {}
    # Each edge between inside and outside is walked with the inside on the right hand.
    below = array[1:, :].astype(np.int8) - array[:-1, :]
    for y, x in zip(*(n.tolist() for n in np.nonzero(below)), strict=True):
        step = 1 if below[y, x] > 0 else -1
        start = (x - 1 if step > 0 else x, y)
        ahead.setdefault(start, []).append((step, 0))
    beside = array[:, 1:].astype(np.int8) - array[:, :-1]
    for y, x in zip(*(n.tolist() for n in np.nonzero(beside)), strict=True):
        step = -1 if beside[y, x] > 0 else 1
        start = (x, y if step < 0 else y - 1)
        ahead.setdefault(start, []).append((0, step))
    rings = []
    for start in sorted(ahead, key=lambda corner: (corner[1], corner[0])):
        while ahead[start]:
            rings.append(_ring(ahead, start))
    return tuple(rings)


def is_hole(ring: Sequence[tuple[float, float]]) -> bool:
    """Whether a ring of `outlines` runs the other way round, as those of holes do."""
    turned = zip(ring, (*ring[1:], ring[0]), strict=True)
    return sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in turned) < 0


def _ring(
    ahead: dict[tuple[int, int], list[tuple[int, int]]], start: tuple[int, int]
) -> tuple[tuple[int, int], ...]:
    """Walk edges from a corner until it is reached again, and take them out of `ahead`."""
    # From a topmost left corner a ring leaves to the right, if it is an outer one.
    step = max(ahead[start])
    ahead[start].remove(step)
    corners = [start]
    place = (start[0] + step[0], start[1] + step[1])
    while place != start:
        right = (-step[1], step[0])
        choices = ahead[place]
        turn = right if right in choices else choices[0]
        choices.remove(turn)
        if turn != step:
            corners.append(place)
        step, place = turn, (place[0] + turn[0], place[1] + turn[1])
    return tuple(corners)
