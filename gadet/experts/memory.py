"""What normal looks like: the references' patches, and how far normal pictures are from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gadet.experts.cues import Cue, Described
from gadet.experts.filters import FloatArray
from gadet.experts.patches import (
    mirror_distance,
    nearest,
    nearest_elsewhere,
    top_mean,
    typical_distance,
)

__all__ = ["BOUNDARY", "Memory", "Verdict", "evidence_map", "logit", "sigmoid"]

BANK = 8192
"""Most patches of the references that are kept, evenly taken from all of them."""
CONTRAST = 4.0
"""How far ground without evidence lies below the peak of a map at least, in logits."""
MOST_SIGMAS = 15.0
"""More standard deviations than these add nothing to a map."""
HELD_OUT = 16
"""Most references that are held out in turn to learn how far a normal picture is."""
LEAST_SPREAD = 0.03
"""Least spread of the logarithm of a normal picture's score: 3 %."""
LONE_SPREAD = 0.15
"""The spread that is assumed when there is one reference and nothing to measure it from."""
BOUNDARY = 1.1
"""The decision boundary: all cues this many standard deviations above the references' own scores,
or fewer cues by more. Normal pictures reach +1 on one cue often, on all of them seldom."""
LONE_BOUNDARY = 1.3
"""The boundary with one reference: its own patches lie closer to it than those of another normal
picture do, so that normal pictures reach higher."""
TRUST = 4.0
"""Power with which a cue's weight grows with the share of the references that it explains."""


@dataclass(frozen=True)
class _Scale:
    """How one cue scores normal pictures: mean and spread of the logarithm, and its weight."""

    centre: float
    spread: float
    weight: float


@dataclass(frozen=True, eq=False)
class Verdict:
    """How unusual a picture is against a memory.

    Attributes:
        score: In [0, 1], 0.5 is the decision boundary.
        grid: `(h, w)` float32 in [0, 1], the same for each patch; its maximum is `score`.
        sigmas: For each cue, how many standard deviations above normal the picture is.
    """

    score: float
    grid: FloatArray
    sigmas: dict[str, float]


def sigmoid(value: npt.ArrayLike) -> FloatArray:
    """The logistic function, safe for large arguments."""
    return np.asarray(1 / (1 + np.exp(-np.clip(value, -30, 30))), dtype=np.float32)


def logit(share: npt.ArrayLike) -> FloatArray:
    """The inverse of `sigmoid`, finite at 0 and 1."""
    inner = np.clip(np.asarray(share, dtype=np.float64), 1e-9, 1 - 1e-9)
    return np.asarray(np.log(inner / (1 - inner)), dtype=np.float32)


def evidence_map(
    sigmas: Sequence[FloatArray], weights: Sequence[float], score: float
) -> FloatArray:
    """Fuse the maps of some cues into one whose maximum is the picture's score.

    Only what is above normal counts: that a patch equals its mirrored place says nothing on the
    axis, where the two are one, and must not hide there what the other cues found.

    Args:
        sigmas: Standard deviations above normal, `(h, w)` float32 for each cue.
        weights: Weights of the cues.
        score: The picture's score in [0, 1].

    Returns:
        `(h, w)` float32 in [0, 1]. Ground without evidence lies `CONTRAST` below the peak in
        logits, and further below a high peak: the boundary is never under half the peak's evidence.
    """
    total = np.zeros_like(sigmas[0])
    for one, weight in zip(sigmas, weights, strict=True):
        total += np.float32(weight) * np.clip(one, 0, MOST_SIGMAS)
    peak = float(total.max())
    top = float(logit(score))
    contrast = max(CONTRAST, 2 * top)
    return sigmoid(top + contrast * (total - peak) / max(peak, 1.0))


def _logs(values: npt.ArrayLike) -> FloatArray:
    """Logarithms that stay finite for distances of zero."""
    return np.asarray(np.log(np.maximum(values, 1e-6)), dtype=np.float32)


class Memory:
    """The references' patches, scaled by the references alone.

    Each reference is held out in turn and scored against the others; a picture's score is how many
    standard deviations it lies above these. With one reference the patches of that picture are
    scored against the rest of itself. A cue weighs the more, the better it explains the references:
    on bodies the mirrored place explains a patch well, on a heap of nuts it does not.

    Args:
        cues: The ways to look.
        references: Descriptors of the normal pictures, at least one.
    """

    def __init__(self, cues: tuple[Cue, ...], references: Sequence[Described]) -> None:
        """Build the banks, and score the references against one another."""
        self.cues = cues
        self.boundary = BOUNDARY if len(references) > 1 else LONE_BOUNDARY
        self.brightness = float(np.mean([one.brightness for one in references]))
        between = float(np.std([one.brightness for one in references]))
        within = float(np.mean([one.spread for one in references]))
        self.spread = max(between, within)
        self._banks: dict[tuple[str, tuple[int, ...]], FloatArray] = {}
        for cue in cues:
            if cue.kind == "nearest" and cue.grid not in self._banks:
                self._banks[cue.grid] = self._bank([one.grids[cue.grid] for one in references])
        self._scales = [self._scale(cue, references) for cue in cues]
        total = sum(scale.weight for scale in self._scales)
        self._weights = [scale.weight / total for scale in self._scales]

    @staticmethod
    def _bank(grids: Sequence[FloatArray]) -> FloatArray:
        """All patches `(n, C)` of some grids, evenly thinned out to at most `BANK`."""
        patches = np.concatenate([grid.reshape(-1, grid.shape[2]) for grid in grids])
        if len(patches) <= BANK:
            return patches
        kept: FloatArray = patches[np.linspace(0, len(patches) - 1, BANK).round().astype(int)]
        return kept

    def _map(self, cue: Cue, grid: FloatArray, bank: FloatArray | None) -> FloatArray:
        """Distances `(h, w)` of the patches of a picture for one cue."""
        if cue.kind == "mirror":
            return mirror_distance(grid)
        if bank is None:
            return nearest_elsewhere(grid)
        return nearest(grid.reshape(-1, grid.shape[2]), bank).reshape(grid.shape[:2])

    def _scale(self, cue: Cue, references: Sequence[Described]) -> _Scale:
        """Learn from the references how a cue scores normal pictures."""
        grids = [one.grids[cue.grid] for one in references]
        chosen = np.unique(np.linspace(0, len(grids) - 1, HELD_OUT).round().astype(int))
        maps = []
        for index in chosen.tolist() if len(grids) > HELD_OUT else range(len(grids)):
            others = grids[:index] + grids[index + 1 :]
            bank = self._bank(others) if others and cue.kind == "nearest" else None
            maps.append(self._map(cue, grids[index], bank))
        scores = _logs(np.array([top_mean(one, cue.top) for one in maps], dtype=np.float32))
        centre, spread = float(scores.mean()), LONE_SPREAD
        if len(scores) > 1:
            # A new picture spreads around the mean of n others by sqrt(1 + 1/n) of their spread.
            own = float(np.hypot(scores.std(ddof=1), LEAST_SPREAD))
            spread = own * (1 + 1 / len(scores)) ** 0.5
        unexplained = float(np.mean([one.mean() for one in maps]))
        usual = float(np.mean([typical_distance(grid) for grid in grids]))
        explained = 1 - unexplained / usual if usual > 1e-6 else 0.0
        return _Scale(centre, spread, max(explained, 0.02) ** TRUST)

    def assess(self, picture: Described) -> Verdict:
        """Score a picture and each of its patches."""
        # A weighted mean of probabilities, not of sigmas: a cue that is far out on a picture that
        # is merely unlike the references cannot outvote the others without limit.
        whole, sigmas = 0.0, {}
        maps = []
        for cue, scale, weight in zip(self.cues, self._scales, self._weights, strict=True):
            distances = self._map(cue, picture.grids[cue.grid], self._banks.get(cue.grid))
            level = np.float32(top_mean(distances, cue.top))
            sigma = float((_logs(level) - scale.centre) / scale.spread)
            sigmas[cue.name] = sigma
            whole += weight * float(sigmoid(sigma))
            maps.append((_logs(distances) - scale.centre) / scale.spread)
        score = float(sigmoid(logit(whole) - self.boundary))
        return Verdict(score, evidence_map(maps, self._weights, score), sigmas)
