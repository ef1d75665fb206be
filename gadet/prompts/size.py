"""How large a prompt is, before anything is sent."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from gadet.prompts.prompt import Part, Prompt
from gadet.view import View

__all__ = ["PromptSize", "count_tokens", "estimate_tokens", "shared_part"]


class PromptSize(BaseModel):
    """The size of a prompt.

    Attributes:
        text_tokens: An estimate for the texts and the schema: one token per four ASCII characters
            and one per other character, rounded up for each text. It errs to the high side for
            English prose and is no substitute for a model's own count.
        images: Number of pictures.
        pixels: Pixels of all pictures together. What a picture costs in tokens depends on the
            model: see `gadet.backends.facts.forecast`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_tokens: int = Field(ge=0)
    images: int = Field(ge=0)
    pixels: int = Field(ge=0)


def count_tokens(prompt: Prompt) -> PromptSize:
    """Measure a prompt; see `PromptSize` for what the numbers mean."""
    return _size(prompt, prompt.parts)


def shared_part(prompt: Prompt) -> tuple[PromptSize, tuple[View, ...]]:
    """The beginning that the prompts about other items share: up to the last reference.

    Returns:
        Its size and its pictures; nothing at all when the prompt shows no reference.
    """
    parts = tuple(prompt.parts)
    places = [
        place
        for place, part in enumerate(parts, start=1)
        if isinstance(part, View) and part.role == "reference"
    ]
    if not places:
        return PromptSize(text_tokens=0, images=0, pixels=0), ()
    beginning = parts[: places[-1]]
    views = tuple(part for part in beginning if isinstance(part, View))
    return _size(prompt, beginning), views


def estimate_tokens(text: str) -> int:
    """Tokens of a text: one per four ASCII characters and one per other one, rounded up."""
    ascii_characters = sum(character.isascii() for character in text)
    return math.ceil(ascii_characters / 4) + len(text) - ascii_characters


def _size(prompt: Prompt, parts: Iterable[Part]) -> PromptSize:
    shown = tuple(parts)
    views = [part for part in shown if isinstance(part, View)]
    texts = [prompt.system, json.dumps(prompt.schema, separators=(",", ":"))]
    texts += [part for part in shown if isinstance(part, str)]
    return PromptSize(
        text_tokens=sum(map(estimate_tokens, texts)),
        images=len(views),
        pixels=sum(view.frame.width * view.frame.height for view in views),
    )
