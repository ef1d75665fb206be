"""Places that need no measurement: cells of a grid, and the two sides of the strongest steps.

A cell gives a number to what nothing else noticed. A step is where the rows or columns of a
picture change most from one side to the other: a stripe, an exposure that jumps, a part that ends.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.localize.proposal import Proposal

__all__ = ["bands", "cells"]

MARGIN = 1 / 16
"""No step is looked for nearer than this share of the side to a border."""
STEPS = 2
"""Most steps along one axis."""
NEAR = 3
"""Rows or columns on each side of a step, itself left out, where a sudden one is complete."""
SUDDEN = (0.5, 1.0)
"""What changes that near, as a share of the difference of both sides, for a slope or the outline of
something round, and for a step. Of 59 pictures the eight with stripes and exposure steps had 1.1
and more, all others but two 0.7 at most."""


def cells(shape: tuple[int, int], across: int = 3) -> list[Proposal]:
    """The cells of a grid of `across` × `across` over a copy of `shape`, row by row."""
    found = []
    for row in range(min(across, shape[0])):
        for column in range(min(across, shape[1])):
            y0, y1 = (shape[0] * n // min(across, shape[0]) for n in (row, row + 1))
            x0, x1 = (shape[1] * n // min(across, shape[1]) for n in (column, column + 1))
            found.append(
                Proposal("grid", 0.0, x0, y0, np.ones((y1 - y0, x1 - x0), dtype=bool), shape)
            )
    return found


def bands(features: npt.NDArray[np.float32]) -> list[Proposal]:
    """Both sides of the strongest steps along the rows and along the columns.

    Args:
        features: `(H, W, C)` float32, as `features_of` gives them.

    Returns:
        At most `4 * STEPS` regions, the largest step of each axis first; their strength is the
        size of the step as a share of all variation along the axis, times how sudden it is.
    """
    shape = (features.shape[0], features.shape[1])
    found: list[Proposal] = []
    for axis in (0, 1):
        profile = features.mean(axis=1 - axis, dtype=np.float64)
        for place, strength in _steps(profile):
            for side in (slice(None, place), slice(place, None)):
                mask = np.zeros(shape, dtype=bool)
                mask[(side, slice(None)) if axis == 0 else (slice(None), side)] = True
                found.append(Proposal.of("bands", strength, mask))
    return found


def _steps(profile: npt.NDArray[np.float64]) -> list[tuple[int, float]]:
    """Where the mean before and after differ most, `(place, strength in [0, 1])`."""
    length = len(profile)
    least = max(1, round(MARGIN * length))
    places = np.arange(least, length - least + 1)
    variation = float(np.square(profile - profile.mean(axis=0)).sum())
    if len(places) == 0 or length < 4 or variation < 1e-6 * length:
        return []
    sums = np.cumsum(profile, axis=0)
    before = sums[places - 1] / places[:, None]
    after = (sums[-1] - sums[places - 1]) / (length - places)[:, None]
    between = np.square(before - after).sum(axis=1) * places * (length - places) / length
    found: list[tuple[int, float]] = []
    while len(found) < STEPS and between.max() > 0:
        best = int(np.argmax(between))
        place, gap = int(places[best]), float(np.linalg.norm(before[best] - after[best]))
        sudden = float(np.interp(_jump(profile, place) / gap, SUDDEN, (0.0, 1.0)))
        found.append((place, sudden * float(between[best]) / variation))
        between[np.abs(places - places[best]) < 2 * least] = 0
    return found


def _jump(profile: npt.NDArray[np.float64], place: int) -> float:
    """How much a profile changes close to a place; a step that is a little aside or blurred too."""
    before, after = profile[max(place - NEAR, 0) : place - 1], profile[place + 1 : place + NEAR]
    if len(before) == 0 or len(after) == 0:
        before, after = profile[place - 1 : place], profile[place : place + 1]
    return float(np.linalg.norm(before.mean(axis=0) - after.mean(axis=0)))
