"""Whether many things run apart at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gadet.experts.regions import label_components

if TYPE_CHECKING:
    from gadet.experts.video.glimpse import Glimpse

__all__ = ["Scatter", "outward"]

MANY = 5
"""Things that must move apart from one another in the picture."""
APART = 0.6
"""Mean cosine between motion and the way from the middle from which on they run apart."""
USUAL = 0.99
"""Share of the normal frames whose mean speed is usual."""
FASTER = 1.5
"""Times that mean speed from which on they run."""


def outward(
    places: npt.NDArray[np.float64], velocities: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """How much each point moves away from the middle of all, relative to their common motion.

    Args:
        places: `(n, 2)` pixels.
        velocities: `(n, 2)` pixels per second.

    Returns:
        `(n,)` cosines in [-1, 1]; 0 where a point is the middle or moves as all do.
    """
    if not len(places):
        return np.zeros(0)
    way, own = places - places.mean(axis=0), velocities - velocities.mean(axis=0)
    length = np.hypot(*way.T) * np.hypot(*own.T)
    cosines: npt.NDArray[np.float64] = (way * own).sum(axis=1) / np.where(
        length > 0, length, np.inf
    )
    return cosines


class Scatter:
    """The mean speed of what usually moves at once.

    Args:
        frames: Glimpses to learn from.
    """

    def __init__(self, frames: Sequence[Glimpse]) -> None:
        """Take the 0.99 quantile of the mean speeds."""
        speeds = [float(one.steady.speeds.mean()) for one in frames if len(one.steady.ages)]
        self.fast = FASTER * float(np.quantile(speeds, USUAL)) if speeds else np.inf

    def beyond(self, glimpse: Glimpse) -> float:
        """How clearly a crowd runs apart, 1 where it begins, at most 2."""
        steady = glimpse.steady
        if int(label_components(glimpse.crossed).max(initial=0)) < MANY:
            return 0.0
        apart = float(outward(steady.places, steady.velocities).mean()) / APART
        return float(np.clip(min(apart, float(steady.speeds.mean()) / self.fast), 0, 2))
