"""How high clean clouds score: each reference, or half of the only one, judged by the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from gadet.experts.pointcloud.cells import Floats
from gadet.experts.pointcloud.lenses import look
from gadet.experts.pointcloud.norm import Norm, norm_of
from gadet.media.pointcloud.needs import needed

__all__ = ["rehearsed"]

AROUND = 8
"""Clean points around a site that tell how high they score there."""
ROUNDS = 2
"""References that are judged by the others."""
LEAST = 100
"""Smaller clouds are not halved."""
SEED = 0


def rehearsed(norm: Norm, clouds: Sequence[Floats]) -> Norm:
    """A norm that knows how high clean points score at each of its sites.

    Where a surface is sharp, thin or sparsely seen, clean points leave it more than noise alone
    lets one expect. One reference is cut into random halves, and each is judged by the other.

    Args:
        norm: Made of `clouds`.
        clouds: `(Ni, 3)` each, in one frame.
    """
    spatial = needed("scipy.spatial", "Comparing point clouds")
    clean = np.zeros((len(norm.surface.sites), 2 * len(norm.scales) + 1))
    for others, one in _turns(clouds):
        judge = norm_of(others, norm.places)
        seen = look(one, judge)
        levels = _padded(seen.lenses, len(judge.scales), len(norm.scales))
        near = spatial.cKDTree(one).query(norm.surface.sites, k=min(AROUND, len(one)))[1]
        around = levels[near.reshape(len(clean), -1)]
        clean = np.maximum(clean, around.max(axis=1))
    return replace(norm, clean=clean)


def _turns(clouds: Sequence[Floats]) -> Iterator[tuple[list[Floats], Floats]]:
    """Clean clouds, each with those that judge it."""
    clouds = list(clouds)
    if len(clouds) == 1:
        if len(clouds[0]) < LEAST:
            return
        order = np.random.default_rng(SEED).permutation(len(clouds[0]))
        clouds = [clouds[0][half] for half in np.array_split(order, 2)]
    for turn in range(min(ROUNDS, len(clouds))):
        yield clouds[:turn] + clouds[turn + 1 :], clouds[turn]


def _padded(lenses: Floats, scales: int, wanted: int) -> Floats:
    """Lenses of a cloud that is seen at fewer scales, the largest one repeated."""
    kept = np.minimum(np.arange(wanted), scales - 1)
    columns = np.concatenate([kept, scales + kept, [2 * scales]])
    return lenses[:, columns]
