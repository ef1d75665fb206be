"""`spent`: what a whole run cost."""

from __future__ import annotations

from collections.abc import Iterable

from gadet.findings import Count, Record
from gadet.report import Cost, Failure, Report, Usage

__all__ = ["Spending", "spent"]


class Spending(Record):
    """What the reports of a run took together.

    Attributes:
        usage: Tokens and requests.
        costs: Money, once for each currency.
        unpriced: Reports whose cost is not known.
    """

    usage: Usage
    costs: tuple[Cost, ...] = ()
    unpriced: Count = 0

    def __str__(self) -> str:
        """A line for a terminal."""
        tokens = self.usage.input_tokens + self.usage.output_tokens
        money = [f"{cost.amount:.4g} {cost.currency}" for cost in self.costs]
        if self.unpriced:
            money.append(f"{self.unpriced} reports without a price")
        return ", ".join([f"{self.usage.requests} requests", f"{tokens:,d} tokens", *money])


def spent(results: Iterable[Report | Failure]) -> Spending:
    """Add up what the results of a run cost; what failed is not known and counts nothing."""
    reports = [result for result in results if isinstance(result, Report)]
    amounts: dict[str, float] = {}
    oldest: dict[str, str | None] = {}
    for cost in (report.cost for report in reports if report.cost is not None):
        amounts[cost.currency] = amounts.get(cost.currency, 0.0) + cost.amount
        dates = filter(None, [oldest.get(cost.currency), cost.as_of])
        oldest[cost.currency] = min(dates, default=None)
    return Spending(
        usage=sum((report.usage for report in reports), Usage()),
        costs=tuple(
            Cost(amount=amount, currency=currency, as_of=oldest[currency])
            for currency, amount in amounts.items()
        ),
        unpriced=sum(report.cost is None for report in reports),
    )
