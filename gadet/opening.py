"""The opening of a conversation: regions proposed, views made, the first prompt built."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from gadet.case import Case, Measured
from gadet.experts.base import Evidence, Suspect
from gadet.localize.base import Scene
from gadet.prompts.builder import brief_prompt, build_prompt
from gadet.prompts.prompt import Prompt
from gadet.report import CandidateSummary, EvidenceSummary

__all__ = ["Opening", "open_case", "summary_of"]


@dataclass(frozen=True, eq=False)
class Opening:
    """The first prompt and what it was made from.

    Attributes:
        prompt: The prompt.
        scene: What the pointers of its answers refer to.
        seconds: How long measuring and drawing took, by stage.
    """

    prompt: Prompt
    scene: Scene
    seconds: dict[str, float]


def open_case(case: Case, measured: Measured) -> Opening:
    """Propose regions, make the views, and build the first prompt."""
    evidence = measured.evidence
    started = time.perf_counter()
    candidates: tuple[Suspect, ...] = ()
    if case.request.marks and not case.request.brief:
        candidates = case.localizer.propose(case.sample, evidence, most=case.profile.max_marks)
    clean = case.sample.views(case.profile.views)
    item_views = clean
    if candidates and case.profile.images:
        limits = case.profile.views
        item_views += case.localizer.mark(case.sample, clean, candidates, limits)
    room = case.profile.max_images - len(item_views)
    seconds = {"expert": measured.seconds, "views": time.perf_counter() - started}

    about: dict[str, Any] = {
        "domain": case.domain,
        "normality": case.request.normality,
        "level": case.request.level,
        "item_views": item_views,
        "reference_views": case.references.views(case.profile.views, room),
        "evidence": summary_of(evidence, candidates) if evidence else None,
    }
    if case.request.brief:
        prompt = brief_prompt(**about)
    else:
        prompt = build_prompt(
            **about,
            show_evidence=case.request.evidence,
            boxes=case.profile.boxes,
            modality=case.sample.info.modality,
            times=case.sample.moments,
            words=case.sample.words,
        )
    scene = Scene(case.sample, clean, case.profile.boxes, candidates, evidence)
    return Opening(prompt, scene, seconds)


def summary_of(evidence: Evidence, candidates: tuple[Suspect, ...]) -> EvidenceSummary:
    """The evidence in words; the regions are the numbered ones, so that marks agree everywhere."""
    regions = candidates or evidence.candidates
    return EvidenceSummary(
        expert=evidence.expert,
        score=evidence.score,
        facts=evidence.facts,
        candidates=tuple(
            CandidateSummary(
                mark=number if candidates else None,
                box=region.box,
                score=region.score,
                label=region.label,
                fact=region.sentence,
            )
            for number, region in enumerate(regions, start=1)
        ),
        notes=evidence.notes,
        compared=evidence.compared,
    )
