"""Whatever ends a request early leaves nothing behind: no socket, no task, no thread, no place."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from gadet.backends.hosted import HttpBackend
from gadet.backends.transport.breaker import BreakerPolicy
from gadet.backends.transport.limiter import RateLimits
from gadet.backends.transport.retry import RetryPolicy
from gadet.errors import RateLimitError
from tests.backends.conftest import Connect, failing, ok
from tests.backends.prompts import text_only
from tests.backends.servers import Act, reply, serving


class Watch:
    """An act that never finishes its answer, and notices when the other side hangs up."""

    def __init__(self, begin: Act | None = None) -> None:
        self.begun = threading.Event()
        self.left = threading.Event()
        self.begin = begin

    def __call__(self, handler: BaseHTTPRequestHandler) -> None:
        if self.begin:
            self.begin(handler)
            handler.wfile.flush()
        handler.connection.settimeout(10)
        self.begun.set()
        try:
            if handler.connection.recv(1) == b"":
                self.left.set()
        except ConnectionResetError:
            self.left.set()
        handler.close_connection = True


half_said = reply(200, b'{"choices": [', content_length="1000")


@pytest.fixture(params=[None, half_said], ids=["before the answer", "within it"])
def watch(request: pytest.FixtureRequest) -> Watch:
    return Watch(request.param)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """No thread more than before, and no socket that the test's server does not hold."""
    before = threading.active_count()
    yield
    gc.collect()
    until(lambda: threading.active_count() <= before)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 5.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def sockets_to(url: str) -> int:
    """How many connections of this process lead to a server; its own ends are not counted."""
    port = int(url.split(":")[2].partition("/")[0])
    return sum(_port(thing) == port for thing in gc.get_objects() if type(thing) is socket.socket)


def _port(end: socket.socket) -> int | None:
    """The port at the other end."""
    try:
        return end.getpeername()[1] if end.family == socket.AF_INET else None
    except OSError:  # closed, or listening
        return None


def untouched(backend: HttpBackend) -> bool:
    limiter = backend._channel._limiter
    return limiter.waiting == limiter.under_way == 0


def test_a_cancelled_task_hangs_up(connect: Connect, watch: Watch) -> None:
    async def run() -> None:
        task = asyncio.create_task(backend.acomplete(text_only()))
        await asyncio.to_thread(watch.begun.wait, 5)
        assert backend._channel._limiter.under_way == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(watch.left.wait, 5)
        assert sockets_to(server.url) == 0
        assert untouched(backend)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert (await backend.acomplete(text_only())).stop == "complete"

    with serving(watch, ok) as server:
        backend = connect(server.url, timeout=60.0, max_retries=0, retry=None)
        asyncio.run(run())
    assert len(server.requests) == 2, "the cancelled request is not tried again"


def test_one_of_many_is_cancelled_and_the_others_do_not_notice(connect: Connect) -> None:
    watch, everyone = Watch(), threading.Barrier(9, timeout=5)

    def act(handler: BaseHTTPRequestHandler) -> None:
        if handler.sent.find(b"question 4") >= 0:  # type: ignore[attr-defined]
            everyone.wait()
            watch(handler)
        else:
            everyone.wait()
            assert watch.left.wait(5)
            ok(handler)

    async def run() -> list[object]:
        from tests.backends.transport.test_connections import _question

        tasks = [asyncio.create_task(backend.acomplete(_question(n))) for n in range(9)]
        await asyncio.to_thread(watch.begun.wait, 5)
        tasks[4].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    with serving(act) as server:
        backend = connect(server.url, retry=RetryPolicy(max_retries=0))
        results = asyncio.run(run())
        kinds = [getattr(result, "stop", type(result)) for result in results]
        assert kinds == ["complete"] * 4 + [asyncio.CancelledError] + ["complete"] * 4
        assert untouched(backend)


def test_a_task_group_that_fails_cancels_the_rest(connect: Connect) -> None:
    watch = Watch()

    async def fail() -> None:
        await asyncio.to_thread(watch.begun.wait, 5)
        raise ZeroDivisionError

    async def both() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(backend.acomplete(text_only()))
            group.create_task(fail())

    async def run() -> None:
        with pytest.raises(ExceptionGroup):
            await both()
        assert await asyncio.to_thread(watch.left.wait, 5)

    with serving(watch) as server:
        backend = connect(server.url, timeout=60.0)
        asyncio.run(run())
        assert untouched(backend)


def test_a_task_that_waits_to_try_again_can_be_cancelled(connect: Connect) -> None:
    async def run() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await backend.acomplete(text_only())

    with serving(failing("429_openai.json", 429, retry_after="60")) as server:
        backend = connect(server.url)
        asyncio.run(run())
        assert untouched(backend)
    assert len(server.requests) == 1


def test_a_task_that_is_held_back_by_a_limit_can_be_cancelled(connect: Connect) -> None:
    async def run() -> None:
        await backend.acomplete(text_only())
        waiting = [asyncio.create_task(backend.acomplete(text_only())) for _ in range(5)]
        while backend._channel._limiter.waiting < 5:
            await asyncio.sleep(0)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        assert untouched(backend)

    with serving(ok) as server:
        backend = connect(server.url, rate_limits=RateLimits(requests_per_minute=1))
        asyncio.run(run())
    assert len(server.requests) == 1


def test_a_loop_that_ends_hangs_up(connect: Connect, watch: Watch) -> None:
    """`asyncio.run` cancels what is still under way."""

    async def run() -> asyncio.Task[object]:
        task = asyncio.create_task(backend.acomplete(text_only()))
        await asyncio.to_thread(watch.begun.wait, 5)
        return task  # type: ignore[return-value]

    with serving(watch) as server:
        backend = connect(server.url, timeout=60.0)
        assert asyncio.run(run()).cancelled()
        assert watch.left.wait(5)
        assert sockets_to(server.url) == 0
        assert untouched(backend)


def interrupted_when(ready: threading.Event | Callable[[], object]) -> threading.Thread:
    """Press Ctrl-C when something is so."""
    main = threading.main_thread().ident
    assert main is not None

    def press() -> None:
        until(ready.is_set if isinstance(ready, threading.Event) else ready)
        time.sleep(0.02)
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


def test_ctrl_c_in_a_blocking_call_hangs_up(connect: Connect, watch: Watch) -> None:
    with serving(watch, ok) as server:
        backend = connect(server.url, timeout=60.0, breaker=BreakerPolicy(failures=1))
        thread = interrupted_when(watch.begun)
        with pytest.raises(KeyboardInterrupt):
            backend.complete(text_only())
        thread.join()
        assert watch.left.wait(5)
        assert sockets_to(server.url) == 0
        assert untouched(backend)
        assert backend.complete(text_only()).stop == "complete"
        assert backend.health.failures == 0


def test_ctrl_c_while_waiting_to_try_again(connect: Connect) -> None:
    with serving(failing("429_openai.json", 429, retry_after="60")) as server:
        backend = connect(server.url)
        thread = interrupted_when(lambda: server.requests and untouched(backend))
        with pytest.raises(KeyboardInterrupt):
            backend.complete(text_only())
        thread.join()
        assert untouched(backend)
    assert len(server.requests) == 1


def test_close_lets_what_is_under_way_end_and_keeps_nothing(connect: Connect) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        begun.set()
        go_on.wait(5)
        ok(handler)

    with serving(slow, ok) as server:
        backend = connect(server.url)
        answers: list[str] = []
        thread = threading.Thread(target=lambda: answers.append(backend.complete(text_only()).stop))
        thread.start()
        assert begun.wait(5)
        backend.close()
        assert sockets_to(server.url) == 1
        go_on.set()
        thread.join()
        assert answers == ["complete"]
        assert sockets_to(server.url) == 0
        assert backend.complete(text_only()).stop == "complete"
        assert sockets_to(server.url) == 1
        backend.close()
        assert sockets_to(server.url) == 0


def test_aclose_lets_what_is_under_way_end_and_keeps_nothing(connect: Connect) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        begun.set()
        go_on.wait(5)
        ok(handler)

    async def run() -> None:
        task = asyncio.create_task(backend.acomplete(text_only()))
        await asyncio.to_thread(begun.wait, 5)
        await backend.aclose()
        go_on.set()
        assert (await task).stop == "complete"
        assert sockets_to(server.url) == 0

    with serving(slow) as server:
        backend = connect(server.url)
        asyncio.run(run())


def test_failures_leave_no_socket(connect: Connect) -> None:
    def garbage(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0\r\n")
        handler.close_connection = True

    with serving(half_said, garbage, reply(200, b"<html>"), reply(200, b"{")) as server:
        backend = connect(server.url, timeout=0.2, max_retries=0, retry=None)
        for _ in range(4):
            with pytest.raises(Exception, match="expected"):
                backend.complete(text_only())
            assert sockets_to(server.url) == 0
        assert untouched(backend)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_waits_in_no_queue_of_its_parents(connect: Connect) -> None:
    with serving(ok) as server:
        backend = connect(server.url, rate_limits=RateLimits(requests_per_minute=1))
        backend.complete(text_only())
        waiting = threading.Thread(target=_until_refused, args=(backend,))
        waiting.start()
        until(lambda: backend._channel._limiter.waiting == 1)
        child = os.fork()
        if child == 0:
            signal.alarm(10)
            os._exit(0 if backend.complete(text_only()).stop == "complete" else 1)
        _, status = os.waitpid(child, 0)
        assert status == 0
        backend._channel._limiter.pause(3600)
        waiting.join(5)


def _until_refused(backend: HttpBackend) -> None:
    with pytest.raises(RateLimitError):
        backend.complete(text_only())


def test_the_count_of_sockets_counts() -> None:
    with serving(ok) as server:
        port = int(server.url.split(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port)):
            assert sockets_to(server.url) == 1
        assert sockets_to(server.url) == 0
