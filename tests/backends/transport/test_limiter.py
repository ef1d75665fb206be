"""The limiter on a clock of its own, with real threads and tasks, and in front of a server."""

from __future__ import annotations

import asyncio
import gc
import itertools
import signal
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.backends.transport.limiter import Bucket, Limiter, Place, RateLimits
from gadet.backends.transport.quotas import Quota
from gadet.errors import ConfigurationError, RateLimitError
from tests.backends.conftest import Ask, Connect, failing, ok
from tests.backends.prompts import text_only
from tests.backends.servers import reply, serving


class Clock:
    """Time that passes only while somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class _Nap:
    """Stands in for `threading.Event` where nobody else could wake the waiter."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def set(self) -> None: ...

    def clear(self) -> None: ...

    def wait(self, seconds: float) -> None:
        assert seconds > 0
        self.clock.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("gadet.backends.transport.limiter.threading.Event", lambda: _Nap(clock))
    return clock


def departures(limiter: Limiter, clock: Clock, tokens: Sequence[int | None]) -> list[float]:
    """When requests leave that come one after another and never end."""
    times = []
    for count in tokens:
        limiter.take(count)
        times.append(round(clock.now - 1000.0, 6))
    return times


def test_without_limits_nobody_waits(clock: Clock) -> None:
    assert departures(Limiter(clock=clock), clock, [10**9] * 50) == [0.0] * 50


def test_requests_leave_evenly(clock: Clock) -> None:
    limiter = Limiter(RateLimits(requests_per_minute=60), clock=clock)
    assert departures(limiter, clock, [None] * 5) == [0, 1, 2, 3, 4]
    clock.now += 3600
    assert departures(limiter, clock, [None] * 2) == [3604, 3605], "an idle hour saves nothing up"


def test_a_request_may_be_rarer_than_a_minute(clock: Clock) -> None:
    limiter = Limiter(RateLimits(requests_per_minute=0.5), clock=clock)
    assert departures(limiter, clock, [None] * 3) == [0, 120, 240]


def test_tokens_leave_evenly_also_when_one_request_is_more_than_a_seconds_share(
    clock: Clock,
) -> None:
    limiter = Limiter(RateLimits(tokens_per_minute=60), clock=clock)
    assert departures(limiter, clock, [1, 1, 10, 1, 1]) == [0, 1, 2, 12, 13]


def test_the_tighter_limit_counts(clock: Clock) -> None:
    limiter = Limiter(RateLimits(requests_per_minute=60, tokens_per_minute=60), clock=clock)
    assert departures(limiter, clock, [0, 0, 5, 0, 0]) == [0, 1, 2, 6, 7]


@given(
    limit=st.integers(1, 400),
    gaps=st.lists(st.sampled_from([0.0, 0.0, 0.01, 0.3, 2.0, 61.0]), max_size=600),
)
@settings(max_examples=40, deadline=None)
def test_no_minute_holds_more_than_the_limit(limit: int, gaps: list[float]) -> None:
    now = 0.0
    bucket = Bucket.per_minute(limit, now)
    left: list[float] = []
    for gap in gaps:
        now += gap
        now += bucket.seconds_until(1, now)
        assert bucket.seconds_until(1, now) == 0
        bucket.take(1)
        left.append(now)
    for begin in left:
        assert sum(begin <= moment < begin + 60.0 - 1e-6 for moment in left) <= limit


def test_a_limit_is_used_up() -> None:
    """The other side: held back no more than the limit asks for, after ten minutes."""
    for limit in (1, 7, 60, 61, 1000):
        now, count = 0.0, 0
        bucket = Bucket.per_minute(limit, now)
        while now < 600.0:
            now += bucket.seconds_until(1, now)
            bucket.take(1)
            count += 1
        assert count >= 10 * limit * 0.98


def test_the_estimate_is_corrected_by_the_usage(clock: Clock) -> None:
    limiter = Limiter(RateLimits(tokens_per_minute=600), clock=clock)
    place = limiter.take(110)
    limiter.settle(place, used=10)
    assert departures(limiter, clock, [10, 10]) == pytest.approx([1, 2], rel=0.02)
    place = limiter.take(10)
    limiter.settle(place, used=210)
    before = clock.now
    limiter.take(10)
    assert clock.now - before == pytest.approx(21, rel=0.05)


def test_without_an_estimate_the_average_is_taken(clock: Clock) -> None:
    limiter = Limiter(RateLimits(tokens_per_minute=600), clock=clock)
    limiter.settle(limiter.take(), used=100)
    assert limiter.take().tokens == 100
    limiter.settle(limiter.take(), used=200)
    assert limiter.take().tokens == pytest.approx(110)


def test_what_failed_stays_counted(clock: Clock) -> None:
    limiter = Limiter(RateLimits(tokens_per_minute=60), clock=clock)
    limiter.settle(limiter.take(11))
    assert departures(limiter, clock, [1]) == [11]


def test_what_was_never_sent_does_not(clock: Clock) -> None:
    limiter = Limiter(RateLimits(requests_per_minute=1, tokens_per_minute=60), clock=clock)
    limiter.give_back(limiter.take(1000))
    assert limiter.under_way == 0
    assert departures(limiter, clock, [1]) == [0]


def test_a_pause_is_for_everyone(clock: Clock) -> None:
    limiter = Limiter(clock=clock)
    limiter.pause(7.0)
    limiter.pause(3.0)
    assert departures(limiter, clock, [None, None]) == [7, 7]


def test_a_pause_beyond_patience_fails_at_once(clock: Clock) -> None:
    limiter = Limiter(clock=clock, patience=10.0)
    limiter.pause(11.0)
    with pytest.raises(RateLimitError, match="pause for 11 s") as caught:
        limiter.take()
    assert caught.value.retry_after == 11.0
    assert (clock.now, limiter.waiting, limiter.under_way) == (1000.0, 0, 0)
    clock.now += 1.0
    assert departures(limiter, clock, [None]) == [11]


def quota(
    counted: str = "requests", limit: float = 60, left: float = 2, reset: float = 58
) -> Quota:
    return Quota(counted, limit, left, reset)


def test_limits_are_learnt_from_the_answers(clock: Clock) -> None:
    limiter = Limiter(clock=clock)
    limiter.settle(limiter.take(), quotas=[quota()])
    assert departures(limiter, clock, [None] * 4) == [0, 0, 1, 2]


def test_what_is_under_way_is_not_left_over(clock: Clock) -> None:
    limiter = Limiter(clock=clock)
    first, _, _ = limiter.take(), limiter.take(), limiter.take()
    limiter.settle(first, quotas=[quota(left=3, reset=57)])
    assert departures(limiter, clock, [None] * 3) == [0, 1, 2]


@pytest.mark.parametrize(
    ("told", "times"),
    [
        (quota("tokens", 6000, 1000, 50), [0, 0, 0, 0]),
        (quota("tokens", 6000, 300, 57), [0, 0, 0, 1]),
        (quota("input tokens", 6000, 100, 59), [0, 1, 2, 3]),
        (quota("output tokens", 60, 1, 59), [0, 1, 2, 3]),
        (quota("output tokens", 60, 4, 56), [0, 0, 0, 0]),
    ],
)
def test_every_kind_of_quota(clock: Clock, told: Quota, times: list[float]) -> None:
    limiter = Limiter(clock=clock)
    limiter.settle(limiter.take(0), quotas=[told])
    assert departures(limiter, clock, [100] * 4) == times


def test_the_latest_answer_counts(clock: Clock) -> None:
    limiter = Limiter(clock=clock)
    first, second = limiter.take(), limiter.take()
    limiter.settle(first, quotas=[quota(left=0, reset=60)])
    limiter.settle(second, quotas=[quota(left=60, reset=0)])
    assert departures(limiter, clock, [None] * 9) == [0] * 9


def test_a_quota_that_does_not_tell_how_it_fills_is_no_limit(clock: Clock) -> None:
    limiter = Limiter(clock=clock)
    limiter.settle(limiter.take(), quotas=[quota(left=0, reset=0)])
    assert departures(limiter, clock, [None] * 3) == [0] * 3


def test_learning_can_be_left_out(clock: Clock) -> None:
    limiter = Limiter(RateLimits(learn=False), clock=clock)
    limiter.settle(limiter.take(), quotas=[quota(left=0)])
    assert departures(limiter, clock, [None] * 3) == [0] * 3


def test_a_learnt_wait_beyond_patience_is_the_providers_to_decide(clock: Clock) -> None:
    limiter = Limiter(clock=clock, patience=120.0)
    limiter.settle(limiter.take(), quotas=[quota("requests", 100, 0, 86_400)])
    assert departures(limiter, clock, [None]) == [0]


@pytest.mark.parametrize("name", ["requests_per_minute", "tokens_per_minute"])
@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
def test_limits_that_are_none(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=name):
        RateLimits(**{name: value})


# From here on with threads, tasks and the real clock.


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + 5.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_first_come_first_served_whatever_they_are_and_cost() -> None:
    """Threads and the tasks of two loops stand in one queue."""
    limiter = Limiter(RateLimits(requests_per_minute=60_000, tokens_per_minute=600_000))
    limiter.pause(60.0)
    left: list[int] = []
    threads = []

    def blocking(number: int) -> None:
        limiter.take(number % 7)
        left.append(number)

    async def asynchronous(number: int) -> None:
        await limiter.atake(number % 5)
        left.append(number)

    for number in range(30):
        target = (
            threading.Thread(target=blocking, args=(number,))
            if number % 3
            else threading.Thread(target=asyncio.run, args=(asynchronous(number),))
        )
        target.start()
        threads.append(target)
        until(lambda: limiter.waiting == len(threads))
    limiter._paused_until = 0.0
    limiter._call_the_next()
    for thread in threads:
        thread.join(5)
    assert sorted(left) == list(range(30))
    # Who leaves is decided in the queue; who of two that left notes it first, by the system.
    assert all(abs(place - number) <= 3 for place, number in enumerate(left))
    assert (limiter.waiting, limiter.under_way) == (0, 30)


def test_waiting_costs_nothing() -> None:
    looks = itertools.count()

    def clock() -> float:
        next(looks)
        return time.monotonic()

    limiter = Limiter(clock=clock)
    limiter.pause(0.2)
    threads = [threading.Thread(target=limiter.take) for _ in range(5)]
    for thread in threads:
        thread.start()

    async def tasks() -> None:
        await asyncio.gather(*[limiter.atake() for _ in range(5)])

    asyncio.run(tasks())
    for thread in threads:
        thread.join(5)
    assert limiter.under_way == 10
    assert next(looks) < 60, "each looks when it comes, when it is next, and when it is time"


def test_a_cancelled_task_leaves_the_queue_and_the_next_moves_up() -> None:
    async def run() -> None:
        limiter = Limiter()
        first = await limiter.atake()
        limiter.pause(0.05)
        tasks = [asyncio.create_task(limiter.atake()) for _ in range(4)]
        await asyncio.sleep(0)
        assert limiter.waiting == 4
        tasks[0].cancel()
        tasks[2].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        kinds = [type(result) for result in results]
        assert kinds == [asyncio.CancelledError, Place, asyncio.CancelledError, Place]
        assert (limiter.waiting, limiter.under_way) == (0, 3)
        limiter.settle(first)
        assert limiter.under_way == 2

    asyncio.run(asyncio.wait_for(run(), 5))


def test_a_task_that_is_thrown_away_with_its_loop_holds_nobody_up() -> None:
    limiter = Limiter()
    limiter.pause(0.05)
    loop = asyncio.new_event_loop()
    task = loop.create_task(limiter.atake())
    loop.run_until_complete(asyncio.sleep(0))
    assert limiter.waiting == 1
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    limiter.take()
    del task, loop
    gc.collect()
    assert (limiter.waiting, limiter.under_way) == (0, 1)


def test_a_long_pause_reaches_those_who_wait_already() -> None:
    limiter = Limiter(RateLimits(requests_per_minute=1), patience=120.0)
    limiter.take()
    failed: list[RateLimitError] = []

    def blocking() -> None:
        with pytest.raises(RateLimitError) as caught:
            limiter.take()
        failed.append(caught.value)

    threads = [threading.Thread(target=blocking) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: limiter.waiting == 3)
    limiter.pause(3600.0)
    for thread in threads:
        thread.join(5)
    assert len(failed) == 3
    assert limiter.waiting == 0


def test_ctrl_c_while_waiting_leaves_the_queue() -> None:
    limiter = Limiter()
    limiter.pause(60.0)
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        until(lambda: limiter.waiting == 1)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        limiter.take()
    thread.join()
    assert (limiter.waiting, limiter.under_way) == (0, 0)


# And in a backend.


def told(remaining: int, **headers: str) -> Any:
    from tests.backends.conftest import GOOD

    return reply(
        200,
        GOOD,
        x_ratelimit_limit_requests="100",
        x_ratelimit_remaining_requests=str(remaining),
        x_ratelimit_reset_requests=f"{100 - remaining}s",
        **headers,
    )


def test_a_backend_learns_and_settles(connect: Connect, ask: Ask) -> None:
    with serving(told(99), told(40)) as server:
        backend = connect(server.url)
        for _ in range(2):
            ask(backend)
        limiter = backend._channel._limiter
        assert limiter.under_way == limiter.waiting == 0
        assert limiter._learnt["requests"].level == pytest.approx(40, abs=1)
        assert limiter._learnt["requests"].rate == pytest.approx(1.0)
        assert limiter._average == 1480 + 212


def test_a_429_holds_every_request_back(connect: Connect) -> None:
    """The second request would be answered at once, but waits for the hint of the first."""
    came: list[float] = []

    def noting(act: Any) -> Any:
        def noted(handler: Any) -> None:
            came.append(time.monotonic())
            act(handler)

        return noted

    slow_down = failing("429_openai.json", 429, retry_after_ms="150")
    with serving(noting(slow_down), noting(ok)) as server:
        backend = connect(server.url)
        first = threading.Thread(target=backend.complete, args=(text_only(),))
        first.start()
        until(lambda: backend._channel._limiter._paused_until > 0)
        backend.complete(text_only())
        first.join(5)
    assert len(came) == 3
    assert min(came[1:]) - came[0] >= 0.14


def test_a_pause_of_an_hour_is_told_to_everyone_at_once(connect: Connect, ask: Ask) -> None:
    with serving(failing("429_openai.json", 429, retry_after="3600"), ok) as server:
        backend = connect(server.url, name="b")
        attempts = []
        for _ in range(3):
            with pytest.raises(RateLimitError, match=r"^b: expected") as caught:
                ask(backend)
            attempts.append(caught.value.attempts)
            assert caught.value.retry_after
            assert caught.value.retry_after > 3590
    assert attempts == [1, 0, 0]
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [500, 502])
def test_the_hint_of_one_failure_is_for_one_request(
    connect: Connect, ask: Ask, status: int
) -> None:
    with serving(failing("500.json", status, retry_after="3600"), ok) as server:
        backend = connect(server.url)
        with pytest.raises(Exception, match=str(status)):
            ask(backend)
        assert ask(backend).stop == "complete"
