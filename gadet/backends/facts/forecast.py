"""What asking will take, before anything is sent: tokens, money and time.

A forecast is a range with its assumptions in words. Its high side is what a careful caller reckons
with; no side is a promise, because only the provider counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from gadet.backends.facts.costs import cost_of
from gadet.backends.facts.profile import Profile
from gadet.errors import ConfigurationError
from gadet.findings import Count, Record
from gadet.prompts.prompt import Prompt
from gadet.prompts.size import count_tokens, shared_part
from gadet.report import Cost, Usage
from gadet.view import View

__all__ = ["TEXT_SPREAD", "Forecast", "PromptForecast", "Range", "forecast", "forecast_prompt"]

# How far a model's own count of a text may lie from ours, either way.
TEXT_SPREAD = 0.25
# The shortest answer that can be read.
SHORTEST_ANSWER = '{"observations":[],"findings":[],"explanation":"","verdict":"normal","score":0}'
SHORTEST_ANSWER_TOKENS = math.ceil(len(SHORTEST_ANSWER) / 4)

Number = TypeVar("Number", int, float)


class Range(NamedTuple, Generic[Number]):
    """A low and a high figure."""

    low: Number
    high: Number


class PromptForecast(Record):
    """What one prompt takes.

    Attributes:
        text_tokens: Tokens of the texts and the schema, estimated as `count_tokens` does.
        image_tokens: Tokens of the pictures by the model's own rule.
        shared_text_tokens: The part of `text_tokens` that prompts with the same references share.
        shared_image_tokens: The part of `image_tokens` that they share.
        output_tokens_at_most: The bound on the answer, thinking included.
        cost: Money for the longest answer with nothing cached; None when there are no prices.
        exact: Whether a rule is known for the pictures; else they are a high guess.
    """

    text_tokens: Count
    image_tokens: Count
    shared_text_tokens: Count = 0
    shared_image_tokens: Count = 0
    output_tokens_at_most: Count
    cost: Cost | None = None
    exact: bool

    @property
    def input_tokens(self) -> int:
        """Tokens sent."""
        return self.text_tokens + self.image_tokens


class Forecast(Record):
    """What a run takes, as `(low, high)`.

    Attributes:
        requests: Answers asked for.
        input_tokens: Tokens sent.
        output_tokens: Tokens generated.
        cost: Money, in `currency`; None when there are no prices.
        currency: ISO 4217 code.
        prices_as_of: Date of the prices.
        seconds: Time until the last answer; None when nothing is known of the time per answer.
        exact: Whether a rule is known for every picture.
        assumptions: What the figures rest on, a sentence each.
    """

    requests: Range[int]
    input_tokens: Range[int]
    output_tokens: Range[int]
    cost: Range[float] | None = None
    currency: str | None = None
    prices_as_of: str | None = None
    seconds: Range[float] | None = None
    exact: bool
    assumptions: tuple[str, ...]

    def __str__(self) -> str:
        """Lines for a terminal."""
        money = "not known, there are no prices"
        if self.cost is not None:
            money = f"{self.currency} {_span(self.cost, _money)} (prices of {self.prices_as_of})"
        sent, generated = _span(self.input_tokens, _count), _span(self.output_tokens, _count)
        lines = [
            f"requests  {_span(self.requests, _count)}",
            f"tokens    {sent} in, {generated} out",
            f"cost      {money}",
            f"time      {_span(self.seconds, _duration) if self.seconds else 'not known'}",
            *(f"- {assumption}" for assumption in self.assumptions),
        ]
        return "\n".join(lines)


def forecast_prompt(prompt: Prompt, profile: Profile) -> PromptForecast:
    """Measure one prompt as the model of a profile would.

    Raises:
        InputError: The model takes no picture of a size that the prompt shows.
    """
    shared, shared_views = shared_part(prompt)
    text = count_tokens(prompt).text_tokens
    images = _image_tokens(prompt.views, profile)
    shared_images = _image_tokens(shared_views, profile)
    output = prompt.max_output_tokens + profile.thinking_tokens
    kept = shared.text_tokens + shared_images if profile.cache != "none" else 0
    usage = Usage(
        requests=1, input_tokens=text + images, cache_write_tokens=kept, output_tokens=output
    )
    return PromptForecast(
        text_tokens=text,
        image_tokens=images,
        shared_text_tokens=shared.text_tokens,
        shared_image_tokens=shared_images,
        output_tokens_at_most=output,
        cost=cost_of(usage, profile.prices),
        exact=profile.token_rule.exact or not prompt.views,
    )


def forecast(
    prompts: Iterable[PromptForecast],
    profile: Profile,
    *,
    samples: int = 1,
    asked_again: float = 0.1,
    concurrency: int = 1,
    requests_per_minute: float | None = None,
    tokens_per_minute: float | None = None,
    seconds_per_answer: tuple[float, float] | None = None,
    answer_tokens: tuple[int, int] | None = None,
    batch: bool = False,
) -> Forecast:
    """Add up what the prompts of a run take.

    Args:
        prompts: The first prompt of every item; they are read once.
        profile: The facts of the model.
        samples: Answers asked for per item.
        asked_again: On the high side, the share of answers, in [0, 1], that cannot be read and are
            asked for once more.
        concurrency: Requests under way at the same time.
        requests_per_minute: The provider's limit.
        tokens_per_minute: The provider's limit on tokens sent and generated.
        seconds_per_answer: How long one answer takes, `(fast, slow)`; None takes the profile's.
        answer_tokens: How long answers are, `(short, long)`, when you have seen some; None takes
            the shortest one that can be read and the prompt's bound.
        batch: Whether the run goes through the provider's batch interface.

    Raises:
        ConfigurationError: A number cannot be used.
    """
    pace = _Pace(
        concurrency,
        requests_per_minute,
        tokens_per_minute,
        None if batch else seconds_per_answer or profile.seconds_per_answer,
    )
    _check(samples, asked_again, answer_tokens, pace)
    sums = _added(prompts, answer_tokens or (SHORTEST_ANSWER_TOKENS, None))
    low, high = _low(sums, profile, samples), _high(sums, profile, samples, asked_again)
    low_cost = cost_of(low, profile.prices, batch=batch)
    high_cost = cost_of(high, profile.prices, batch=batch)
    return Forecast(
        requests=Range(low.requests, high.requests),
        input_tokens=Range(low.input_tokens, high.input_tokens),
        output_tokens=Range(low.output_tokens, high.output_tokens),
        cost=Range(low_cost.amount, high_cost.amount) if low_cost and high_cost else None,
        currency=profile.prices.currency if profile.prices else None,
        prices_as_of=profile.prices.as_of if profile.prices else None,
        seconds=pace.seconds(low, high),
        exact=sums.exact,
        assumptions=(
            f"a text has a token per four ASCII characters and per other one, +- {TEXT_SPREAD:.0%}",
            _about_pictures(sums, profile),
            _about_answers(answer_tokens),
            f"at most {asked_again:.0%} of the answers cannot be read and are asked for again",
            "requests that fail are not billed",
            *_about_cache(sums, profile),
            *_about_prices(profile, batch=batch),
            pace.in_words(batch=batch),
        ),
    )


@dataclass
class _Sums:
    """The prompts of a run, added up; what is low leaves out pictures that no rule is known for."""

    prompts: int = 0
    input_low: int = 0
    input_high: int = 0
    shared_low: int = 0
    shared_high: int = 0
    first_shared_low: int = 0
    output_low: int = 0
    output_high: int = 0
    exact: bool = True


def _added(prompts: Iterable[PromptForecast], answer: tuple[int, int | None]) -> _Sums:
    sums = _Sums()
    short, long = answer
    for prompt in prompts:
        sure = int(prompt.exact)
        shared_low = _fewest(prompt.shared_text_tokens) + sure * prompt.shared_image_tokens
        if not sums.prompts:
            sums.first_shared_low = shared_low
        sums.prompts += 1
        sums.input_low += _fewest(prompt.text_tokens) + sure * prompt.image_tokens
        sums.input_high += _most(prompt.text_tokens) + prompt.image_tokens
        sums.shared_low += shared_low
        sums.shared_high += _most(prompt.shared_text_tokens) + prompt.shared_image_tokens
        bound = prompt.output_tokens_at_most
        sums.output_low += min(short, bound)
        sums.output_high += bound if long is None else min(long, bound)
        sums.exact = sums.exact and prompt.exact
    return sums


def _low(sums: _Sums, profile: Profile, samples: int) -> Usage:
    """The shortest answers, each read; what prompts share is stored once and then read."""
    stored = sums.first_shared_low if profile.cache != "none" else 0
    read = samples * sums.shared_low - stored if profile.cache != "none" else 0
    return Usage(
        requests=samples * sums.prompts,
        input_tokens=samples * sums.input_low,
        cached_tokens=read,
        cache_write_tokens=stored,
        output_tokens=samples * sums.output_low,
    )


def _high(sums: _Sums, profile: Profile, samples: int, asked_again: float) -> Usage:
    """The longest answers, some asked for again; what prompts share is stored anew each time.

    A question that is asked again quotes the answer, and after one that was cut off leaves room for
    twice as much.
    """
    share = Fraction(asked_again).limit_denominator(10_000)
    often = samples * (1 + share)
    again = math.ceil(samples * share * sums.output_high)
    return Usage(
        requests=math.ceil(often * sums.prompts),
        input_tokens=math.ceil(often * sums.input_high) + again,
        cache_write_tokens=math.ceil(often * sums.shared_high) if profile.cache != "none" else 0,
        output_tokens=samples * sums.output_high + 2 * again,
    )


@dataclass(frozen=True)
class _Pace:
    """How fast answers can come."""

    concurrency: int
    requests_per_minute: float | None
    tokens_per_minute: float | None
    per_answer: tuple[float, float] | None

    def seconds(self, low: Usage, high: Usage) -> Range[float] | None:
        """How long both take; None when the time of an answer is not known."""
        if self.per_answer is None:
            return None
        fast, slow = self.per_answer
        return Range(self._needed(low, fast), self._needed(high, slow))

    def _needed(self, usage: Usage, per_answer: float) -> float:
        tokens = usage.input_tokens + usage.output_tokens
        return max(
            math.ceil(usage.requests / self.concurrency) * per_answer,
            60 * usage.requests / self.requests_per_minute if self.requests_per_minute else 0.0,
            60 * tokens / self.tokens_per_minute if self.tokens_per_minute else 0.0,
        )

    def in_words(self, *, batch: bool) -> str:
        """What the time rests on, in a sentence."""
        if batch:
            return "a batch is answered when the provider gets to it: the time is not known"
        if self.per_answer is None:
            return "how long an answer takes is not known: give seconds_per_answer"
        limits = [
            f"{number:g} {unit} per minute"
            for number, unit in (
                (self.requests_per_minute, "requests"),
                (self.tokens_per_minute, "tokens"),
            )
            if number is not None
        ]
        fast, slow = self.per_answer
        return ", ".join(
            [f"an answer takes {fast:g} to {slow:g} s", f"{self.concurrency} at a time", *limits]
        )


def _check(
    samples: int, asked_again: float, answer_tokens: tuple[int, int] | None, pace: _Pace
) -> None:
    """Refuse numbers that no run has.

    Raises:
        ConfigurationError: One of them cannot be used.
    """
    fast, slow = pace.per_answer or (0.0, 0.0)
    short, long = answer_tokens or (0, 0)
    rules = {
        f"samples >= 1; got {samples}": samples >= 1,
        f"0 <= asked_again <= 1; got {asked_again}": 0 <= asked_again <= 1,
        f"concurrency >= 1; got {pace.concurrency}": pace.concurrency >= 1,
        f"requests_per_minute > 0; got {pace.requests_per_minute}": (
            pace.requests_per_minute is None or pace.requests_per_minute > 0
        ),
        f"tokens_per_minute > 0; got {pace.tokens_per_minute}": (
            pace.tokens_per_minute is None or pace.tokens_per_minute > 0
        ),
        f"seconds_per_answer as (fast, slow) with 0 <= fast <= slow; got {pace.per_answer}": (
            0 <= fast <= slow < math.inf
        ),
        f"answer_tokens as (short, long) with 0 <= short <= long; got {answer_tokens}": (
            0 <= short <= long
        ),
    }
    for rule, kept in rules.items():
        if not kept:
            raise ConfigurationError(f"a forecast needs {rule}")


def _about_pictures(sums: _Sums, profile: Profile) -> str:
    if sums.exact:
        dated = f", as of {profile.as_of}" if profile.as_of else ""
        return f"pictures count by the model's own rule{dated}"
    return (
        "how the model counts pictures is not known: the high figure is a safe guess, the low one "
        "leaves them out"
    )


def _about_answers(answer_tokens: tuple[int, int] | None) -> str:
    if answer_tokens is None:
        return f"an answer has at least {SHORTEST_ANSWER_TOKENS} tokens, and at most its bound"
    return f"an answer has {answer_tokens[0]} to {answer_tokens[1]} tokens"


def _about_cache(sums: _Sums, profile: Profile) -> tuple[str, ...]:
    if profile.cache == "none" or not sums.shared_high:
        return ()
    return (
        "what comes before the item is stored once and read from the provider's cache after that; "
        "on the high side it is stored anew each time",
    )


def _about_prices(profile: Profile, *, batch: bool) -> tuple[str, ...]:
    if profile.prices is None:
        return (
            "no prices are known of this model: give them with Profile(prices=Prices(…)), or "
            "install gadet[prices]",
        )
    if batch and profile.prices.batch is None:
        return ("what a batch saves is not known: the ordinary prices are used",)
    return ()


def _image_tokens(views: Iterable[View], profile: Profile) -> int:
    return sum(profile.tokens_of(view.frame.width, view.frame.height) for view in views)


def _fewest(text_tokens: int) -> int:
    return math.floor(text_tokens * (1 - TEXT_SPREAD))


def _most(text_tokens: int) -> int:
    return math.ceil(text_tokens * (1 + TEXT_SPREAD))


def _span(figures: Range[Number], written: Callable[[Number], str]) -> str:
    low, high = written(figures.low), written(figures.high)
    return low if low == high else f"{low} to {high}"


def _count(number: int) -> str:
    return f"{number:,d}"


def _money(amount: float) -> str:
    return f"{amount:.2f}" if amount >= 1 else f"{amount:.2g}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
