"""Connections: reused, never shared by two callers, and never left open."""

from __future__ import annotations

import asyncio
import gc
import json
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from gadet.backends.hosted import HttpBackend
from gadet.backends.transport.retry import RetryPolicy
from tests.backends.conftest import Ask, Connect, answer, ok
from tests.backends.prompts import text_only
from tests.backends.servers import reply, serving


def test_connections_are_reused(connect: Connect) -> None:
    with serving(ok) as server:
        backend = connect(server.url)
        for _ in range(5):
            backend.complete(text_only())

        async def five() -> None:
            for _ in range(5):
                await backend.acomplete(text_only())

        asyncio.run(five())
        assert len(server.requests) == 10
        assert len(server.connections) == 2
        backend.close()


def test_a_closed_backend_opens_again(connect: Connect, ask: Ask) -> None:
    with serving(ok) as server:
        backend = connect(server.url)
        for _ in range(2):
            assert ask(backend).stop == "complete"
            backend.close()
    assert len(server.connections) == 2


def test_many_threads_get_their_own_answers(connect: Connect) -> None:
    with serving(_answers_with_what_it_was_asked) as server:
        backend = connect(server.url, retry=RetryPolicy(max_retries=0))
        with ThreadPoolExecutor(16) as pool:
            texts = list(pool.map(lambda n: _numbered(backend, n), range(200)))
    assert texts == [f"question {n}" for n in range(200)]
    assert len(server.connections) <= 16


def test_many_tasks_get_their_own_answers(connect: Connect) -> None:
    with serving(_answers_with_what_it_was_asked) as server:
        backend = connect(server.url, retry=RetryPolicy(max_retries=0))

        async def one(number: int, gate: asyncio.Semaphore) -> str:
            async with gate:
                return (await backend.acomplete(_question(number))).text

        async def everything() -> list[str]:
            gate = asyncio.Semaphore(16)
            return await asyncio.gather(*[one(n, gate) for n in range(200)])

        assert asyncio.run(everything()) == [f"question {n}" for n in range(200)]
    assert len(server.connections) <= 16


def _question(number: int) -> Any:
    from gadet.prompts.prompt import Message, Prompt

    return Prompt("", (Message("user", (f"question {number}",)),), {})


def _numbered(backend: HttpBackend, number: int) -> str:
    return backend.complete(_question(number)).text


def _answers_with_what_it_was_asked(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(0.005)
    sent = handler.sent  # type: ignore[attr-defined]
    reply(200, answer(json.loads(sent)["messages"][-1]["content"]))(handler)


def _meeting(parties: int) -> Any:
    """An act that answers only when as many requests are under way at the same moment."""
    barrier = threading.Barrier(parties, timeout=5)

    def act(handler: BaseHTTPRequestHandler) -> None:
        barrier.wait()
        ok(handler)

    return act


def test_threads_do_not_wait_for_each_other(connect: Connect) -> None:
    with serving(_meeting(12)) as server:
        backend = connect(server.url, retry=RetryPolicy(max_retries=0))
        with ThreadPoolExecutor(12) as pool:
            for _ in range(2):
                asked = [pool.submit(backend.complete, text_only()) for _ in range(12)]
                assert {future.result().stop for future in asked} == {"complete"}
        assert len(server.connections) == 12


def test_tasks_do_not_wait_for_each_other(connect: Connect) -> None:
    async def all_at_once(backend: HttpBackend) -> None:
        for _ in range(2):
            await asyncio.gather(*[backend.acomplete(text_only()) for _ in range(12)])

    with serving(_meeting(12)) as server:
        asyncio.run(all_at_once(connect(server.url, retry=RetryPolicy(max_retries=0))))
        assert len(server.connections) == 12


def test_blocking_calls_work_inside_a_running_loop(connect: Connect) -> None:
    async def inside(backend: HttpBackend) -> tuple[str, str]:
        return backend.complete(text_only()).stop, (await backend.acomplete(text_only())).stop

    with serving(ok) as server:
        backend = connect(server.url)
        assert asyncio.run(inside(backend)) == ("complete", "complete")


def test_several_loops_one_after_another_and_at_once(connect: Connect) -> None:
    with serving(ok) as server:
        backend = connect(server.url)
        for _ in range(3):
            asyncio.run(backend.acomplete(text_only()))
        threads = [
            threading.Thread(target=lambda: asyncio.run(backend.acomplete(text_only())))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.requests) == 7


def test_closing_inside_and_outside_a_loop_leaves_no_socket(connect: Connect) -> None:
    async def asked(backend: HttpBackend, *, closing: str) -> None:
        await backend.acomplete(text_only())
        if closing == "aclose":
            await backend.aclose()
        elif closing == "close":
            backend.close()
            await asyncio.sleep(0)

    with serving(ok) as server:
        for closing in ("aclose", "close", "nothing"):
            backend = connect(server.url)
            asyncio.run(asked(backend, closing=closing))
            del backend
            gc.collect()
        loop = asyncio.new_event_loop()
        backend = connect(server.url)
        loop.run_until_complete(backend.acomplete(text_only()))
        backend.close()
        loop.close()
        gc.collect()


def test_close_reaches_a_loop_that_runs(connect: Connect) -> None:
    async def asked(backend: HttpBackend) -> None:
        await backend.acomplete(text_only())
        (lease,) = backend._channel._connections._leases.values()
        (transport,) = lease.shelf.idle
        assert transport._pool.connections
        await asyncio.to_thread(backend.close)
        while transport._pool.connections:
            await asyncio.sleep(0.001)
        assert (await backend.acomplete(text_only())).stop == "complete"

    with serving(ok) as server:
        asyncio.run(asyncio.wait_for(asked(connect(server.url)), 5))


def test_a_call_that_is_under_way_when_the_backend_closes_ends_well(connect: Connect) -> None:
    begun, closed = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        begun.set()
        closed.wait(5)
        ok(handler)

    async def asked(backend: HttpBackend) -> str:
        task = asyncio.create_task(backend.acomplete(text_only()))
        await asyncio.to_thread(begun.wait, 5)
        await backend.aclose()
        closed.set()
        return (await task).stop

    with serving(slow) as server:
        backend = connect(server.url)
        assert asyncio.run(asked(backend)) == "complete"
        gc.collect()


def test_loops_that_ended_are_not_kept(connect: Connect) -> None:
    with serving(ok) as server:
        backend = connect(server.url)
        for _ in range(3):
            asyncio.run(backend.acomplete(text_only()))
            gc.collect()
        assert len(backend._channel._connections._leases) <= 1


def test_a_forgotten_backend_leaves_no_socket() -> None:
    with serving(ok) as server:
        backend = HttpBackend("m", base_url=server.url)
        backend.complete(text_only())
        del backend
        gc.collect()


def test_a_cancelled_call_frees_its_connection(connect: Connect) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        server.stop.wait(5)
        handler.close_connection = True

    async def cancelled(backend: HttpBackend) -> str:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await backend.acomplete(text_only())
        return (await backend.acomplete(text_only())).stop

    with serving(slow, ok) as server:
        assert asyncio.run(cancelled(connect(server.url))) == "complete"


def test_a_forked_child_does_not_speak_on_its_parents_connections(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(ok) as server:
        backend = connect(server.url)
        backend.complete(text_only())
        parents = backend._channel._connections
        monkeypatch.setattr("gadet.backends.transport.http.os.getpid", lambda: -1)
        backend.complete(text_only())
        assert len(server.connections) == 2
        parents.close()
        backend.close()


def test_the_client_is_imported_only_when_a_backend_is_made() -> None:
    code = (
        "import sys, gadet.backends.registry as r\n"
        "r.available(); r.connect('offline')\n"
        "assert not {'httpx', 'tenacity'} & set(sys.modules)\n"
        "r.connect('http://127.0.0.1/v1#m')\n"
        "assert 'httpx' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
