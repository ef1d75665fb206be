"""Forecasts of whole runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gadet import (
    AnomalyDetector,
    ConfigurationError,
    InputError,
    Normality,
    Prices,
    Profile,
    Route,
    ScriptedBackend,
    ServerError,
)
from gadet.backends.facts.forecast import forecast_prompt
from tests.doubles import StubExpert, answer, picture

PRICES = Prices(input=2.0, output=8.0, batch=0.5, as_of="2026-01-01")


def detector(**facts: Any) -> AnomalyDetector:
    backend = ScriptedBackend(lambda _: answer(), profile=Profile(prices=PRICES, **facts))
    return AnomalyDetector(backend, expert=StubExpert())


def test_nothing_is_sent_and_every_item_counts() -> None:
    made = detector()
    foreseen = made.forecast([picture(shade=n) for n in range(7)])
    assert not made.backend.prompts
    assert foreseen.requests.low == 7
    assert foreseen.cost is not None
    assert 0 < foreseen.cost.low < foreseen.cost.high


def test_the_figures_are_those_of_the_prompts_that_are_sent() -> None:
    made = detector()
    items = [picture(spot=n % 2 == 0, shade=n) for n in range(5)]
    foreseen = made.forecast(items, references=[picture()], asked_again=0.0)
    made.detect_many(items, references=[picture()])
    sent = [forecast_prompt(prompt, made.profile) for prompt in made.backend.prompts]
    assert foreseen.input_tokens.low <= sum(p.input_tokens for p in sent)
    assert foreseen.input_tokens.high >= sum(p.input_tokens for p in sent)
    assert foreseen.output_tokens.high == sum(p.output_tokens_at_most for p in sent)


def test_of_many_items_some_stand_for_all() -> None:
    expert = StubExpert()
    backend = ScriptedBackend([], profile=Profile(prices=PRICES))
    made = AnomalyDetector(backend, expert=expert)
    few = made.forecast([picture()] * 1000, look_at=10)
    assert expert.calls == 10
    assert few.requests.low == 1000
    assert few.assumptions[0].startswith("10 of 1000 items were looked at")
    one = made.forecast([picture()], asked_again=0.0)
    assert few.input_tokens.low == 1000 * one.input_tokens.low


def test_votes_settings_and_batches_count() -> None:
    made = detector()
    one = made.forecast([picture()])
    assert made.forecast([picture()], samples=3).requests.low == 3 * one.requests.low
    told = made.forecast([picture()], normality=Normality(standards="round " * 200))
    assert told.input_tokens.high > one.input_tokens.high
    batch = made.forecast([picture()], batch_api=True)
    assert batch.cost is not None
    assert one.cost is not None
    assert batch.cost.high == pytest.approx(one.cost.high / 2)


def test_the_pace_makes_the_time() -> None:
    items = [picture()] * 120
    slow = detector().forecast(items, seconds_per_answer=(1.0, 1.0), requests_per_minute=60.0)
    assert slow.seconds is not None
    assert slow.seconds.low == pytest.approx(120.0)
    free = detector().forecast(items, seconds_per_answer=(2.0, 2.0), concurrency=10)
    assert free.seconds is not None
    assert free.seconds.low == pytest.approx(24.0)


def test_without_items_nothing_is_needed() -> None:
    foreseen = detector().forecast([])
    assert foreseen.requests.high == 0


def test_of_a_route_the_first_backend_counts() -> None:
    route = Route(ScriptedBackend([ServerError("down")], profile=Profile(prices=PRICES)), "offline")
    assert AnomalyDetector(route, expert=StubExpert()).forecast([picture()]).cost is not None


def test_what_cannot_be_forecast_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="look_at"):
        detector().forecast([picture()], look_at=0)
    with pytest.raises(ConfigurationError, match="does not take these arguments"):
        detector().forecast([picture()], request_per_minute=3)
    with pytest.raises(InputError):
        detector().forecast([tmp_path / "absent.png"])
