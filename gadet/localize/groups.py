"""More regions than can be read in one picture: coarse marks first, then the marks inside one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.experts.base import Candidate
from gadet.experts.regions import bounding_box
from gadet.geometry import Box, Frame
from gadet.localize.fusion import shrunk
from gadet.localize.marks import mark_view
from gadet.media.base import Sample
from gadet.view import View, ViewLimits

__all__ = ["Group", "closer_views", "grouped", "nested"]

MARGIN = 0.25
"""Surroundings shown around a group, in sides of its box."""
LEAST_MARGIN = 8
BOUNDARY = 0.5
"""What an expert scores at least so high it found suspicious by itself."""
WIDE = 0.25
"""A region whose box takes more of the picture than this is joined with no other."""


@dataclass(frozen=True, eq=False)
class Group(Candidate):
    """Regions that share one coarse mark: all of them together, or the one that holds the others.

    Attributes:
        parts: The regions, at least two, the highest score first.
    """

    parts: tuple[Candidate, ...] = ()


def nested(candidates: Sequence[Candidate], most: int) -> tuple[Candidate, ...]:
    """At most `most` marks for regions of one picture, coarse ones where there are more.

    What an expert found suspicious keeps a mark of its own, and so does what is so wide that a
    group around it would be the picture again, as long as that leaves half of the marks to the
    others.
    """
    if len(candidates) <= most:
        return tuple(candidates)
    own = [one for one in candidates if one.score >= BOUNDARY or _wide(one)][: most // 2]
    others = [one for one in candidates if not any(one is other for other in own)]
    return (*own, *grouped(others, most - len(own)))


def grouped(candidates: Sequence[Candidate], most: int) -> tuple[Candidate, ...]:
    """Join regions until at most `most` marks are left, those whose joint box wastes least first.

    Every region is in exactly one mark, so what a coarse mark leads to is never lost.

    Args:
        candidates: Regions of one picture.
        most: Largest number of marks, at least 1.

    Returns:
        Groups, and as they are the regions that are joined with no other; the highest score first.
    """
    members = [[one] for one in candidates]
    boxes = [one.box for one in candidates]
    while len(members) > max(most, 1):
        pairs = ((i, j) for i in range(len(boxes)) for j in range(i))
        i, j = min(pairs, key=lambda pair: _waste(boxes[pair[0]], boxes[pair[1]]))
        boxes[j], members[j] = _around(boxes[i], boxes[j]), members[j] + members[i]
        del boxes[i], members[i]
    marks = [_group(parts) if len(parts) > 1 else parts[0] for parts in members]
    return tuple(sorted(marks, key=lambda mark: -mark.score))


def closer_views(
    sample: Sample, group: Group, limits: ViewLimits, *, fill: float = 0.0
) -> tuple[View, View]:
    """The surroundings of a group enlarged: clean, and with its parts numbered from 1.

    Both lie within `limits`; their frames lead back to native pixels.
    """
    height, width = sample.pixels.shape[:2]
    box = group.box
    around = box.padded(max(LEAST_MARGIN, MARGIN * max(box.width, box.height)))
    shown = around.clipped(width, height) or Box.of(0, 0, width, height)
    x0, y0, x1, y1 = shown.rounded_out()
    enlarge = max(1.0, limits.max_side / max(x1 - x0, y1 - y0))
    size = limits.fit(round((x1 - x0) * enlarge), round((y1 - y0) * enlarge))
    frame = Frame(
        native_width=width,
        native_height=height,
        source=Box.of(x0, y0, x1, y1),
        width=size[0],
        height=size[1],
    )
    crop = np.ascontiguousarray(sample.pixels[y0:y1, x0:x1])
    if size[0] * size[1] < crop.shape[0] * crop.shape[1]:
        picture = Image.fromarray(shrunk(crop, (size[1], size[0])))
    else:
        picture = Image.fromarray(crop).resize(size, Image.Resampling.BICUBIC)
    clean = View(picture=picture, frame=frame, kind="zoom")
    return clean, mark_view(clean, group.parts, limits, fill=fill)


def _waste(one: Box, other: Box) -> float:
    """The area of the joint box that belongs to neither, and a little for its size."""
    joint = _around(one, other)
    return joint.area - one.area - other.area + one.intersection(other) + 0.01 * joint.area


def _around(one: Box, other: Box) -> Box:
    return Box.of(
        min(one.x0, other.x0),
        min(one.y0, other.y0),
        max(one.x1, other.x1),
        max(one.y1, other.y1),
    )


def _group(parts: list[Candidate]) -> Group:
    parts = sorted(parts, key=lambda one: -one.score)
    best, many = parts[0], len(parts)
    # Not `zeros_like`, which would touch every page of a large picture.
    whole = np.zeros(best.mask.shape, dtype=bool)
    for one in parts:
        whole[_window(one)] |= one.mask[_window(one)]
    box = Box.of(*bounding_box(whole))
    told = f"{many} regions together; the most suspicious: {best.sentence}"
    label = "group of regions"
    holder = next((one for one in parts if one.box == box and _holds(one, whole)), None)
    if holder is not None:
        label, told = holder.label, f"{holder.fact} It holds {many - 1} further regions."
    return Group(whole, box, best.score, label, told, parts=tuple(parts))


def _wide(one: Candidate) -> bool:
    return one.box.area > WIDE * one.mask.size


def _holds(one: Candidate, whole: npt.NDArray[np.bool_]) -> bool:
    """Whether a region is all of a group."""
    return bool(np.array_equal(one.mask[_window(one)], whole[_window(one)]))


def _window(one: Candidate) -> tuple[slice, slice]:
    x0, y0, x1, y1 = one.box.rounded_out()
    return slice(y0, y1), slice(x0, x1)
