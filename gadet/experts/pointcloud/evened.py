"""Variances that were estimated from few values, told nearer to their median."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gadet.experts.pointcloud.cells import Floats

__all__ = ["Doubt", "Evened", "evened"]

MOST_UNEVEN = 0.9
"""Largest share of their differences that is believed."""
FAR = 1.0
"""Standard deviations of chance by which a single estimate may be told lower than it is."""


class Evened(NamedTuple):
    """How to tell estimates of a variance: nearer to their median by what chance parts them.

    Attributes:
        usual: Their median.
        share: Share of what they differ by that is not chance, in [0, 1].
        most: How many times as high as what is told an estimate may be.
    """

    usual: float
    share: float
    most: float

    def __call__(self, variances: Floats) -> Floats:
        """What is told of estimates `(N,)`."""
        told = (1 - self.share) * self.usual + self.share * variances
        return np.asarray(np.maximum(told, variances / self.most))


class Doubt(NamedTuple):
    """The variance of a clean point's distance by how much the nearest sites disagree about it.

    Attributes:
        scale: For each unit of the variance of what they say.
        noise: What comes to that in any case.
        evened: How the sum is told.
    """

    scale: float
    noise: float
    evened: Evened

    def __call__(self, spread: Floats) -> Floats:
        """Of points with such disagreements `(N,)`."""
        return self.evened(self.scale * spread + self.noise)


def evened(variances: Floats, chance: float) -> Evened:
    """How to tell variances `(S,)` each of which was estimated from few values.

    Of those that differ by no more than chance the median is the better one everywhere: the
    shrinkage of empirical Bayes, on the scale of logarithms. A single one that is too high for
    chance is not brought all the way down to it.

    Args:
        variances: `(S,)` above 0.
        chance: Variance of the logarithm of an estimate where all are alike.

    Source: Morris 1983, doi:10.1080/01621459.1983.10477920; for the limit Efron and
    Morris 1972, doi:10.1080/01621459.1972.10481215.
    """
    low, middle, high = np.quantile(variances, [0.16, 0.5, 0.84])
    # Of few estimates the spread itself is uncertain: what it is at least counts.
    sure = max(1 - 2 * math.sqrt(2 / len(variances)), 0.0)
    seen = sure * (math.log(high / low) / 2) ** 2
    share = min(1 - chance / seen, MOST_UNEVEN) if seen > chance else 0.0
    return Evened(float(middle), share, math.exp(FAR * math.sqrt(chance)))
