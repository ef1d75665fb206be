"""More regions than can be read in one picture: coarse marks first, then the marks inside one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from gadet.experts.base import Candidate
from gadet.experts.regions import bounding_box
from gadet.geometry import Box, Frame
from gadet.localize.fusion import shrunk
from gadet.localize.marks import mark_view
from gadet.media.base import Sample
from gadet.view import View, ViewLimits

__all__ = ["Group", "closer_views", "grouped"]

MARGIN = 0.25
"""Surroundings shown around a group, in sides of its box."""
LEAST_MARGIN = 8


@dataclass(frozen=True, eq=False)
class Group:
    """Regions that share one coarse mark.

    Attributes:
        whole: What the coarse mark stands for; the one region itself where it is alone.
        parts: The regions, the highest score first.
    """

    whole: Candidate
    parts: tuple[Candidate, ...]


def grouped(candidates: Sequence[Candidate], most: int) -> tuple[Group, ...]:
    """Join regions until at most `most` groups are left, those whose joint box wastes least first.

    Every region is in exactly one group, so what a coarse mark leads to is never lost. A region
    that holds all others of its group is its whole; otherwise the whole is all of them together.

    Args:
        candidates: Regions of one picture.
        most: Largest number of groups, at least 1.

    Returns:
        Groups, the highest score first.
    """
    members = [[one] for one in candidates]
    boxes = [one.box for one in candidates]
    while len(members) > max(most, 1):
        pairs = ((i, j) for i in range(len(boxes)) for j in range(i))
        i, j = min(pairs, key=lambda pair: _waste(boxes[pair[0]], boxes[pair[1]]))
        boxes[j], members[j] = _around(boxes[i], boxes[j]), members[j] + members[i]
        del boxes[i], members[i]
    groups = [_group(parts) for parts in members]
    return tuple(sorted(groups, key=lambda group: -group.whole.score))


def closer_views(sample: Sample, group: Group, limits: ViewLimits) -> tuple[View, View]:
    """The surroundings of a group enlarged: clean, and with its parts numbered from 1.

    Both lie within `limits`; their frames lead back to native pixels.
    """
    height, width = sample.pixels.shape[:2]
    box = group.whole.box
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
    return clean, mark_view(clean, group.parts, limits)


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
    whole = np.zeros_like(parts[0].mask)
    for one in parts:
        x0, y0, x1, y1 = one.box.rounded_out()
        whole[y0:y1, x0:x1] |= one.mask[y0:y1, x0:x1]
    area = int(np.count_nonzero(whole))
    for one in parts:
        if np.count_nonzero(one.mask) == area:
            return Group(one, tuple(parts))
    best = parts[0]
    fact = f"{len(parts)} regions together; the most suspicious: {best.sentence}"
    box = Box.of(*bounding_box(whole))
    return Group(Candidate(whole, box, best.score, "group of regions", fact), tuple(parts))
