"""What a codec is: one wire format as two pure functions and the few facts around them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gadet.backends.base import Completion
from gadet.backends.dialects.common import Schema, portable
from gadet.backends.facts.profile import Profile
from gadet.errors import ConfigurationError
from gadet.prompts.prompt import Prompt
from gadet.view import View

__all__ = ["Asking", "Codec", "check_pictures", "schema_in_words"]


@dataclass(frozen=True)
class Asking:
    """How a backend asks, the same for all its prompts.

    Attributes:
        model: The model as the provider names it.
        profile: The facts of the model.
        temperature: Sampling temperature; sent only where the profile allows it.
        effort: How hard a reasoning model thinks, in the provider's own word; None leaves it out.
        extra: Fields of the provider's own, laid over the body last, object by object.
    """

    model: str
    profile: Profile
    temperature: float | None = None
    effort: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Codec:
    """One wire format.

    Attributes:
        name: How it is called in data.
        path: The path below the base URL that a model is asked at.
        encode: The JSON body that asks a prompt. Raises `ConfigurationError` when the prompt does
            not fit the profile.
        decode: Reads `(status, headers, body)`; header names are in lower case. A refusal, a
            truncation and a safety block are outcomes. Raises `BackendError` for an answer that is
            an error or not of the format, `InputError` when a picture could not be read.
        key_header: Name of the header that carries the key, and what stands before the key in it.
        headers: Headers that every request of the format carries.
    """

    name: str
    path: Callable[[str], str]
    encode: Callable[[Prompt, Asking], dict[str, Any]]
    decode: Callable[[int, Mapping[str, str], bytes], Completion]
    key_header: tuple[str, str] = ("authorization", "Bearer ")
    headers: Mapping[str, str] = field(default_factory=dict)


def check_pictures(prompt: Prompt, asking: Asking) -> None:
    """Refuse what no format of a conversation can carry.

    Raises:
        ConfigurationError: The prompt holds more pictures than the model takes, or a picture in a
            turn of the model.
    """
    count, most = len(prompt.views), asking.profile.max_images
    if count > most:
        raise ConfigurationError(
            f"{asking.model} takes at most {most} pictures in one request; the prompt has "
            f"{count}: use fewer references, or a profile with a larger `max_images`"
        )
    answers = (message for message in prompt.messages if message.role == "assistant")
    if any(isinstance(part, View) for message in answers for part in message.parts):
        raise ConfigurationError("a turn of the model holds text only; this one holds a picture")


def schema_in_words(schema: Schema) -> str:
    """The instruction for a model whose server takes no schema."""
    text = json.dumps(portable(schema), ensure_ascii=False, separators=(",", ":"))
    return (
        "Answer with one JSON object and nothing else: no code fence, no text around it. "
        f"It must match this JSON Schema:\n{text}"
    )
