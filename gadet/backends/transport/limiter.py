"""Rate limits: no request leaves before the provider will take it.

Limits come from the caller, and from what the provider's answers tell of its own. Threads and tasks
stand in one queue. Only its head looks at a clock, and everyone sleeps outside of the lock until
their turn or until something changes.

Written here because the libraries that were looked at do a part of it: aiolimiter 1.3 serves the
tasks of one event loop, the cheapest first, and no threads; pyrate-limiter 4.5 serves both, but its
rates are fixed when it is made, and a place cannot be given back or corrected.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from gadet.backends.transport.quotas import Quota
from gadet.errors import ConfigurationError, RateLimitError

__all__ = ["Bucket", "Limiter", "Place", "RateLimits"]

_MINUTE = 60.0
# Those behind the head are woken when they are next; they only look whether its loop still runs.
_LONGEST_NAP = 5.0
# Of a new measurement in the average of what a request uses.
_WEIGHT = 0.1
# A clock's rounding must not send a waiter to sleep once more for a nanosecond.
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class RateLimits:
    """How much a backend may ask of its provider.

    Given limits are kept evenly: what a second's share of them allows may leave at once, and the
    rest follows one by one, so that no minute, whenever it begins, holds more requests than
    `requests_per_minute`. Tokens are counted as estimated when a request leaves, and corrected by
    its answer; the last request of a minute may reach beyond `tokens_per_minute`.

    Attributes:
        requests_per_minute: Most requests in a minute, every try counted; None sets no limit.
        tokens_per_minute: Most tokens in a minute, input and output; None sets no limit.
        learn: Whether the limits that the provider tells in its headers are kept as well. They are
            usually better than given ones: they know of other users of the same key, and of what
            is left over.

    Raises:
        ConfigurationError: A limit is not a number above 0.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    learn: bool = True

    def __post_init__(self) -> None:
        """Check the limits."""
        for name in ("requests_per_minute", "tokens_per_minute"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ConfigurationError(f"{name} needs a number above 0, or None; got {value}")


@dataclass
class Bucket:
    """A store that fills steadily, and that a request empties by what it costs.

    What costs more than the bucket holds may leave when it is full, and leaves it in debt.

    Attributes:
        capacity: The most it holds; above 0.
        rate: What it gains in a second; above 0.
        level: What it holds at the moment `at`; below 0 in debt.
        at: Seconds on any clock.
    """

    capacity: float
    rate: float
    level: float
    at: float

    @classmethod
    def per_minute(cls, limit: float, now: float) -> Bucket:
        """A full bucket that lets no minute hold more than `limit` single units."""
        burst = max(1.0, limit / _MINUTE)
        # The burst and a minute's gain together are one above the limit, which nothing reaches
        # within the minute: it comes at its very end.
        return cls(burst, (limit - burst + 1.0) / _MINUTE, burst, now)

    @classmethod
    def of(cls, quota: Quota, under_way: float, now: float) -> Bucket | None:
        """The bucket that a provider tells of; None when it does not tell how fast it fills.

        Args:
            quota: Its state when the answer left. The documented `reset` is the time until the
                bucket is full again, whatever the window is, so the rate follows from it.
            under_way: What other requests will take, or have taken already.
            now: The time.
        """
        missing = quota.limit - quota.remaining
        if not missing or not quota.reset:
            return None
        return cls(quota.limit, missing / quota.reset, quota.remaining - under_way, now)

    def seconds_until(self, amount: float, now: float) -> float:
        """Seconds from now until `amount` may be taken; 0 when it may be at once."""
        self._fill(now)
        missing = min(amount, self.capacity) - self.level
        return missing / self.rate if missing > _TOLERANCE * self.capacity else 0.0

    def take(self, amount: float) -> None:
        """Take an amount, or with a negative one give some back."""
        self.level = min(self.level - amount, self.capacity)

    def _fill(self, now: float) -> None:
        gained = max(now - self.at, 0.0) * self.rate
        self.level, self.at = min(self.level + gained, self.capacity), now


@dataclass(eq=False)
class Place:
    """A request in the queue, and then on its way.

    Attributes:
        tokens: What it is estimated to cost.
        wake: Wakes whoever waits with it.
        is_forsaken: Whether nobody waits with it any more: its event loop was closed under it.
        leaves: Whether it may leave, or has left.
    """

    tokens: float
    wake: Callable[[], object]
    is_forsaken: Callable[[], bool] = bool
    leaves: bool = False


class Limiter:
    """Holds requests back until the limits allow them, first come, first served.

    Args:
        limits: The caller's limits.
        patience: A pause that the provider asks for and that is longer than this, in seconds, is
            not waited for. A wait that only follows from its headers is cut there: the request is
            sent, and the provider decides.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        limits: RateLimits | None = None,
        *,
        patience: float = 120.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with full buckets."""
        limits = limits or RateLimits()
        self._learns = limits.learn
        self._patience = patience
        self._clock = clock
        # Reentrant: a task that is thrown away while waiting may leave the queue at any moment.
        self._lock = threading.RLock()
        self._queue: deque[Place] = deque()
        self._given = {
            counted: Bucket.per_minute(limit, clock())
            for counted, limit in (
                ("requests", limits.requests_per_minute),
                ("tokens", limits.tokens_per_minute),
            )
            if limit is not None
        }
        self._learnt: dict[str, Bucket] = {}
        self._paused_until = -math.inf
        self._requests_under_way = 0
        self._tokens_under_way = 0.0
        self._average: float | None = None

    @property
    def waiting(self) -> int:
        """How many requests are held back."""
        return len(self._queue)

    @property
    def under_way(self) -> int:
        """How many requests have left and not ended."""
        return self._requests_under_way

    def take(self, tokens: int | None = None) -> Place:
        """Block until a request may leave, and take its place among those under way.

        Args:
            tokens: What it is estimated to cost; None takes the average of those before.

        Raises:
            RateLimitError: The provider asked for a longer pause than is waited for.
        """
        event = threading.Event()
        place = self._join(Place(self._estimate(tokens), event.set))
        try:
            while (seconds := self._seconds(place)) > 0:
                event.wait(seconds)
                event.clear()
        except BaseException:
            self.give_back(place)
            raise
        return place

    async def atake(self, tokens: int | None = None) -> Place:
        """Like `take`, without blocking the event loop; cancelling leaves the queue."""
        loop, event = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            with suppress(RuntimeError):  # the loop was closed
                loop.call_soon_threadsafe(event.set)

        place = self._join(Place(self._estimate(tokens), wake, loop.is_closed))
        try:
            while (seconds := self._seconds(place)) > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        await event.wait()
                event.clear()
        except BaseException:
            self.give_back(place)
            raise
        return place

    def give_back(self, place: Place) -> None:
        """Take a request out that was never sent, as if it had not come."""
        with self._lock:
            if place.leaves:
                self._end(place)
                self._charge(-1, -place.tokens)
            elif place in self._queue:
                self._queue.remove(place)
            self._call_the_next()

    def settle(
        self, place: Place, *, used: int | None = None, quotas: Iterable[Quota] = ()
    ) -> None:
        """Note that a request that was sent has ended.

        Args:
            place: Its place.
            used: Tokens that it used; None leaves the estimate, since a request that failed may
                have been counted by the provider.
            quotas: What the answer's headers told.
        """
        with self._lock:
            self._end(place)
            if used is not None:
                self._charge(0, used - place.tokens)
                average = used if self._average is None else self._average
                self._average = average + _WEIGHT * (used - average)
            if self._learns:
                for quota in quotas:
                    self._learn(quota)
            self._call_the_next()

    def pause(self, seconds: float) -> None:
        """Hold everyone back for so many seconds from now on."""
        with self._lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)
            for place in self._queue:
                # Those behind the head sleep without a clock, and may not want to wait so long.
                place.wake()

    def _estimate(self, tokens: int | None) -> float:
        return (self._average or 0.0) if tokens is None else float(tokens)

    def _join(self, place: Place) -> Place:
        with self._lock:
            self._queue.append(place)
            return place

    def _seconds(self, place: Place) -> float:
        """Seconds to sleep before looking again; 0 when the request may leave, and then has."""
        with self._lock:
            now = self._clock()
            pause = self._paused_until - now
            if pause > self._patience:
                raise RateLimitError(
                    f"expected to send now, got asked by the provider to pause for {pause:.0f} s "
                    "more, so nothing is sent: try again then, or use another backend",
                    retry_after=pause,
                )
            while self._queue[0].is_forsaken():
                self._queue.popleft()
            if self._queue[0] is not place:
                return _LONGEST_NAP
            seconds = max(pause, self._wait(place, now))
            if seconds > 0:
                return min(seconds, _LONGEST_NAP)
            self._queue.popleft()
            place.leaves = True
            self._requests_under_way += 1
            self._tokens_under_way += place.tokens
            self._charge(1, place.tokens)
            self._call_the_next()
            return 0.0

    def _wait(self, place: Place, now: float) -> float:
        costs = _costs(1, place.tokens)
        given = [b.seconds_until(costs[counted], now) for counted, b in self._given.items()]
        learnt = [b.seconds_until(costs[counted], now) for counted, b in self._learnt.items()]
        return max(*given, *(s for s in learnt if s <= self._patience), 0.0, 0.0)

    def _charge(self, requests: float, tokens: float) -> None:
        costs = _costs(requests, tokens)
        for buckets in (self._given, self._learnt):
            for counted, bucket in buckets.items():
                bucket.take(costs[counted])

    def _end(self, place: Place) -> None:
        self._requests_under_way -= 1
        self._tokens_under_way -= place.tokens

    def _learn(self, quota: Quota) -> None:
        under_way = _costs(self._requests_under_way, self._tokens_under_way)[quota.counted]
        bucket = Bucket.of(quota, under_way, self._clock())
        if bucket is None:
            self._learnt.pop(quota.counted, None)
        else:
            self._learnt[quota.counted] = bucket

    def _call_the_next(self) -> None:
        if self._queue:
            self._queue[0].wake()


def _costs(requests: float, tokens: float) -> Mapping[str, float]:
    """What requests cost of every limit; of the output, at least one token each."""
    return {
        "requests": requests,
        "tokens": tokens,
        "input tokens": tokens,
        "output tokens": requests,
    }
