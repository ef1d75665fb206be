from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadet.backends.facts.costs import cost_of
from gadet.backends.facts.profile import LongPrices, Prices
from gadet.report import Usage

counts = st.integers(0, 10**6)
money = st.integers(0, 100)
PLAIN = Prices(input=2, output=10, as_of="2026-11-01")


@given(
    st.tuples(counts, counts, counts, counts), money, money, st.none() | money, st.none() | money
)
def test_every_token_is_paid_once_at_its_own_price(
    tokens: tuple[int, int, int, int],
    per_input: int,
    per_output: int,
    per_cached: int | None,
    per_written: int | None,
) -> None:
    fresh, cached, written, output = tokens
    usage = Usage(
        requests=2,
        input_tokens=fresh + cached + written,
        cached_tokens=cached,
        cache_write_tokens=written,
        output_tokens=output,
        reasoning_tokens=output // 2,
    )
    prices = Prices(
        input=per_input,
        output=per_output,
        cached=per_cached,
        cache_write=per_written,
        as_of="2026-11-01",
    )
    bill = [
        (fresh, per_input),
        (cached, per_input if per_cached is None else per_cached),
        (written, per_input if per_written is None else per_written),
        (output, per_output),
    ]
    cost = cost_of(usage, prices)
    assert cost is not None
    expected = sum(Fraction(count * rate, 10**6) for count, rate in bill)
    assert cost.amount == pytest.approx(float(expected))
    assert (cost.currency, cost.as_of) == ("USD", "2026-11-01")


def test_without_prices_there_is_no_cost() -> None:
    assert cost_of(Usage(requests=1, input_tokens=5), None) is None


def test_a_batch_is_cheaper_only_by_what_is_known() -> None:
    usage = Usage(requests=1, input_tokens=10**6)
    half = PLAIN.model_copy(update={"batch": 0.5})
    amounts = [
        cost_of(usage, half, batch=True),
        cost_of(usage, half),
        cost_of(usage, PLAIN, batch=True),
    ]
    assert [cost.amount for cost in amounts if cost] == [1.0, 2.0, 2.0]


def test_a_long_input_has_its_own_prices() -> None:
    long = LongPrices(over=1000, input=4, output=20, cached=1)
    prices = PLAIN.model_copy(update={"long": long})

    def amount(**usage: int) -> float:
        cost = cost_of(Usage(**usage), prices)
        assert cost is not None
        return cost.amount * 1e6

    assert amount(requests=1, input_tokens=1000) == pytest.approx(2000)
    assert amount(requests=1, input_tokens=1001, cached_tokens=1) == pytest.approx(4001)
    assert amount(requests=3, input_tokens=3000, output_tokens=1) == pytest.approx(6010)
    assert amount(requests=3, input_tokens=3001, output_tokens=1) == pytest.approx(12_024)


def test_a_count_that_contradicts_itself_costs_no_less_than_nothing() -> None:
    cost = cost_of(Usage(requests=1, input_tokens=5, cached_tokens=10), PLAIN)
    assert cost is not None
    assert cost.amount == pytest.approx(20e-6)
