"""A cloud without references: compared with its mirror image or its own smooth surface."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from gadet.experts.pointcloud.cells import Floats
from gadet.experts.pointcloud.lenses import Look, look
from gadet.experts.pointcloud.norm import Norm, norm_of
from gadet.experts.pointcloud.registration import Landmarks, landmarks, moved, placed
from gadet.experts.pointcloud.rehearsal import rehearsed
from gadet.media.pointcloud import Cloud
from gadet.media.pointcloud.needs import needed

__all__ = ["Alone", "alone", "open_sides"]

MIRRORED = 0.85
"""Share of a cloud that lies on its mirror image, from which it is taken to be symmetric."""
SMOOTH = 12
"""Points per site of the smooth surface."""
RARE, RARE_LEVEL = 0.999, 3.1
"""A share of a cloud's points, and the standard normal value below which as many lie."""
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
    rougher or emptier than nearly all of it.

    Args:
        points: `(N, 3)`.
        places: Its landmarks.
    """
    mirror = np.array([-1.0, 1.0, 1.0])
    flipped = landmarks(Cloud(np.asarray(places.fine * mirror)))
    found = placed(flipped, places)
    if found.fitness >= MIRRORED:
        image = moved(points * mirror, found.transform)
        norm = rehearsed(norm_of([image], places), [image])
        return Alone(
            look(points, norm),
            norm,
            "no references: the cloud was compared with its mirror image; what differs may be "
            "wrong on either side, or meant",
        )
    norm = norm_of([points], places, sites=max(len(points) // SMOOTH, min(len(points), 50)))
    norm = replace(norm, bias=np.zeros_like(norm.bias))
    seen = look(points, norm)
    open_level = open_sides(points, norm.surface.normals[seen.site])
    lenses = np.concatenate([seen.lenses[:, :-1], open_level[:, None]], axis=1)
    # Edges and corners of any shape are sharp: only what nearly all of it is not stands out.
    usual = np.quantile(lenses, RARE, axis=0) / RARE_LEVEL
    return Alone(
        replace(seen, lenses=lenses / np.maximum(usual, 1.0)),
        norm,
        "no references: the cloud was compared with its own smooth surface, which tells what is "
        "sharp, rough or open, not what is wrong",
    )


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
    helper = np.where(np.abs(normals[:, :1]) < 0.9, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    first = np.cross(normals, helper)
    first /= np.maximum(np.linalg.norm(first, axis=1, keepdims=True), 1e-12)
    second = np.cross(normals, first)
    turn = np.sort(
        np.arctan2(np.einsum("nkc,nc->nk", away, second), np.einsum("nkc,nc->nk", away, first)),
        axis=1,
    )
    sides = np.diff(turn, axis=1, append=turn[:, :1] + 2 * np.pi)
    widest = np.minimum(sides.max(axis=1) / (2 * np.pi), 1 - 1e-9)
    count = near.shape[1]
    nats = -np.log(count) - (count - 1) * np.log1p(-widest)
    return np.asarray(np.sqrt(2 * np.maximum(nats, 0.0)))
