"""Two thousand items through a server that fails in every way: one outcome each, none lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from gadet import AnomalyDetector, DetectRequest, Failure, Normality, Report
from gadet.backends.hosted import HttpBackend
from gadet.backends.transport.breaker import BreakerPolicy
from gadet.backends.transport.limiter import RateLimits
from gadet.backends.transport.retry import RetryPolicy
from gadet.errors import BackendError, GadetError
from tests.backends.chaos import FAULTS, Books, chaos
from tests.backends.conftest import answer
from tests.doubles import answer as verdict
from tests.doubles import picture

ITEMS = 2000
SEED = 11
RETRY = RetryPolicy(max_retries=3, initial=0.001, ceiling=0.002)
BODY = answer(verdict("normal", 0.1), usage={"prompt_tokens": 10, "completion_tokens": 5})
NAMES = [f"item-{number:05}" for number in range(ITEMS)]
Outcome = Report | Failure | BackendError
PICTURE = picture(16, 16)

# Faults whose answer is billed and not received, and faults that another try does not mend.
CUTTING = {"reset in the body", "truncated", "length too long", "length too short"}
FINAL = {"truncated", "length too short", "200 with a page"}


def requests(names: Sequence[str]) -> list[DetectRequest]:
    return [
        DetectRequest(item=PICTURE, normality=Normality(subject=name), marks=False)
        for name in names
    ]


def detect_many(backend: HttpBackend, names: Sequence[str]) -> list[Outcome]:
    detector = AnomalyDetector(backend, expert=None)
    return list(
        detector.detect_many(requests(names), on_error="record", concurrency=16, progress=False)
    )


def adetect(backend: HttpBackend, names: Sequence[str]) -> list[Outcome]:
    detector = AnomalyDetector(backend, expert=None)

    async def one(name: str, gate: asyncio.Semaphore) -> Outcome:
        async with gate:
            try:
                return await detector.adetect(
                    PICTURE, normality=Normality(subject=name), marks=False
                )
            except BackendError as error:
                return error

    async def everything() -> list[Outcome]:
        gate = asyncio.Semaphore(16)
        outcomes = await asyncio.gather(*[one(name, gate) for name in names])
        await backend.aclose()
        return outcomes

    return asyncio.run(everything())


Run = Callable[[HttpBackend, Sequence[str]], list[Outcome]]
RUNS: dict[str, tuple[Run, Sequence[str]]] = {
    "detect_many": (detect_many, NAMES),
    "adetect": (adetect, NAMES[:700]),
}


def run(
    work: Run, names: Sequence[str], seed: int = SEED, **options: Any
) -> tuple[dict[str, Outcome], Books]:
    with chaos(BODY, seed=seed) as server:
        backend = HttpBackend(
            "a-model", base_url=server.url, retry=RETRY, timeout=10.0, name="chaos", **options
        )
        outcomes = work(backend, names)
        limiter = backend._channel._limiter
        assert limiter.waiting == limiter.under_way == 0
        backend.close()
    assert len(outcomes) == len(names)
    return dict(zip(names, outcomes, strict=True)), server.books


@pytest.mark.parametrize("way", RUNS)
def test_every_item_ends_in_exactly_one_outcome(way: str) -> None:
    outcomes, books = run(*RUNS[way])
    most = RETRY.max_retries + 1
    assert set(books.faults) == set(FAULTS), "everything happened"
    assert set(books.tries) == set(outcomes), "every item was asked for"
    for name, outcome in outcomes.items():
        answered = isinstance(outcome, Report)
        assert books.whole[name] == answered, "an answer that arrived is the last that was made"
        assert books.tries[name] <= most
        assert books.cut[name] + books.whole[name] <= books.tries[name]
        if answered:
            assert outcome.verdict == "normal"
            assert outcome.usage.requests == 1
        else:
            assert isinstance(outcome, Failure | GadetError)
            assert "chaos: expected" in (
                outcome.message if isinstance(outcome, Failure) else str(outcome)
            )
    # Of what was billed for nothing there is no more than was cut.
    assert books.cut.total() == sum(books.faults[name] for name in CUTTING)
    assert books.cut.total() <= books.tries.total() - books.whole.total()
    lost = sum(not isinstance(outcome, Report) for outcome in outcomes.values())
    assert lost <= sum(books.faults[name] for name in FINAL) + 0.05 * len(outcomes)


def test_the_same_seed_does_the_same() -> None:
    few = NAMES[:100]
    (_, first), (_, second) = run(adetect, few), run(detect_many, few)
    (_, other) = run(detect_many, few, seed=SEED + 1)
    # On a busy machine a slow answer may run into its timeout, which costs that item one more try.
    assert sum(first.tries[name] == second.tries[name] for name in few) >= 90
    assert sum(first.tries[name] == other.tries[name] for name in few) < 80


@pytest.mark.parametrize("work", [detect_many, adetect])
def test_limits_and_a_breaker_lose_nothing_either(work: Run) -> None:
    outcomes, books = run(
        work,
        NAMES[:150],
        rate_limits=RateLimits(requests_per_minute=60_000, tokens_per_minute=6_000_000),
        breaker=BreakerPolicy(failures=2, cooldown=0.002),
    )
    for name, outcome in outcomes.items():
        assert books.whole[name] == isinstance(outcome, Report)
        assert books.tries[name] <= RETRY.max_retries + 1
