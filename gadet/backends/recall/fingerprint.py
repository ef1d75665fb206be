"""What decides an answer: the prompt, and how the backend asks; never a key or a header."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python

from gadet.backends.base import Backend
from gadet.errors import ConfigurationError
from gadet.prompts.prompt import Prompt

__all__ = ["Fingerprinted", "asking_of", "fingerprint"]

# Facts of a profile that change no request: what is known about the model, and what the prompt's
# own hash covers, because views and texts were made after it.
_NOT_SENT = {
    "as_of", "boxes", "cache", "max_images", "max_marks", "pointing", "prices", "score_source",
    "seconds_per_answer", "source", "token_rule", "views",
}  # fmt: skip


@runtime_checkable
class Fingerprinted(Protocol):
    """A backend that answers from what it sends, and can say how it sends it.

    Attributes:
        settings: Everything beside the prompt's texts, pictures and schema that decides the answer
            (address, model, temperature, effort, further fields), expressible in JSON. Neither
            headers nor keys: an answer does not depend on who pays for it.
    """

    @property
    def settings(self) -> Mapping[str, Any]:
        """What decides the answer beside the prompt."""


def asking_of(backend: Backend) -> dict[str, Any]:
    """How a backend asks: its name, its settings, and the facts of its profile that it sends by.

    Returns:
        `backend`, `profile` and `settings`, in types of JSON; `settings` is None for a backend
        that is not `Fingerprinted`.

    Raises:
        ConfigurationError: The settings cannot be expressed in JSON.
    """
    settings = dict(backend.settings) if isinstance(backend, Fingerprinted) else None
    try:
        plain = to_jsonable_python(settings)
    except PydanticSerializationError as error:
        raise ConfigurationError(
            f"{backend.name}: settings must be expressible in JSON to be remembered: {error}"
        ) from None
    facts = backend.profile.model_dump(mode="json", exclude=_NOT_SENT)
    return {"backend": backend.name, "profile": facts, "settings": plain}


def fingerprint(asking: Mapping[str, Any], prompt: Prompt) -> str:
    """SHA-256 over how is asked (`asking_of`) and what, in hexadecimal.

    A backend that does not say what it sends may answer from anything in the prompt, so the
    expert's evidence, which the prompt's own hash leaves out because it is never sent, counts too.
    """
    unsent = None if asking["settings"] is not None else prompt.evidence
    content = {"asking": asking, "prompt": prompt.sha256, "unsent": json.loads(to_json(unsent))}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
