"""`Flights`: the same question is asked once, however many threads and tasks want its answer."""

from __future__ import annotations

import threading
from asyncio import AbstractEventLoop, get_running_loop, wrap_future
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import NamedTuple

from gadet.backends.base import Completion
from gadet.backends.recall.forks import renew_after_fork

__all__ = ["Flights"]

_Landing = Future[Completion | None]


class _Flight(NamedTuple):
    """A question on its way.

    Attributes:
        landing: Its answer or error; None when whoever asked was cancelled.
        loop: The event loop that carries it; None when a thread does.
    """

    landing: _Landing
    loop: AbstractEventLoop | None


class Flights:
    """Questions on their way, by key.

    The first caller asks, the others wait for the same answer or error. When the first is
    cancelled or interrupted, one of those who wait asks in its place.
    """

    def __init__(self) -> None:
        self.renew()
        renew_after_fork(self)

    def renew(self) -> None:
        """Forget every flight: in a forked child nobody is left who would land it."""
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}

    def join(
        self, key: str, ask: Callable[[], Completion], shared: Callable[[Completion], Completion]
    ) -> Completion:
        """Ask, or wait for who is asking.

        Args:
            key: What makes two questions the same.
            ask: Asks.
            shared: What those who waited make of the answer.
        """
        while True:
            flight, first = self._board(key, None)
            if first:
                with _Landed(self, key, flight) as landed:
                    return landed.at(ask())
            if flight.loop is not None and flight.loop is _loop_here():
                # The task that asks can only go on when this thread returns to its loop.
                return ask()
            answer = flight.landing.result()
            if answer is not None:
                return shared(answer)

    async def ajoin(
        self,
        key: str,
        ask: Callable[[], Awaitable[Completion]],
        shared: Callable[[Completion], Completion],
    ) -> Completion:
        """Like `join`, without blocking the event loop."""
        while True:
            flight, first = self._board(key, get_running_loop())
            if first:
                with _Landed(self, key, flight) as landed:
                    return landed.at(await ask())
            answer = await wrap_future(flight.landing)
            if answer is not None:
                return shared(answer)

    def _board(self, key: str, loop: AbstractEventLoop | None) -> tuple[_Flight, bool]:
        """The flight of a key, and whether it began with this call."""
        with self._lock:
            known = self._flights.get(key)
            if known is not None:
                return known, False
            landing: _Landing = Future()
            # Who waits may be cancelled; that must not cancel the landing for the others.
            landing.set_running_or_notify_cancel()
            flight = self._flights[key] = _Flight(landing, loop)
            return flight, True

    def _end(self, key: str) -> None:
        with self._lock:
            self._flights.pop(key, None)


class _Landed:
    """Ends a flight however it went, and tells those who wait."""

    def __init__(self, flights: Flights, key: str, flight: _Flight) -> None:
        self._flights = flights
        self._key = key
        self._landing = flight.landing
        self._answer: Completion | None = None

    def __enter__(self) -> _Landed:
        return self

    def at(self, answer: Completion) -> Completion:
        self._answer = answer
        return answer

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self._flights._end(self._key)
        if isinstance(error, Exception):
            self._landing.set_exception(error)
        else:
            self._landing.set_result(self._answer)


def _loop_here() -> AbstractEventLoop | None:
    """The event loop that runs in this thread, if one does."""
    try:
        return get_running_loop()
    except RuntimeError:
        return None
