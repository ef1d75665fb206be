"""A cached backend: what it keeps and under which key, and that equal questions are sent once."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gadet import AnomalyDetector, OfflineBackend
from gadet.backends.base import Backend, Completion
from gadet.backends.facts.profile import Prices, Profile
from gadet.backends.hosted import HttpBackend
from gadet.backends.recall.cache import AnswerCache
from gadet.backends.recall.cached import CachedBackend
from gadet.backends.recall.fingerprint import Fingerprinted, asking_of, fingerprint
from gadet.backends.scripted import ScriptedBackend
from gadet.errors import ConfigurationError, RateLimitError
from gadet.prompts.prompt import Prompt
from gadet.report import EvidenceSummary, Stop, Usage
from tests.backends.prompts import text_only, zero_shot
from tests.doubles import answer, picture

SPENT = Usage(requests=1, input_tokens=500, output_tokens=50)

Look = Callable[[CachedBackend, Prompt], Completion]


@pytest.fixture
def cache(tmp_path: Path) -> AnswerCache:
    return AnswerCache(tmp_path / "answers.db")


@pytest.fixture(params=["sync", "async"])
def look(request: pytest.FixtureRequest) -> Look:
    if request.param == "sync":
        return lambda backend, prompt: backend.complete(prompt)
    return lambda backend, prompt: asyncio.run(backend.acomplete(prompt))


def numbered(**fields: Any) -> ScriptedBackend:
    """A backend whose every answer is another one."""
    return ScriptedBackend([Completion(str(n), usage=SPENT) for n in range(99)], **fields)


def test_what_is_known_is_not_asked_again_and_costs_nothing(cache: AnswerCache, look: Look) -> None:
    inner = numbered(name="a:b", profile=Profile(max_images=3))
    backend = CachedBackend(inner, cache)
    assert isinstance(backend, Backend)
    assert (backend.name, backend.profile) == ("a:b", inner.profile)
    first, second = look(backend, zero_shot()), look(backend, zero_shot())
    assert (first.text, first.usage, first.origin) == ("0", SPENT, "model")
    assert (second.text, second.usage, second.origin) == ("0", Usage(requests=0), "cache")
    assert backend.saved == SPENT
    assert len(inner.prompts) == 1
    backend.close()
    again = CachedBackend(inner, AnswerCache(cache.path))
    assert look(again, zero_shot()).text == "0", "in another run as well"
    assert "CachedBackend(ScriptedBackend(name='a:b'), AnswerCache(" in repr(again)


@pytest.mark.parametrize("stop", ["truncated", "refused", "blocked", "other"])
def test_what_may_go_better_next_time_is_not_kept(
    cache: AnswerCache, look: Look, stop: Stop
) -> None:
    inner = ScriptedBackend([Completion("no", stop=stop), "yes"])
    backend = CachedBackend(inner, cache)
    assert [look(backend, text_only()).text for _ in range(3)] == ["no", "yes", "yes"]
    keeping = CachedBackend(ScriptedBackend([Completion("no", stop=stop)]), cache, keep=[stop])
    other = text_only(sample=5)
    assert [look(keeping, other).stop for _ in range(2)] == [stop, stop]


def test_an_empty_answer_is_not_kept(cache: AnswerCache, look: Look) -> None:
    backend = CachedBackend(ScriptedBackend([" \n", "words"]), cache)
    assert [look(backend, text_only()).text for _ in range(2)] == [" \n", "words"]


def test_an_error_is_not_kept(cache: AnswerCache, look: Look) -> None:
    backend = CachedBackend(ScriptedBackend([RateLimitError("slow"), "fine"]), cache)
    with pytest.raises(RateLimitError, match="slow"):
        look(backend, text_only())
    assert look(backend, text_only()).text == "fine"


def test_every_vote_is_a_question_of_its_own(cache: AnswerCache) -> None:
    backend = CachedBackend(numbered(), cache)
    texts = [backend.complete(text_only().vote(n)).text for n in (0, 1, 2, 1, 0)]
    assert texts == ["0", "1", "2", "1", "0"]


def connected(**options: Any) -> HttpBackend:
    return HttpBackend("m", base_url="http://127.0.0.1:1/v1", **options)


def key(backend: Backend, prompt: Prompt | None = None) -> str:
    return fingerprint(asking_of(backend), prompt or zero_shot())


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": 0.7},
        {"effort": "high"},
        {"extra": {"seed": 1}},
        {"provider": "another"},
        {"profile": Profile(schema_mode="json_object")},
        {"profile": Profile(thinking_tokens=100)},
        {"profile": Profile(image_detail="high")},
        {"base_url": "http://127.0.0.1:2/v1"},
    ],
)
def test_what_changes_the_request_changes_the_key(options: dict[str, Any]) -> None:
    plain = {"profile": Profile()} | ({"base_url": "http://127.0.0.1:1/v1"})
    assert key(HttpBackend("m", **plain)) != key(HttpBackend("m", **(plain | options)))
    assert key(HttpBackend("m", **plain)) != key(HttpBackend("n", **plain))


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": "sk-1234567890"},
        {"headers": {"x-team": "sight"}},
        {"timeout": 3.0, "max_retries": 9},
        {"base_url": "http://127.0.0.1:1/v1?key=sk-1234567890"},
        {"profile": Profile(prices=Prices(input=1, output=2, as_of="2026-01-01"), as_of="2026-02")},
        {"profile": Profile(max_images=3, score_source="logprob", source="https://example.org")},
        {"profile": Profile(seconds_per_answer=(1, 2), cache="auto")},
    ],
)
def test_what_does_not_change_the_request_does_not_change_the_key(options: dict[str, Any]) -> None:
    plain = {"profile": Profile(), "base_url": "http://127.0.0.1:1/v1"}
    assert key(HttpBackend("m", **plain)) == key(HttpBackend("m", **(plain | options)))


def test_the_key_follows_the_prompt_and_not_the_order_of_fields() -> None:
    one = connected(extra={"a": 1, "b": {"c": 2, "d": 3}})
    two = connected(extra={"b": {"d": 3, "c": 2}, "a": 1})
    assert isinstance(one, Fingerprinted)
    assert key(one) == key(two)
    assert key(one) != key(one, text_only())
    assert key(one) != key(one, zero_shot(max_output_tokens=7))


def test_settings_that_cannot_be_written_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"settings must be expressible in JSON"):
        asking_of(connected(extra={"tool": object()}))


def test_a_backend_that_may_read_the_evidence_is_keyed_by_it() -> None:
    low, high = (
        zero_shot(evidence=EvidenceSummary(expert="e", score=score)) for score in (0.1, 0.9)
    )
    assert low.sha256 == high.sha256, "the evidence is not sent"
    assert not isinstance(OfflineBackend(), Fingerprinted)
    assert key(OfflineBackend(), low) != key(OfflineBackend(), high)
    assert key(connected(), low) == key(connected(), high)


class Slow:
    """Answers when it is let, and counts how often it is asked."""

    name = "slow"
    profile = Profile()

    def __init__(self) -> None:
        self.asked = 0
        self.gate = threading.Event()

    def complete(self, prompt: Prompt) -> Completion:
        self.asked += 1
        assert self.gate.wait(10)
        return Completion("fine", usage=SPENT)

    async def acomplete(self, prompt: Prompt) -> Completion:
        self.asked += 1
        while not self.gate.is_set():
            await asyncio.sleep(0.001)
        return Completion("fine", usage=SPENT)

    def close(self) -> None:
        pass


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_threads_and_tasks_that_want_the_same_ask_once(cache: AnswerCache) -> None:
    inner = Slow()
    backend = CachedBackend(inner, cache)

    async def tasks() -> list[Completion]:
        return await asyncio.gather(*[backend.acomplete(text_only()) for _ in range(8)])

    with ThreadPoolExecutor(9) as pool:
        blocking = [pool.submit(backend.complete, text_only()) for _ in range(8)]
        awaiting = pool.submit(asyncio.run, tasks())
        until(lambda: inner.asked)
        time.sleep(0.05)
        inner.gate.set()
        answers = [future.result(10) for future in blocking] + awaiting.result(10)
    assert inner.asked == 1
    assert {answer.text for answer in answers} == {"fine"}
    assert sorted(answer.origin for answer in answers) == ["cache"] * 15 + ["model"]
    assert sum((answer.usage for answer in answers), Usage()) == SPENT
    assert backend.saved.requests == 15


def test_an_error_reaches_everyone_who_waits(cache: AnswerCache) -> None:
    gate = threading.Event()

    def fail(prompt: Prompt) -> Any:
        assert gate.wait(10)
        raise RateLimitError("slow down")

    inner = ScriptedBackend(fail)
    backend = CachedBackend(inner, cache)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(backend.complete, text_only()) for _ in range(4)]
        until(lambda: inner.prompts)
        time.sleep(0.05)
        gate.set()
        for future in asked:
            with pytest.raises(RateLimitError, match="slow down"):
                future.result(10)
    assert len(inner.prompts) == 1


def test_when_who_asks_is_cancelled_another_asks(cache: AnswerCache) -> None:
    inner = Slow()
    backend = CachedBackend(inner, cache)

    async def run() -> Completion:
        first = asyncio.create_task(backend.acomplete(text_only()))
        while not inner.asked:
            await asyncio.sleep(0.001)
        second = asyncio.create_task(backend.acomplete(text_only()))
        third = asyncio.create_task(backend.acomplete(text_only()))
        await asyncio.sleep(0.05)
        third.cancel()
        await asyncio.sleep(0)
        first.cancel()
        while inner.asked < 2:
            await asyncio.sleep(0.001)
        inner.gate.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        return await second

    assert asyncio.run(run()).text == "fine"
    assert inner.asked == 2


def test_a_blocking_call_never_waits_for_a_task_of_its_own_loop(cache: AnswerCache) -> None:
    """As in a notebook: a task has asked, and the cell calls `detect` without awaiting."""
    inner = Slow()
    backend = CachedBackend(inner, cache)

    async def run() -> tuple[Completion, Completion]:
        task = asyncio.create_task(backend.acomplete(text_only()))
        while not inner.asked:
            await asyncio.sleep(0.001)
        inner.gate.set()
        return backend.complete(text_only()), await task

    blocking, awaited = asyncio.run(run())
    assert (blocking.text, awaited.text) == ("fine", "fine")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_does_not_wait_for_a_thread_of_its_parent(cache: AnswerCache) -> None:
    inner = Slow()
    backend = CachedBackend(inner, cache)
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(backend.complete, text_only())
        until(lambda: inner.asked)
        child = os.fork()
        if child == 0:
            inner.gate = threading.Event()
            inner.gate.set()
            os._exit(0 if backend.complete(text_only()).origin == "model" else 1)
        deadline = time.monotonic() + 10
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < deadline:
            time.sleep(0.005)
        inner.gate.set()
        assert ended[1] == 0
        assert ended[0] == child, "the child must not hang"
        assert asked.result(10).text == "fine"


def test_a_run_through_the_detector_is_free_the_second_time(
    cache: AnswerCache, tmp_path: Path
) -> None:
    profile = Profile(prices=Prices(input=1000, output=1000, as_of="2026-01-01"))
    inner = ScriptedBackend(["no JSON", Completion(answer(), usage=SPENT)], profile=profile)
    detector = AnomalyDetector(CachedBackend(inner, cache), expert=None)
    first, second = detector.detect(picture(spot=True)), detector.detect(picture(spot=True))
    assert len(inner.prompts) == 2, "the question that was put again is known as well"
    assert (first.usage.requests, second.usage) == (2, Usage(requests=0))
    assert first.cost is not None
    assert second.cost is not None
    assert (first.cost.amount > 0, second.cost.amount) == (True, 0)
    assert (first.verdict, first.score, first.findings) == (
        second.verdict,
        second.score,
        second.findings,
    )
    pictures = [picture(shade=shade) for shade in (100, 110)] * 4
    votes = ScriptedBackend(lambda prompt: answer("normal", 0.1 + prompt.sample / 10))
    detector = AnomalyDetector(CachedBackend(votes, cache), expert=None)
    reports = detector.detect_many(pictures, samples=2, resume=tmp_path / "run.jsonl")
    assert len(votes.prompts) == 4, "two pictures, two votes"
    assert all(report.verdict == "normal" for report in reports)  # type: ignore[union-attr]
