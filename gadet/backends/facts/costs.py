"""What a model's answers cost."""

from __future__ import annotations

from gadet.backends.facts.profile import LongPrices, Prices
from gadet.report import Cost, Usage

__all__ = ["cost_of"]


def cost_of(usage: Usage, prices: Prices | None, *, batch: bool = False) -> Cost | None:
    """The price of the tokens that were used.

    Tokens that the provider had cached, or stored for later, are parts of the input with prices of
    their own; reasoning is part of the output. Whether the prices for a long input hold is decided
    by the mean input of the requests.

    Args:
        usage: What was used.
        prices: The prices; None when they are not known.
        batch: Whether it went through a batch interface.

    Returns:
        The cost, or None when it is not known.
    """
    if prices is None:
        return None
    long = prices.long
    if long is not None and usage.input_tokens > long.over * max(usage.requests, 1):
        rate: Prices | LongPrices = long
    else:
        rate = prices
    fresh = usage.input_tokens - usage.cached_tokens - usage.cache_write_tokens
    amount = (
        max(fresh, 0) * rate.input
        + usage.cached_tokens * _or(rate.cached, rate.input)
        + usage.cache_write_tokens * _or(rate.cache_write, rate.input)
        + usage.output_tokens * rate.output
    )
    if batch and prices.batch is not None:
        amount *= 1 - prices.batch
    return Cost(amount=amount / 1e6, currency=prices.currency, as_of=prices.as_of)


def _or(price: float | None, other: float) -> float:
    return other if price is None else price
