"""What a run cost."""

from __future__ import annotations

import pytest

from gadet import (
    AnomalyDetector,
    Completion,
    Prices,
    Profile,
    ScriptedBackend,
    ServerError,
    Usage,
    spent,
)
from tests.doubles import answer, picture


def run(currency: str | None, items: int) -> list[object]:
    prices = currency and Prices(input=2.0, output=4.0, currency=currency, as_of="2026-01-01")
    usage = Usage(requests=1, input_tokens=1000, output_tokens=100)
    told = [Completion(answer("normal", 0.1), usage=usage)] * items
    backend = ScriptedBackend([*told, ServerError("down")], profile=Profile(prices=prices))
    detector = AnomalyDetector(backend, expert=None)
    pictures = [picture(shade=number) for number in range(items + 1)]
    return detector.detect_many(pictures, on_error="record", concurrency=1)


def test_reports_are_added_up_by_currency() -> None:
    total = spent([*run("USD", 3), *run("EUR", 2), *run(None, 1)])
    assert total.usage == Usage(requests=6, input_tokens=6000, output_tokens=600)
    assert {cost.currency: cost.amount for cost in total.costs} == {
        "USD": pytest.approx(3 * 2.4e-3),
        "EUR": pytest.approx(2 * 2.4e-3),
    }
    assert total.unpriced == 1
    assert (
        str(total) == "6 requests, 6,600 tokens, 0.0072 USD, 0.0048 EUR, 1 reports without a price"
    )


def test_nothing_was_spent_on_nothing() -> None:
    assert str(spent([])) == "0 requests, 0 tokens"
