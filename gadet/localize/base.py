"""What a localizer is: regions proposed, numbered for a model, and found again from its answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gadet.experts.base import Candidate, Evidence
from gadet.findings import Region
from gadet.geometry import BoxFormat
from gadet.media.base import Sample
from gadet.view import View, ViewLimits

__all__ = ["Localizer", "Pointer", "Scene"]


@dataclass(frozen=True)
class Pointer:
    """How an answer points at a place.

    Attributes:
        mark: A number drawn in the marked view.
        box: Four numbers in the model's own format.
    """

    mark: int | None = None
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class Scene:
    """What an answer's pointers refer to.

    Attributes:
        sample: The item.
        view: The clean view that boxes refer to.
        boxes: How the model writes boxes.
        candidates: The numbered regions; mark `n` is `candidates[n - 1]`.
        evidence: What the expert measured, when one ran.
    """

    sample: Sample
    view: View
    boxes: BoxFormat
    candidates: tuple[Candidate, ...] = ()
    evidence: Evidence | None = None


class Localizer(Protocol):
    """Finds regions of one modality, before and after the model was asked."""

    def propose(
        self, sample: Sample, evidence: Evidence | None, *, most: int
    ) -> tuple[Candidate, ...]:
        """At most `most` regions worth a number, the most suspicious first."""

    def mark(self, view: View, candidates: Sequence[Candidate], limits: ViewLimits) -> View:
        """The view with the regions numbered from 1, still within what the model takes."""

    def locate(self, pointer: Pointer, scene: Scene) -> tuple[Region | None, tuple[str, ...]]:
        """The region that a pointer means, in native coordinates, and what had to be mended.

        A pointer that leads nowhere gives None and a note; it is never dropped in silence.
        """
