"""The one way out: blocking and asynchronous senders over one set of rules.

A channel sends requests to one server and hands every answer to a pure `decode`. What holds for a
request holds for all of them: bounds on time and size, another try where that makes sense, the rate
limits, the circuit breaker, and no secret in any message.

Import this module late: it costs the import of httpx.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import aclosing, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar
from uuid import uuid4

import httpx
from pydantic import SecretStr
from tenacity import AsyncRetrying, RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from gadet._version import __version__
from gadet.backends.transport.bounds import LARGEST_ANSWER, Intake, Timeouts
from gadet.backends.transport.breaker import Breaker, BreakerPolicy, Health
from gadet.backends.transport.call import Answer, Call
from gadet.backends.transport.connections import Connections, is_loopback
from gadet.backends.transport.limiter import Limiter, Place, RateLimits
from gadet.backends.transport.quotas import read_quotas
from gadet.backends.transport.redaction import Scrubber
from gadet.backends.transport.retry import RetryPolicy, wait_hint
from gadet.errors import BackendError, ConfigurationError, TransportError

__all__ = ["HttpChannel"]

logger = logging.getLogger("gadet")

T = TypeVar("T")
Decode = Callable[[int, Mapping[str, str], bytes], T]
Judge = Callable[[Answer], T]

_GUARD = "GADET_ALLOW_NETWORK"
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_HEADERS = {
    "accept": "*/*",
    # Answers are small: without compression their size is bounded by what is read.
    "accept-encoding": "identity",
    "connection": "keep-alive",
    "user-agent": f"gadet/{__version__}",
}
# With these a wait that the provider names is meant for everyone.
_PAUSES_EVERYONE = frozenset({429, 503, 529})
# Trying again cannot mend these: the request itself, or the address, is wrong.
_PERMANENT = (httpx.UnsupportedProtocol, httpx.LocalProtocolError, httpx.TooManyRedirects)
# These come before anything is sent.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


@dataclass
class _Errand(Generic[T]):
    """One call on its way through its tries.

    Attributes:
        call: What is asked for.
        decode: Reads the answer.
        spent: Tells from what was read how many tokens were used.
        request: What is sent, the same in every try.
        again: Whether what went wrong in this try is worth another.
        sent: Whether this try was sent.
        answer: What came in this try.
        used: Tokens that it used.
        started: When this try was sent.
    """

    call: Call
    decode: Decode[T]
    spent: Callable[[T], int] | None
    request: httpx.Request
    again: bool = False
    sent: bool = False
    answer: Answer | None = None
    used: int | None = None
    started: float = 0.0

    def begin(self) -> None:
        """Forget the last try."""
        self.again, self.sent, self.answer, self.used = False, False, None, None

    def leave(self) -> None:
        """Begin to count the time of this try."""
        self.sent, self.started = True, time.perf_counter()


class HttpChannel:
    """Sends requests to one server.

    Args:
        url: The address that `post` sends to, and that other calls' paths stand below. Keys belong
            into `headers`, never here.
        name: Name of the backend, for errors and the log.
        headers: Sent with every request; secrets as `SecretStr`.
        timeouts: Bounds on the time of a request.
        retry: Which answers are worth another try.
        rate_limits: Rate limits; without any, those that the provider tells are kept.
        breaker: When the server is left alone; None only counts its failures.
        idempotency_header: Name of a header under which the server keeps a request from being
            carried out twice, where its provider documents one: every request that is not a GET
            then has a key there, the same in all its tries.
        max_response_bytes: Largest answer that is read.
        sleep: Waits between blocking tries.
        asleep: Waits between asynchronous tries.
        clock: Seconds that only grow, for the limits and the breaker.

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
        rate_limits: RateLimits | None = None,
        breaker: BreakerPolicy | None = None,
        idempotency_header: str | None = None,
        max_response_bytes: int = LARGEST_ANSWER,
        sleep: Callable[[float], None] = time.sleep,
        asleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check the address; nothing is opened before the first request."""
        self._url = _checked(url)
        self._name = name
        self._headers = _sendable(headers or {})
        self._timeouts = timeouts or Timeouts()
        self._retry = retry or RetryPolicy()
        self._rate_limits = rate_limits
        self._breaker_policy = breaker
        self._idempotency_header = idempotency_header
        self._max_response_bytes = max_response_bytes
        self._sleep = sleep
        self._asleep = asleep
        self._clock = clock
        self._scrub = Scrubber(v for v in self._headers.values() if isinstance(v, SecretStr))
        self._local = is_loopback(self._url.host)
        self._begin()

    def __repr__(self) -> str:
        """Name and address, without headers."""
        shown = self._url.copy_with(query=None)
        return f"HttpChannel({str(shown)!r}, name={self._name!r})"

    @property
    def health(self) -> Health:
        """How the server has been doing."""
        return self._breaker.health

    def post(
        self,
        body: bytes,
        decode: Decode[T],
        *,
        tokens: int | None = None,
        spent: Callable[[T], int] | None = None,
    ) -> T:
        """Send a JSON document to the channel's own address; as `send` otherwise.

        Args:
            body: The document.
            decode: As in `send`.
            tokens: As `Call.tokens`.
            spent: As in `send`.
        """
        return self.send(_json(body, tokens), decode, spent=spent)

    async def apost(
        self,
        body: bytes,
        decode: Decode[T],
        *,
        tokens: int | None = None,
        spent: Callable[[T], int] | None = None,
    ) -> T:
        """Like `post`, without blocking the event loop."""
        return await self.asend(_json(body, tokens), decode, spent=spent)

    def send(self, call: Call, decode: Decode[T], *, spent: Callable[[T], int] | None = None) -> T:
        """Send a request, try again where that makes sense, and return what `decode` makes of it.

        Args:
            call: What to send.
            decode: Reads `(status, headers, body)`; header names are in lower case.
            spent: Tells from what was decoded how many tokens were used, to correct the estimate.

        Raises:
            BackendError: There was no answer, or `decode` did not accept it, or nothing is sent
                because the server is down or asked for a long pause.
            ConfigurationError: `GADET_ALLOW_NETWORK=0` forbids the address; or the call's is not at
                the channel's server.
        """
        errand = self._errand(call, decode, spent)
        for attempt in Retrying(sleep=self._sleep, **self._rules(errand)):
            number = attempt.retry_state.attempt_number
            with attempt, self._named(errand, number):
                self._breaker.check()
                place = self._limiter.take(call.tokens)
                with self._watched(errand, place, number) as judge:
                    with self._connections.lent(fresh=not call.repeatable) as transport:
                        answer = self._scrub.answer(self._exchange(transport, errand))
                        if answer.status < 400:
                            # Here, so that a success that cannot be read ends its connection:
                            # what follows there may be the rest of it.
                            return judge(answer)
                    return judge(answer)
        raise AssertionError("tenacity ends with a value or an error")

    async def asend(
        self, call: Call, decode: Decode[T], *, spent: Callable[[T], int] | None = None
    ) -> T:
        """Like `send`, without blocking the event loop; a task that is cancelled hangs up."""
        errand = self._errand(call, decode, spent)
        async for attempt in AsyncRetrying(sleep=self._asleep, **self._rules(errand)):
            number = attempt.retry_state.attempt_number
            with attempt, self._named(errand, number):
                self._breaker.check()
                place = await self._limiter.atake(call.tokens)
                with self._watched(errand, place, number) as judge:
                    async with self._connections.alent(fresh=not call.repeatable) as transport:
                        answer = self._scrub.answer(await self._aexchange(transport, errand))
                        if answer.status < 400:
                            return judge(answer)
                    return judge(answer)
        raise AssertionError("tenacity ends with a value or an error")

    def close(self) -> None:
        """Close every idle connection, and those in use when their request ends.

        The channel may be used again and then opens new ones. Connections of an event loop that
        runs are closed by that loop, soon after.
        """
        self._connections.close()

    async def aclose(self) -> None:
        """Close the connections of the running event loop and every blocking one."""
        await self._connections.aclose()

    def _begin(self) -> None:
        """Start with no connections, nothing counted and nobody waiting."""
        self._process = os.getpid()
        self._connections = Connections(self._url)
        self._breaker = Breaker(self._breaker_policy, clock=self._clock)
        self._limiter = Limiter(self._rate_limits, patience=self._retry.patience, clock=self._clock)

    def _errand(
        self, call: Call, decode: Decode[T], spent: Callable[[T], int] | None
    ) -> _Errand[T]:
        self._guard()
        if self._process != os.getpid():
            # A forked child must not speak on its parent's connections, nor wait in its queue.
            self._begin()
        return _Errand(call, decode, spent, self._request(call))

    def _guard(self) -> None:
        if not self._local and os.environ.get(_GUARD) == "0":
            raise ConfigurationError(
                f"{self._name} needs the network to reach {self._url.host}, and {_GUARD}=0 forbids "
                f"it: unset {_GUARD}, or use a local server or the offline backend"
            )

    def _rules(self, errand: _Errand[T]) -> dict[str, Any]:
        return {
            "retry": retry_if_exception(lambda _: errand.again),
            "stop": stop_after_attempt(self._retry.max_retries + 1),
            "wait": self._wait,
            "reraise": True,
        }

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        hint = error.retry_after if isinstance(error, BackendError) else None
        seconds = self._retry.delay(state.attempt_number, hint)
        logger.info("%s: try %d failed, next in %.2f s", self._name, state.attempt_number, seconds)
        return seconds

    @contextmanager
    def _named(self, errand: _Errand[T], number: int) -> Iterator[None]:
        """Begin a try, and complete the errors of it with what only the channel knows."""
        errand.begin()
        try:
            yield
        except BackendError as error:
            error.args = (f"{self._name}: {self._scrub(str(error))}",)
            error.backend = self._name
            error.attempts = number if errand.sent else number - 1
            error.body = self._scrub(error.body) if error.body else None
            raise

    @contextmanager
    def _watched(self, errand: _Errand[T], place: Place, number: int) -> Iterator[Judge[T]]:
        """Yield the judge of a try, and let breaker and limiter know how it ended.

        What goes wrong on the way is turned into our errors.
        """

        def judge(answer: Answer) -> T:
            return self._judge(errand, answer, number)

        try:
            with self._breaker.admitted():
                errand.leave()
                try:
                    yield judge
                except httpx.HTTPError as error:
                    errand.again = not _is_permanent(error) and (
                        errand.call.repeatable or isinstance(error, _NOT_SENT)
                    )
                    raise self._unreachable(error) from error
        finally:
            if errand.sent:
                quotas = read_quotas(errand.answer.headers, _now()) if errand.answer else ()
                self._limiter.settle(place, used=errand.used, quotas=quotas)
            else:
                self._limiter.give_back(place)

    def _judge(self, errand: _Errand[T], answer: Answer, number: int) -> T:
        errand.answer = answer
        seconds = time.perf_counter() - errand.started
        logger.info("%s: status %d in %.2f s, try %d", self._name, answer.status, seconds, number)
        try:
            value = errand.decode(*answer)
        except BackendError as error:
            hint = error.retry_after = wait_hint(answer.headers, answer.body, _now())
            status = error.status or answer.status
            if hint is not None and status in _PAUSES_EVERYONE:
                self._limiter.pause(hint)
            errand.again = self._retry.wants_retry(
                status, answer.headers, hint, errand.call.repeatable
            )
            raise
        errand.used = errand.spent(value) if errand.spent else None
        return value

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

    def _exchange(self, transport: httpx.HTTPTransport, errand: _Errand[T]) -> Answer:
        intake = self._intake(errand.call)
        with closing(transport.handle_request(errand.request)) as response:
            for piece in response.iter_bytes():
                intake.take(piece)
        return _answer(response, intake)

    async def _aexchange(self, transport: httpx.AsyncHTTPTransport, errand: _Errand[T]) -> Answer:
        intake = self._intake(errand.call)
        async with aclosing(await transport.handle_async_request(errand.request)) as response:
            async for piece in response.aiter_bytes():
                intake.take(piece)
        return _answer(response, intake)

    def _intake(self, call: Call) -> Intake:
        return Intake(call.max_response_bytes or self._max_response_bytes, self._timeouts.total)

    def _request(self, call: Call) -> httpx.Request:
        """The request; the only place where a secret is revealed."""
        url = self._address(call.url)
        _sendable(call.headers)
        kind = {"content-type": call.content_type} if call.content_type else {}
        own = {
            name: value.get_secret_value() if isinstance(value, SecretStr) else value
            for name, value in self._headers.items()
        }
        key = {}
        if self._idempotency_header and call.method != "GET":
            key = {self._idempotency_header: f"gadet-{uuid4()}"}
        times = self._timeouts
        return httpx.Request(
            call.method,
            url,
            headers={**_HEADERS, **kind, **own, **key, **call.headers},
            content=call.body,
            extensions={
                "timeout": {
                    "connect": times.connect,
                    "read": min(times.read, times.total),
                    "write": times.write,
                    "pool": times.connect,
                }
            },
        )

    def _address(self, url: str) -> httpx.URL:
        """The address of a call, which is at the channel's server: keys go nowhere else."""
        if not url:
            return self._url
        if not _SCHEME.match(url):
            path, _, query = url.partition("?")
            base = str(self._url.copy_with(query=None)).rstrip("/")
            both = "&".join(part for part in (self._url.query.decode(), query) if part)
            return _checked(f"{base}/{path.lstrip('/')}{both and '?'}{both}")
        whole = _checked(url)
        if _origin(whole) != _origin(self._url):
            raise ConfigurationError(
                f"{self._name} is at {self._url.scheme}://{self._url.netloc.decode()}, and its key "
                f"is sent nowhere else; got an address at {whole.scheme}://{whole.netloc.decode()}"
            )
        return whole


def _json(body: bytes, tokens: int | None) -> Call:
    return Call("POST", body=body, content_type="application/json", tokens=tokens)


def _now() -> datetime:
    return datetime.now(UTC)


def _answer(response: httpx.Response, intake: Intake) -> Answer:
    headers: dict[str, str] = {}
    for name, value in response.headers.multi_items():
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return Answer(response.status_code, headers, intake.body())


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


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    default = {"http": 80, "https": 443}[url.scheme]
    return url.scheme, url.host, url.port or default


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


def _is_permanent(error: httpx.HTTPError) -> bool:
    """Whether another try would end the same way."""
    distrusted = isinstance(_ssl_error(error), ssl.SSLCertVerificationError)
    return distrusted or isinstance(error, _PERMANENT)


def _ssl_error(error: BaseException | None) -> ssl.SSLError | None:
    """The TLS error that an error came from, if it did."""
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error
