"""A bank of descriptors: what the surface of the references looks like anywhere, in any pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.experts.pointcloud.cells import Floats
from gadet.experts.pointcloud.registration import Landmarks, landmarks
from gadet.media.pointcloud import Cloud

__all__ = ["Bank", "bank_of", "nearest_distances"]

KEPT = 6_000
"""Descriptors that are kept of all references together."""
HIGH, HIGH_LEVEL = 0.99, 2.33
"""A share of clean distances, and the standard normal value below which as many lie."""
SEED = 0


@dataclass(frozen=True, eq=False)
class Bank:
    """Descriptors of normal surfaces.

    Attributes:
        features: float32 `(B, 66)`.
        middle: Median distance of clean descriptors to it.
        spread: Their distance above it, in standard deviations of a normal distribution.
    """

    features: npt.NDArray[np.float32] = field(repr=False)
    middle: float
    spread: float

    def levels(self, places: Landmarks) -> Floats:
        """float64 `(M,)` how much farther each place is than clean ones, in those deviations."""
        apart = nearest_distances(places.features, self.features)
        return np.asarray(np.maximum((apart - self.middle) / self.spread, 0.0))


def nearest_distances(rows: Floats, bank: npt.NDArray[np.float32]) -> Floats:
    """float64 `(A,)` distance of each row `(A, C)` to the nearest of the bank `(B, C)`."""
    single = rows.astype(np.float32)
    square = (bank**2).sum(axis=1) - 2 * single @ bank.T
    least = square.min(axis=1) + (single**2).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(least.astype(np.float64), 0.0)))


def bank_of(references: Sequence[Landmarks]) -> Bank:
    """The bank of references, and how far clean descriptors are from such a bank.

    Clean are the places of the first reference to the bank of the others, or those of one random
    half of the only reference to the bank of the other half.
    """
    rng = np.random.default_rng(SEED)
    features = np.concatenate([one.features for one in references]).astype(np.float32)
    features = features[np.sort(rng.permutation(len(features))[:KEPT])]
    clean, others = references[0], list(references[1:])
    if not others:
        order = rng.permutation(len(clean.fine))
        half = len(order) // 2
        if half < 10:
            return Bank(features, 0.0, 1.0)
        clean, other = (
            landmarks(Cloud(clean.fine[np.sort(rows)])) for rows in (order[:half], order[half:])
        )
        others = [other]
    known = np.concatenate([one.features for one in others]).astype(np.float32)
    apart = nearest_distances(clean.features, known[:KEPT])
    middle, high = np.quantile(apart, [0.5, HIGH])
    return Bank(features, float(middle), max(float(high - middle) / HIGH_LEVEL, 1e-9))
