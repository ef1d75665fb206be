"""`run_batch`: many items through a bounded pool, in order, with nothing lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal, TypeVar

from gadet.errors import BudgetExceededError, ConfigurationError
from gadet.media.source import is_data_url, is_url, public_url
from gadet.progress import progress_bar
from gadet.report import Failure, Report
from gadet.request import DetectRequest

__all__ = ["OnError", "Turns", "failure_of", "run_batch"]

OnError = Literal["raise", "record"]
T = TypeVar("T")
U = TypeVar("U")


class Turns:
    """A number of turns at the processors; whoever waits for something else leaves its turn.

    Args:
        number: How many may be taken at once.
    """

    def __init__(self, number: int) -> None:
        # A queue in C: threading's semaphore is written in Python, and its turns cost more.
        self._free: SimpleQueue[None] = SimpleQueue()
        for _ in range(number):
            self._free.put(None)

    def __enter__(self) -> None:
        """Take a turn when one is free."""
        self._free.get()

    def __exit__(self, *_: object) -> None:
        """Give the turn back."""
        self._free.put(None)

    def left_while(self, wait: Callable[[T], U]) -> Callable[[T], U]:
        """The same function, to be called by the holder of a turn, leaving it meanwhile."""

        def waiting(argument: T) -> U:
            self._free.put(None)
            try:
                return wait(argument)
            finally:
                self._free.get()

        return waiting


def run_batch(
    requests: Sequence[DetectRequest],
    inspect_one: Callable[[DetectRequest], Report],
    *,
    concurrency: int,
    on_error: OnError,
    progress: bool | None,
) -> list[Report | Failure]:
    """Inspect every request, at most `concurrency` at a time.

    Args:
        requests: What to inspect.
        inspect_one: Inspects one; it is called from several threads.
        concurrency: How many are under way at once.
        on_error: `raise` stops at the first error, `record` puts a `Failure` in its place. A
            budget that is used up is always recorded.
        progress: Show a bar on stderr; None shows one on a terminal.

    Returns:
        One result per request, in their order.

    Raises:
        ConfigurationError: `concurrency` or `on_error` cannot be used.
        Exception: With `on_error="raise"`, whatever the first failing item raised.
    """
    if concurrency < 1:
        raise ConfigurationError(f"concurrency needs a number of at least 1; got {concurrency}")
    if on_error not in ("raise", "record"):
        raise ConfigurationError(f"on_error is 'raise' or 'record'; got {on_error!r}")
    results: dict[int, Report | Failure] = {}
    with (
        progress_bar(len(requests), progress) as advance,
        ThreadPoolExecutor(concurrency, thread_name_prefix="gadet") as pool,
    ):
        try:
            for index, future in _completed(pool, inspect_one, requests, 2 * concurrency):
                results[index] = _outcome(future, requests[index], index, on_error)
                advance()
        except BaseException:
            # Also on Ctrl-C: what has not begun is not begun, what is under way ends and is kept.
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [results[index] for index in range(len(requests))]


def _completed(
    pool: ThreadPoolExecutor,
    inspect_one: Callable[[DetectRequest], Report],
    requests: Sequence[DetectRequest],
    ahead: int,
) -> Iterator[tuple[int, Future[Report]]]:
    """Futures as they finish, with no more than `ahead` submitted at once."""
    finished: SimpleQueue[tuple[int, Future[Report]]] = SimpleQueue()
    waiting = iter(enumerate(requests))
    running = 0
    while True:
        for index, request in islice(waiting, ahead - running):
            future = pool.submit(inspect_one, request)
            future.add_done_callback(partial(_announce, finished, index))
            running += 1
        if not running:
            return
        yield finished.get()
        running -= 1


def _announce(
    finished: SimpleQueue[tuple[int, Future[Report]]], index: int, future: Future[Report]
) -> None:
    finished.put((index, future))


def _outcome(
    future: Future[Report], request: DetectRequest, index: int, on_error: OnError
) -> Report | Failure:
    error = future.exception()
    if error is None:
        return future.result()
    # A budget that is used up ends a run as planned: what is finished must not be lost to it.
    planned = isinstance(error, BudgetExceededError)
    if not isinstance(error, Exception) or (on_error == "raise" and not planned):
        raise error
    return failure_of(error, request, index)


def failure_of(error: Exception, request: DetectRequest, index: int) -> Failure:
    """What stands in the results for an item that could not be inspected."""
    name, source = _called(request.item, index)
    return Failure.from_error(error, name=name, source=source)


def _called(item: Any, index: int) -> tuple[str, str | None]:
    """A name for people, also for an item that could not be read; never a key in an address."""
    if not isinstance(item, str | Path) or is_data_url(str(item)):
        return f"item {index}", None
    source = public_url(item) if isinstance(item, str) and is_url(item) else str(item)
    return Path(source).name or source, source
