"""How high clean clouds score: each reference, or half of the only one, judged by the others."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from gadet.experts.pointcloud.cells import Floats
from gadet.experts.pointcloud.lenses import USUAL, boundary, look
from gadet.experts.pointcloud.norm import Norm, norm_of
from gadet.media.pointcloud.needs import needed

__all__ = ["rehearsed"]

AROUND = 8
"""Clean points around a site that tell how high they score there."""
OFTEN, OFTEN_LEVEL = 0.99, 2.33
"""A share of a clean cloud's points, and the standard normal value below which as many lie."""
ROUNDS = 2
"""References that are judged by the others."""
LEAST = 100
"""Smaller clouds are not halved."""
ROOM = 10.0
"""Over the root of the number of points: how much higher still other draws may score."""
PART = 4
"""Points whose mean is told to be the highest of a clean cloud: the smallest part."""
SEED = 0


def rehearsed(norm: Norm, clouds: Sequence[Floats]) -> Norm:
    """A norm that knows how high clean points score at each of its sites.

    Where a surface is sharp, thin or sparsely seen, clean points leave it more than noise alone
    lets one expect. One reference is cut into random halves, and each is judged by the other.

    Args:
        norm: Made of `clouds`.
        clouds: `(Ni, 3)` each, in one frame.
    """
    turns = list(_turns(clouds, SEED))
    clean = np.zeros((len(norm.surface.sites), 2 * len(norm.scales) + 1))
    high = []
    for others, one in turns[:ROUNDS]:
        judge = norm_of(others)
        levels = _padded(look(one, judge).lenses, len(judge.scales), len(norm.scales))
        high.append(np.sqrt(np.maximum(np.quantile(levels, OFTEN, axis=0) / OFTEN_LEVEL, 1.0)))
        clean = np.maximum(clean, _around(one, levels, norm))
    clean = np.maximum(clean, USUAL * (np.mean(high, axis=0) if high else 1.0))
    norm = replace(norm, clean=clean)
    rest = turns[ROUNDS:] if len(clouds) > 1 else list(_turns(clouds, SEED + 1))
    excess = max((_excess(norm, *turn) for turn in rest[:ROUNDS]), default=1.0)
    room = excess * (1 + ROOM / math.sqrt(norm.points))
    return replace(norm, clean=clean * room, room=room)


def _around(points: Floats, levels: Floats, norm: Norm) -> Floats:
    """The highest levels `(N, lenses)` of the points near to each site, `(S, lenses)`."""
    tree = needed("scipy.spatial", "Comparing point clouds").cKDTree(points)
    near = tree.query(norm.surface.sites, k=min(AROUND, len(points)))[1]
    return np.asarray(levels[near.reshape(len(norm.surface.sites), -1)].max(axis=1))


def _excess(norm: Norm, others: Sequence[Floats], one: Floats) -> float:
    """How much higher than chance lets expect points score of a draw that the norm is not made of.

    Where few points tell of the surface, what sampling leaves open differs from draw to draw.
    """
    assert norm.clean is not None
    judge = norm_of(others)
    home = norm.surface.tree.query(judge.surface.sites)[1]
    known = _padded(norm.clean, len(norm.scales), len(judge.scales))[home]
    seen = look(one, replace(judge, clean=known))
    highest = float(np.sort(seen.worst)[-PART:].mean())
    return max(highest / boundary(seen.lenses.size), 1.0)


def _turns(clouds: Sequence[Floats], seed: int) -> Iterator[tuple[list[Floats], Floats]]:
    """Clean clouds, each with those that judge it; the halves of the only one."""
    clouds = list(clouds)
    if len(clouds) == 1:
        if len(clouds[0]) < LEAST:
            return
        order = np.random.default_rng(seed).permutation(len(clouds[0]))
        clouds = [clouds[0][half] for half in np.array_split(order, 2)]
    for turn in range(len(clouds)):
        yield clouds[:turn] + clouds[turn + 1 :], clouds[turn]


def _padded(lenses: Floats, scales: int, wanted: int) -> Floats:
    """Lenses of a cloud that is seen at fewer scales, the largest one repeated."""
    kept = np.minimum(np.arange(wanted), scales - 1)
    columns = np.concatenate([kept, scales + kept, [2 * scales]])
    return lenses[:, columns]
