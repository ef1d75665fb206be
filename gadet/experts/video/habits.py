"""How things usually move through a place, and what they look like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray
from gadet.experts.video.glimpse import Glimpse
from gadet.experts.video.looks import CELL
from gadet.experts.video.points import Moving
from gadet.experts.video.rows import Rows

__all__ = ["Habits", "Marks"]

Floats = npt.NDArray[np.float64]

WAYS = 8
"""Directions that are told apart."""
BAND = 15.0
"""Pixels above and below within which directions are counted together."""
DOUBT = 50.0
"""Points that each direction is credited with: that nobody among a few came from there does not
say that nobody does."""
LONG = (30.0, 60.0)
"""Seconds of footage from which a way begins to count as wrong, and from which it does: a few
passers-by who happen to go the same way make no rule."""
ONE_WAY = (0.7, 0.9)
"""Share of the points that move about the same way from which there begins to be a way that can be
wrong, and from which there is one."""
BANK = 6000
"""Descriptors of moving cells that are kept, evenly taken from all of them."""
FARTHER = 0.005
"""Squared distance that is added to a descriptor's for each squared row of cells between."""
BRISK = 0.5
"""Share of the usual speed from which on a direction counts."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Values at places of a frame.

    Attributes:
        places: `(n, 2)` float64, x and y in pixels.
        values: `(n,)` float64.
    """

    places: Floats = field(repr=False)
    values: Floats = field(repr=False)


class Habits:
    """Speeds, changes of speed and directions by height; looks of what moves.

    Args:
        glimpses: What is learned from, at least one.
        seconds: How much footage they are taken from.
    """

    def __init__(self, glimpses: Sequence[Glimpse], seconds: float) -> None:
        """Collect the points that were followed for long enough, and the cells they cross."""
        height = glimpses[0].shape[0]
        steady = [one.steady for one in glimpses]
        y = np.concatenate([one.places[:, 1] for one in steady])
        self.speeds = Rows(y, np.concatenate([one.speeds for one in steady]), height)
        self._jolts = Rows(y, np.concatenate([one.jolts for one in steady]), height)
        self.points = len(y)
        ways = np.concatenate([_ways(one) for one in steady])
        told = float(np.clip((seconds - LONG[0]) / (LONG[1] - LONG[0]), 0, 1))
        self._rarity = _rarity(y, ways, height) * np.float32(told)
        crossed = [np.nonzero(one.crossed) for one in glimpses]
        pairs = zip(glimpses, crossed, strict=True)
        bank = np.concatenate([one.looks[rows, columns] for one, (rows, columns) in pairs])
        rows = np.concatenate([rows for rows, _ in crossed])
        if len(bank) > BANK:
            kept = np.linspace(0, len(bank) - 1, BANK).round().astype(np.int64)
            bank, rows = bank[kept], rows[kept]
        self._bank, self._bank_rows = bank, rows

    def marks(self, glimpse: Glimpse) -> dict[str, Marks]:
        """How far each thing that moves is from what is usual, by cue, not yet calibrated."""
        steady = glimpse.steady
        y = steady.places[:, 1]
        rare = self._rarity[np.clip(y, 0, glimpse.shape[0] - 1).astype(np.int64), _ways(steady)]
        brisk = steady.speeds > BRISK * self.speeds.middle(y)
        return {
            "speed": Marks(steady.places, self.speeds.beyond(y, steady.speeds)),
            "jolt": Marks(steady.places, self._jolts.beyond(y, steady.jolts)),
            "way": Marks(steady.places, (rare * brisk).astype(np.float64)),
            "look": self._unlike(glimpse),
        }

    def _unlike(self, glimpse: Glimpse) -> Marks:
        """How unlike everything that usually moves at that height each moving cell looks."""
        rows, columns = np.nonzero(glimpse.crossed)
        places: Floats = (np.stack([columns, rows], axis=1).astype(np.float64) + 0.5) * CELL
        if not len(rows) or not len(self._bank):
            return Marks(places, np.zeros(len(rows)))
        likeness = glimpse.looks[rows, columns] @ self._bank.T
        apart = (rows[:, None] - self._bank_rows[None]).astype(np.float32)
        nearest = (2 - 2 * likeness + FARTHER * apart**2).min(axis=1)
        return Marks(places, np.sqrt(np.maximum(nearest, 0)).astype(np.float64))


def _ways(moving: Moving) -> npt.NDArray[np.int64]:
    """The direction of each point, 0 to the right, then on towards down."""
    turn = np.arctan2(moving.velocities[:, 1], moving.velocities[:, 0]) / (2 * np.pi)
    return np.floor(turn * WAYS + 0.5).astype(np.int64) % WAYS


def _rarity(y: Floats, ways: npt.NDArray[np.int64], height: int) -> FloatArray:
    """How much rarer than in eight equal parts each direction is, in nats `(height, 8)`.

    0 where nothing is rare because things move all ways.
    """
    counts = np.zeros((height, WAYS))
    np.add.at(counts, (np.clip(y, 0, height - 1).astype(np.int64), ways), 1.0)
    total = np.concatenate((np.zeros((1, WAYS)), np.cumsum(counts, axis=0)))
    rows = np.arange(height)
    first = np.clip(rows - int(BAND), 0, height)
    last = np.clip(rows + int(BAND) + 1, 0, height)
    near = total[last] - total[first]
    around = near + np.roll(near, 1, axis=1) + np.roll(near, -1, axis=1)
    main = around.max(axis=1, keepdims=True) / np.maximum(near.sum(axis=1, keepdims=True), 1.0)
    one_way = np.clip((main - ONE_WAY[0]) / (ONE_WAY[1] - ONE_WAY[0]), 0, 1)
    # Neighbouring directions share: a way that runs aslant falls into two of them.
    near = near + 0.5 * (np.roll(near, 1, axis=1) + np.roll(near, -1, axis=1))
    share = (near + DOUBT) / (near.sum(axis=1, keepdims=True) + WAYS * DOUBT)
    return np.asarray(one_way * np.maximum(-np.log(WAYS * share), 0), dtype=np.float32)
