"""Observed normality: what a model says is usual in normal samples, put into words once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from gadet.backends.base import Completion
from gadet.errors import ConfigurationError, ResponseError
from gadet.intake import Intake, request_of
from gadet.prompts.domain import Domain, load_domain
from gadet.prompts.follow_up import said
from gadet.prompts.json_reading import read_json
from gadet.prompts.observe import FIELD, observe_prompt
from gadet.prompts.prompt import Prompt
from gadet.request import Normality
from gadet.route import Leg

__all__ = ["observation", "observed"]

MOST_STATEMENTS: Final = 12
LONGEST: Final = 300


def observation(
    intake: Intake,
    leg: Leg,
    normals: Sequence[Any],
    normality: Normality | None,
    domain: str | Path | Domain,
) -> Prompt:
    """The question what is usual in normal samples.

    Raises:
        InputError: A sample cannot be read.
        ConfigurationError: There is no sample, or the backend looks at no pictures.
    """
    request = request_of(None, normals, normality=normality, domain=domain)
    if not request.references:
        raise ConfigurationError("observe needs at least one normal sample; got none")
    if not leg.profile.images:
        raise ConfigurationError(
            f"observe needs a model that looks at pictures; {leg.backend.name} does not: name one, "
            "as in AnomalyDetector('openai:…')"
        )
    references = intake.references(request.references)
    shown = references.views(leg.profile.views, leg.profile.max_images)
    if not shown:
        raise ConfigurationError(
            f"observe needs a sample that fits into {leg.profile.max_images} pictures; the first "
            "one does not"
        )
    return observe_prompt(load_domain(request.domain), request.normality, shown)


def observed(
    completion: Completion, leg: Leg, count: int, normality: Normality | None
) -> Normality:
    """What is known, with what a model observed in normal samples.

    Raises:
        ResponseError: It declined, or its answer holds no statements.
    """
    words = said(completion)
    objects = read_json(words).objects if completion.stop == "complete" else ()
    found = [value for one in objects for name, value in one.items() if name == FIELD]
    statements = [
        text[:LONGEST].strip().rstrip(".")
        for value in found[-1:]
        if isinstance(value, list)
        for text in value
        if isinstance(text, str) and text.strip()
    ]
    if not statements:
        raise ResponseError(
            f"expected a list of statements in the field `{FIELD}`; the answer was "
            f"{completion.stop} and holds none: {words[:200]!r}",
            backend=leg.backend.name,
        )
    told = "; ".join(statements[:MOST_STATEMENTS])
    samples = "a normal sample" if count == 1 else f"{count} normal samples"
    known = normality or Normality()
    parts = [*filter(None, [known.standards]), f"Observed in {samples}: {told}."]
    return known.model_copy(update={"standards": " ".join(parts)})
