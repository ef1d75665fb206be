"""Prices from the list of `genai-prices`, and what is done without it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

import pytest

from gadet.backends.facts.prices import _PROVIDERS, _long, _saving, listed_prices
from gadet.backends.facts.profile import LongPrices, Prices
from gadet.backends.facts.profiles import profile_for

WITHOUT = """
import sys
sys.modules["genai_prices"] = None
from gadet.backends.facts.profiles import profile_for
print(profile_for("openai", "gpt-4o").prices)
"""


@pytest.fixture
def package() -> None:
    pytest.importorskip("genai_prices", reason="genai-prices is absent: pip install gadet[prices]")


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize(
    ("provider", "model"),
    [("openai", "gpt-4o"), ("openai-responses", "gpt-4o"), ("anthropic", "claude-sonnet-4-5"),
     ("gemini", "gemini-2.5-pro")],
)  # fmt: skip
def test_the_list_prices_what_it_says_itself(provider: str, model: str) -> None:
    from genai_prices import Usage, calc_price

    prices = profile_for(provider, model).prices
    assert prices is not None
    assert prices.as_of == f"genai-prices {version('genai-prices')}"
    usage = Usage(input_tokens=9000, cache_read_tokens=4000, output_tokens=500)
    theirs = calc_price(usage, model, provider_id=_PROVIDERS[provider]).total_price
    assert prices.cached is not None
    ours = (5000 * prices.input + 4000 * prices.cached + 500 * prices.output) / 1e6
    assert ours == pytest.approx(float(theirs))


@pytest.mark.usefixtures("package")
def test_a_batch_saves_what_the_list_says() -> None:
    from genai_prices import Usage, calc_price

    found = listed_prices("anthropic", "claude-sonnet-4-5")
    assert found is not None
    context = {"processing": "batch"}
    theirs = calc_price(
        Usage(input_tokens=1000),
        "claude-sonnet-4-5",
        provider_id="anthropic",
        price_context=context,
    ).total_price
    saved = found.batch or 0.0
    assert found.input * (1 - saved) / 1000 == pytest.approx(float(theirs))


@pytest.mark.usefixtures("package")
def test_steps_become_the_dearest_from_the_first_one_on() -> None:
    from decimal import Decimal

    from genai_prices.types import ModelPrice, Tier, TieredPrices

    stepped = TieredPrices(
        base=Decimal(1),
        tiers=[Tier(start=100, price=Decimal(2)), Tier(start=900, price=Decimal(5))],
    )
    assert _long(ModelPrice(input_mtok=stepped, output_mtok=Decimal(7))) == LongPrices(
        over=100, input=5, output=7
    )
    assert _long(ModelPrice(input_mtok=Decimal(1), output_mtok=Decimal(7))) is None


def test_no_price_is_made_up() -> None:
    assert listed_prices("ollama", "gpt-4o") is None
    assert listed_prices("http", "gpt-4o") is None
    assert listed_prices("openai", "never-heard-of-this") is None
    assert _saving(2.0, None) is None
    assert _saving(2.0, 2.0) is None
    assert _saving(0.0, 0.0) is None
    assert _saving(2.0, 0.5) == 0.75
    assert _saving(1.25, 1.0) == 0.2


def test_prices_of_a_row_or_of_the_caller_come_first() -> None:
    mine = {"input": 1.5, "output": 2.5, "as_of": "2026-11-01"}
    prices = profile_for("openai", "gpt-4o", {"prices": mine}).prices
    assert prices == Prices(input=1.5, output=2.5, as_of="2026-11-01")


def test_without_the_package_no_price_is_known() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT], capture_output=True, text=True, check=True
    )
    assert done.stdout == "None\n"
