"""How far what moves is from what is usual, in spreads of normal frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gadet.experts.filters import FloatArray, gaussian, resize
from gadet.experts.video.glimpse import Glimpse
from gadet.experts.video.habits import Habits, Marks
from gadet.experts.video.scatter import Scatter, outward
from gadet.experts.video.staying import Staying

__all__ = ["FINE", "Motion", "spread_out"]

FINE = 4
"""Side in pixels of a cell of the maps."""


@dataclass(frozen=True)
class Cue:
    """How the marks of a cue are read.

    Attributes:
        least: Least spread of the peaks of normal frames.
        unit: Least distance from the median of its marks to their 0.9 quantile.
        reach: How far a mark reaches, a standard deviation in fine cells.
    """

    least: float
    unit: float
    reach: float


CUES = {
    "speed": Cue(least=0.25, unit=0.25, reach=1.5),
    "jolt": Cue(least=1.0, unit=0.25, reach=1.5),
    "way": Cue(least=0.5, unit=1.0, reach=1.5),
    "look": Cue(least=0.5, unit=0.05, reach=2.5),
}
DOUBT = 3.0
"""Marks without evidence that every place is credited with: one stray point proves nothing."""
MOST = 6.0
"""A mark counts for no more than this."""
SCARCE = 10.0
"""Normal frames whose number doubles the square of the spread: few tell little."""
SCARCE_OWN = 30.0
"""The same where the clip is compared with itself: it may hold what is looked for."""
CERTAIN = 4.0
"""Spreads at which a rule counts where it begins to hold: those of the boundary."""


class Motion:
    """The habits of a place and how far normal frames depart from them.

    Args:
        clips: Glimpses to learn from, by clip, at least one.
        clean: Whether they are known to be normal. Otherwise they are the clip itself, of which
            the quieter half of the frames says how much is usual.
    """

    def __init__(self, clips: Sequence[Sequence[Glimpse]], *, clean: bool) -> None:
        """Hold each half against the other to learn how far normal frames depart."""
        whole = [one for clip in clips for one in clip]
        half = max(1, len(whole) // 2)
        first, second = whole[:half], whole[half:] or whole[:half]
        if len(clips) > 1:
            first, second = ([one for clip in clips[start::2] for one in clip] for start in (0, 1))
        seconds = sum(clip[-1].seconds - clip[0].seconds for clip in clips)
        self.habits = Habits(whole, seconds)
        held = [
            (one, habits.marks(one))
            for habits, own in ((Habits(second, seconds), first), (Habits(first, seconds), second))
            for one in own
        ]
        self._tails = {
            name: _tail([marks[name] for _, marks in held], cue.unit) for name, cue in CUES.items()
        }
        levels = [self._maps(one, marks) for one, marks in held if len(one.steady.ages)]
        few = 1 + (SCARCE if clean else SCARCE_OWN) / max(len(levels), 1)
        self.staying, self._scatter = Staying(clips), Scatter(whole)
        self._scales = {}
        for name, cue in CUES.items():
            peaks = [float(one[name].max()) for one in levels] or [0.0]
            low, centre, high = np.quantile(peaks, [0.1, 0.5, 0.9])
            spread = (high - centre if clean else centre - low) / 1.28
            self._scales[name] = float(centre), max(float(spread), cue.least) * few**0.5

    def maps(self, glimpse: Glimpse) -> dict[str, FloatArray]:
        """Spreads above normal `(h, w)` by cue, in cells of `FINE` pixels."""
        found = {
            cue: (one - np.float32(self._scales[cue][0])) / np.float32(self._scales[cue][1])
            for cue, one in self._maps(glimpse, self.habits.marks(glimpse)).items()
        }
        return found | self._ruled(glimpse)

    def _ruled(self, glimpse: Glimpse) -> dict[str, FloatArray]:
        """Loitering and scattering as spreads: at the boundary where they begin to hold."""
        shape = _fine(glimpse)
        steady = glimpse.steady
        apart = np.maximum(outward(steady.places, steady.velocities), 0)
        around = spread_out(Marks(steady.places, apart), shape, 2.5)
        around /= np.float32(max(float(around.max()), 1e-6))
        held = {
            "stay": resize(self.staying.beyond(glimpse), shape),
            "scatter": around * np.float32(self._scatter.beyond(glimpse)),
        }
        return {cue: np.float32(CERTAIN) * (4 * one - 3) for cue, one in held.items()}

    def _maps(self, glimpse: Glimpse, marks: dict[str, Marks]) -> dict[str, FloatArray]:
        shape = _fine(glimpse)
        found = {}
        for name, cue in CUES.items():
            middle, unit = self._tails[name]
            values = np.clip((marks[name].values - middle) / unit, 0, MOST)
            found[name] = spread_out(Marks(marks[name].places, values), shape, cue.reach)
        return found


def _fine(glimpse: Glimpse) -> tuple[int, int]:
    """Rows and columns of the maps of a frame."""
    return -(-glimpse.shape[0] // FINE), -(-glimpse.shape[1] // FINE)


def _tail(marks: Sequence[Marks], least: float) -> tuple[float, float]:
    """The median of values and the distance from there to their 0.9 quantile."""
    values = np.concatenate([one.values for one in marks])
    if not values.size:
        return 0.0, max(1.0, least)
    middle, high = np.quantile(values, [0.5, 0.9])
    return float(middle), max(float(high - middle), least)


def spread_out(marks: Marks, shape: tuple[int, int], reach: float) -> FloatArray:
    """The mean of the marks around each cell, under a Gaussian, with some zeros among them.

    Args:
        marks: Places in pixels, and values.
        shape: Rows and columns of fine cells.
        reach: Standard deviation of the Gaussian in fine cells.

    Returns:
        `(h, w)` float32: `Σ k·value / (Σ k + 3)` with `k = 1` at the mark.
    """
    total = np.zeros((2, *shape), dtype=np.float32)
    cells = (marks.places / FINE).astype(np.int64)
    at = (np.clip(cells[:, 1], 0, shape[0] - 1), np.clip(cells[:, 0], 0, shape[1] - 1))
    np.add.at(total[0], at, marks.values.astype(np.float32))
    np.add.at(total[1], at, np.float32(1))
    area = np.float32(2 * np.pi * reach**2)
    values, weights = (gaussian(one, reach) * area for one in total)
    return np.asarray(values / (weights + np.float32(DOUBT)), dtype=np.float32)
