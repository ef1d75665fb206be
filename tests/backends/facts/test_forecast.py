from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gadet.backends.facts.costs import cost_of
from gadet.backends.facts.forecast import (
    SHORTEST_ANSWER,
    SHORTEST_ANSWER_TOKENS,
    TEXT_SPREAD,
    Forecast,
    PromptForecast,
    forecast,
    forecast_prompt,
)
from gadet.backends.facts.profile import Prices, Profile
from gadet.backends.facts.tokens import Patch28, Qwen
from gadet.errors import ConfigurationError, InputError
from gadet.geometry import Frame
from gadet.prompts.prompt import Message, Part, Prompt
from gadet.prompts.reader import read_answer
from gadet.prompts.size import count_tokens, estimate_tokens
from gadet.report import Usage
from gadet.view import View

PRICES = Prices(input=2, cached=0.5, cache_write=3, output=10, as_of="2026-11-01")
RULE = Patch28(edge=1568, patches=1568)
counts = st.integers(0, 5000)


def picture(role: Any = "item", size: tuple[int, int] = (280, 140)) -> View:
    return View(Image.new("RGB", size), Frame.whole(size), role=role)


def asked(*parts: Part, bound: int = 2000) -> Prompt:
    return Prompt("SYSTEM", (Message("user", parts),), {}, max_output_tokens=bound)


def model(**changes: Any) -> Profile:
    return Profile.model_validate({"token_rule": RULE, "prices": PRICES, **changes})


# ---- one prompt


def test_a_prompt_is_counted_by_the_rule_of_the_model() -> None:
    prompt = asked(picture("reference"), "a caption", picture(), picture(), "the question")
    found = forecast_prompt(prompt, model(thinking_tokens=500))
    assert found.image_tokens == 3 * 10 * 5
    assert found.text_tokens == count_tokens(prompt).text_tokens
    assert found.input_tokens == found.text_tokens + 150
    assert found.output_tokens_at_most == 2500
    assert found.exact
    usage = Usage(requests=1, input_tokens=found.input_tokens, output_tokens=2500)
    assert found.cost == cost_of(usage, PRICES)


def test_what_prompts_share_ends_with_the_last_reference() -> None:
    words = ("one", "two, which is longer", "three")
    references = [part for word in words for part in (word, picture("reference"))]
    prompt = asked(*references, "Inspect this.", picture(), "the question")
    found = forecast_prompt(prompt, model(cache="explicit"))
    assert found.shared_image_tokens == 150
    assert found.shared_text_tokens == sum(map(estimate_tokens, ("SYSTEM", "{}", *words)))
    assert found.cost is not None
    plain = forecast_prompt(prompt, model()).cost
    assert plain is not None
    stored = found.shared_image_tokens + found.shared_text_tokens
    assert found.cost.amount - plain.amount == pytest.approx(stored * (3 - 2) / 1e6)


def test_without_references_nothing_is_shared() -> None:
    found = forecast_prompt(asked(picture(), "the question"), model(cache="auto"))
    assert (found.shared_text_tokens, found.shared_image_tokens) == (0, 0)


def test_a_model_of_no_known_rule_is_not_exact() -> None:
    assert not forecast_prompt(asked(picture(), "?"), Profile()).exact
    assert forecast_prompt(asked("only words"), Profile()).exact
    assert forecast_prompt(asked("only words"), Profile()).cost is None


def test_the_level_of_detail_counts() -> None:
    tiles = {"kind": "tile512", "base": 85, "tile": 170}
    prompt = asked(picture(), "?")
    assert forecast_prompt(prompt, model(token_rule=tiles)).image_tokens == 255
    low = model(token_rule=tiles, image_detail="low")
    assert forecast_prompt(prompt, low).image_tokens == 85


def test_a_picture_that_the_model_does_not_take() -> None:
    with pytest.raises(InputError, match="200 times"):
        forecast_prompt(asked(picture(size=(201, 1))), model(token_rule=Qwen(factor=28)))


# ---- a run


def slow_forecast(
    prompts: list[PromptForecast], samples: int, percent: int, prices: Prices, *, cached: bool
) -> dict[str, tuple[float, float]]:
    """Every request of the run, one after the other, in hundredths of a request."""
    low, high, low_cost, high_cost = [0, 0, 0], [0.0, 0.0, 0.0], 0.0, 0.0
    stored = False
    for prompt in prompts:
        few = math.floor(prompt.text_tokens * (1 - TEXT_SPREAD))
        few += prompt.image_tokens if prompt.exact else 0
        many = math.ceil(prompt.text_tokens * (1 + TEXT_SPREAD)) + prompt.image_tokens
        shared_few = math.floor(prompt.shared_text_tokens * (1 - TEXT_SPREAD))
        shared_few += prompt.shared_image_tokens if prompt.exact else 0
        shared_many = math.ceil(prompt.shared_text_tokens * (1 + TEXT_SPREAD))
        shared_many += prompt.shared_image_tokens
        for _ in range(samples):
            shortest = min(SHORTEST_ANSWER_TOKENS, prompt.output_tokens_at_most)
            low = [low[0] + 1, low[1] + few, low[2] + shortest]
            rate = (prices.cached if stored else prices.cache_write) if cached else prices.input
            assert rate is not None
            low_cost += (few - shared_few) * prices.input + shared_few * rate
            stored = True
            for share, sent, generated in (
                (1.0, many, prompt.output_tokens_at_most),
                (percent / 100, many + prompt.output_tokens_at_most,
                 2 * prompt.output_tokens_at_most),
            ):  # fmt: skip
                high = [high[0] + share, high[1] + share * sent, high[2] + share * generated]
                written = shared_many if cached else 0
                high_cost += share * ((sent - written) * prices.input)
                high_cost += share * written * (prices.cache_write or 0.0)
    low_cost += low[2] * prices.output
    high_cost += high[2] * prices.output
    return {
        "requests": (low[0], high[0]),
        "input_tokens": (low[1], high[1]),
        "output_tokens": (low[2], high[2]),
        "cost": (low_cost / 1e6, high_cost / 1e6),
    }


@st.composite
def measured(draw: st.DrawFn) -> PromptForecast:
    shared_text, shared_images = draw(counts), draw(counts)
    return PromptForecast(
        text_tokens=shared_text + draw(counts),
        image_tokens=shared_images + draw(counts),
        shared_text_tokens=shared_text,
        shared_image_tokens=shared_images,
        output_tokens_at_most=draw(counts),
        exact=draw(st.booleans()),
    )


@settings(max_examples=60, deadline=None)
@given(st.lists(measured(), max_size=4), st.integers(1, 3), st.integers(0, 100), st.booleans())
def test_a_run_is_its_requests_added_up(
    prompts: list[PromptForecast], samples: int, percent: int, cached: bool
) -> None:
    profile = model(cache="auto" if cached else "none")
    found = forecast(iter(prompts), profile, samples=samples, asked_again=percent / 100)
    expected = slow_forecast(prompts, samples, percent, PRICES, cached=cached)
    for name, (low, high) in expected.items():
        figures = getattr(found, name)
        assert figures.low == pytest.approx(low, abs=1e-4)
        # Parts of a request are rounded up, at most five tokens a run at up to ten dollars.
        assert high - 1e-4 <= figures.high <= high + (5e-5 if name == "cost" else 5)
        assert figures.low <= figures.high
    assert found.exact == all(prompt.exact for prompt in prompts)
    assert Forecast.model_validate_json(found.model_dump_json()) == found


ONE = PromptForecast(text_tokens=800, image_tokens=200, output_tokens_at_most=500, exact=True)


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"seconds_per_answer": (2, 10)}, (200, 1000)),
        ({"seconds_per_answer": (2, 10), "concurrency": 8}, (26, 130)),
        ({"seconds_per_answer": (2, 10), "concurrency": 8, "requests_per_minute": 60}, (100, 130)),
        ({"concurrency": 100, "tokens_per_minute": 6000}, (820, 1700)),
    ],
)
def test_time(options: dict[str, Any], seconds: tuple[float, float]) -> None:
    profile = model(seconds_per_answer=(1, 1))
    found = forecast([ONE] * 100, profile, asked_again=0, **options)
    assert found.seconds == pytest.approx(seconds)


def test_time_comes_from_the_profile_and_is_else_not_known() -> None:
    found = forecast([ONE], model(seconds_per_answer=(3, 4)), asked_again=0)
    assert found.seconds == (3, 4)
    assert forecast([ONE], model(), requests_per_minute=1).seconds is None
    assert forecast([ONE], model(seconds_per_answer=(3, 4)), batch=True).seconds is None


def test_answers_that_were_seen_narrow_the_range() -> None:
    found = forecast([ONE] * 10, model(), asked_again=0, answer_tokens=(100, 300))
    assert found.output_tokens == (1000, 3000)
    assert "an answer has 100 to 300 tokens" in str(found)
    bound = forecast([ONE] * 10, model(), asked_again=0, answer_tokens=(600, 700))
    assert bound.output_tokens == (5000, 5000)


def test_a_batch_costs_less() -> None:
    cheap = model(prices=PRICES.model_copy(update={"batch": 0.5}))
    full, half = forecast([ONE], cheap), forecast([ONE], cheap, batch=True)
    assert full.cost is not None
    assert half.cost == pytest.approx((full.cost.low / 2, full.cost.high / 2))
    assert "what a batch saves is not known" in str(forecast([ONE], model(), batch=True))


def test_every_assumption_is_told() -> None:
    prompt = asked(picture("reference"), picture(), "?")
    sure = forecast_prompt(prompt, model(cache="explicit"))
    profile = model(cache="explicit", as_of="2026-09-07", seconds_per_answer=(2, 9))
    told = str(forecast([sure], profile, requests_per_minute=50, asked_again=0.25))
    for words in (
        "requests  1 to 2",
        "USD 0.0",
        "prices of 2026-11-01",
        "2 s to 18 s",
        "+- 25%",
        "own rule, as of 2026-09-07",
        "at least 20 tokens",
        "at most 25% of the answers",
        "stored once",
        "2 to 9 s, 1 at a time, 50 requests per minute",
    ):
        assert words in told


def test_what_is_not_known_is_told() -> None:
    told = str(forecast([forecast_prompt(asked(picture(), "?"), Profile())], Profile()))
    for words in (
        "cost      not known",
        "time      not known",
        "how the model counts pictures is not known",
        "install gadet[prices]",
        "give seconds_per_answer",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("count", "pace", "words"),
    [(1, 9.0, "9 s"), (60, 2.0, "2 min"), (3600, 4.0, "4.0 h")],
)
def test_durations_read_well(count: int, pace: float, words: str) -> None:
    told = str(forecast([ONE] * count, model(), asked_again=0, seconds_per_answer=(pace, pace)))
    assert f"time      {words}\n" in told


def test_nothing_takes_nothing() -> None:
    found = forecast([], model(seconds_per_answer=(1, 2)))
    assert found.requests == found.input_tokens == found.output_tokens == (0, 0)
    assert found.cost == found.seconds == (0.0, 0.0)


def test_the_shortest_answer_can_be_read() -> None:
    assert read_answer(SHORTEST_ANSWER, stop="complete").verdict == "normal"
    assert estimate_tokens(SHORTEST_ANSWER) == SHORTEST_ANSWER_TOKENS


@pytest.mark.parametrize(
    "options",
    [
        {"samples": 0},
        {"asked_again": 1.1},
        {"asked_again": float("nan")},
        {"concurrency": 0},
        {"requests_per_minute": 0},
        {"tokens_per_minute": -1},
        {"seconds_per_answer": (3, 2)},
        {"seconds_per_answer": (-1, 2)},
        {"seconds_per_answer": (1, math.inf)},
        {"answer_tokens": (3, 2)},
    ],
)
def test_numbers_that_no_run_has(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=f"a forecast needs .*{next(iter(options))}"):
        forecast([ONE], model(), **options)
