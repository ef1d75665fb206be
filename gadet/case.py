"""A `Case`: one item, loaded, with everything that the conversation about it needs."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Literal

from gadet.backends.facts.profile import Profile
from gadet.experts.base import Evidence, Expert
from gadet.localize.base import Counter, Localizer
from gadet.media.base import Sample
from gadet.prompts.domain import Domain
from gadet.request import DetectRequest
from gadet.view import View, ViewLimits

__all__ = ["Case", "Measured", "Pictures", "References", "measure"]

Pictures = Literal["full", "small", "none"]


@dataclass(frozen=True, eq=False)
class References:
    """The normal samples of one or many items; their views are made once for all of them.

    Attributes:
        samples: The loaded samples.
    """

    samples: tuple[Sample, ...] = ()
    _views: dict[ViewLimits, tuple[tuple[View, ...], ...]] = field(default_factory=dict, repr=False)

    def views(self, limits: ViewLimits, most: int) -> tuple[tuple[View, ...], ...]:
        """The clean views of each reference, in order; only whole ones, at most `most` pictures."""
        made = self._views.get(limits)
        if made is None:
            # Two threads may make them at once; both go on with those that were kept first.
            made = tuple(s.views(limits, role="reference") for s in self.samples)
            made = self._views.setdefault(limits, made)
        shown = sum(total <= most for total in accumulate(map(len, made)))
        return made[:shown]


@dataclass(frozen=True, eq=False)
class Case:
    """One item, loaded, with everything the conversation needs.

    Attributes:
        request: What the caller asked.
        sample: The loaded item.
        references: The loaded normal samples.
        domain: The domain pack.
        profile: The facts of the model that will be asked.
        backend: The backend's name.
        expert: Measures without a model; None leaves the evidence out.
        localizer: Finds regions before and after the model is asked.
        loading_seconds: How long reading the item and its references took.
        pictures: What stays with the report for drawing: the map in `full`, a `small` one of at
            most 256 px, or `none`.
        hint: What the reader should know about the backend: that its model is not known, say.
        batched: Whether the answers come from a batch API, at its prices.
    """

    request: DetectRequest
    sample: Sample
    references: References
    domain: Domain
    profile: Profile
    backend: str
    expert: Expert | None
    localizer: Localizer
    loading_seconds: float = 0.0
    pictures: Pictures = "full"
    hint: str | None = None
    batched: bool = False


@dataclass(frozen=True, eq=False)
class Measured:
    """What the expert found, measured once however many models are asked.

    Attributes:
        evidence: The evidence; None when there is no expert.
        seconds: How long it took.
    """

    evidence: Evidence | None
    seconds: float


def measure(case: Case) -> Measured:
    """Let the expert of a case measure its sample, and count where the domain asks for it."""
    started = time.perf_counter()
    evidence = case.expert.assess(case.sample, case.references.samples) if case.expert else None
    if evidence is not None and case.domain.count and isinstance(case.localizer, Counter):
        evidence = case.localizer.count(case.sample, case.references.samples, evidence)
    return Measured(evidence, time.perf_counter() - started)
