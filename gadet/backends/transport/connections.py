"""Connections to one server: reused, never shared by two callers, and never left open.

They are a stack of transports with one connection each instead of a client with many: a pool of
httpx looks through all of its connections for every request, which is the larger part of a
request's cost from some dozens of connections on; and redirects, cookies and logins, which a client
looks after, are not wanted here. A transport is taken from the stack, used by one caller, and put
back, so connections may be shared by threads, tasks and event loops.

Import this module late: it costs the import of httpx.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, NamedTuple, TypeVar
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary, finalize

import httpx

__all__ = ["Connections", "is_loopback"]

# A loop holds its tasks by weak references only.
_closing: set[asyncio.Future[None]] = set()
_ONE_CONNECTION = httpx.Limits(max_connections=1, max_keepalive_connections=1)

Transport = TypeVar("Transport", httpx.HTTPTransport, httpx.AsyncHTTPTransport)


@dataclass
class _Shelf(Generic[Transport]):
    """Idle transports; once closed, none is put back but closed."""

    idle: list[Transport] = field(default_factory=list)
    closed: bool = False


class _Lease(NamedTuple):
    """The shelf of an event loop, and the generator that clears it when the loop ends."""

    shelf: _Shelf[httpx.AsyncHTTPTransport]
    keeper: AsyncGenerator[None]


class Connections:
    """The connections to one server.

    Args:
        url: An address at the server.
    """

    def __init__(self, url: httpx.URL) -> None:
        """Open nothing yet."""
        self._url = url
        self._lock = threading.Lock()
        self._shelf = self._new_shelf()
        self._leases: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lease] = WeakKeyDictionary()

    @contextmanager
    def lent(self, *, fresh: bool = False) -> Iterator[httpx.HTTPTransport]:
        """Lend a connection; when the block raises, it is closed instead of put back.

        Args:
            fresh: Open a new one, which the server cannot have left meanwhile.
        """
        shelf = self._shelf
        transport = None if fresh else _pop(shelf)
        transport = transport or httpx.HTTPTransport(**self.options())
        try:
            yield transport
        except BaseException:
            transport.close()
            raise
        shelf.idle.append(transport)
        if shelf.closed:
            _clear(shelf)

    @asynccontextmanager
    async def alent(self, *, fresh: bool = False) -> AsyncIterator[httpx.AsyncHTTPTransport]:
        """Like `lent`, with a connection of the running event loop."""
        shelf = await self._shelf_of_this_loop()
        transport = None if fresh else _pop(shelf)
        transport = transport or httpx.AsyncHTTPTransport(**self.options())
        try:
            yield transport
        except BaseException:
            await transport.aclose()
            raise
        if shelf.closed:
            await transport.aclose()
        else:
            shelf.idle.append(transport)

    def close(self) -> None:
        """Close what is idle now, and what is in use when its request ends.

        Connections of an event loop that runs are closed by that loop, soon after.
        """
        self._close_blocking()
        with self._lock:
            leases = list(self._leases.items())
            self._leases.clear()
        for loop, lease in leases:
            if loop.is_closed():
                continue
            if loop.is_running():
                loop.call_soon_threadsafe(_spawn, lease.keeper)
            elif not _in_a_loop():
                loop.run_until_complete(lease.keeper.aclose())

    async def aclose(self) -> None:
        """Like `close`, for the running event loop and the blocking connections."""
        self._close_blocking()
        with self._lock:
            lease = self._leases.pop(asyncio.get_running_loop(), None)
        if lease is not None:
            await lease.keeper.aclose()

    def options(self) -> dict[str, Any]:
        """Arguments of a transport."""
        local = is_loopback(self._url.host)
        return {
            "limits": _ONE_CONNECTION,
            # Redirects are not followed, so a plain address never leads to a certificate.
            "verify": _trust() if self._url.scheme == "https" else False,
            # A proxy of the environment is for the network, not for this machine.
            "proxy": None if local else _proxy(self._url),
            "trust_env": not local,
        }

    def _new_shelf(self) -> _Shelf[httpx.HTTPTransport]:
        shelf: _Shelf[httpx.HTTPTransport] = _Shelf()
        self._finalizer = finalize(self, _clear, shelf)
        return shelf

    def _close_blocking(self) -> None:
        with self._lock:
            shelf, finalizer = self._shelf, self._finalizer
            self._shelf = self._new_shelf()
        finalizer.detach()
        shelf.closed = True
        _clear(shelf)

    async def _shelf_of_this_loop(self) -> _Shelf[httpx.AsyncHTTPTransport]:
        loop = asyncio.get_running_loop()
        lease = self._leases.get(loop)
        if lease is None:
            shelf: _Shelf[httpx.AsyncHTTPTransport] = _Shelf()
            lease = _Lease(shelf, _closes_with_the_loop(shelf))
            with self._lock:
                # Connections hold their loop, so a loop that ended without a word is dropped here.
                for ended in [other for other in self._leases if other.is_closed()]:
                    del self._leases[ended]
                self._leases[loop] = lease
            await anext(lease.keeper)
        return lease.shelf


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _proxy(url: httpx.URL) -> str | None:
    """The proxy that the environment names for an address, as `HTTPS_PROXY` and `NO_PROXY` do."""
    known = getproxies()
    proxy = known.get(url.scheme) or known.get("all")
    if not proxy or proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


@cache
def _trust() -> ssl.SSLContext:
    """The certificates to trust; reading them costs more than a request, so they are shared."""
    return httpx.create_ssl_context()


def _pop(shelf: _Shelf[Transport]) -> Transport | None:
    with suppress(IndexError):
        return shelf.idle.pop()
    return None


def _clear(shelf: _Shelf[httpx.HTTPTransport]) -> None:
    while transport := _pop(shelf):
        transport.close()


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _spawn(keeper: AsyncGenerator[None]) -> None:
    task = asyncio.ensure_future(keeper.aclose())
    _closing.add(task)
    task.add_done_callback(_closing.discard)


async def _closes_with_the_loop(
    shelf: _Shelf[httpx.AsyncHTTPTransport],
) -> AsyncGenerator[None]:
    """Wait, and close the transports when the event loop shuts down its generators.

    `asyncio.run` and every server does that before it closes the loop, so no socket outlives it.
    """
    try:
        yield
    finally:
        shelf.closed = True
        while transport := _pop(shelf):
            await transport.aclose()
