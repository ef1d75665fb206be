"""How large a prompt is, before anything is sent."""

from __future__ import annotations

import json
import math

from pydantic import BaseModel, ConfigDict, Field

from gadet.prompts.prompt import Prompt

__all__ = ["PromptSize", "count_tokens"]


class PromptSize(BaseModel):
    """The size of a prompt.

    Attributes:
        text_tokens: An estimate for the texts and the schema: one token per four ASCII characters
            and one per other character, rounded up for each text. It errs to the high side for
            English prose and is no substitute for a model's own count.
        images: Number of pictures.
        pixels: Pixels of all pictures together. What a picture costs in tokens depends on the
            model.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text_tokens: int = Field(ge=0)
    images: int = Field(ge=0)
    pixels: int = Field(ge=0)


def count_tokens(prompt: Prompt) -> PromptSize:
    """Measure a prompt; see `PromptSize` for what the numbers mean."""
    texts = [prompt.system, json.dumps(prompt.schema, separators=(",", ":"))]
    texts += [part for part in prompt.parts if isinstance(part, str)]
    return PromptSize(
        text_tokens=sum(_estimate(text) for text in texts),
        images=len(prompt.views),
        pixels=sum(view.frame.width * view.frame.height for view in prompt.views),
    )


def _estimate(text: str) -> int:
    ascii_characters = sum(character.isascii() for character in text)
    return math.ceil(ascii_characters / 4) + len(text) - ascii_characters
