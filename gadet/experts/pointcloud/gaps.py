"""Where points should be and are not, handed to the points around the gap."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gadet.experts.pointcloud.cells import Floats, Indices
from gadet.experts.pointcloud.surface import Surface
from gadet.media.pointcloud.needs import needed

__all__ = ["Gaps", "gaps"]

RIM = 1.5
"""Spacings around a gap whose points are told of it …"""
WIDE = 0.25
"""… or this share of its radius, where that is wider."""
FADE = 0.3
"""How much less the outermost of them are told than those at the edge."""
PLACES = 12.0
"""Independent places that a point borders, of which it is told the emptiest."""
LEAST = 4.0
"""Nats below which an empty place is not looked at."""
_TRIED = 3
_SAME_SIDE = 0.2


class Gaps(NamedTuple):
    """Empty places of a surface.

    Attributes:
        level: float64 `(N,)` of the points: how surprising the emptiest place is that they border.
        empty: float64 `(S,)` of the sites: how surprising it is that no point is nearer.
        radius: float64 `(S,)` distance of the sites to the nearest point.
    """

    level: Floats
    empty: Floats
    radius: Floats


def gaps(surface: Surface, density: Floats, points: Floats, site: Indices) -> Gaps:
    """Find where points are missing.

    Of points that are scattered at random with a density λ, none lies within r of a place with
    chance exp(-λ π r²). Surprise is told on the scale of a standard normal value, √(2 λ π r²); a
    point is told of the emptiest of the places around it, less what the highest of so many has.

    Args:
        surface: Where points should be.
        density: `(S,)` how many per unit of area.
        points: `(N, 3)` those that are.
        site: `(N,)` the site nearest to each.
    """
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(points)
    tried = min(_TRIED, len(points))
    apart, near = tree.query(surface.sites, k=tried)
    apart, near = apart.reshape(len(apart), -1), near.reshape(len(near), -1)
    alike = np.einsum("skc,sc->sk", surface.normals[site[near]], surface.normals) > _SAME_SIDE
    first = np.where(alike.any(axis=1), alike.argmax(axis=1), tried - 1)
    radius = apart[np.arange(len(apart)), first]
    nats = np.pi * density * radius**2
    level = np.zeros(len(points))
    hot = np.flatnonzero(nats > LEAST)
    if len(hot):
        rim = np.maximum(WIDE * radius[hot], RIM / np.sqrt(np.median(density)))
        found = tree.query_ball_point(surface.sites[hot], radius[hot] + rim)
        held = np.fromiter(map(len, found), np.int64, len(found))
        place = np.repeat(np.arange(len(hot)), held)
        row = np.concatenate([np.asarray(one, np.int64) for one in found])
        beyond = np.linalg.norm(points[row] - surface.sites[hot[place]], axis=1)
        inward = np.clip(1 - (beyond - radius[hot[place]]) / rim[place], 0.0, 1.0)
        surprise = np.maximum(nats[hot[place]] - np.log(PLACES), 0.0)
        np.maximum.at(level, row, np.sqrt(2 * surprise) * (1 - FADE * (1 - inward)))
    return Gaps(level, np.sqrt(2 * nats), radius)
