"""Points on whatever moves, followed from frame to frame by matching small patches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from gadet.experts.filters import FloatArray

__all__ = ["Moving", "PointTracker", "match"]

Points = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

STRIDE = 4
"""A square of this many pixels holds one point at most."""
MOST_POINTS = 400
"""Points that are followed at most; the newest give way."""
PATCH = (6, 4)
"""Half the height and width of a patch: upright, as people are."""
FIRST_REACH = (8, 14)
"""How far down and across a new point is looked for, in pixels."""
REACH = (4, 5)
"""How far from where its motion leads a known point is looked for."""
MEMORY = 6
"""Steps over which a velocity is taken: about one gait cycle, so that legs and arms average out."""
DIM = 6.0
"""Levels between two frames below which nothing counts as motion …"""
NOISE = 4.0
"""… nor below this many times the typical difference of the frames."""
UNLIKE = 0.5
"""Share of a patch's variance that may be left unexplained by its match …"""
GRAIN = 30.0
"""… beside this much of it in squared levels, which noise explains."""
NEARER = 0.3
"""Squared levels by which a match must be better for every pixel that it is farther away."""
STILL = 0.15
"""Pixels per step below which a point is dropped: it lies on the ground."""


@dataclass(frozen=True, eq=False)
class Moving:
    """The points that are followed at one moment.

    Attributes:
        places: `(n, 2)` float64, x and y in pixels.
        velocities: `(n, 2)` float64, pixels per second over the last steps of each point.
        jolts: `(n,)` float64, by how many pixels per second the newer half of these steps differs
            from the older half.
        ages: `(n,)` int64, for how many steps each point was followed.
    """

    places: Points
    velocities: Points
    jolts: npt.NDArray[np.float64]
    ages: Counts

    @classmethod
    def nothing(cls) -> Moving:
        """No points."""
        return cls(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0), np.zeros(0, np.int64))

    def older(self, steps: int) -> Moving:
        """Those that were followed for at least so many steps."""
        kept = self.ages >= steps
        return Moving(self.places[kept], self.velocities[kept], self.jolts[kept], self.ages[kept])

    @property
    def speeds(self) -> npt.NDArray[np.float64]:
        """`(n,)` pixels per second."""
        return np.hypot(self.velocities[:, 0], self.velocities[:, 1])


def match(
    before: FloatArray, after: FloatArray, places: Points, guess: Counts, reach: tuple[int, int]
) -> tuple[Points, npt.NDArray[np.bool_]]:
    """Find patches of one picture in the next by their squared difference.

    Args:
        before: `(H, W)` float32 levels.
        after: `(H, W)` float32 levels.
        places: `(n, 2)` x and y in `before`, within the picture.
        guess: `(n, 2)` whole pixels by which each is expected to have moved.
        reach: Pixels down and across around the guess within which it is looked for.

    Returns:
        Displacements `(n, 2)` in pixels with a parabola through the minimum for their fraction, and
        which matches can be trusted: the patch is found again, and not at the rim of the search.
    """
    if not len(places):
        return np.zeros((0, 2)), np.zeros(0, np.bool_)
    (down, across), (high, wide) = PATCH, reach
    cells = np.rint(places).astype(np.int64)
    tall, broad = 2 * down + 1, 2 * across + 1
    padded = np.pad(before, ((down, down), (across, across)), mode="edge")
    patches = sliding_window_view(padded, (tall, broad))[cells[:, 1], cells[:, 0]]
    centres = cells + guess
    inside = (centres >= 0).all(1) & (centres < [before.shape[1], before.shape[0]]).all(1)
    centres = np.clip(centres, 0, [before.shape[1] - 1, before.shape[0] - 1])
    padded = np.pad(after, ((down + high,) * 2, (across + wide,) * 2), mode="edge")
    regions = sliding_window_view(padded, (tall + 2 * high, broad + 2 * wide))
    regions = regions[centres[:, 1], centres[:, 0]]
    # Levels around the patch's mean keep the sums small enough for float32.
    middle = patches.mean(axis=(1, 2), keepdims=True)
    patches, regions = patches - middle, regions - middle
    windows = sliding_window_view(regions, (tall, broad), axis=(1, 2))
    cross = np.einsum("nabij,nij->nab", windows, patches)
    total = np.cumsum(np.cumsum(np.pad(regions**2, ((0, 0), (1, 0), (1, 0))), axis=1), axis=2)
    power = total[:, tall:, broad:] - total[:, :-tall, broad:]
    power = power - total[:, tall:, :-broad] + total[:, :-tall, :-broad]
    variance = (patches**2).mean(axis=(1, 2))
    unlike = (power - 2 * cross) / (tall * broad) + variance[:, None, None]
    ys, xs = np.mgrid[-high : high + 1, -wide : wide + 1]
    unlike = unlike + NEARER * np.hypot(ys, xs).astype(np.float32)
    flat = unlike.reshape(len(places), -1).argmin(axis=1)
    rows, columns = np.divmod(flat, 2 * wide + 1)
    every = np.arange(len(places))
    best = unlike[every, rows, columns]
    inner = (rows > 0) & (rows < 2 * high) & (columns > 0) & (columns < 2 * wide)
    rows_in, columns_in = np.clip(rows, 1, 2 * high - 1), np.clip(columns, 1, 2 * wide - 1)
    y = _vertex(*(unlike[every, rows_in + step, columns_in] for step in (-1, 0, 1)))
    x = _vertex(*(unlike[every, rows_in, columns_in + step] for step in (-1, 0, 1)))
    moved: Points = np.stack([columns - wide + x, rows - high + y], axis=1) + guess
    sure: npt.NDArray[np.bool_] = inner & inside & (best < UNLIKE * variance + GRAIN)
    return moved, sure


def _vertex(left: FloatArray, middle: FloatArray, right: FloatArray) -> npt.NDArray[np.float64]:
    """Where a parabola through three neighbours is lowest, within half a step."""
    bend = left.astype(np.float64) - 2.0 * middle + right
    return np.clip(0.5 * (left - right) / np.where(bend > 1e-6, bend, np.inf), -0.5, 0.5)


class PointTracker:
    """Sets points where two frames differ and follows them while they move."""

    def __init__(self) -> None:
        """Start with no frame."""
        self._before: FloatArray | None = None
        self._clock = 0.0
        self._paths = np.zeros((0, MEMORY + 1, 3))
        self._ages = np.zeros(0, np.int64)

    def step(self, seconds: float, levels: FloatArray) -> Moving:
        """Take in a frame.

        Args:
            seconds: When it was taken, later than the one before.
            levels: `(H, W)` float32 luminance; a new size starts anew.

        Returns:
            The points that moved since the frame before.
        """
        before, self._before = self._before, levels
        last, self._clock = self._clock, seconds
        if before is None or before.shape != levels.shape:
            self._paths, self._ages = self._paths[:0], self._ages[:0]
            return Moving.nothing()
        self._seed(before, levels, last)
        self._follow(before, levels, seconds)
        return self._told()

    def _seed(self, before: FloatArray, levels: FloatArray, seconds: float) -> None:
        """Set points where the frames differ and none is."""
        rows, columns = (size // STRIDE for size in levels.shape)
        apart = np.abs(levels - before)
        blocks = apart[: rows * STRIDE, : columns * STRIDE]
        blocks = blocks.reshape(rows, STRIDE, columns, STRIDE).mean(axis=(1, 3))
        free = blocks > max(DIM, NOISE * float(np.median(blocks)))
        taken = np.minimum(self._paths[:, -1, :2] // STRIDE, [columns - 1, rows - 1]).astype(int)
        free[taken[:, 1], taken[:, 0]] = False
        y, x = np.nonzero(free)
        clearest = np.argsort(-blocks[y, x], kind="stable")[: max(0, MOST_POINTS - len(taken))]
        new = np.zeros((len(clearest), MEMORY + 1, 3))
        new[..., 0] = (x[clearest, None] + 0.5) * STRIDE - 0.5
        new[..., 1] = (y[clearest, None] + 0.5) * STRIDE - 0.5
        new[..., 2] = seconds
        self._paths = np.concatenate([self._paths, new])
        self._ages = np.concatenate([self._ages, np.zeros(len(new), np.int64)])

    def _follow(self, before: FloatArray, levels: FloatArray, seconds: float) -> None:
        """Move every point to where it is now; drop those that are lost, doubled or still."""
        places = self._paths[:, -1, :2]
        moved, sure = np.zeros_like(places), np.zeros(len(places), np.bool_)
        guess = np.rint(places - self._paths[:, -2, :2]).astype(np.int64)
        for some, reach in ((self._ages == 0, FIRST_REACH), (self._ages > 0, REACH)):
            moved[some], sure[some] = match(before, levels, places[some], guess[some], reach)
        now = places + moved
        height, width = levels.shape
        sure &= ((now >= 0) & (now <= [width - 1, height - 1])).all(axis=1)
        paths = np.concatenate([self._paths[:, 1:], np.zeros((len(now), 1, 3))], axis=1)
        paths[:, -1, :2], paths[:, -1, 2] = now, seconds
        ages = self._ages + 1
        steps = np.minimum(ages, MEMORY)
        start = paths[np.arange(len(paths)), MEMORY - steps, :2]
        slow = np.hypot(*(now - start).T) < STILL * steps
        kept = np.flatnonzero(sure & ~(slow & (ages > 1)))
        kept = kept[np.argsort(-ages[kept], kind="stable")]
        blocks = (now[kept] // STRIDE).astype(np.int64)
        _, first = np.unique(blocks[:, 1] * width + blocks[:, 0], return_index=True)
        kept = kept[np.sort(first)]
        self._paths, self._ages = paths[kept], ages[kept]

    def _told(self) -> Moving:
        """The points with their velocities."""
        every = np.arange(len(self._paths))
        steps = np.minimum(self._ages, MEMORY)
        first = self._paths[every, MEMORY - steps]
        half = self._paths[every, MEMORY - steps // 2]
        last = self._paths[:, -1]
        newer, older = _velocity(half, last), _velocity(first, half)
        jolts = np.where(steps >= 4, np.hypot(*(newer - older).T), 0.0)
        return Moving(last[:, :2].copy(), _velocity(first, last), jolts, self._ages.copy())


def _velocity(start: Points, stop: Points) -> Points:
    """Pixels per second `(n, 2)` between rows of x, y and seconds."""
    lasted = stop[:, 2:] - start[:, 2:]
    velocity: Points = (stop[:, :2] - start[:, :2]) / np.where(lasted > 0, lasted, np.inf)
    return velocity
