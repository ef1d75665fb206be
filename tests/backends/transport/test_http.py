"""The sender against a real server on loopback; every test runs blocking and asynchronously."""

from __future__ import annotations

import asyncio
import json
import pickle
import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import Any

import httpx
import pytest

from gadet.backends.transport.bounds import Timeouts
from gadet.backends.transport.http import HttpChannel, _is_permanent
from gadet.backends.transport.retry import RetryPolicy
from gadet.errors import (
    AuthenticationError,
    BackendError,
    ConfigurationError,
    RateLimitError,
    ResponseError,
    ServerError,
    TransportError,
)
from tests.backends.conftest import FAST, Ask, Connect, failing, ok
from tests.backends.servers import cut, reply, reset, serving


def test_an_answer(connect: Connect, ask: Ask) -> None:
    with serving(ok) as server:
        completion = ask(connect(server.url, api_key=KEY, headers={"x-extra": "yes"}))
    assert completion.usage.input_tokens == 1480
    assert completion.request_id == "req_7"
    path, headers, body = server.requests[0]
    assert path == "/v1/chat/completions"
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["content-type"] == "application/json"
    assert headers["x-extra"] == "yes"
    assert json.loads(body)["model"] == "a-model"
    assert body.isascii() or body.decode()


KEY = "sk-very-secret-0123456789"


def test_without_a_key_no_authorization_is_sent(connect: Connect, ask: Ask) -> None:
    with serving(ok) as server:
        ask(connect(server.url))
    assert "authorization" not in server.requests[0][1]


def test_the_query_of_the_base_url_is_kept(connect: Connect, ask: Ask) -> None:
    with serving(ok) as server:
        ask(connect(server.url + "/?api-version=2026-10-01"))
    assert server.requests[0][0] == "/v1/chat/completions?api-version=2026-10-01"


@pytest.mark.parametrize(
    "trouble",
    [
        failing("429_openai.json", 429),
        failing("500.json", 500),
        failing("529.json", 529),
        failing("500.json", 408),
        failing("500.json", 409),
        failing("proxy.html", 502, content_type="text/html"),
        failing("error_in_200.json", 200),
        failing("error_in_choice.json", 200),
        reset,
        cut,
    ],
)
def test_trouble_that_passes(connect: Connect, ask: Ask, trouble: Any) -> None:
    with serving(trouble, trouble, ok) as server:
        assert ask(connect(server.url)).stop == "complete"
    assert len(server.requests) == 3
    assert len({body for _, _, body in server.requests}) == 1


@pytest.mark.parametrize(
    ("trouble", "kind", "status"),
    [
        (failing("429_openai.json", 429, x_request_id="req_9"), RateLimitError, 429),
        (failing("500.json", 500, x_request_id="req_9"), ServerError, 500),
        (failing("error_in_200.json", 200, x_request_id="req_9"), RateLimitError, 429),
    ],
)
def test_trouble_that_stays(
    connect: Connect, ask: Ask, trouble: Any, kind: type[BackendError], status: int
) -> None:
    with serving(trouble) as server, pytest.raises(kind) as caught:
        ask(connect(server.url, name="acme:a-model"))
    error = caught.value
    assert len(server.requests) == 3
    assert (error.attempts, error.status, error.request_id) == (3, status, "req_9")
    assert error.backend == "acme:a-model"
    assert str(error).startswith("acme:a-model: expected")
    copy = pickle.loads(pickle.dumps(error))
    assert str(copy) == str(error)
    assert copy.attempts == 3


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (failing("400_bad_parameter.json", 400), ResponseError),
        (failing("401.json", 401), AuthenticationError),
        (failing("401.json", 403), AuthenticationError),
        (failing("404_ollama.json", 404), ResponseError),
        (failing("413.html", 413), ResponseError),
        (failing("422_fastapi.json", 422), ResponseError),
        (failing("truncated.json", 200), ResponseError),
        (failing("proxy.html", 200, content_type="text/html"), ResponseError),
        (failing("500.json", 500, x_should_retry="false"), ServerError),
        (reply(302, location="https://example.org/v1"), ResponseError),
    ],
)
def test_what_another_try_cannot_mend(
    connect: Connect, ask: Ask, trouble: Any, kind: type[BackendError]
) -> None:
    with serving(trouble) as server, pytest.raises(kind) as caught:
        ask(connect(server.url))
    assert len(server.requests) == 1
    assert caught.value.attempts == 1


def _waits(url: str, ask: str, retry: RetryPolicy) -> list[float]:
    """The waits between the tries of one request, without waiting."""
    waits: list[float] = []

    async def asleep(seconds: float) -> None:
        waits.append(seconds)

    channel = HttpChannel(
        url, name="b", retry=retry, sleep=waits.append, asleep=asleep, clock=lambda: sum(waits)
    )
    from gadet.backends.codecs.openai_chat import decode

    try:
        if ask == "sync":
            channel.post(b"{}", decode)
        else:
            asyncio.run(channel.apost(b"{}", decode))
    finally:
        channel.close()
    return waits


def _dated(handler: BaseHTTPRequestHandler) -> None:
    """Turn away until a date, which is in a minute of now, not of when tests were collected."""
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    failing("429_openai.json", 429, retry_after=date)(handler)


@pytest.mark.parametrize("how", ["sync", "async"])
@pytest.mark.parametrize(
    ("trouble", "low", "high"),
    [
        (failing("429_openai.json", 429, retry_after_ms="250"), 0.25, 0.25),
        (failing("429_openai.json", 429, retry_after="17"), 17, 17),
        (_dated, 1, 60),
        (failing("429_google.json", 429), 31, 31),
        (failing("429_openai.json", 429), 0.375, 0.5),
        (failing("500.json", 503, retry_after="2"), 2, 2),
    ],
)
def test_the_wait_is_what_the_provider_asks_for(
    how: str, trouble: Any, low: float, high: float
) -> None:
    with serving(trouble, ok) as server:
        (wait,) = _waits(server.url, how, RetryPolicy())
    assert low <= wait <= high


@pytest.mark.parametrize("how", ["sync", "async"])
def test_waits_grow(how: str) -> None:
    trouble = failing("500.json", 500)
    with serving(*[trouble] * 6, ok) as server:
        waits = _waits(server.url, how, RetryPolicy(max_retries=6, jitter=0.0))
    assert waits == [0.5, 1.0, 2.0, 4.0, 8.0, 8.0]


@pytest.mark.parametrize("hint", [{"retry_after": "3600"}, {"retry_after_ms": "120001"}])
def test_a_long_wait_is_left_to_the_caller(
    connect: Connect, ask: Ask, hint: dict[str, str]
) -> None:
    with (
        serving(failing("429_openai.json", 429, **hint)) as server,
        pytest.raises(RateLimitError) as caught,
    ):
        ask(connect(server.url))
    assert len(server.requests) == 1
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 120


def test_no_retries_when_none_are_wanted(connect: Connect, ask: Ask) -> None:
    with serving(failing("500.json", 500)) as server, pytest.raises(ServerError):
        ask(connect(server.url, retry=None, max_retries=0))
    assert len(server.requests) == 1


def test_nobody_listens(connect: Connect, ask: Ask) -> None:
    with serving(ok) as server:
        pass
    with pytest.raises(TransportError, match=r"ConnectError.*is the server running") as caught:
        ask(connect(server.url))
    assert caught.value.attempts == 3
    assert caught.value.status is None


def test_a_server_without_tls(connect: Connect, ask: Ask) -> None:
    with (
        serving(ok) as server,
        pytest.raises(TransportError, match=r"begins with http or https.*SSL_CERT_FILE"),
    ):
        ask(connect(server.url.replace("http:", "https:")))
    assert not server.requests


def test_a_certificate_that_is_not_trusted_is_not_tried_again() -> None:
    def failed(cause: Exception) -> httpx.ConnectError:
        error = httpx.ConnectError("no")
        error.__cause__ = cause
        return error

    assert _is_permanent(failed(ssl.SSLCertVerificationError("self-signed")))
    assert not _is_permanent(failed(ssl.SSLEOFError("closed")))
    assert not _is_permanent(failed(OSError("refused")))
    assert _is_permanent(httpx.UnsupportedProtocol("gopher"))


def test_a_server_that_says_nothing(connect: Connect, ask: Ask) -> None:
    def silent(handler: BaseHTTPRequestHandler) -> None:
        server.stop.wait(5)
        handler.close_connection = True

    with serving(silent) as server, pytest.raises(TransportError, match=r"ReadTimeout.*timeout"):
        ask(connect(server.url, timeout=0.1, max_retries=0, retry=None))
    assert len(server.requests) == 1


def test_a_server_that_drips(connect: Connect, ask: Ask) -> None:
    def drip(handler: BaseHTTPRequestHandler) -> None:
        reply(200, b"{", content_length="1000")(handler)
        while not server.stop.wait(0.02):
            handler.wfile.write(b" ")
        handler.close_connection = True

    started = time.monotonic()
    with (
        serving(drip) as server,
        pytest.raises(TransportError, match=r"complete answer within 0\.2 s"),
    ):
        ask(connect(server.url, timeout=Timeouts(read=5.0, total=0.2)))
    assert time.monotonic() - started < 2.0
    assert len(server.requests) == 1


def test_an_answer_without_end(connect: Connect, ask: Ask) -> None:
    chunk = b" " * 65_536

    def flood(handler: BaseHTTPRequestHandler) -> None:
        reply(200, b"", content_length=str(2**40))(handler)
        while not server.stop.is_set():
            handler.wfile.write(chunk)

    with (
        serving(flood) as server,
        pytest.raises(ResponseError, match="at most 1000000 bytes"),
    ):
        ask(connect(server.url, max_response_bytes=1_000_000))
    assert len(server.requests) == 1


def test_a_compressed_bomb_is_bounded_as_well(connect: Connect, ask: Ask) -> None:
    import gzip

    bomb = gzip.compress(b" " * 5_000_000)
    with (
        serving(reply(200, bomb, content_encoding="gzip")) as server,
        pytest.raises(ResponseError, match="at most"),
    ):
        ask(connect(server.url, max_response_bytes=1_000_000))
    assert server.requests[0][1]["accept-encoding"] == "identity"


def test_a_broken_encoding(connect: Connect, ask: Ask) -> None:
    with (
        serving(reply(200, b"not gzip", content_encoding="gzip")) as server,
        pytest.raises(TransportError, match="DecodingError"),
    ):
        ask(connect(server.url))


def test_something_that_is_not_http(connect: Connect, ask: Ask) -> None:
    def mumble(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        handler.close_connection = True

    with serving(mumble) as server, pytest.raises(TransportError, match="RemoteProtocolError"):
        ask(connect(server.url))


@pytest.mark.parametrize("extra", [{"x": object()}, {"x": "\ud800"}])
def test_what_json_cannot_carry(connect: Connect, ask: Ask, extra: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="expressible in JSON"):
        ask(connect("http://127.0.0.1:9/v1", extra=extra))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, Timeouts()),
        (3.0, Timeouts(connect=3.0, read=3.0, write=3.0, total=3.0)),
        (60, Timeouts(connect=10.0, read=60, write=60, total=60)),
        (Timeouts(total=1.0), Timeouts(total=1.0)),
    ],
)
def test_timeouts_from_one_number(given: Any, expected: Timeouts) -> None:
    assert Timeouts.of(given) == expected


def test_the_default_policy_is_patient_but_not_endless() -> None:
    assert RetryPolicy().max_retries == 2
    assert FAST.ceiling < 0.01


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        ("https://models.example/v1", {}, None),
        ("https://models.example/v1", {"HTTPS_PROXY": "http://p:1"}, "http://p:1"),
        ("https://models.example/v1", {"HTTPS_PROXY": "p:1"}, "http://p:1"),
        ("https://models.example/v1", {"HTTP_PROXY": "http://p:1"}, None),
        ("https://models.example/v1", {"ALL_PROXY": "http://p:1"}, "http://p:1"),
        ("https://models.example/v1", {"ALL_PROXY": "http://p:1", "NO_PROXY": "example"}, None),
        ("https://models.example/v1", {"ALL_PROXY": "http://p:1", "NO_PROXY": "*"}, None),
        ("https://models.example/v1", {"ALL_PROXY": "http://p:1", "NO_PROXY": "x.y"}, "http://p:1"),
        ("http://127.0.0.1:1/v1", {"HTTP_PROXY": "http://p:1"}, None),
    ],
)
def test_the_proxy_of_the_environment_is_for_the_network(
    monkeypatch: pytest.MonkeyPatch, url: str, environment: dict[str, str], proxy: str | None
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert HttpChannel(url, name="m")._connections.options()["proxy"] == proxy
