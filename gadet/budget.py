"""`Limits` of a run, and the `Budget` that keeps it within them."""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from gadet.backends.base import Completion
from gadet.backends.facts.costs import cost_of
from gadet.backends.facts.forecast import TEXT_SPREAD, forecast_prompt
from gadet.backends.facts.profile import Prices
from gadet.errors import BudgetExceededError, ConfigurationError
from gadet.report import Usage
from gadet.route import Question, Route

__all__ = ["Budget", "Estimate", "Limits", "most_of", "purse_for"]


class Limits(BaseModel):
    """What a run may spend; None leaves it open.

    No question is asked whose estimate does not fit any more. The estimate takes the answer at its
    longest, so cost and tokens stay within their limits as far as the prompt's forecast is right.

    Attributes:
        max_cost: Money, in the currency of the models' prices, which must be known.
        max_tokens: Tokens sent and generated.
        max_requests: Answers asked for; a repeated try of one request does not count.
        deadline: Seconds from the start of the run after which nothing new is asked.
        hourly: Whether cost, tokens and requests are limited within any hour instead of over the
            whole run, for watching what never ends. A question that does not fit fails, and later
            ones are asked again once the hour allows it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_cost: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_tokens: int | None = Field(default=None, gt=0)
    max_requests: int | None = Field(default=None, gt=0)
    deadline: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    hourly: bool = False


@dataclass(frozen=True)
class Estimate:
    """The most that a question may take.

    Attributes:
        tokens: Tokens sent and generated.
        cost: Money; 0 where it does not count.
        requests: Answers asked for.
    """

    tokens: int = 0
    cost: float = 0.0
    requests: int = 1

    def __add__(self, other: Estimate) -> Estimate:
        """The sum, field by field."""
        return Estimate(
            self.tokens + other.tokens, self.cost + other.cost, self.requests + other.requests
        )

    def __sub__(self, other: Estimate) -> Estimate:
        """The difference, field by field."""
        return Estimate(
            self.tokens - other.tokens, self.cost - other.cost, self.requests - other.requests
        )


NOTHING = Estimate(requests=0)
HOUR = 3600.0


class Budget:
    """Keeps one run within its limits; safe to use from many threads.

    Args:
        limits: What may be spent.
        estimate: The most that a question may take; None forecasts it from the prompt.
        clock: Seconds; the run begins now.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        estimate: Callable[[Question], Estimate] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._estimate = estimate or most_of
        self._clock = clock
        self._start = clock()
        self._changed = threading.Condition()
        self._spent = NOTHING
        self._ledger: deque[tuple[float, Estimate]] = deque()
        self._promised = NOTHING
        self._reached: str | None = None

    @property
    def spent(self) -> Estimate:
        """What was spent so far, as the models counted it."""
        return self._spent

    def check(self) -> None:
        """Raise once a limit was reached, so that nothing more is begun.

        Raises:
            BudgetExceededError: A limit was reached.
        """
        with self._changed:
            self._stop_when_late()
            if self._reached:
                raise BudgetExceededError(self._reached)

    def guarded(self, ask: Callable[[Question], Completion]) -> Callable[[Question], Completion]:
        """The same function, which asks only what still fits.

        A question that does not fit beside those under way waits until they are counted.
        """

        def asking(question: Question) -> Completion:
            estimate = self._reserve(self._estimate(question))
            used = NOTHING
            try:
                completion = ask(question)
                used = _counted(completion.usage, question)
            finally:
                self._settle(estimate, used)
            return completion

        return asking

    def _reserve(self, estimate: Estimate) -> Estimate:
        with self._changed:
            while True:
                self._stop_when_late()
                if not self._reached and (name := self._broken_by(self._counting() + estimate)):
                    if self.limits.hourly:
                        raise BudgetExceededError(self._words(name))
                    self._reached = self._words(name)
                    self._changed.notify_all()
                if self._reached:
                    raise BudgetExceededError(self._reached)
                if not self._broken_by(self._counting() + self._promised + estimate):
                    self._promised += estimate
                    return estimate
                self._changed.wait(timeout=self._left())

    def _settle(self, estimate: Estimate, used: Estimate) -> None:
        with self._changed:
            self._promised -= estimate
            self._spent += used
            if self.limits.hourly:
                self._ledger.append((self._clock(), used))
            self._changed.notify_all()

    def _counting(self) -> Estimate:
        """What counts against the limits: all that was spent, or that of the last hour."""
        if not self.limits.hourly:
            return self._spent
        while self._ledger and self._ledger[0][0] <= self._clock() - HOUR:
            self._ledger.popleft()
        return sum((used for _, used in self._ledger), NOTHING)

    def _broken_by(self, sum_of: Estimate) -> str | None:
        """The name of a limit that the sum is over, or None."""
        bounds = {
            "max_cost": (sum_of.cost, self.limits.max_cost),
            "max_tokens": (sum_of.tokens, self.limits.max_tokens),
            "max_requests": (sum_of.requests, self.limits.max_requests),
        }
        over = (name for name, (sum_, most) in bounds.items() if most is not None and sum_ > most)
        return next(over, None)

    def _stop_when_late(self) -> None:
        left = self._left()
        if not self._reached and left is not None and left <= 0:
            self._reached = self._words("deadline")

    def _left(self) -> float | None:
        deadline = self.limits.deadline
        return None if deadline is None else self._start + deadline - self._clock()

    def _words(self, name: str) -> str:
        spent = self._counting()
        limit = f"{name} of {getattr(self.limits, name):g} allows no further question"
        used = f"{spent.requests} requests, {spent.tokens} tokens, {spent.cost:.4f} in money"
        if self.limits.hourly and name != "deadline":
            return f"the hour's {limit}: spent in it are {used}; later ones are asked again"
        return (
            f"the run's {limit}: spent are {used} and {self._clock() - self._start:.0f} s; raise "
            "the limit, and give `resume` to go on"
        )


def purse_for(route: Route, limits: Limits | None) -> Budget | None:
    """The budget of a run over a route; None without limits.

    Raises:
        ConfigurationError: A limit on money could not be kept.
    """
    if limits is None:
        return None
    _check_prices(route, limits)
    return Budget(limits)


def _check_prices(route: Route, limits: Limits) -> None:
    """Refuse a limit on money that could not be kept.

    Raises:
        ConfigurationError: The prices of a backend are not known, or their currencies differ.
    """
    if limits.max_cost is None:
        return
    for leg in route.legs:
        if leg.profile.prices is None:
            raise ConfigurationError(
                f"max_cost needs the prices of {leg.backend.name}, and they are not known: give "
                "them with profile=Profile(prices=Prices(…)), or limit max_tokens instead"
            )
    currencies = {leg.profile.prices.currency for leg in route.legs if leg.profile.prices}
    if len(currencies) > 1:
        raise ConfigurationError(
            f"max_cost needs prices in one currency; got {', '.join(sorted(currencies))}"
        )


def most_of(question: Question) -> Estimate:
    """The most that a question may take, as forecast from its prompt."""
    foreseen = forecast_prompt(question.prompt, question.leg.profile)
    # Where the count of the texts is a guess, it is taken at its highest.
    sent = math.ceil(foreseen.text_tokens * (1 + TEXT_SPREAD)) + foreseen.image_tokens
    longest = foreseen.output_tokens_at_most
    usage = Usage(requests=1, input_tokens=sent, cache_write_tokens=sent, output_tokens=longest)
    dearest = cost_of(usage.model_copy(update={"cache_write_tokens": 0}), _prices(question))
    stored = cost_of(usage, _prices(question))
    money = max(cost.amount if cost else 0.0 for cost in (dearest, stored))
    return Estimate(tokens=sent + longest, cost=money)


def _counted(usage: Usage, question: Question) -> Estimate:
    cost = cost_of(usage, _prices(question))
    return Estimate(
        tokens=usage.input_tokens + usage.output_tokens,
        cost=cost.amount if cost else 0.0,
        requests=usage.requests,
    )


def _prices(question: Question) -> Prices | None:
    return question.leg.profile.prices
