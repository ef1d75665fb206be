"""A `Profile`: the facts of one model that decide how it is asked. Data, dated and sourced."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gadet.geometry import BoxFormat
from gadet.report import ScoreSource
from gadet.view import ViewLimits

__all__ = ["Prices", "Profile"]

SchemaMode = Literal[
    "openai_strict",
    "json_schema",
    "json_object",
    "llamacpp",
    "anthropic",
    "gemini",
    "gemini_legacy",
    "ollama",
    "prompt_only",
]


class Facts(BaseModel):
    """Frozen data; a misspelt field is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Prices(Facts):
    """Prices of a model per million tokens.

    Attributes:
        input: Tokens sent.
        cached: Tokens sent that were cached; None means the price of `input`.
        output: Tokens generated.
        currency: ISO 4217 code.
        as_of: Date of the prices, ISO 8601.
    """

    input: Annotated[float, Field(ge=0)]
    output: Annotated[float, Field(ge=0)]
    cached: Annotated[float, Field(ge=0)] | None = None
    currency: str = "USD"
    as_of: str


class Profile(Facts):
    """How one model is asked.

    Attributes:
        images: Whether it looks at pictures; marks are drawn only for a model that does.
        views: What pictures it takes.
        max_images: Most pictures in one request.
        max_marks: Most numbered regions in one picture that it tells apart.
        boxes: How it writes boxes.
        schema_mode: How it is told the schema of the answer.
        sampling: Whether temperature and its like may be sent.
        score_source: What the score in its answers is.
        logprobs: Whether log-probabilities may be asked for.
        max_tokens_field: Name of the field that bounds the answer's length.
        system_role: Role of the standing instructions.
        image_detail: How finely the model looks, in the provider's own word (`detail`,
            `mediaResolution`); None leaves it out.
        cache: Whether the provider keeps the beginning of a prompt: not at all, by itself, or up to
            a point that the request names.
        thinking_tokens: Added to the bound on the answer's length, because the model thinks in it.
        prices: Prices, when they are known.
        as_of: Date of these facts, ISO 8601.
        source: Where they stand.
    """

    images: bool = True
    views: ViewLimits = ViewLimits()
    max_images: Annotated[int, Field(gt=0)] = 16
    max_marks: Annotated[int, Field(gt=0)] = 12
    boxes: BoxFormat = BoxFormat()
    schema_mode: SchemaMode = "json_schema"
    sampling: bool = True
    score_source: ScoreSource = "stated"
    logprobs: bool = False
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    system_role: Literal["system", "developer"] = "system"
    image_detail: str | None = None
    cache: Literal["none", "auto", "explicit"] = "none"
    thinking_tokens: Annotated[int, Field(ge=0)] = 0
    prices: Prices | None = None
    as_of: str | None = None
    source: str | None = None
