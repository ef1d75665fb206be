"""The opening of a conversation: regions proposed, views made, the first prompts built.

An item that cannot be shown legibly in one question is cut into windows, with a prompt for each.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from gadet.case import Case, Measured
from gadet.experts.base import Evidence, Suspect
from gadet.findings import Region
from gadet.localize.base import Counter, Nester, Scene, Window, Windowed
from gadet.localize.overlap import overlap
from gadet.prompts.builder import brief_prompt, build_prompt
from gadet.prompts.prompt import Prompt
from gadet.report import CandidateSummary, EvidenceSummary
from gadet.view import View

__all__ = ["Opening", "open_case", "summary_of"]

# The whole item, the part within a coarse mark, and that part with its regions numbered.
PICTURES_INSIDE = 3
# The item and a reference with their objects numbered, and that reference as it is.
PICTURES_COUNTED = 3


@dataclass(frozen=True, eq=False)
class Opening:
    """A first prompt and what it was made from.

    Attributes:
        prompt: The prompt.
        scene: What the pointers of its answers refer to.
        seconds: How long measuring and drawing took, by stage; the same for all windows.
        window: The stretch of the item that it asks about.
    """

    prompt: Prompt
    scene: Scene
    seconds: dict[str, float]
    window: Window


def open_case(case: Case, measured: Measured) -> tuple[Opening, ...]:
    """Propose regions, make the views, and build the first prompt, or one for each window."""
    evidence = measured.evidence
    started = time.perf_counter()
    candidates = _candidates(case, evidence)
    shown = [(window, _pictures(case, window, candidates)) for window in _windows(case)]
    seconds = {"expert": measured.seconds, "views": time.perf_counter() - started}
    return tuple(
        Opening(
            _prompt(case, window, pictures, _told(evidence, candidates, window, case)),
            Scene(case.sample, window.views, case.profile.boxes, candidates, evidence),
            seconds,
            window,
        )
        for window, pictures in shown
    )


def _candidates(case: Case, evidence: Evidence | None) -> tuple[Suspect, ...]:
    """The regions that get numbers: coarse ones where closer looks will tell them apart."""
    localizer, most = case.localizer, case.profile.max_marks
    if case.request.brief or not case.request.marks:
        return ()
    looks = case.request.zoom > 0 and case.profile.images
    if looks and case.profile.max_images >= PICTURES_INSIDE and isinstance(localizer, Nester):
        return localizer.propose_nested(case.sample, evidence, most=most)
    return localizer.propose(case.sample, evidence, most=most)


def _windows(case: Case) -> tuple[Window, ...]:
    limits, profile = case.profile.views, case.profile
    if not isinstance(case.localizer, Windowed):
        return (Window(case.sample.views(limits)),)
    # References and marked pictures have to fit beside the clean ones.
    shared = bool(case.references.samples) or case.request.marks
    most = max(profile.max_images // 2, 1) if shared else profile.max_images
    return case.localizer.windows(case.sample, limits, most=most if profile.images else 0)


def _pictures(case: Case, window: Window, candidates: tuple[Suspect, ...]) -> tuple[View, ...]:
    if not candidates or not case.profile.images:
        return window.views
    limits = case.profile.views
    return window.views + case.localizer.mark(case.sample, window.views, candidates, limits)


def _prompt(
    case: Case, window: Window, pictures: tuple[View, ...], evidence: EvidenceSummary | None
) -> Prompt:
    here, there = _counted(case, evidence, len(pictures))
    pictures += here
    room = case.profile.max_images - len(pictures) - len(there)
    references = case.references.views(case.profile.views, room)
    about: dict[str, Any] = {
        "domain": case.domain,
        "normality": case.request.normality,
        "level": case.request.level,
        "item_views": pictures,
        "reference_views": ((*references[0], *there), *references[1:]) if references else (),
        "evidence": evidence,
    }
    if case.request.brief:
        return brief_prompt(**about)
    return build_prompt(
        **about,
        show_evidence=case.request.evidence,
        boxes=case.profile.boxes,
        pointing=case.profile.pointing,
        modality=case.sample.info.modality,
        times=case.sample.moments,
        words=case.sample.words,
        stretch=window.words,
    )


def _counted(
    case: Case, evidence: EvidenceSummary | None, shown: int
) -> tuple[tuple[View, ...], tuple[View, ...]]:
    """Pictures of what was counted where a number differs: of the item, and of a reference."""
    wanted = case.request.marks and not case.request.brief and case.profile.images
    room = case.profile.max_images - shown >= PICTURES_COUNTED
    if not (wanted and room and evidence and evidence.counts):
        return (), ()
    if not isinstance(case.localizer, Counter):
        return (), ()
    views = case.localizer.counting_views(case.sample, case.references.samples, case.profile.views)
    return views[:1], views[1:]


def _told(
    evidence: Evidence | None, candidates: tuple[Suspect, ...], window: Window, case: Case
) -> EvidenceSummary | None:
    """What is told of the evidence: of its regions those in the window."""
    if evidence is None:
        return None
    summary = summary_of(evidence, candidates)
    if window.region is None:
        return summary
    regions = candidates or evidence.candidates
    inside = [
        told
        for told, region in zip(summary.candidates, regions, strict=True)
        if _shares(window.region, case.localizer.region_of(region, case.sample))
    ]
    return summary.model_copy(update={"candidates": tuple(inside)})


def _shares(window: Region, region: Region) -> bool:
    return overlap(window, region).of_smaller > 0


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
        counts=evidence.counts,
    )
