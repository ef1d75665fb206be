"""How surprising points are against what is normal, in standard deviations, by several lenses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gadet.experts.pointcloud.cells import Floats, Indices
from gadet.experts.pointcloud.gaps import Gaps, gaps
from gadet.experts.pointcloud.norm import Norm
from gadet.experts.pointcloud.register import moved, step
from gadet.experts.pointcloud.sheets import LINKS, partakers, sheets

__all__ = ["Look", "look", "polished"]

POLISHED = 8_000
"""Points that the last bit of a pose is found with."""
POLISH = 3
"""Rounds of it."""


@dataclass(frozen=True, eq=False)
class Look:
    """What the lenses see at each of N points.

    Attributes:
        points: float64 `(N, 3)` in the frame of the norm.
        site: int64 `(N,)` the nearest site of the surface.
        signed: float64 `(N,)` distance from the normal surface, outwards, without its bias.
        level: float64 `(N, scales)` its mean by scale.
        shift: float64 `(N, scales)` the mean in standard errors; its sign is that of the distance.
        energy: float64 `(N, scales)` the same of the squared distance: waves, cracks, roughness.
        gaps: Where points are missing.
    """

    points: Floats
    site: Indices
    signed: Floats
    level: Floats
    shift: Floats
    energy: Floats
    gaps: Gaps

    @property
    def lenses(self) -> Floats:
        """float64 `(N, 2 · scales + 1)` how surprising each point is to each lens."""
        return np.concatenate([np.abs(self.shift), self.energy, self.gaps.level[:, None]], axis=1)


def polished(points: Floats, norm: Norm) -> Floats:
    """The small motion `(4, 4)` that brings points onto the surface as exactly as noise allows."""
    few = points[:: max(1, len(points) // POLISHED)]
    pose = np.eye(4)
    for _ in range(POLISH):
        here = moved(few, pose)
        off = norm.surface.offsets(here)
        apart = off.signed - norm.bias[off.site, 0]
        pose = step(here, norm.surface.normals[off.site], apart) @ pose
    return pose


def look(points: Floats, norm: Norm) -> Look:
    """Look at points `(N, 3)` that lie in the frame of the norm.

    At each scale the mean distance of the points around is compared with that of the references
    around, and told in standard errors of their difference. Squared distances are brought to a
    normal scale by their cube root.

    Source: Wilson and Hilferty 1931, doi:10.1073/pnas.17.12.684 (cube root of chi-squared).
    """
    off = norm.surface.offsets(points)
    links = sheets(points, norm.surface.normals[off.site])
    variance = norm.variance[off.site]
    signed = off.signed - norm.bias[off.site, 0]
    square = signed**2 / (variance * (1 + 1 / (norm.references * LINKS)))
    level, done = off.signed, 0
    levels, shifts, energies = [], [], []
    for place, steps in enumerate(norm.scales):
        both = links.spread(np.stack([level, square], axis=1), steps - done)
        level, square, done = both[:, 0], both[:, 1], steps
        many = partakers(steps)
        mean = level - norm.bias[off.site, place]
        levels.append(mean)
        shifts.append(mean / np.sqrt(variance * (1 + 1 / norm.references) / many))
        tail = 2 / (9 * many)
        energies.append((np.cbrt(square) - (1 - tail)) / np.sqrt(tail))
    density = norm.density * (len(points) / norm.points)
    empty = gaps(norm.surface, density, points, off.site)
    return Look(
        points, off.site, signed, np.stack(levels, axis=1), np.stack(shifts, axis=1),
        np.stack(energies, axis=1), empty,
    )  # fmt: skip
