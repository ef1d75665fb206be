"""From readings to one verdict: votes counted, findings merged, the expert's score joined.

The rules, which `docs/conventions.md` states for users:

- One readable answer: its verdict and its stated score stand.
- Several: the score is the share of anomalous votes, an uncertain one counting half. `normal`
  needs more than half of *all* votes, so that refusals and unreadable answers never add up to an
  all-clear.
- When every readable answer came with the probabilities of its tokens, the mean of P(anomalous) is
  the score instead, and the notes keep the others. The verdict stays the word that was written,
  unless this score contradicts it: the verdict is then `uncertain`, and the score not below 0.5.
- Fusion `mean` averages the log-odds of the model's and the expert's score. It moves the score,
  and turns a verdict that the fused score contradicts into `uncertain`; it never clears or accuses
  on its own.
- Closer looks at single places confirm, refine or refute. One that sees an anomaly makes the
  verdict `anomalous` with its own score and findings. One that sees none takes back the findings it
  looked at; when none is left of an anomalous verdict, it becomes `uncertain`, never `normal`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from gadet.prompts.answer import Answer, AnswerFinding
from gadet.prompts.reading import Reading
from gadet.report import ScoreSource, Verdict

__all__ = ["Joined", "Judgement", "Look", "confirm", "fuse", "judge"]

BOUNDARY = 0.5
VOTE_VALUE = {"anomalous": 1.0, "uncertain": 0.5, "normal": 0.0}
# Log-odds of 0 and 1 are infinite: no single source is believed beyond this.
MOST_CERTAIN = 0.99


@dataclass(frozen=True)
class Judgement:
    """What all answers together say.

    Attributes:
        verdict: The verdict.
        score: In [0, 1]; None when nothing could be read.
        source: Where the score comes from; None when there is none.
        answer: The answer that speaks for the verdict; None when nothing could be read.
        findings: The findings of the answers that share the verdict, without repetition.
        notes: What was decided on the way.
    """

    verdict: Verdict
    score: float | None
    source: ScoreSource | None
    answer: Answer | None
    findings: tuple[AnswerFinding, ...] = ()
    notes: tuple[str, ...] = ()


def judge(readings: Sequence[Reading], source: ScoreSource = "stated") -> Judgement:
    """Count the readings of one item, one per vote, as the module describes.

    Args:
        readings: What was read from the answer of each vote.
        source: What the score in a single answer of this backend is.
    """
    judged = [reading.answer for reading in readings if reading.answer is not None]
    if not judged:
        refused = any(reading.verdict == "refused" for reading in readings)
        return Judgement("refused" if refused else "unparsed", None, None, None)
    if len(readings) == 1:
        answer = judged[0]
        stated = Judgement(answer.verdict, answer.score, source, answer, answer.findings)
        return _weighed(stated, readings)
    score = sum(VOTE_VALUE[answer.verdict] for answer in judged) / len(judged)
    verdict, notes = _majority(judged, score, len(readings))
    speaker = min(judged, key=lambda answer: abs(VOTE_VALUE[answer.verdict] - score))
    findings = _merged(judged, len(readings))
    return _weighed(Judgement(verdict, score, "vote", speaker, findings, notes), readings)


def _weighed(judgement: Judgement, readings: Sequence[Reading]) -> Judgement:
    """The judgement with the mean of P(anomalous) as its score, when every answer has one."""
    judged = [(reading.answer, reading.likelihood) for reading in readings if reading.answer]
    known = [likelihood for _, likelihood in judged if likelihood is not None]
    if not known or judgement.score is None:
        return judgement
    shown = {
        "logprob": _listed(known),
        **({"vote": f"{judgement.score:.2f}"} if judgement.source == "vote" else {}),
        "stated": _listed([answer.score for answer, _ in judged]),
    }
    notes = (*judgement.notes, "scores: " + ", ".join(f"{k} {v}" for k, v in shown.items()))
    if len(known) < len(judged):
        missing = len(judged) - len(known)
        return replace(
            judgement,
            notes=(*notes, f"{missing} of {len(judged)} answers came without probabilities"),
        )
    score = sum(known) / len(known)
    if not _contradicted(judgement.verdict, score):
        return replace(judgement, score=score, source="logprob", notes=notes)
    note = (
        f"the verdict was {judgement.verdict}, but the probabilities of the tokens say "
        f"{score:.2f}: it was taken as uncertain"
    )
    # Whoever reads only the score must not see an all-clear where the word was an alarm.
    score = max(score, BOUNDARY)
    return replace(
        judgement, verdict="uncertain", score=score, source="logprob", notes=(*notes, note)
    )


def _listed(scores: Sequence[float]) -> str:
    """The mean, and the scores it is made of when there are several."""
    mean = f"{sum(scores) / len(scores):.2f}"
    each = ", ".join(f"{score:.2f}" for score in scores)
    return f"{mean} (mean of {each})" if len(scores) > 1 else mean


def _contradicted(verdict: Verdict, score: float) -> bool:
    """Whether a verdict and a score stand on different sides of the boundary."""
    return (verdict == "anomalous" and score < BOUNDARY) or (
        verdict == "normal" and score >= BOUNDARY
    )


def _majority(
    judged: Sequence[Answer], score: float, votes: int
) -> tuple[Verdict, tuple[str, ...]]:
    counts = {name: sum(a.verdict == name for a in judged) for name in VOTE_VALUE}
    note = "votes: " + ", ".join(f"{count} {name}" for name, count in counts.items())
    if len(judged) < votes:
        note += f", {votes - len(judged)} refused or unreadable"
    if score > BOUNDARY:
        return "anomalous", (note,)
    if score < BOUNDARY and counts["normal"] * 2 > votes:
        return "normal", (note,)
    return "uncertain", (note,)


def _merged(judged: Sequence[Answer], votes: int) -> tuple[AnswerFinding, ...]:
    """The findings of all votes, once each, with the share of votes as their confidence."""
    groups: dict[tuple[object, ...], list[AnswerFinding]] = {}
    for answer in judged:
        seen: set[tuple[object, ...]] = set()
        for finding in answer.findings:
            key = _place(finding)
            if key not in seen:
                groups.setdefault(key, []).append(finding)
                seen.add(key)
    ranked = sorted(groups.values(), key=len, reverse=True)
    return tuple(group[0].model_copy(update={"confidence": len(group) / votes}) for group in ranked)


def _place(finding: AnswerFinding) -> tuple[object, ...]:
    """What makes two votes' findings the same: the mark, else the label."""
    return ("mark", finding.mark) if finding.mark is not None else ("label", finding.label.lower())


@dataclass(frozen=True)
class Look:
    """What a closer look at one place said.

    Attributes:
        judgement: What was judged of the place.
        findings: The findings of the overview that it looked at, by number.
    """

    judgement: Judgement
    findings: tuple[int, ...]


@dataclass(frozen=True)
class Joined:
    """An overview and closer looks together.

    Attributes:
        judgement: What they say.
        kept: The findings of the overview that stand, by number.
        seen: The looks whose findings count, by number.
    """

    judgement: Judgement
    kept: tuple[int, ...]
    seen: tuple[int, ...]


def confirm(overview: Judgement, looks: Sequence[Look]) -> Joined:
    """Join an overview that could be read with closer looks, as the module describes."""
    said = [look.judgement.verdict for look in looks]
    seen = tuple(number for number, verdict in enumerate(said) if verdict == "anomalous")
    told = (looks[number] for number in seen if looks[number].judgement.findings)
    refined = {n for look in told for n in look.findings}
    refuted = {n for look in looks if look.judgement.verdict == "normal" for n in look.findings}
    numbers = range(len(overview.findings))
    kept = tuple(n for n in numbers if n not in refined | refuted)
    counts = ", ".join(f"{said.count(verdict)} {verdict}" for verdict in dict.fromkeys(said))
    notes = (*overview.notes, f"looked closer at {len(looks)} places: {counts}") if looks else ()
    if seen:
        clearest = max((looks[n].judgement for n in seen), key=lambda judged: judged.score or 0.0)
        speaker = overview if overview.verdict == "anomalous" else clearest
        joined = replace(
            speaker, verdict="anomalous", score=clearest.score, source=clearest.source, notes=notes
        )
        return Joined(joined, kept, seen)
    if overview.verdict == "anomalous" and overview.findings and not kept:
        scores = [look.judgement.score for look in looks if look.judgement.score is not None]
        odds = (_log_odds(overview.score or BOUNDARY) + _log_odds(max(scores))) / 2
        score = max(1 / (1 + math.exp(-odds)), BOUNDARY)
        note = "no finding was confirmed by a closer look: the verdict was taken as uncertain"
        joined = replace(overview, verdict="uncertain", score=score, notes=(*notes, note))
        return Joined(joined, kept, seen)
    return Joined(replace(overview, notes=notes or overview.notes), kept, seen)


def fuse(judgement: Judgement, expert_score: float) -> Judgement:
    """Join the model's score with the expert's: the mean of the log-odds.

    Args:
        judgement: What the model said; returned as it is when nothing could be read, or when its
            score is the expert's already.
        expert_score: The expert's calibrated score in [0, 1].

    Source: logarithmic opinion pool, Genest and Zidek 1986, https://doi.org/10.1214/ss/1177013825
    """
    if judgement.score is None or judgement.source == "expert":
        return judgement
    odds = (_log_odds(judgement.score) + _log_odds(expert_score)) / 2
    score = 1 / (1 + math.exp(-odds))
    note = f"fused: model {judgement.score:.2f}, expert {expert_score:.2f}, together {score:.2f}"
    return replace(
        judgement,
        verdict="uncertain" if _contradicted(judgement.verdict, score) else judgement.verdict,
        score=score,
        source="fused",
        notes=(*judgement.notes, note),
    )


def _log_odds(score: float) -> float:
    bounded = min(max(score, 1 - MOST_CERTAIN), MOST_CERTAIN)
    return math.log(bounded / (1 - bounded))
