"""Where points should be and are not, handed to the points around the gap."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from gadet.experts.pointcloud.cells import Floats, Indices
from gadet.experts.pointcloud.surface import Surface
from gadet.media.pointcloud.needs import needed

__all__ = ["Gaps", "gaps"]

RIM = 1.5
"""Spacings around a gap whose points are told of it …"""
WIDE = 0.25
"""… or this share of its radius, where that is wider."""
FADE = 0.1
"""How much less the outermost of them are told than those at the edge."""
LEAST = 1.84
"""Surprise below which an empty place is not told of."""
WARM = 2.0
"""Nats from which the emptiest place around a site is looked for …"""
TURNS, STRIDE, SHORTER = 5, 0.35, 0.75
"""… in so many steps, the first of so many spacings, each shorter than the last by a factor …"""
ROAM = 0.6
"""… and never farther than so many spacings from the site."""
_TRIED = 3
_SAME_SIDE = 0.2


class Gaps(NamedTuple):
    """Empty places of a surface.

    Attributes:
        level: float64 `(N,)` of the points: how surprising the emptiest place is that they border.
        empty: float64 `(S,)` of the sites: how surprising the emptiest place is beside each.
        radius: float64 `(S,)` distance of those places to the nearest point.
    """

    level: Floats
    empty: Floats
    radius: Floats


def gaps(surface: Surface, density: Floats, points: Floats, site: Indices) -> Gaps:
    """Find where points are missing.

    Of points that are scattered at random with a density λ, none lies within r of a given place
    with chance exp(-x), x = λ π r². The largest empty circles are those that touch three points: of
    these there are two for each point, and one of x nats or more has chance (1 + x) exp(-x).
    Surprise is told on the scale of a standard normal value, and handed to the points around.

    Args:
        surface: Where points should be.
        density: `(S,)` how many per unit of area.
        points: `(N, 3)` those that are.
        site: `(N,)` the site nearest to each.

    Source: Miles 1970, On the homogeneous planar Poisson point process, Mathematical Biosciences
    6, 85-127 (the circles around the triangles of a random scatter).
    """
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(points)

    def radius_at(places: Floats, normals: Floats) -> Floats:
        """How far the nearest point of the same sheet is."""
        tried = min(_TRIED, len(points))
        apart, near = tree.query(places, k=tried)
        apart, near = apart.reshape(len(places), tried), near.reshape(len(places), tried)
        alike = np.einsum("pkc,pc->pk", surface.normals[site[near]], normals) > _SAME_SIDE
        first = np.where(alike.any(axis=1), alike.argmax(axis=1), tried - 1)
        return np.asarray(apart[np.arange(len(apart)), first])

    places = surface.sites.copy()
    radius = radius_at(places, surface.normals)
    warm = np.flatnonzero(np.pi * density * radius**2 > WARM)
    emptier = _emptiest(tree, points, places[warm], surface.normals[warm], surface.spacing)
    wider = radius_at(emptier, surface.normals[warm])
    better = wider > radius[warm]
    places[warm[better]], radius[warm[better]] = emptier[better], wider[better]
    nats = np.pi * density * radius**2
    empty = np.sqrt(2 * np.maximum(nats - np.log(2 * (1 + nats)), 0.0))
    hot = np.flatnonzero(empty > LEAST)
    rim = np.maximum(WIDE * radius[hot], RIM / np.sqrt(np.median(density)))
    return Gaps(_handed(tree, points, places[hot], radius[hot], rim, empty[hot]), empty, radius)


def _handed(
    tree: Any, points: Floats, places: Floats, radius: Floats, rim: Floats, empty: Floats
) -> Floats:
    """float64 `(N,)` of the points: the surprise of the emptiest of the places they border."""
    found = tree.query_ball_point(places, radius + rim)
    held = np.fromiter(map(len, found), np.int64, len(found))
    place = np.repeat(np.arange(len(places)), held)
    row = np.concatenate([np.zeros(0, np.int64), *(np.asarray(one, np.int64) for one in found)])
    beyond = np.linalg.norm(points[row] - places[place], axis=1) - radius[place]
    outward = np.clip(beyond / rim[place], 0.0, 1.0)
    level = np.zeros(len(points))
    np.maximum.at(level, row, empty[place] * (1 - FADE * outward))
    return level


def _emptiest(tree: Any, points: Floats, start: Floats, normals: Floats, spacing: float) -> Floats:
    """Places `(P, 3)` moved along the surface away from the points around them.

    A site need not lie in the middle of a gap, and the smaller the gap, the more that matters.
    """
    place = start
    for turn in range(TURNS):
        away = place - points[tree.query(place)[1]]
        away -= (away * normals).sum(axis=1, keepdims=True) * normals
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-300)
        gone = place + away * (STRIDE * SHORTER**turn * spacing) - start
        length = np.linalg.norm(gone, axis=1, keepdims=True)
        place = start + gone * np.minimum(1, ROAM * spacing / np.maximum(length, 1e-300))
    return np.asarray(place)
