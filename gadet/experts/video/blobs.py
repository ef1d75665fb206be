"""Where in a frame something departs from normal, and how it moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gadet.experts.regions import bounding_box, regions
from gadet.experts.video.glimpse import Glimpse
from gadet.experts.video.judge import BOUNDARY, Judge, Judgement
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
        x0, y0, x1, y1 = (FINE * edge for edge in bounding_box(mask & (whole >= CORE * peak)))
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
            )
        )
    return found
