"""A cloud without references: compared with its mirror image or its own smooth surface."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gadet.experts.pointcloud.cells import Floats
from gadet.experts.pointcloud.jets import tangents
from gadet.experts.pointcloud.lenses import Look, boundary, look
from gadet.experts.pointcloud.norm import Norm, norm_of
from gadet.experts.pointcloud.registration import Landmarks, landmarks, moved, placed
from gadet.experts.pointcloud.rehearsal import rehearsed
from gadet.media.pointcloud import Cloud
from gadet.media.pointcloud.needs import needed

__all__ = ["Alone", "alone", "open_sides"]

MIRRORED = 0.85
"""Share of a cloud that lies on its mirror image, from which it is taken to be symmetric."""
BROKEN = 0.05
"""Share of a cloud up to which it may break its own symmetry, or else it has none."""
OFTEN, OFTEN_LEVEL = 0.95, 1.64
"""A share of a cloud's points, and the standard normal value below which as many lie."""
STRICT = 1.15
"""How much farther out than with references something has to be."""
SMOOTH = 12
"""Points per site of the smooth surface."""
RARE, RARE_LEVEL = 0.99, 2.33
"""The same for what is rare in any shape: edges and corners."""
AROUND = 12
"""Neighbours among which the widest empty side of a point is looked for."""


@dataclass(frozen=True, eq=False)
class Alone:
    """What a cloud shows without references.

    Attributes:
        seen: What the lenses see.
        norm: What it was compared with.
        note: How.
    """

    seen: Look
    norm: Norm
    note: str


def alone(points: Floats, places: Landmarks) -> Alone:
    """Judge a cloud by itself.

    A cloud that lies on its own mirror image is compared with that, which shows what breaks the
    symmetry. Any other is compared with its own smooth surface, which shows what is sharper,
    rougher or emptier than nearly all of it. Nothing says what is normal then, so what covers
    much of a cloud is its usual surface.

    Args:
        points: `(N, 3)`.
        places: Its landmarks.
    """
    return _mirrored(points, places) or _smoothed(points)


def _mirrored(points: Floats, places: Landmarks) -> Alone | None:
    """What breaks the symmetry of a cloud; None of one that has none."""
    mirror = np.array([-1.0, 1.0, 1.0])
    flipped = landmarks(Cloud(np.asarray(places.fine * mirror)))
    found = placed(flipped, places)
    if found.fitness < MIRRORED:
        return None
    image = moved(points * mirror, found.transform)
    norm = rehearsed(norm_of([image]), [image])
    seen = look(points, norm)
    # A table mirrors itself wherever the things on it stand, and a scan wherever its border runs.
    if np.mean(seen.worst > boundary(seen.lenses.size)) > BROKEN:
        return None
    return Alone(
        _unusual(seen, OFTEN, OFTEN_LEVEL),
        norm,
        "no references: the cloud was compared with its mirror image; what differs may be "
        "wrong on either side, or meant",
    )


def _smoothed(points: Floats) -> Alone:
    """What is sharper, rougher or emptier than nearly all of a cloud."""
    norm = norm_of([points], sites=max(len(points) // SMOOTH, min(len(points), 50)))
    norm = replace(norm, bias=np.zeros_like(norm.bias))
    seen = look(points, norm)
    open_level = open_sides(points, norm.surface.normals[seen.site])
    lenses = np.concatenate([seen.lenses[:, :-1], open_level[:, None]], axis=1)
    return Alone(
        _unusual(replace(seen, lenses=lenses), RARE, RARE_LEVEL),
        norm,
        "no references: the cloud was compared with its own smooth surface, which tells what is "
        "sharp, rough or open, not what is wrong",
    )


def _unusual(seen: Look, share: float, level: float) -> Look:
    """A look to which what a share of the cloud does not reach is no higher than chance has it."""
    usual = np.quantile(seen.lenses, share, axis=0) / level
    return replace(seen, lenses=seen.lenses / (STRICT * np.maximum(usual, 1.0)))


def open_sides(points: Floats, normals: Floats) -> Floats:
    """How surprising the widest side is to which a point has no neighbour: edges of holes.

    Seen along the normal, the directions to K neighbours are uniform on a circle where points are
    scattered evenly; a gap of g radians or more then has chance K (1 - g / 2π)^(K - 1) at most.
    Surprise is told on the scale of a standard normal value.

    Args:
        points: `(N, 3)`.
        normals: `(N, 3)` of length 1.

    Returns:
        float64 `(N,)`.

    Source: Stevens 1939, doi:10.1111/j.1469-1809.1939.tb02216.x (arcs on a circle), its first term.
    """
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(points)
    near = tree.query(points, k=min(AROUND + 1, len(points)))[1][:, 1:]
    away = points[near] - points[:, None]
    first, second = tangents(normals)
    turn = np.sort(
        np.arctan2(np.einsum("nkc,nc->nk", away, second), np.einsum("nkc,nc->nk", away, first)),
        axis=1,
    )
    sides = np.diff(turn, axis=1, append=turn[:, :1] + 2 * np.pi)
    widest = np.minimum(sides.max(axis=1) / (2 * np.pi), 1 - 1e-9)
    count = near.shape[1]
    nats = -np.log(count) - (count - 1) * np.log1p(-widest)
    return np.asarray(np.sqrt(2 * np.maximum(nats, 0.0)))
