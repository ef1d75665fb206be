"""The parts of a cloud that depart from normal, measured and named."""

from __future__ import annotations

import math

import numpy as np

from gadet.experts.pointcloud.candidate import PointsCandidate, oriented_box
from gadet.experts.pointcloud.cells import Floats, Indices, Thinned
from gadet.experts.pointcloud.facts import Description, Traits, described, unlike
from gadet.experts.pointcloud.lenses import Look
from gadet.experts.pointcloud.norm import Norm
from gadet.experts.pointcloud.regions import parts_of
from gadet.experts.pointcloud.sheets import LINKS
from gadet.experts.pointcloud.surface import own_spacing
from gadet.media.pointcloud import Cloud
from gadet.media.pointcloud.needs import needed

__all__ = ["parts", "unlike_parts"]

TOP = 20
"""Points whose mean is the score of a part."""
MOST_PARTS = 30
"""Parts that are told, the most suspicious first."""
CORE = 0.15
"""Share of a part's peak that its points reach: averages reach a little beyond what they show."""
EMPTY = 3.5
"""Level from which a place belongs to a gap."""
BESIDE = 3.0
"""Spacings from the points of a rim within which their gap begins."""


def parts(
    cloud: Cloud, cells: Thinned, seen: Look, norm: Norm, scores: Floats
) -> list[PointsCandidate]:
    """The parts that depart from normal, the most suspicious first.

    Args:
        cloud: The cloud.
        cells: Its points as they were measured.
        seen: What the lenses see at each cell.
        norm: What is normal.
        scores: `(M,)` of the cells, 0.5 is the boundary.
    """
    spacing = own_spacing(seen.points)
    found = []
    for whole in parts_of(seen.points, scores >= 0.5, spacing)[:MOST_PARTS]:
        level = seen.worst[whole]
        rows = whole[level >= CORE * np.sort(level)[-TOP:].mean()]
        traits = _traits(cells, seen, norm, rows, spacing)
        middle = cells.points[rows].mean(axis=0)
        found.append(
            _part(cloud, cells, rows, scores, described(traits, middle, cloud.units), traits.area)
        )
    return sorted(found, key=lambda one: -one.score)


def unlike_parts(cloud: Cloud, cells: Thinned, scores: Floats) -> list[PointsCandidate]:
    """The parts whose surface looks like none of the references', the most suspicious first."""
    spacing = own_spacing(cells.points)
    found = []
    for rows in parts_of(cells.points, scores >= 0.5, spacing)[:MOST_PARTS]:
        area = len(rows) * spacing**2
        told = unlike(oriented_box(cells.points[rows]), cells.points[rows].mean(axis=0), area,
                      cloud.units)  # fmt: skip
        found.append(_part(cloud, cells, rows, scores, told, area))
    return sorted(found, key=lambda one: -one.score)


def _part(
    cloud: Cloud, cells: Thinned, rows: Indices, scores: Floats, told: Description, area: float
) -> PointsCandidate:
    inside = np.zeros(len(cells.points), dtype=bool)
    inside[rows] = True
    chosen = np.flatnonzero(inside[cells.home])
    points = cloud.points[chosen]
    return PointsCandidate(
        rows=chosen,
        centroid=points.mean(axis=0),
        oriented=oriented_box(points),
        area=area,
        score=float(np.sort(scores[rows])[-TOP:].mean()),
        label=told.label,
        fact=told.fact,
        measures=told.measures,
        units=cloud.units,
    )


def _traits(cells: Thinned, seen: Look, norm: Norm, rows: Indices, spacing: float) -> Traits:
    """What is measured on a part: on the gap it borders where points are missing."""
    noise = math.sqrt(norm.noise * seen.louder / LINKS)
    lenses = seen.lenses[rows]
    top = np.argsort(-lenses.max(axis=1), kind="stable")[:TOP]
    if np.mean(lenses[top].argmax(axis=1) == lenses.shape[1] - 1) > 0.5:
        gap = _gap(seen, norm, rows, spacing)
        if len(gap):
            sites = norm.surface.sites[gap]
            area = len(gap) * norm.surface.spacing**2
            box = oriented_box(sites)
            return Traits(seen.level[rows], noise, box, area, True)
    area = len(rows) * spacing**2
    return Traits(seen.level[rows], noise, oriented_box(cells.points[rows]), area, False)


def _gap(seen: Look, norm: Norm, rows: Indices, spacing: float) -> Indices:
    """The empty sites behind a rim: the largest part of them that lies beside it."""
    sites = norm.surface.sites
    empty = np.flatnonzero(seen.gaps.empty > EMPTY)
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(seen.points[rows])
    for part in parts_of(sites[empty], np.ones(len(empty), dtype=bool), spacing):
        if tree.query(sites[empty[part]])[0].min() <= BESIDE * spacing:
            return np.asarray(empty[part])
    return empty[:0]
