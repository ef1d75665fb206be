"""The breaker alone on a clock of its own, and in a backend in front of a real server."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from gadet.backends.transport.breaker import Breaker, BreakerPolicy, Health
from gadet.errors import (
    AuthenticationError,
    BackendError,
    ConfigurationError,
    InputError,
    RateLimitError,
    ResponseError,
    ServerError,
    TransportError,
)
from tests.backends.conftest import Ask, Connect, failing, ok
from tests.backends.prompts import text_only
from tests.backends.servers import reset, serving

POLICY = BreakerPolicy(failures=3, cooldown=10.0)
FAULTS = [
    ServerError("x", status=500),
    ServerError("x", status=529),
    ServerError("x"),
    TransportError("x"),
]
ANSWERS = [
    RateLimitError("x", status=429),
    AuthenticationError("x", status=401),
    ResponseError("x", status=400),
    ResponseError("x", status=200),
    TransportError("x", status=408),
    InputError("x"),
]
SILENT = [asyncio.CancelledError(), KeyboardInterrupt(), ConfigurationError("x")]


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(POLICY, clock=clock)


def end(breaker: Breaker, error: BaseException | None = None) -> None:
    """Let a request pass that ends with an error, or well."""
    with suppress(BaseException), breaker.admitted():
        if error:
            raise error


@pytest.mark.parametrize("error", FAULTS, ids=repr)
def test_failures_in_a_row_open_it(breaker: Breaker, error: BaseException) -> None:
    for count in range(3):
        assert breaker.health == Health("closed", count)
        end(breaker, error)
    assert breaker.health == Health("open", 3, 10.0)
    for admit in (breaker.check, breaker.admitted().__enter__):
        with pytest.raises(
            BackendError, match=rf"3 failures.*a {type(error).__name__}.*in 10\.0 s"
        ) as caught:
            admit()
        assert caught.value.retry_after == 10.0


@pytest.mark.parametrize("error", [*ANSWERS, None], ids=repr)
def test_any_other_answer_shows_a_server_that_works(
    breaker: Breaker, error: BaseException | None
) -> None:
    end(breaker, FAULTS[0])
    end(breaker, FAULTS[0])
    end(breaker, error)
    assert breaker.health == Health("closed", 0)


@pytest.mark.parametrize("error", SILENT, ids=repr)
def test_what_says_nothing_of_the_server_changes_nothing(
    breaker: Breaker, error: BaseException
) -> None:
    end(breaker, FAULTS[0])
    end(breaker, error)
    assert breaker.health == Health("closed", 1)


def test_one_request_tries_and_the_others_wait(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        end(breaker, FAULTS[0])
    clock.now += 9.9
    with pytest.raises(BackendError, match=r"in 0\.1 s"):
        breaker.check()
    clock.now += 0.1
    assert breaker.health == Health("half-open", 3)
    breaker.check()
    with breaker.admitted(), pytest.raises(BackendError) as caught:
        breaker.check()
    assert caught.value.retry_after == 10.0
    assert breaker.health == Health("closed", 0)


def test_a_probe_that_fails_opens_it_again(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        end(breaker, FAULTS[0])
    clock.now += 10.0
    end(breaker, FAULTS[0])
    assert breaker.health == Health("open", 4, 10.0)


@pytest.mark.parametrize("error", SILENT, ids=repr)
def test_a_probe_that_is_cancelled_leaves_the_next_to_try(
    breaker: Breaker, clock: Clock, error: BaseException
) -> None:
    for _ in range(3):
        end(breaker, FAULTS[0])
    clock.now += 10.0
    end(breaker, error)
    assert breaker.health.state == "half-open"
    end(breaker)
    assert breaker.health.state == "closed"


def test_what_was_sent_before_and_ends_late(breaker: Breaker, clock: Clock) -> None:
    late_failure, late_success = breaker.admitted(), breaker.admitted()
    late_failure.__enter__()
    late_success.__enter__()
    for _ in range(3):
        end(breaker, FAULTS[0])
    clock.now += 5.0
    error = FAULTS[0]
    assert not late_failure.__exit__(type(error), error, None)
    assert breaker.health == Health("open", 4, 5.0), "it is not kept open longer"
    late_success.__exit__(None, None, None)
    assert breaker.health == Health("closed", 0), "an answer is an answer"


def test_without_a_policy_it_only_counts() -> None:
    breaker = Breaker(None)
    for _ in range(50):
        end(breaker, FAULTS[0])
    assert breaker.health == Health("closed", 50)


@pytest.mark.parametrize(
    "wrong",
    [{"failures": 0}, {"cooldown": 0.0}, {"cooldown": float("nan")}, {"cooldown": float("inf")}],
)
def test_numbers_that_cannot_be_used(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        BreakerPolicy(**wrong)


def test_of_many_threads_one_tries(breaker: Breaker, clock: Clock) -> None:
    for _ in range(3):
        end(breaker, FAULTS[0])
    clock.now += 10.0
    everyone, refused = threading.Barrier(8, timeout=5), threading.Semaphore(0)

    def ask(_: int) -> str:
        everyone.wait()
        try:
            with breaker.admitted():
                for _ in range(7):
                    assert refused.acquire(timeout=5)
                return "tried"
        except BackendError:
            refused.release()
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == ["refused"] * 7 + ["tried"]


@pytest.mark.parametrize("trouble", [failing("500.json", 503), reset], ids=["503", "reset"])
def test_a_backend_leaves_a_broken_server_alone(connect: Connect, ask: Ask, trouble: Any) -> None:
    with serving(trouble) as server:
        backend = connect(server.url, name="b", breaker=BreakerPolicy(failures=4, cooldown=60))
        errors = []
        for _ in range(4):
            with pytest.raises(BackendError) as caught:
                ask(backend)
            errors.append(caught.value)
    assert len(server.requests) == 4, "three tries, one try, none, none"
    assert [error.attempts for error in errors] == [3, 1, 0, 0]
    assert all(str(error).startswith("b: expected") for error in errors)
    assert backend.health.state == "open"
    assert all(error.retry_after and 55 < error.retry_after <= 60 for error in errors[1:])


@pytest.mark.parametrize("status", [400, 401, 404, 408, 429])
def test_an_answer_never_opens_it(connect: Connect, ask: Ask, status: int) -> None:
    with serving(failing("500.json", status)) as server:
        backend = connect(server.url, breaker=BreakerPolicy(failures=1))
        for _ in range(3):
            with pytest.raises(BackendError):
                ask(backend)
    assert backend.health == Health("closed", 0)
    assert len(server.requests) >= 3


def test_the_breaker_closes_when_the_server_is_back(connect: Connect, ask: Ask) -> None:
    with serving(failing("500.json", 500), ok) as server:
        backend = connect(server.url, breaker=BreakerPolicy(1, 0.001), max_retries=0, retry=None)
        with pytest.raises(ServerError):
            ask(backend)
        assert backend.health.failures == 1
        time.sleep(0.01)
        assert ask(backend).stop == "complete"
        assert backend.health == Health("closed", 0)


def test_a_cancelled_probe_frees_the_half_open_breaker(connect: Connect) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        server.stop.wait(5)
        handler.close_connection = True

    async def asked() -> str:
        with pytest.raises(ServerError):
            await backend.acomplete(text_only())
        await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await backend.acomplete(text_only())
        return (await backend.acomplete(text_only())).stop

    with serving(failing("500.json", 500), slow, ok) as server:
        backend = connect(server.url, breaker=BreakerPolicy(1, 0.001), max_retries=0, retry=None)
        assert asyncio.run(asked()) == "complete"
