"""What a place looks like while nothing happens, and how much of it looks otherwise."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np

from gadet.experts.filters import FloatArray, box_mean, gaussian, local_max
from gadet.experts.video.glimpse import Glimpse

__all__ = ["Scene"]

KEPT = 32
"""Frames of the normal part that are remembered, evenly taken from all of it."""
LEAST_UNLIKE = 0.05
"""No cell's usual distance counts as less than this."""
LONE = 0.2
"""The usual distance that is assumed with one normal frame: there is nothing to measure it by."""
BEYOND = 1.5
"""Times its usual distance at which a cell starts to count as changed …"""
FULL = 3.0
"""… and by how many times more it counts as much as it can."""
LEAST_SPREAD = 0.01
"""Least spread of the changed share of a normal frame."""
SCARCE = 10.0
"""Normal frames whose number doubles the square of the spread: few tell little."""
LASTING = 0.2
"""Share of a clip's frames from which on a change is taken for its usual state, where nothing is
known to be normal …"""
MILD = 2.0
"""… and spreads that the change which so many frames reach counts for at most: half way to 0.5."""


class Scene:
    """The looks of each cell in the normal part.

    A cell changed when it looks like none of the remembered frames did there. Cells in which
    something moves at the moment do not count: what moves is judged by how it moves.

    Args:
        normals: Glimpses of the normal part, at least one.
    """

    def __init__(self, normals: Sequence[Glimpse]) -> None:
        """Learn how far normal frames are from one another, each half from the other."""
        chosen = np.unique(np.linspace(0, len(normals) - 1, KEPT).round().astype(int)).tolist()
        kept = [normals[index] for index in chosen]
        self._memory = np.array([one.looks for one in kept])
        half = max(1, len(kept) // 2)
        parts = ((range(half), range(half, len(kept))), (range(half, len(kept)), range(half)))
        pairs = [
            (kept[index], _nearest(kept[index].looks, self._memory[list(others)]))
            for own, others in parts
            for index in own
            if len(others)
        ]
        if not pairs:  # one frame: nothing to hold against it
            pairs = [(kept[0], np.full(kept[0].looks.shape[:2], LONE, np.float32))]
        usual = np.asarray(np.mean([distance for _, distance in pairs], axis=0), np.float32)
        self._floor = max(float(np.median(usual)), LEAST_UNLIKE)
        self._usual = np.maximum(gaussian(usual, 1.0), self._floor)
        shares = [float(self._changed(one, distance).mean()) for one, distance in pairs]
        self._centre, high = np.quantile(shares, [0.5, 0.9])
        spread = max(float(high - self._centre) / 1.28, LEAST_SPREAD)
        self._spread = spread * (1 + SCARCE / len(normals)) ** 0.5

    def _changed(self, glimpse: Glimpse, distance: FloatArray) -> FloatArray:
        """How much each cell changed, 0 to 3."""
        # When half of the picture would count as changed, that is light, not what came or went.
        light = max(float(np.median(distance)) - BEYOND * self._floor, 0.0)
        changed = np.clip((distance - light) / self._usual - BEYOND, 0, FULL)
        # After a cut, a place that looks nothing like the known one cannot be compared with it.
        elsewhere = glimpse.anew and light > self._floor
        if not glimpse.settled or elsewhere:
            return np.zeros_like(changed)
        still = local_max(glimpse.stirred.astype(np.float32), 1) == 0
        return np.asarray(changed * still, dtype=np.float32)

    def beside(self, clip: Sequence[Glimpse]) -> Scene:
        """The same place with a spread that takes what recurs or lasts in a clip for usual.

        The order of the clip's frames stays as it is.

        Args:
            clip: Glimpses taken evenly from the whole clip, at least one.
        """
        reached = float(np.quantile([self.judge(one)[0] for one in clip], 1 - LASTING))
        wider = copy.copy(self)
        wider._spread = self._spread * max(1.0, reached / MILD)
        return wider

    def judge(self, glimpse: Glimpse) -> tuple[float, FloatArray]:
        """How much of a frame changed.

        Returns:
            The changed share in spreads above that of normal frames, and how much each cell
            `(h, w)` changed with its neighbours, 0 to 3.
        """
        changed = self._changed(glimpse, _nearest(glimpse.looks, self._memory))
        sigmas = (float(changed.mean()) - self._centre) / self._spread
        return float(sigmas), box_mean(changed, 1)


def _nearest(looks: FloatArray, memory: FloatArray) -> FloatArray:
    """Distance `(h, w)` of each cell to the most similar one of `memory` `(n, h, w, C)` there."""
    likeness = np.einsum("nijk,ijk->nij", memory, looks).max(axis=0)
    return np.asarray(np.sqrt(np.maximum(2 - 2 * likeness, 0)), dtype=np.float32)
