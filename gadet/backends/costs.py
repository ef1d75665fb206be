"""What a model's answers cost."""

from __future__ import annotations

from gadet.backends.profile import Prices
from gadet.report import Cost, Usage

__all__ = ["cost_of"]


def cost_of(usage: Usage, prices: Prices | None) -> Cost | None:
    """The price of the tokens that were used; None when the prices are not known."""
    if prices is None:
        return None
    cached = prices.input if prices.cached is None else prices.cached
    fresh = usage.input_tokens - usage.cached_tokens
    amount = fresh * prices.input + usage.cached_tokens * cached
    amount += usage.output_tokens * prices.output
    return Cost(amount=max(amount, 0.0) / 1e6, currency=prices.currency, as_of=prices.as_of)
