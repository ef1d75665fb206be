"""Runs that stop when what they may spend is spent."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from gadet import (
    AnomalyDetector,
    BudgetExceededError,
    Completion,
    ConfigurationError,
    Failure,
    Limits,
    Prices,
    Profile,
    Report,
    ScriptedBackend,
    Usage,
)
from gadet.budget import Budget, Estimate
from gadet.prompts.prompt import Message, Prompt
from gadet.route import Leg, Question
from tests.doubles import answer, picture

PRICES = Prices(input=1000.0, output=1000.0, as_of="2026-01-01")


def counted(tokens: int = 100) -> Completion:
    usage = Usage(requests=1, input_tokens=tokens - 10, output_tokens=10)
    return Completion(answer("normal", 0.1), usage=usage)


def run(limits: Limits, items: int = 8, **options: Any) -> tuple[list[Any], ScriptedBackend]:
    backend = ScriptedBackend(lambda _: counted(), profile=Profile(prices=PRICES))
    detector = AnomalyDetector(backend, expert=None)
    pictures = [picture(shade=number) for number in range(items)]
    return detector.detect_many(pictures, budget=limits, **options), backend


@pytest.mark.parametrize("on_error", ["raise", "record"])
def test_a_run_stops_and_keeps_what_is_finished(on_error: str) -> None:
    results, backend = run(Limits(max_requests=3), on_error=on_error, concurrency=1)
    assert [type(result) for result in results] == [Report] * 3 + [Failure] * 5
    assert len(backend.prompts) == 3
    left = results[3]
    assert left.error == "BudgetExceededError"
    assert "max_requests of 3" in left.message
    assert "resume" in left.message


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize(
    "limits", [Limits(max_requests=5), Limits(max_tokens=8_000), Limits(max_cost=8.0)]
)
def test_no_limit_is_passed(limits: Limits, concurrency: int) -> None:
    results, _ = run(limits, items=40, concurrency=concurrency)
    done = [result for result in results if isinstance(result, Report)]
    assert 0 < len(done) < 40
    usage = sum((report.usage for report in done), Usage())
    assert usage.requests <= (limits.max_requests or 10**9)
    assert usage.input_tokens + usage.output_tokens <= (limits.max_tokens or 10**9)
    assert sum(report.cost.amount for report in done) <= (limits.max_cost or 10**9)


def test_a_budget_that_is_large_enough_stops_nothing() -> None:
    results, _ = run(Limits(max_requests=8, max_tokens=10**7, max_cost=1e4, deadline=600.0))
    assert all(isinstance(result, Report) for result in results)


def test_after_the_deadline_nothing_is_asked() -> None:
    now = [0.0]
    budget = Budget(Limits(deadline=10.0), estimate=lambda _: Estimate(), clock=lambda: now[0])
    asked = budget.guarded(lambda _: counted())
    asked(question())
    now[0] = 10.0
    with pytest.raises(BudgetExceededError, match="deadline of 10"):
        asked(question())
    with pytest.raises(BudgetExceededError):
        budget.check()


def test_a_question_waits_for_the_places_of_others() -> None:
    """Two questions do not fit by their estimates, and do by what they turn out to take."""
    estimate = Estimate(tokens=80)
    budget = Budget(Limits(max_tokens=100), estimate=lambda _: estimate)
    first_is_asked, go_on = threading.Event(), threading.Event()

    def slow(_: Question) -> Completion:
        first_is_asked.set()
        assert go_on.wait(5)
        return counted(20)

    first = threading.Thread(target=budget.guarded(slow), args=(question(),))
    first.start()
    assert first_is_asked.wait(5)
    done = threading.Event()
    second = threading.Thread(
        target=lambda: (budget.guarded(lambda _: counted(20))(question()), done.set())
    )
    second.start()
    assert not done.wait(0.05)
    go_on.set()
    assert done.wait(5)
    first.join()
    second.join()
    assert budget.spent == Estimate(tokens=40, requests=2)


def test_what_failed_gives_its_place_back() -> None:
    budget = Budget(Limits(max_tokens=100), estimate=lambda _: Estimate(tokens=100))

    def fails(_: Question) -> Completion:
        raise RuntimeError("gone")

    with pytest.raises(RuntimeError):
        budget.guarded(fails)(question())
    assert budget.spent == Estimate(requests=0)
    budget.guarded(lambda _: counted(100))(question())


@settings(max_examples=50, deadline=None)
@given(
    most=st.integers(1, 500),
    sizes=st.lists(st.tuples(st.integers(0, 100), st.floats(0, 1)), max_size=20),
)
def test_spent_never_exceeds_the_limit_when_estimates_are_bounds(
    most: int, sizes: list[tuple[int, float]]
) -> None:
    upper = iter(sizes)
    budget = Budget(Limits(max_tokens=most), estimate=lambda _: Estimate(tokens=next(upper)[0]))
    naive = 0
    for bound, share in sizes:
        used = int(bound * share)
        completion = Completion("x", usage=Usage(requests=1, input_tokens=used))
        try:
            budget.guarded(lambda _, c=completion: c)(question())
        except BudgetExceededError:
            assert naive + bound > most
            break
        naive += used
    assert budget.spent.tokens == naive <= most


def question() -> Question:
    backend = ScriptedBackend([])
    return Question(Prompt("", (Message("user", ("?",)),), {}), Leg(backend, backend.profile))


def test_a_limit_on_money_needs_prices() -> None:
    detector = AnomalyDetector(ScriptedBackend([]), expert=None)
    with pytest.raises(ConfigurationError, match="prices of scripted"):
        detector.detect_many([picture()], budget=Limits(max_cost=1.0))
    dollars = ScriptedBackend([], profile=Profile(prices=PRICES))
    euros = PRICES.model_copy(update={"currency": "EUR"})
    mixed = [dollars, ScriptedBackend([], profile=Profile(prices=euros))]
    with pytest.raises(ConfigurationError, match="one currency"):
        AnomalyDetector(mixed).detect_many([picture()], budget=Limits(max_cost=1.0))


@pytest.mark.parametrize("name", ["max_cost", "max_tokens", "max_requests", "deadline"])
@pytest.mark.parametrize("value", [0, -1, float("inf")])
def test_a_limit_that_limits_nothing_is_refused(name: str, value: float) -> None:
    with pytest.raises(ValidationError):
        Limits(**{name: value})
