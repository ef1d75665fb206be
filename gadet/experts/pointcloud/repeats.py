"""References that show the same places of a surface again: one cloud with less noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gadet.experts.pointcloud.cells import Floats, Thinned
from gadet.experts.pointcloud.surface import own_spacing
from gadet.media.pointcloud.needs import needed

__all__ = ["Repeats", "repeats_of"]

SAME = 0.36
"""Spacings to the nearest point of another cloud, at the median, up to which both show the same
places: of points that are scattered independently half are nearer than 0.47 spacings."""
NEAR = 0.5
"""Spacings within which a point is taken for the same place."""


@dataclass(frozen=True, eq=False)
class Repeats:
    """Clouds that were drawn independently of one another.

    Attributes:
        clouds: float64 `(Ni, 3)` each.
        firsts: The number of the first cloud that each was averaged from.
        lost: Variance, along one axis, that averaging took from the noise of their points.
    """

    clouds: list[Floats]
    firsts: list[int]
    lost: float


def repeats_of(clouds: Sequence[Floats]) -> Repeats:
    """Average clouds whose points lie at the same places, up to noise.

    A sensor that looks from the same place, or a model with other noise, gives such clouds.
    Together they know no more places than each alone, and must not be taken for denser.

    Args:
        clouds: `(Ni, 3)` each, in one frame.
    """
    groups: dict[int, list[Floats]] = {}
    for number, cloud in enumerate(clouds):
        known = (first for first in groups if _same_places(clouds[first], cloud))
        groups.setdefault(next(known, number), []).append(cloud)
    found = [_averaged(group) for group in groups.values()]
    lost = float(np.mean([lost for _, lost in found]))
    return Repeats([one for one, _ in found], list(groups), lost)


def _same_places(first: Floats, other: Floats) -> bool:
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(first)
    return bool(np.median(tree.query(other)[0]) < SAME * own_spacing(first))


def _averaged(group: Sequence[Floats]) -> tuple[Floats, float]:
    """The means over places, and the variance that the noise has lost by that."""
    first = group[0]
    if len(group) == 1:
        return first, 0.0
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(first)
    points = np.concatenate(group)
    apart, home = tree.query(points)
    home[: len(first)] = np.arange(len(first))
    kept = apart < NEAR * own_spacing(first)
    points, home = points[kept], home[kept]
    places = Thinned(first, home, np.bincount(home, minlength=len(first)))
    means = places.mean(points)
    return means, float(np.mean((points - means[home]) ** 2))
