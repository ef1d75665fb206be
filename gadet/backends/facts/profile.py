"""A `Profile`: the facts of one model that decide how it is asked. Data, dated and sourced."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from gadet.backends.facts.tokens import TokenRule, Unknown
from gadet.geometry import BoxFormat, Pointing
from gadet.report import ScoreSource
from gadet.view import ViewLimits

__all__ = ["LongPrices", "Prices", "Profile"]

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


Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class LongPrices(Facts):
    """Prices per million tokens of a request whose input is long.

    Attributes:
        over: The prices hold for all tokens of a request that sends more than this many.
        input: Tokens sent.
        output: Tokens generated.
        cached: Tokens sent that were cached; None means the price of `input`.
        cache_write: Tokens sent that were stored for later; None means the price of `input`.
    """

    over: Annotated[int, Field(gt=0)]
    input: Price
    output: Price
    cached: Price | None = None
    cache_write: Price | None = None


class Prices(Facts):
    """Prices of a model per million tokens.

    Attributes:
        input: Tokens sent.
        output: Tokens generated, reasoning included.
        cached: Tokens sent that were cached; None means the price of `input`.
        cache_write: Tokens sent that were stored for later; None means the price of `input`.
        batch: What a batch interface takes off all prices, as a fraction: 0.5 halves them. None
            means that it is not known.
        long: Other prices of requests with a long input.
        currency: ISO 4217 code.
        as_of: Date of the prices, ISO 8601, or name and version of the list they are from.
    """

    input: Price
    output: Price
    cached: Price | None = None
    cache_write: Price | None = None
    batch: Annotated[float, Field(ge=0, le=1)] | None = None
    long: LongPrices | None = None
    currency: str = "USD"
    as_of: str


class Profile(Facts):
    """How one model is asked.

    Attributes:
        images: Whether it looks at pictures; marks are drawn only for a model that does.
        token_rule: How it resizes and counts pictures.
        image_detail: How finely the model looks, in the provider's own word (`detail`,
            `mediaResolution`); None leaves it out.
        views: What pictures it is sent. They are narrowed to the sizes that `token_rule` leaves as
            they are at this `image_detail`, so that the model sees what was sent.
        max_images: Most pictures in one request.
        max_marks: Most numbered regions in one picture that it tells apart.
        boxes: How it writes boxes, and points in the same order and on the same scale.
        pointing: How it is asked where something is: by boxes, by points, or only in words. A
            mark, and whatever else an answer holds, is read besides.
        schema_mode: How it is told the schema of the answer.
        sampling: Whether temperature and its like may be sent.
        score_source: What the score in its answers is.
        logprobs: Whether log-probabilities may be asked for.
        max_tokens_field: Name of the field that bounds the answer's length.
        system_role: Role of the standing instructions.
        cache: Whether the provider keeps the beginning of a prompt: not at all, by itself, or up to
            a point that the request names.
        thinking_tokens: Added to the bound on the answer's length, because the model thinks in it.
        seconds_per_answer: How long one answer takes, `(fast, slow)`, for forecasts.
        prices: Prices, when they are known.
        as_of: Date of these facts, ISO 8601.
        source: Where they stand.
    """

    images: bool = True
    token_rule: TokenRule = Unknown()
    image_detail: str | None = None
    views: Annotated[ViewLimits, Field(validate_default=True)] = ViewLimits()
    max_images: Annotated[int, Field(gt=0)] = 16
    max_marks: Annotated[int, Field(gt=0)] = 12
    boxes: BoxFormat = BoxFormat()
    pointing: Pointing = "box"
    schema_mode: SchemaMode = "json_schema"
    sampling: bool = True
    score_source: ScoreSource = "stated"
    logprobs: bool = False
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    system_role: Literal["system", "developer"] = "system"
    cache: Literal["none", "auto", "explicit"] = "none"
    thinking_tokens: Annotated[int, Field(ge=0)] = 0
    seconds_per_answer: tuple[Seconds, Seconds] | None = None
    prices: Prices | None = None
    as_of: str | None = None
    source: str | None = None

    @field_validator("views")
    @classmethod
    def _seen_as_sent(cls, views: ViewLimits, info: ValidationInfo) -> ViewLimits:
        rule: TokenRule | None = info.data.get("token_rule")
        return views.within(rule.sizing(info.data.get("image_detail"))) if rule else views

    @field_validator("seconds_per_answer")
    @classmethod
    def _fast_before_slow(cls, seconds: tuple[float, float] | None) -> tuple[float, float] | None:
        if seconds is not None and seconds[0] > seconds[1]:
            raise ValueError(f"(fast, slow) with fast <= slow is needed; got {seconds}")
        return seconds

    def tokens_of(self, width: int, height: int) -> int:
        """What the model counts for a picture of this size; a guess unless `token_rule.exact`.

        Raises:
            InputError: The model takes no picture of this size.
        """
        return self.token_rule.tokens(width, height, self.image_detail)
