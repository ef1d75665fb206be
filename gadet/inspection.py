"""The conversation about one item, without I/O.

`inspect` is a generator: it yields rounds of `Prompt`s, is sent their `Completion`s, and returns a
`Report`. Whoever drives it decides how a prompt travels: a blocking call, a task, a thread pool, a
batch API, a recording. All logic of detection is here, none in a driver.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet._version import __version__
from gadet.asking import Rounds, Scribe, ask
from gadet.backends.facts.costs import cost_of
from gadet.case import Case, Measured, measure
from gadet.closer import look_closer
from gadet.edges import find_edges
from gadet.experts.base import Evidence
from gadet.findings import Finding
from gadet.localize.base import Exporter, Illustrator
from gadet.localize.continued import continued
from gadet.localize.duplicates import merged
from gadet.opening import Opening, open_case, summary_of
from gadet.prompts.follow_up import put_differently
from gadet.prompts.prompt import Prompt
from gadet.report import EvidenceSummary, ItemInfo, Modality, Provenance, Report, Verdict
from gadet.sweep import Swept, join_windows
from gadet.verdict import Judgement, fuse, judge

__all__ = ["Conversation", "inspect", "opening_prompts"]

Conversation = Rounds[Report]
SMALL_MAP_SIDE = 256


def opening_prompts(case: Case) -> tuple[Prompt, ...]:
    """The prompts that `inspect` will send first: one, or one for each window of the item."""
    return tuple(opening.prompt for opening in open_case(case, measure(case)))


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
    measured = measured or measure(case)
    started = time.perf_counter()
    openings = open_case(case, measured)
    scribe = Scribe()
    ballots = [vote for opening in openings for vote in _ballot(opening.prompt, case)]
    answered = yield from ask(ballots, scribe)
    size = case.request.samples
    votes = [answered[first : first + size] for first in range(0, len(answered), size)]
    judged = [judge([vote.reading for vote in cast], case.profile.score_source) for cast in votes]
    swept = join_windows(openings, judged)
    judgement, told = swept.judgement, list(swept.told)
    if _looks_closer(case, judgement):
        suspicious = [openings[number] for number in swept.suspicious] or openings[:1]
        judgement, told = yield from look_closer(case, suspicious, judgement, told, scribe)
        told = yield from find_edges(case, told, scribe)
    opening = openings[0]
    evidence = opening.scene.evidence
    if case.request.fusion == "mean" and evidence is not None:
        judgement = fuse(judgement, evidence.score)
    total = case.loading_seconds + measured.seconds + time.perf_counter() - started
    seconds = {
        "load": case.loading_seconds,
        **opening.seconds,
        "model": scribe.answer_seconds,
        "total": total,
    }
    swept = replace(swept, judgement=judgement, told=tuple(told))
    report = _report(case, openings, swept, scribe, seconds)
    if case.pictures != "full":
        return report
    if isinstance(case.localizer, Exporter):
        found = opening.scene.evidence
        report = report.with_exports(case.localizer.exports(case.sample, report.findings, found))
    cast, said = votes[swept.speaker], judged[swept.speaker].answer
    spoke = (vote.turn for vote in cast if vote.reading.answer is said)
    return report.with_turn(next(spoke, cast[0].turn))


def _looks_closer(case: Case, judgement: Judgement) -> bool:
    """Whether places are looked at more closely: by a model that sees, after a whole answer."""
    wanted = case.request.zoom > 0 and not case.request.brief
    return wanted and case.profile.images and judgement.answer is not None


def _ballot(prompt: Prompt, case: Case) -> tuple[Prompt, ...]:
    """The prompts of all votes on a case."""
    votes = (prompt.vote(number) for number in range(case.request.samples))
    return tuple(vote if case.profile.sampling else put_differently(vote) for vote in votes)


def _report(
    case: Case,
    openings: Sequence[Opening],
    swept: Swept,
    scribe: Scribe,
    seconds: dict[str, float],
) -> Report:
    judgement, opening = swept.judgement, openings[0]
    answer = judgement.answer
    notes = [*filter(None, [case.hint]), *scribe.notes, *judgement.notes]
    findings: list[tuple[int, Finding]] = []
    for entry in swept.told:
        finding, mended = entry.located(case.localizer)
        findings.append((id(entry.scene), finding))
        notes.extend(mended)
    notes.extend(_left_out(case, opening.prompt))
    report = Report(
        verdict=judgement.verdict,
        score=judgement.score,
        score_source=judgement.source,
        findings=merged(continued(findings)),
        explanation=answer.explanation if answer else _silence(judgement.verdict, scribe),
        observations=answer.observations if answer else (),
        stretches=swept.stretches,
        item=case.sample.info,
        evidence=_summary(openings),
        usage=scribe.usage,
        cost=cost_of(scribe.usage, case.profile.prices, batch=case.batched),
        timings=seconds,
        provenance=_provenance(case, openings, scribe),
        raw=tuple(scribe.raw),
        notes=tuple(notes),
    )
    return _illustrated(report, case, opening.scene.evidence)


def _summary(openings: Sequence[Opening]) -> EvidenceSummary | None:
    """The evidence as it was told; of several windows, what was told of all of them."""
    told = openings[0].prompt.evidence
    if told is None or len(openings) == 1:
        return told
    scene = openings[0].scene
    return summary_of(scene.evidence, scene.candidates) if scene.evidence else None


def _illustrated(report: Report, case: Case, evidence: Evidence | None) -> Report:
    """Attach what drawing needs: a file on this machine is read again, anything else is kept.

    An item that is no picture has one drawn of it, with what was found.
    """
    if case.pictures == "none":
        return report
    preview = None
    if isinstance(case.localizer, Illustrator):
        preview = case.localizer.illustrate(case.sample, report.findings, evidence)
    elif not _on_disk(case.sample.info):
        preview = case.sample.preview()
    if evidence is None:
        return report.with_pictures(preview)
    score_map = evidence.score_map
    return report.with_pictures(
        preview,
        _small(score_map, case.sample.info.modality) if case.pictures == "small" else score_map,
    )


def _small(
    score_map: npt.NDArray[np.float32], modality: Modality
) -> npt.NDArray[np.float32] | None:
    """A map of few values: a picture made smaller, or the highest of every few rows.

    None for a cloud of many points, which do not follow each other as rows do.
    """
    if modality == "pointcloud":
        return score_map if len(score_map) <= SMALL_MAP_SIDE**2 else None
    if score_map.ndim == 1:
        together = -(-len(score_map) // SMALL_MAP_SIDE**2)
        return np.maximum.reduceat(score_map, np.arange(0, len(score_map), together))
    picture = Image.fromarray(score_map)
    picture.thumbnail((SMALL_MAP_SIDE, SMALL_MAP_SIDE))
    return np.asarray(picture)


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


def _silence(verdict: Verdict, scribe: Scribe) -> str:
    """Why there is no explanation, in words for the reader of the report."""
    last = scribe.raw[-1]
    if verdict == "refused":
        return "The model declined to answer. Its words are kept under the raw answers."
    return f"The model's answer could not be read: {last.problem or 'no reason is known'}."


def _provenance(case: Case, openings: Sequence[Opening], scribe: Scribe) -> Provenance:
    evidence = openings[0].scene.evidence
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
            for opening in openings
            for view in opening.prompt.views
        ),
    )
