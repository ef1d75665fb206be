"""The one module that talks HTTP: blocking and asynchronous senders over one set of rules.

A channel sends JSON to one address and hands every answer to a pure `decode`. It holds a stack of
transports with one connection each instead of a client with many: a pool of httpx looks through all
of its connections for every request, which is the larger part of a request's cost from some dozens
of connections on; and redirects, cookies and logins, which a client looks after, are not wanted
here. A transport is taken from the stack, used by one caller, and put back, so a channel may be
shared by threads, tasks and event loops.

Import this module late: it costs the import of httpx.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import os
import ssl
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple, TypeVar
from urllib.request import getproxies, proxy_bypass
from weakref import WeakKeyDictionary, finalize

import httpx
from pydantic import SecretStr
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
)

from gadet._version import __version__
from gadet.backends.bounds import LARGEST_ANSWER, Intake, Timeouts
from gadet.backends.redaction import Scrubber
from gadet.backends.retry import RetryPolicy, wait_hint
from gadet.errors import BackendError, ConfigurationError, TransportError

__all__ = ["HttpChannel"]

logger = logging.getLogger("gadet")

T = TypeVar("T")
Decode = Callable[[int, Mapping[str, str], bytes], T]

_GUARD = "GADET_ALLOW_NETWORK"
# A loop holds its tasks by weak references only.
_closing: set[asyncio.Future[None]] = set()
_HEADERS = {
    "accept": "*/*",
    # Answers are small: without compression their size is bounded by what is read.
    "accept-encoding": "identity",
    "connection": "keep-alive",
    "content-type": "application/json",
    "user-agent": f"gadet/{__version__}",
}
_ONE_CONNECTION = httpx.Limits(max_connections=1, max_keepalive_connections=1)
# Trying again cannot mend these: the request itself, or the address, is wrong.
_PERMANENT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects)


class _Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: bytes


Judge = Callable[[_Answer], T]


class _TransientError(Exception):
    """An attempt failed in a way that another one may not."""

    def __init__(self, error: BackendError) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass
class _Shelf:
    """The idle transports of one event loop; once closed, none is put back but closed."""

    idle: list[httpx.AsyncHTTPTransport] = field(default_factory=list)
    closed: bool = False


class _Lease(NamedTuple):
    """A shelf, and the generator that clears it when the event loop ends."""

    shelf: _Shelf
    keeper: AsyncGenerator[None]


class HttpChannel:
    """Sends JSON bodies to one URL by POST.

    Args:
        url: The whole address. Keys belong into `headers`, never here.
        name: Name of the backend, for errors and the log.
        headers: Sent with every request; secrets as `SecretStr`.
        timeouts: Bounds on the time of a request.
        retry: Which answers are worth another try.
        max_response_bytes: Largest answer that is read.
        sleep: Waits between blocking tries.
        asleep: Waits between asynchronous tries.

    Raises:
        ConfigurationError: The URL is not one of http or https, or holds a name and password; or a
            header has a value that cannot be sent.
    """

    def __init__(
        self,
        url: str,
        *,
        name: str,
        headers: Mapping[str, str | SecretStr] | None = None,
        timeouts: Timeouts | None = None,
        retry: RetryPolicy | None = None,
        max_response_bytes: int = LARGEST_ANSWER,
        sleep: Callable[[float], None] = time.sleep,
        asleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Check the address; nothing is opened before the first request."""
        self._url = _checked(url)
        self._name = name
        self._headers = _sendable(headers or {})
        self._timeouts = timeouts or Timeouts()
        self._retry = retry or RetryPolicy()
        self._max_response_bytes = max_response_bytes
        self._sleep = sleep
        self._asleep = asleep
        self._scrub = Scrubber(v for v in self._headers.values() if isinstance(v, SecretStr))
        self._local = _is_loopback(self._url.host)
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._idle: list[httpx.HTTPTransport] = []
        self._leases: WeakKeyDictionary[asyncio.AbstractEventLoop, _Lease] = WeakKeyDictionary()
        self._finalizer = finalize(self, _close_all, self._idle)

    def __repr__(self) -> str:
        """Name and address, without headers."""
        shown = self._url.copy_with(query=None)
        return f"HttpChannel({str(shown)!r}, name={self._name!r})"

    def post(self, body: bytes, decode: Decode[T]) -> T:
        """Send `body`, try again where that makes sense, and return what `decode` makes of it.

        Args:
            body: A JSON document.
            decode: Reads `(status, headers, body)`; header names are in lower case.

        Raises:
            BackendError: There was no answer, or `decode` did not accept it.
            ConfigurationError: `GADET_ALLOW_NETWORK=0` forbids the address.
        """
        self._guard()
        try:
            for attempt in Retrying(sleep=self._sleep, **self._rules()):
                with attempt, self._watch(attempt.retry_state, decode) as judge:
                    return judge(self._exchange(body))
        except _TransientError as last:
            raise last.error from last.error.__cause__
        raise AssertionError("tenacity ends with a value or an error")

    async def apost(self, body: bytes, decode: Decode[T]) -> T:
        """Like `post`, without blocking the event loop."""
        self._guard()
        try:
            async for attempt in AsyncRetrying(sleep=self._asleep, **self._rules()):
                with attempt, self._watch(attempt.retry_state, decode) as judge:
                    return judge(await self._aexchange(body))
        except _TransientError as last:
            raise last.error from last.error.__cause__
        raise AssertionError("tenacity ends with a value or an error")

    def close(self) -> None:
        """Close every idle connection; the channel may be used again and then opens new ones.

        Connections of an event loop that runs are closed by that loop, soon after.
        """
        _close_all(self._idle)
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
        """Close the connections of the running event loop and every blocking one."""
        _close_all(self._idle)
        with self._lock:
            lease = self._leases.pop(asyncio.get_running_loop(), None)
        if lease is not None:
            await lease.keeper.aclose()

    def _rules(self) -> dict[str, Any]:
        return {
            "retry": retry_if_exception_type(_TransientError),
            "stop": stop_after_attempt(self._retry.max_retries + 1),
            "wait": self._wait,
            "reraise": True,
        }

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        hint = error.error.retry_after if isinstance(error, _TransientError) else None
        seconds = self._retry.delay(state.attempt_number, hint)
        logger.info("%s: try %d failed, next in %.2f s", self._name, state.attempt_number, seconds)
        return seconds

    def _guard(self) -> None:
        if not self._local and os.environ.get(_GUARD) == "0":
            raise ConfigurationError(
                f"{self._name} needs the network to reach {self._url.host}, and {_GUARD}=0 forbids "
                f"it: unset {_GUARD}, or use a local server or the offline backend"
            )

    @contextmanager
    def _watch(self, state: RetryCallState, decode: Decode[T]) -> Iterator[Judge[T]]:
        """Yield the judge of an attempt, and turn what goes wrong in it into our errors."""
        started = time.perf_counter()

        def judge(answer: _Answer) -> T:
            logger.info(
                "%s: status %d in %.2f s, try %d",
                self._name,
                answer.status,
                time.perf_counter() - started,
                state.attempt_number,
            )
            try:
                return decode(*answer)
            except BackendError as error:
                error.retry_after = wait_hint(answer.headers, answer.body, datetime.now(UTC))
                status = error.status or answer.status
                again = self._retry.wants_retry(status, answer.headers, error.retry_after)
                raise (_TransientError(error) if again else error) from error.__cause__

        try:
            yield judge
        except _TransientError as transient:
            self._complete(transient.error, state.attempt_number)
            raise
        except BackendError as error:
            self._complete(error, state.attempt_number)
            raise
        except httpx.HTTPError as error:
            ours = self._complete(self._unreachable(error), state.attempt_number)
            raise (ours if _is_permanent(error) else _TransientError(ours)) from error

    def _complete(self, error: BackendError, attempts: int) -> BackendError:
        error.args = (f"{self._name}: {self._scrub(str(error))}",)
        error.backend, error.attempts = self._name, attempts
        error.body = self._scrub(error.body) if error.body else None
        return error

    def _unreachable(self, error: httpx.HTTPError) -> TransportError:
        what = type(error).__name__
        advice = (
            "is the server running?" if self._local else "check the network, proxy and base URL"
        )
        if isinstance(error, httpx.TimeoutException):
            advice = "raise the timeout, or send fewer or smaller pictures"
        if _ssl_error(error):
            advice = (
                "check whether the base URL begins with http or https; certificates of your own "
                "authority are named by SSL_CERT_FILE"
            )
        detail = f" ({error})" if str(error) else ""
        return TransportError(
            f"expected an answer from {self._url.host}, got {what}{detail}: {advice}"
        )

    def _exchange(self, body: bytes) -> _Answer:
        transport = self._borrow()
        intake = Intake(self._max_response_bytes, self._timeouts.total)
        try:
            with closing(transport.handle_request(self._request(body))) as response:
                for piece in response.iter_bytes():
                    intake.take(piece)
            return _Answer(response.status_code, response.headers, intake.body())
        finally:
            self._idle.append(transport)

    async def _aexchange(self, body: bytes) -> _Answer:
        shelf = await self._shelf_of_this_loop()
        transport = shelf.idle.pop() if shelf.idle else httpx.AsyncHTTPTransport(**self._options())
        intake = Intake(self._max_response_bytes, self._timeouts.total)
        try:
            async with aclosing(
                await transport.handle_async_request(self._request(body))
            ) as response:
                async for piece in response.aiter_bytes():
                    intake.take(piece)
            return _Answer(response.status_code, response.headers, intake.body())
        finally:
            if shelf.closed:
                await transport.aclose()
            else:
                shelf.idle.append(transport)

    def _borrow(self) -> httpx.HTTPTransport:
        if self._process != os.getpid():
            # A forked child must not speak on its parent's connections.
            self._process = os.getpid()
            self._idle.clear()
        with suppress(IndexError):
            return self._idle.pop()
        return httpx.HTTPTransport(**self._options())

    async def _shelf_of_this_loop(self) -> _Shelf:
        loop = asyncio.get_running_loop()
        lease = self._leases.get(loop)
        if lease is None:
            shelf = _Shelf()
            lease = _Lease(shelf, _closes_with_the_loop(shelf))
            with self._lock:
                # Connections hold their loop, so a loop that ended without a word is dropped here.
                for ended in [other for other in self._leases if other.is_closed()]:
                    del self._leases[ended]
                self._leases[loop] = lease
            await anext(lease.keeper)
        return lease.shelf

    def _request(self, body: bytes) -> httpx.Request:
        """The request; the only place where a secret is revealed."""
        plain = {
            key: value.get_secret_value() if isinstance(value, SecretStr) else value
            for key, value in self._headers.items()
        }
        times = self._timeouts
        return httpx.Request(
            "POST",
            self._url,
            headers={**_HEADERS, **plain},
            content=body,
            extensions={
                "timeout": {
                    "connect": times.connect,
                    "read": times.read,
                    "write": times.write,
                    "pool": times.connect,
                }
            },
        )

    def _options(self) -> dict[str, Any]:
        """Arguments of a transport."""
        return {
            "limits": _ONE_CONNECTION,
            # Redirects are not followed, so a plain address never leads to a certificate.
            "verify": _trust() if self._url.scheme == "https" else False,
            # A proxy of the environment is for the network, not for this machine.
            "proxy": None if self._local else _proxy(self._url),
            "trust_env": not self._local,
        }


def _checked(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise ConfigurationError(f"a base URL like https://host/v1 is needed: {error}") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise ConfigurationError(
            f"a base URL like https://host/v1 is needed; got scheme {url.scheme!r} and host "
            f"{url.host!r}"
        )
    if url.userinfo:
        raise ConfigurationError(
            f"the base URL of {url.host} holds a name or password: take it out and pass "
            "`api_key` or `headers`, which are never logged"
        )
    return url


def _proxy(url: httpx.URL) -> str | None:
    """The proxy that the environment names for an address, as `HTTPS_PROXY` and `NO_PROXY` do."""
    known = getproxies()
    proxy = known.get(url.scheme) or known.get("all")
    if not proxy or proxy_bypass(url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def _sendable(headers: Mapping[str, str | SecretStr]) -> dict[str, str | SecretStr]:
    """The headers, checked here because a later error would show their values."""
    for name, value in headers.items():
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        if not (text.isascii() and text.isprintable()):
            raise ConfigurationError(
                f"the header {name!r} needs a value of printable ASCII characters; the one given "
                "holds others: was the key copied with a line break or a typographic character?"
            )
    return {name.lower(): value for name, value in headers.items()}


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@cache
def _trust() -> ssl.SSLContext:
    """The certificates to trust; reading them costs more than a request, so they are shared."""
    return httpx.create_ssl_context()


def _is_permanent(error: httpx.HTTPError) -> bool:
    """Whether another try would end the same way."""
    distrusted = isinstance(_ssl_error(error), ssl.SSLCertVerificationError)
    return distrusted or isinstance(error, _PERMANENT)


def _ssl_error(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS error that an error came from, if it did."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error


def _close_all(idle: list[httpx.HTTPTransport]) -> None:
    while idle:
        idle.pop().close()


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


async def _closes_with_the_loop(shelf: _Shelf) -> AsyncGenerator[None]:
    """Wait, and close the transports when the event loop shuts down its generators.

    `asyncio.run` and every server does that before it closes the loop, so no socket outlives it.
    """
    try:
        yield
    finally:
        shelf.closed = True
        while shelf.idle:
            await shelf.idle.pop().aclose()
