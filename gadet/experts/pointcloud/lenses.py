"""How surprising points are against what is normal, in standard deviations, by several lenses."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gadet.experts.pointcloud.cells import Floats, Indices
from gadet.experts.pointcloud.gaps import Gaps, gaps
from gadet.experts.pointcloud.norm import Norm
from gadet.experts.pointcloud.registration import moved, step
from gadet.experts.pointcloud.sheets import LINKS, partakers, sheets

__all__ = ["USUAL", "Look", "boundary", "chi_level", "look", "polished"]

POLISHED = 8_000
"""Points that the last bit of a pose is found with."""
POLISH = 3
"""Rounds of it."""
AWAY = 1.5
"""How many times as far off as before, at the median, they may leave the points."""
MOST_SHIFT = 8.0
"""Standard deviations beyond which a point moves the mean around it no further …"""
MOST_ENERGY, FEW = (20.0, 10.0), 2
"""… and squares of them, up to so many steps of averaging and beyond: at a sharp edge a single
clean point may lie far off, and the wider a mean the fewer such points it takes to stand out."""
GRAIN = 0.03
"""Spacings by which a surface that was drawn from so few points may be off over wide areas."""
LOUD = 1.5
"""Noise of a cloud, in that of the references as variances, from which it is allowed for."""
MARGIN = 0.5
"""Standard deviations above what chance alone reaches somewhere in a cloud."""
USUAL = 3.0
"""Clean points reach this anywhere; where they reach more, all are told relative to it."""


@dataclass(frozen=True, eq=False)
class Look:
    """What the lenses see at each of N points.

    Attributes:
        points: float64 `(N, 3)` in the frame of the norm.
        site: int64 `(N,)` the nearest site of the surface.
        signed: float64 `(N,)` distance from the normal surface, outwards, without its bias.
        level: float64 `(N,)` the same, averaged over the nearest neighbours.
        lenses: float64 `(N, 2 · scales + 1)` how surprising each point is: the mean distance by
            scale, the squared one by scale, and the emptiness of the place it borders.
        gaps: Where points are missing.
        louder: Variance of its noise in that of the references, at least 1.
    """

    points: Floats
    site: Indices
    signed: Floats
    level: Floats
    lenses: Floats
    gaps: Gaps
    louder: float

    @property
    def worst(self) -> Floats:
        """float64 `(N,)` how surprising each point is to the lens that is surprised most."""
        return np.asarray(self.lenses.max(axis=1))


def polished(points: Floats, norm: Norm) -> Floats:
    """The small motion `(4, 4)` that brings points onto the surface as exactly as noise allows.

    Where too few points hold a pose, steps may lead away: then they are not taken.
    """
    few = points[:: max(1, len(points) // POLISHED)]
    pose, left = np.eye(4), []
    for _ in range(POLISH + 1):
        here = moved(few, pose)
        off = norm.surface.offsets(here)
        apart = off.signed - norm.bias[off.site, 0]
        left.append(float(np.median(np.abs(apart))))
        if len(left) <= POLISH:
            pose = step(here, norm.surface.normals[off.site], apart) @ pose
    return pose if left[-1] <= AWAY * left[0] else np.eye(4)


def boundary(tests: int) -> float:
    """A little above what the highest of so many standard normal values reaches."""
    return math.sqrt(2 * math.log(max(tests, 2))) + MARGIN


def chi_level(mean: Floats, freedom: float) -> Floats:
    """The mean of squared standard normal values, as a standard normal value.

    Args:
        mean: Means of `freedom` squares.
        freedom: How many independent ones.

    Source: Wilson and Hilferty 1931, doi:10.1073/pnas.17.12.684 (the cube root of chi-squared).
    """
    tail = 2 / (9 * freedom)
    return np.asarray((np.cbrt(mean) - (1 - tail)) / math.sqrt(tail))


def look(points: Floats, norm: Norm) -> Look:
    """Look at points `(N, 3)` that lie in the frame of the norm.

    At each scale the mean distance of the points around is compared with that of the references
    around, and told in standard errors of their difference; likewise the mean squared distance.
    """
    off = norm.surface.offsets(points)
    site = off.site
    links = sheets(points, norm.surface.normals[site])
    signed = off.signed - norm.bias[site, 0]
    rough = (off.signed - links.spread(off.signed, 1)) ** 2 * (LINKS / (LINKS - 1))
    louder = float(np.median(links.spread(rough, 2))) / norm.noise
    louder = louder if louder > LOUD else 1.0
    variance = np.maximum(norm.variance[site], norm.doubt(off.doubt)) * louder
    grain = (GRAIN * norm.surface.spacing) ** 2
    spread = np.sqrt(variance * (1 + 1 / (norm.references * LINKS)) + grain)
    square = (signed / spread) ** 2
    level = norm.bias[site, 0] + np.clip(signed, -MOST_SHIFT * spread, MOST_SHIFT * spread)
    bounded = [np.minimum(square, most) for most in MOST_ENERGY]
    values, done = np.stack([level, *bounded, signed], axis=1), 0
    shifts, energies = [], []
    for scale, steps in enumerate(norm.scales):
        values = links.spread(values, steps - done)
        done, many = steps, partakers(steps)
        if not scale:
            near = values[:, -1]
            values = values[:, :-1]
        error = np.sqrt(variance * (1 + 1 / norm.references) / many + grain)
        shifts.append(np.abs(values[:, 0] - norm.bias[site, scale]) / error)
        energies.append(chi_level(values[:, 1 if steps <= FEW else 2], many))
    empty = gaps(norm.surface, norm.density * (len(points) / norm.points), points, site)
    lenses = np.maximum(np.stack([*shifts, *energies, empty.level], axis=1), 0.0)
    if norm.clean is not None:
        lenses /= np.maximum(norm.clean[site] / USUAL, 1.0)
    return Look(points, site, signed, near, lenses, empty, louder)
