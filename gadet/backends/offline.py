"""The offline backend: answers from what the expert measured, in the schema of a language model.

It lets every feature of the library run without a model, a key or a network. It looks at no
picture and knows no names of things: it puts measurements into the form of an answer and says so.
"""

from __future__ import annotations

from typing import Literal

from gadet.backends.base import Completion
from gadet.backends.facts.profile import Prices, Profile
from gadet.geometry import BoxFormat
from gadet.prompts.answer import Answer, AnswerFinding
from gadet.prompts.prompt import Prompt
from gadet.report import CandidateSummary, EvidenceSummary, Usage, Verdict
from gadet.view import ViewLimits

__all__ = ["OfflineBackend"]

NO_MODEL = "No language model was involved: this states what was measured."
# Candidates at or above the boundary are findings; see "Scores" in docs/conventions.md.
BOUNDARY = 0.5
SEVERITIES = ((0.9, "high"), (0.7, "medium"), (0.0, "low"))


class OfflineBackend:
    """Turns evidence into an answer.

    Attributes:
        name: `offline`.
        profile: Looks at no pictures, costs nothing, writes boxes in pixels of the view.
    """

    name = "offline"
    profile = Profile(
        images=False,
        # A larger view would be a second copy of a picture that nobody looks at.
        views=ViewLimits(max_side=65_535, max_pixels=2**24),
        max_images=1_000_000,
        max_marks=1_000,
        boxes=BoxFormat(frame="pixels"),
        score_source="expert",
        prices=Prices(input=0.0, output=0.0, as_of="2026-11-23"),
    )

    def complete(self, prompt: Prompt) -> Completion:
        """Answer from `prompt.evidence`.

        Without evidence there is nothing to answer from, and without references nothing says what
        normal is: the verdict is then `uncertain`, never `normal`. A question in words gets what
        was measured.
        """
        if not prompt.schema:
            return Completion(text=_measured(prompt.evidence), model="offline")
        answer = _answer(prompt.evidence, prompt)
        return Completion(text=answer.model_dump_json(), usage=Usage(requests=1), model="offline")

    async def acomplete(self, prompt: Prompt) -> Completion:
        """The same as `complete`; nothing is waited for."""
        return self.complete(prompt)

    def close(self) -> None:
        """Nothing to release."""


def _measured(evidence: EvidenceSummary | None) -> str:
    """All that can be said to a question without a language model."""
    if evidence is None:
        return f"{NO_MODEL} No expert ran, so nothing was measured."
    facts = [f"- {fact}" for fact in (*evidence.facts, *evidence.counts)]
    facts += [f"- {region.fact}" for region in evidence.candidates if region.score >= BOUNDARY]
    listed = "\n".join(facts) or "- nothing that stands out"
    return f"{NO_MODEL} A question cannot be discussed; this was measured:\n{listed}"


def _answer(evidence: EvidenceSummary | None, prompt: Prompt) -> Answer:
    if evidence is None:
        return Answer(
            observations=("No expert ran, so nothing was measured.",),
            findings=(),
            explanation=f"Nothing can be said without a measurement. {NO_MODEL}",
            verdict="uncertain",
            score=BOUNDARY,
        )
    suspicious = [c for c in evidence.candidates if c.score >= BOUNDARY]
    anomalous = evidence.score >= BOUNDARY
    findings = [_finding(candidate, prompt) for candidate in suspicious] if anomalous else []
    # Without a normal sample nothing says what normal is, so nothing can be called normal.
    compared = evidence.compared or _has_reference(prompt)
    clear: Literal["normal", "uncertain"] = "normal" if compared else "uncertain"
    return Answer(
        observations=(*evidence.facts, *evidence.counts),
        findings=tuple(findings),
        explanation=_explanation(evidence, suspicious, "anomalous" if anomalous else clear),
        verdict="anomalous" if anomalous else clear,
        score=evidence.score,
    )


def _has_reference(prompt: Prompt) -> bool:
    return any(view.role == "reference" for view in prompt.views)


def _finding(candidate: CandidateSummary, prompt: Prompt) -> AnswerFinding:
    views = (view for view in prompt.views if view.role == "item" and view.kind == "clean")
    frame = next((view.frame for view in views), None)
    pointed = candidate.box if candidate.mark is None else None
    box = frame.to_view(pointed).as_tuple() if frame and pointed else None
    severity = next(name for floor, name in SEVERITIES if candidate.score >= floor)
    return AnswerFinding.model_validate(
        {
            "mark": candidate.mark,
            "box": box,
            "label": candidate.label,
            "description": candidate.fact,
            "severity": severity,
            "confidence": candidate.score,
        }
    )


def _sentence(fact: str) -> str:
    """A fact with a capital and a full stop."""
    return f"{fact[:1].upper()}{fact[1:].rstrip('.')}."


def _explanation(
    evidence: EvidenceSummary, suspicious: list[CandidateSummary], verdict: Verdict
) -> str:
    if verdict == "uncertain":
        said = (
            f"Nothing stands out from the rest of the item (score {evidence.score:.2f}), but "
            "without a normal sample nothing says what normal is: give references."
        )
    elif verdict == "normal":
        said = (
            f"The measured score {evidence.score:.2f} is below the boundary {BOUNDARY}: nothing "
            "departs from normal by more than normal variation."
        )
    elif suspicious:
        many = len(suspicious)
        count = "One region departs" if many == 1 else f"{many} regions depart"
        said = f"{count} from normal (score {evidence.score:.2f}). {_sentence(suspicious[0].fact)}"
    else:
        said = (
            f"The item as a whole departs from normal (score {evidence.score:.2f}), "
            "without a region that stands out."
        )
    return f"{said} {NO_MODEL}"
