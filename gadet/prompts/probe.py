"""Builds the question whether something that was found is going on at another moment."""

from __future__ import annotations

from gadet.prompts import wording
from gadet.prompts.answer import brief_schema
from gadet.prompts.domain import Domain
from gadet.prompts.prompt import Message, Prompt
from gadet.view import View

__all__ = ["probe_prompt"]


def probe_prompt(
    *,
    domain: Domain,
    label: str,
    description: str,
    found: View,
    asked: View,
    max_output_tokens: int = 500,
) -> Prompt:
    """Build the question about one moment. The same arguments give the same prompt.

    The verdict `anomalous` of its answer means that it is going on, `normal` that it is not.

    Args:
        domain: The domain pack; it gives the role.
        label: What was found, in the words of the answer that found it.
        description: How it was described there.
        found: A picture of it, outlined.
        asked: The moment in question.
        max_output_tokens: Most tokens the model may generate.
    """
    question = wording.PROBE.format(label=label.rstrip("."), description=description).strip()
    parts = (
        wording.PROBE_FOUND,
        found,
        wording.PROBE_ASKED,
        asked,
        f"{question}\n\n{wording.PROBE_ANSWER}",
    )
    return Prompt(
        system=wording.SYSTEM.format(role=domain.role, caller=""),
        messages=(Message("user", parts),),
        schema=brief_schema(),
        max_output_tokens=max_output_tokens,
    )
