"""Prices of models from the `genai-prices` package, which carries a list and needs no network.

The list is asked only where a row of `models/` has no prices, and only when the package is there.

Source: https://github.com/pydantic/genai-prices
"""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING

from gadet.backends.facts.profile import LongPrices, Prices

if TYPE_CHECKING:
    from genai_prices.types import ModelPrice, TieredPrices

__all__ = ["listed_prices"]

_PACKAGE = "genai-prices"
# How the list names the providers that gadet knows by another name, or by the same.
_PROVIDERS = {
    "anthropic": "anthropic",
    "azure": "azure",
    "fireworks": "fireworks",
    "gemini": "google",
    "groq": "groq",
    "mistral": "mistral",
    "openai": "openai",
    "openai-responses": "openai",
    "openrouter": "openrouter",
    "together": "together",
    "xai": "x-ai",
}


@cache
def listed_prices(provider: str, model: str) -> Prices | None:
    """The prices of today in the list that is installed.

    Where prices rise with the length of the input in several steps, the dearest holds from the
    first step on.

    Args:
        provider: Who serves the model, as in a model string.
        model: Its name there.

    Returns:
        The prices, or None when the package is absent or the list does not have the model.
    """
    listed = _PROVIDERS.get(provider)
    if listed is None:
        return None
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    try:
        ordinary = calc_price(Usage(input_tokens=0), model, provider_id=listed).model_price
        batch = calc_price(
            Usage(input_tokens=0),
            model,
            provider_id=listed,
            price_context={"processing": "batch"},
        ).model_price
    except LookupError:
        return None
    prices, output = _per_million(ordinary.input_mtok), _per_million(ordinary.output_mtok)
    if prices is None or output is None:
        return None
    return Prices(
        input=prices,
        output=output,
        cached=_per_million(ordinary.cache_read_mtok),
        cache_write=_per_million(ordinary.cache_write_mtok),
        batch=_saving(prices, _per_million(batch.input_mtok)),
        long=_long(ordinary),
        as_of=f"{_PACKAGE} {version(_PACKAGE)}",
    )


def _per_million(price: Decimal | TieredPrices | None) -> float | None:
    """The price of a short request."""
    if price is None:
        return None
    return float(price if isinstance(price, Decimal) else price.base)


def _saving(ordinary: float, batch: float | None) -> float | None:
    """What the batch price takes off; None when the list has none of its own."""
    if batch is None or not 0 < batch < ordinary:
        return None
    return round(1 - batch / ordinary, 6)


def _long(prices: ModelPrice) -> LongPrices | None:
    fields = (
        prices.input_mtok,
        prices.output_mtok,
        prices.cache_read_mtok,
        prices.cache_write_mtok,
    )
    stepped = [price for price in fields if price is not None and not isinstance(price, Decimal)]
    starts = [step.start for price in stepped for step in price.tiers]
    if not starts:
        return None
    return LongPrices(
        over=min(starts),
        input=_dearest(prices.input_mtok) or 0.0,
        output=_dearest(prices.output_mtok) or 0.0,
        cached=_dearest(prices.cache_read_mtok),
        cache_write=_dearest(prices.cache_write_mtok),
    )


def _dearest(price: Decimal | TieredPrices | None) -> float | None:
    if price is None or isinstance(price, Decimal):
        return _per_million(price)
    return float(max(price.base, *(tier.price for tier in price.tiers)))
