"""What an expert is: a measurement without a language model, and the `Evidence` it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gadet.experts.places import where_words
from gadet.geometry import Box
from gadet.media.base import Sample

__all__ = ["Candidate", "Evidence", "Expert", "Suspect"]


class Suspect(Protocol):
    """Part of an item of any modality that departs from normal."""

    @property
    def box(self) -> Box | None:
        """The box around it in native coordinates, half-open; None where a box says nothing."""

    @property
    def score(self) -> float:
        """How suspicious, in [0, 1]; 0.5 is the decision boundary."""

    @property
    def label(self) -> str:
        """A short noun."""

    @property
    def sentence(self) -> str:
        """Where it is, how large, and how it differs, in words and numbers."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A region of a picture that departs from normal: the `Suspect` of images.

    Attributes:
        mask: `(H, W)` bool in native pixels.
        box: The tight box around the mask, native pixels, half-open.
        score: How suspicious, in [0, 1]; 0.5 is the decision boundary.
        label: A short noun: "missing material", "darker patch".
        fact: How it differs, in words and numbers, to stand behind "upper left, 9 × 7 px: ".
        measures: The numbers behind the sentence, by name.
    """

    mask: npt.NDArray[np.bool_] = field(repr=False)
    box: Box
    score: float
    label: str
    fact: str
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def sentence(self) -> str:
        """Where, how large, and how it differs; where and how large follow the mask."""
        return f"{where_words(self.mask, self.box)}: {self.fact}"


@dataclass(frozen=True, eq=False)
class Evidence:
    """What an expert measured on one item.

    Attributes:
        score_map: float32 in [0, 1], 0.5 is the decision boundary: `(H, W)` of an image in native
            pixels, `(T,)` of a series by rows and of a video by frames, `(N,)` of a cloud.
        score: In [0, 1], higher is more anomalous; 0.5 is the decision boundary.
        candidates: Suspicious regions, the highest score first.
        facts: What was measured about the item as a whole, a sentence each.
        expert: Which expert ran.
        weights_sha256: Hash of the weights it used, None without weights.
        notes: What the reader should know about how it ran.
        compared: Whether part of the item itself was known to be normal and compared with.
        counts: How many alike objects there are, a sentence each, where that was counted.
    """

    score_map: npt.NDArray[np.float32] = field(repr=False)
    score: float
    candidates: tuple[Suspect, ...] = ()
    facts: tuple[str, ...] = ()
    expert: str = ""
    weights_sha256: str | None = None
    notes: tuple[str, ...] = ()
    compared: bool = False
    counts: tuple[str, ...] = ()


class Expert(Protocol):
    """Measures items of one modality; it may be called from many threads at once."""

    def assess(self, sample: Sample, references: Sequence[Sample] = ()) -> Evidence:
        """Measure an item, against normal samples of the same kind when there are any."""
