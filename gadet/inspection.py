"""The conversation about one item, without I/O.

`inspect` is a generator: it yields `Prompt`s, is sent `Completion`s, and returns a `Report`.
Whoever drives it decides how a prompt travels: a blocking call, a task, a thread pool, a batch
API, a recording. All logic of detection is here, none in a driver.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal

import numpy as np
from PIL import Image

from gadet._version import __version__
from gadet.backends.base import Completion
from gadet.backends.costs import cost_of
from gadet.backends.likelihood import likelihood_of
from gadet.backends.profile import Profile
from gadet.experts.base import Evidence, Expert, Suspect
from gadet.findings import Finding
from gadet.localize.base import Localizer, Pointer, Scene
from gadet.media.base import Sample
from gadet.prompts.answer import AnswerFinding
from gadet.prompts.builder import brief_prompt, build_prompt, reask_prompt
from gadet.prompts.domain import Domain
from gadet.prompts.follow_up import Turn, put_differently, said
from gadet.prompts.prompt import Prompt
from gadet.prompts.reader import read_answer
from gadet.prompts.reading import Reading
from gadet.report import (
    CandidateSummary,
    EvidenceSummary,
    ItemInfo,
    Provenance,
    RawAnswer,
    Report,
    Usage,
    Verdict,
)
from gadet.request import DetectRequest
from gadet.verdict import Judgement, fuse, judge
from gadet.view import View, ViewLimits

__all__ = [
    "Case",
    "Conversation",
    "Measured",
    "Pictures",
    "References",
    "ballot",
    "inspect",
    "measure",
    "opening_prompt",
]

Conversation = Generator[Prompt, Completion, Report]


Pictures = Literal["full", "small", "none"]
SMALL_MAP_SIDE = 256


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


@dataclass
class _Scribe:
    """Collects what is said during a conversation."""

    prompts: list[Prompt] = field(default_factory=list)
    raw: list[RawAnswer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    model: str | None = None
    answer_seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class _Opening:
    """The first prompt and what it was made from."""

    prompt: Prompt
    scene: Scene
    seconds: dict[str, float]


def opening_prompt(case: Case) -> Prompt:
    """The prompt that `inspect` will send first."""
    return _open(case, measure(case)).prompt


def ballot(prompt: Prompt, case: Case) -> tuple[Prompt, ...]:
    """The prompts of all votes on a case, from the first one; each may be asked on its own."""
    votes = (prompt.vote(number) for number in range(case.request.samples))
    return tuple(vote if case.profile.sampling else put_differently(vote) for vote in votes)


def measure(case: Case) -> Measured:
    """Let the expert of a case measure its sample."""
    started = time.perf_counter()
    evidence = case.expert.assess(case.sample, case.references.samples) if case.expert else None
    return Measured(evidence, time.perf_counter() - started)


def inspect(case: Case, measured: Measured | None = None) -> Conversation:
    """Hold the conversation about one item.

    Args:
        case: The item and everything that is known about it.
        measured: What the expert found, when it has measured already.

    Yields:
        Prompts, one at a time; the driver sends back the completion of each.

    Returns:
        The report, with the anomaly map attached when an expert ran.
    """
    started = time.perf_counter()
    opening = _open(case, measured or measure(case))
    scribe = _Scribe()
    readings: list[Reading] = []
    for question in ballot(opening.prompt, case):
        reading = yield from _ask(question, scribe)
        readings.append(reading)
    judgement = judge(readings, case.profile.score_source)
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
    speaker = next(n for n, reading in enumerate(readings) if reading.answer is judgement.answer)
    return report.with_turn(scribe.turns[speaker])


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


def _ask(prompt: Prompt, scribe: _Scribe) -> Generator[Prompt, Completion, Reading]:
    """Ask once, and once more with the problem when the answer cannot be read."""
    reading, completion = yield from _turn(prompt, scribe)
    if reading.verdict != "unparsed" or reading.problem is None:
        scribe.turns.append(Turn(prompt, said(completion)))
        return reading
    scribe.notes.append(f"asked again, because: {reading.problem}")
    # An answer that was cut off needs more room, or it is cut off again.
    room = prompt.max_output_tokens * (2 if completion.stop == "truncated" else 1)
    question = reask_prompt(prompt, completion.text, reading.problem, max_output_tokens=room)
    again, completion = yield from _turn(question, scribe)
    scribe.turns.append(Turn(question, said(completion)))
    return again


def _turn(
    prompt: Prompt, scribe: _Scribe
) -> Generator[Prompt, Completion, tuple[Reading, Completion]]:
    started = time.perf_counter()
    completion = yield prompt
    scribe.answer_seconds += time.perf_counter() - started
    read = read_answer(completion.text, stop=completion.stop, asked=prompt.schema["properties"])
    reading = read.weighed(likelihood_of(completion, read.verdict))
    scribe.prompts.append(prompt)
    scribe.usage += completion.usage
    scribe.model = completion.model or scribe.model
    scribe.notes.extend(reading.notes)
    if completion.origin == "cache":
        scribe.notes.append("answered from the cache, without asking the model again")
    scribe.raw.append(
        RawAnswer(
            prompt=prompt.text,
            text=said(completion),
            stop=completion.stop,
            verdict=reading.verdict,
            request_id=completion.request_id,
            problem=reading.problem,
        )
    )
    return reading, completion


def _report(
    case: Case, opening: _Opening, judgement: Judgement, scribe: _Scribe, seconds: dict[str, float]
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


def _silence(verdict: Verdict, scribe: _Scribe) -> str:
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


def _provenance(case: Case, opening: _Opening, scribe: _Scribe) -> Provenance:
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
