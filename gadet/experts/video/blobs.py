"""Where in a frame something departs from normal, and how it moves."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gadet.experts.regions import bounding_box, regions
from gadet.experts.video.cells import Cells
from gadet.experts.video.glimpse import Glimpse
from gadet.experts.video.judge import BOUNDARY, Judge, Judgement
from gadet.experts.video.looks import CELL
from gadet.experts.video.motion import FINE
from gadet.geometry import Box

__all__ = ["Blob", "blobs"]

FROM = 0.6
"""Share of the boundary from which on places are remembered: events begin below it."""
CORE = 0.5
"""A place reaches down to this share of its peak."""
MOST = 6
"""Places of a frame that are remembered."""


@dataclass(frozen=True)
class Blob:
    """A place in a frame that departs from normal.

    Attributes:
        frame: Number of the frame in the clip.
        seconds: Its time.
        box: Where it is, in native pixels.
        sigmas: Spreads above normal.
        cue: The cue that leads there.
        speed: Median speed of the points in it, in native pixels per second; 0 without points.
        usual: The usual speed at its height, in native pixels per second.
        fastest: What 99 % of the normal speeds there stay below.
        heading: Median velocity of the points, x and y, native pixels per second.
        turned: Change of velocity of its points, native pixels per second.
        share: Share of the picture that its box takes.
        cells: Which part of the box it is.
        stayed: Seconds for which something has stayed there.
    """

    frame: int
    seconds: float
    box: Box
    sigmas: float
    cue: str
    speed: float
    usual: float
    fastest: float
    heading: tuple[float, float]
    turned: float
    share: float
    cells: Cells
    stayed: float = 0.0


def blobs(
    frame: int, glimpse: Glimpse, judgement: Judgement, judge: Judge, size: tuple[int, int]
) -> list[Blob]:
    """The places of a frame that depart from normal, the clearest first.

    Args:
        frame: Number of the frame.
        glimpse: What was measured of it.
        judgement: How far it is from normal.
        judge: What is usual there.
        size: `(width, height)` of the clip in native pixels.
    """
    if judgement.level < FROM * BOUNDARY:
        return []
    whole = judgement.map
    scale = np.array([size[0] / glimpse.shape[1], size[1] / glimpse.shape[0]])
    steady, speeds = glimpse.steady, judge.motion.habits.speeds
    found = []
    for mask, _, peak in regions(whole, FROM * BOUNDARY, most=MOST):
        core = mask & (whole >= CORE * peak)
        x0, y0, x1, y1 = (FINE * edge for edge in bounding_box(core))
        corners = np.array([[x0, y0], [min(x1, glimpse.shape[1]), min(y1, glimpse.shape[0])]])
        inside = ((steady.places >= corners[0]) & (steady.places < corners[1])).all(axis=1)
        moving = inside.any()
        velocity = np.median(steady.velocities[inside], axis=0) if moving else np.zeros(2)
        middle = np.array([corners[:, 1].mean()])
        box = Box.of(*(corners * scale).ravel().tolist())
        cue = max(judgement.maps, key=lambda name: float(judgement.maps[name][mask].max()))
        found.append(
            Blob(
                frame=frame,
                seconds=glimpse.seconds,
                box=box,
                sigmas=peak,
                cue=cue,
                speed=float(np.hypot(*(velocity * scale))),
                usual=float(speeds.middle(middle)[0] * scale[0]),
                fastest=float(speeds.most(middle)[0] * scale[0]),
                heading=(float(velocity[0] * scale[0]), float(velocity[1] * scale[1])),
                turned=float(np.median(steady.jolts[inside]) * scale[0]) if moving else 0.0,
                share=box.area / (size[0] * size[1]),
                cells=Cells.of(core, (FINE * float(scale[0]), FINE * float(scale[1]))),
                stayed=_stayed(mask, glimpse),
            )
        )
    return connected(found)


def _stayed(mask: npt.NDArray[np.bool_], glimpse: Glimpse) -> float:
    """For how many seconds something has stayed within a mask of fine cells."""
    rows, columns = np.nonzero(mask)
    return float(glimpse.dwell[rows * FINE // CELL, columns * FINE // CELL].max(initial=0))


def connected(found: list[Blob]) -> list[Blob]:
    """Places with changes whose boxes overlap put together: they are one change.

    Args:
        found: The clearest first.

    Returns:
        The same without overlapping changes; each has the sigmas of its clearest part.
    """
    apart: list[Blob] = []
    for blob in found:
        whole = blob
        while met := next((one for one in apart if _one_change(one, whole)), None):
            apart.remove(met)
            whole = _both(met, whole)
        apart.append(whole)
    return sorted(apart, key=lambda blob: -blob.sigmas)


def _one_change(one: Blob, other: Blob) -> bool:
    return one.cue == other.cue == "change" and one.box.intersection(other.box) > 0


def _both(one: Blob, other: Blob) -> Blob:
    """Two places as one, with what was measured at the clearer one."""
    clearer = max(one, other, key=lambda blob: blob.sigmas)
    a, b = one.box, other.box
    box = Box.of(min(a.x0, b.x0), min(a.y0, b.y0), max(a.x1, b.x1), max(a.y1, b.y1))
    share = clearer.share * box.area / clearer.box.area
    return replace(clearer, box=box, share=share, cells=one.cells | other.cells)
