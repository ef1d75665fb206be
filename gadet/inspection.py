"""The conversation about one item, without I/O.

`inspect` is a generator: it yields rounds of `Prompt`s, is sent their `Completion`s, and returns a
`Report`. Whoever drives it decides how a prompt travels: a blocking call, a task, a thread pool, a
batch API, a recording. All logic of detection is here, none in a driver.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from gadet._version import __version__
from gadet.asking import Rounds, Scribe, ask
from gadet.backends.costs import cost_of
from gadet.case import Case, Measured, measure
from gadet.experts.base import Evidence, Suspect
from gadet.findings import Finding
from gadet.localize.base import Localizer, Pointer, Scene
from gadet.prompts.answer import AnswerFinding
from gadet.prompts.builder import brief_prompt, build_prompt
from gadet.prompts.follow_up import put_differently
from gadet.prompts.prompt import Prompt
from gadet.report import (
    CandidateSummary,
    EvidenceSummary,
    ItemInfo,
    Provenance,
    Report,
    Verdict,
)
from gadet.verdict import Judgement, fuse, judge

__all__ = ["Conversation", "inspect", "opening_prompt"]

Conversation = Rounds[Report]
SMALL_MAP_SIDE = 256


@dataclass(frozen=True, eq=False)
class _Opening:
    """The first prompt and what it was made from."""

    prompt: Prompt
    scene: Scene
    seconds: dict[str, float]


def opening_prompt(case: Case) -> Prompt:
    """The prompt that `inspect` will send first."""
    return _open(case, measure(case)).prompt


def inspect(case: Case, measured: Measured | None = None) -> Conversation:
    """Hold the conversation about one item.

    Args:
        case: The item and everything that is known about it.
        measured: What the expert found, when it has measured already.

    Yields:
        Rounds of prompts; the driver sends back the completion of each, in their order.

    Returns:
        The report, with the anomaly map attached when an expert ran.
    """
    started = time.perf_counter()
    opening = _open(case, measured or measure(case))
    scribe = Scribe()
    votes = yield from ask(_ballot(opening.prompt, case), scribe)
    judgement = judge([vote.reading for vote in votes], case.profile.score_source)
    evidence = opening.scene.evidence
    if case.request.fusion == "mean" and evidence is not None:
        judgement = fuse(judgement, evidence.score)
    total = case.loading_seconds + time.perf_counter() - started
    seconds = {
        "load": case.loading_seconds,
        **opening.seconds,
        "model": scribe.answer_seconds,
        "total": total,
    }
    report = _report(case, opening, judgement, scribe, seconds)
    if case.pictures != "full":
        return report
    spoke = (vote.turn for vote in votes if vote.reading.answer is judgement.answer)
    return report.with_turn(next(spoke))


def _ballot(prompt: Prompt, case: Case) -> tuple[Prompt, ...]:
    """The prompts of all votes on a case."""
    votes = (prompt.vote(number) for number in range(case.request.samples))
    return tuple(vote if case.profile.sampling else put_differently(vote) for vote in votes)


def _open(case: Case, measured: Measured) -> _Opening:
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
        "evidence": _summary(evidence, candidates) if evidence else None,
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
        )
    scene = Scene(case.sample, clean, case.profile.boxes, candidates, evidence)
    return _Opening(prompt, scene, seconds)


def _report(
    case: Case, opening: _Opening, judgement: Judgement, scribe: Scribe, seconds: dict[str, float]
) -> Report:
    scene, answer = opening.scene, judgement.answer
    notes = [*scribe.notes, *judgement.notes]
    findings: list[Finding] = []
    for stated in judgement.findings:
        finding, mended = _located(stated, case.localizer, scene)
        findings.append(finding)
        notes.extend(mended)
    notes.extend(_left_out(case, opening.prompt))
    report = Report(
        verdict=judgement.verdict,
        score=judgement.score,
        score_source=judgement.source,
        findings=tuple(findings),
        explanation=answer.explanation if answer else _silence(judgement.verdict, scribe),
        observations=answer.observations if answer else (),
        item=case.sample.info,
        evidence=opening.prompt.evidence,
        usage=scribe.usage,
        cost=cost_of(scribe.usage, case.profile.prices, batch=case.batched),
        timings=seconds,
        provenance=_provenance(case, opening, scribe),
        raw=tuple(scribe.raw),
        notes=tuple(notes),
    )
    return _illustrated(report, case, scene.evidence)


def _illustrated(report: Report, case: Case, evidence: Evidence | None) -> Report:
    """Attach what drawing needs: a file on this machine is read again, anything else is kept."""
    if case.pictures == "none":
        return report
    preview = None if _on_disk(case.sample.info) else case.sample.preview()
    if evidence is None:
        return report.with_pictures(preview)
    score_map = evidence.score_map
    if case.pictures == "small":
        picture = Image.fromarray(score_map)
        picture.thumbnail((SMALL_MAP_SIDE, SMALL_MAP_SIDE))
        score_map = np.asarray(picture)
    return report.with_pictures(preview, score_map)


def _on_disk(info: ItemInfo) -> bool:
    return info.source is not None and "://" not in info.source


def _left_out(case: Case, prompt: Prompt) -> tuple[str, ...]:
    """Say when the model could not be shown every reference."""
    item_views = sum(view.role == "item" for view in prompt.views)
    given = len(case.references.samples)
    shown = len(case.references.views(case.profile.views, case.profile.max_images - item_views))
    if shown == given:
        return ()
    return (
        f"{given - shown} of {given} references were not shown: the model takes "
        f"{case.profile.max_images} pictures",
    )


def _located(
    stated: AnswerFinding, localizer: Localizer, scene: Scene
) -> tuple[Finding, tuple[str, ...]]:
    region, notes = localizer.locate(_pointer(stated), scene)
    finding = Finding(
        label=stated.label,
        description=stated.description,
        severity=stated.severity,
        confidence=stated.confidence,
        region=region,
    )
    return finding, notes


def _pointer(stated: AnswerFinding) -> Pointer:
    return Pointer(stated.mark, stated.box, stated.picture, stated.start, stated.end)


def _silence(verdict: Verdict, scribe: Scribe) -> str:
    """Why there is no explanation, in words for the reader of the report."""
    last = scribe.raw[-1]
    if verdict == "refused":
        return "The model declined to answer. Its words are kept under the raw answers."
    return f"The model's answer could not be read: {last.problem or 'no reason is known'}."


def _summary(evidence: Evidence, candidates: tuple[Suspect, ...]) -> EvidenceSummary:
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
    )


def _provenance(case: Case, opening: _Opening, scribe: Scribe) -> Provenance:
    evidence = opening.scene.evidence
    return Provenance(
        gadet_version=__version__,
        backend=case.backend,
        model=scribe.model,
        prompt_sha256=tuple(prompt.sha256 for prompt in scribe.prompts),
        domain=case.domain.name,
        level=case.request.level or "expert",
        references=tuple(sample.info.sha256 for sample in case.references.samples),
        expert=evidence.expert if evidence else None,
        expert_weights_sha256=evidence.weights_sha256 if evidence else None,
        views=tuple(
            f"{view.role} {view.kind} {view.frame.width}x{view.frame.height}"
            for view in opening.prompt.views
        ),
    )
