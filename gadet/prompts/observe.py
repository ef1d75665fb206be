"""Builds the question what is usual in normal samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gadet.prompts import wording
from gadet.prompts.domain import Domain
from gadet.prompts.prompt import Message, Part, Prompt
from gadet.request import Normality
from gadet.view import View

__all__ = ["FIELD", "observe_prompt"]

FIELD: Final = "usual"
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {FIELD: {"type": "array", "items": {"type": "string"}}},
    "required": [FIELD],
}


def observe_prompt(
    domain: Domain,
    normality: Normality,
    reference_views: Sequence[Sequence[View]],
    *,
    max_output_tokens: int = 800,
) -> Prompt:
    """Build the question; the same arguments give the same prompt.

    Args:
        domain: The domain pack; it gives the role and what to look at.
        normality: What is known already; its subject is told.
        reference_views: The views of each normal sample.
        max_output_tokens: Most tokens the model may generate.

    Source: rules induced from normal samples before anything is judged, after Yang et al., *Follow
    the Rules: Reasoning for Video Anomaly Detection with Large Language Models* (AnomalyRuler, ECCV
    2024, arXiv:2407.10299); here they are observations that stand beside the pictures, and not
    rules that have to hold.
    """
    parts: list[Part] = []
    for number, group in enumerate(reference_views, start=1):
        parts.append(f"Normal sample {number} of {len(reference_views)}:")
        parts += group
    subject = f" of: {normality.subject}" if normality.subject else ""
    looked_at = "\n".join(f"- {line}" for line in domain.look_at)
    parts.append(wording.OBSERVE.format(subject=subject, look_at=looked_at, field=FIELD))
    return Prompt(
        system=wording.SYSTEM.format(role=domain.role, caller=""),
        messages=(Message("user", tuple(parts)),),
        schema=_SCHEMA,
        max_output_tokens=max_output_tokens,
    )
