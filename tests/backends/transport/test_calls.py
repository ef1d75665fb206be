"""Any request: methods, addresses, uploads, downloads, and what may be sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from pydantic import SecretStr

from gadet.backends.transport.call import Answer, Call
from gadet.backends.transport.failures import failure
from gadet.backends.transport.http import HttpChannel
from gadet.errors import (
    BackendError,
    ConfigurationError,
    ResponseError,
    ServerError,
    TransportError,
)
from tests.backends.conftest import FAST
from tests.backends.servers import Server, cut, reply, reset, serving

Send = Callable[..., Answer]
KEY = "sk-very-secret-0123456789"
done = reply(200, b"{}")


def decode(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    if status >= 400:
        raise failure(status, headers, body)
    return Answer(status, headers, body)


@pytest.fixture(params=["sync", "async"])
def send(request: pytest.FixtureRequest) -> Send:
    """Send a call by a channel of its own."""

    def sending(url: str, call: Call, **options: Any) -> Answer:
        channel = HttpChannel(url, name="b", **({"retry": FAST} | options))
        try:
            if request.param == "sync":
                return channel.send(call, decode)
            return asyncio.run(channel.asend(call, decode))
        finally:
            channel.close()

    return sending


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_methods(send: Send, method: str) -> None:
    with serving(done) as server:
        assert send(server.url, Call(method)).status == 200
    assert server.methods == [method]
    assert server.requests[0][0] == "/v1"
    assert "content-type" not in server.requests[0][1]


@pytest.mark.parametrize(
    ("base", "url", "path"),
    [
        ("", "", "/v1"),
        ("", "batches", "/v1/batches"),
        ("/", "/batches/b-1/cancel", "/v1/batches/b-1/cancel"),
        ("?api-version=2", "files", "/v1/files?api-version=2"),
        ("", "{server}/v1/files/f-1/content", "/v1/files/f-1/content"),
        ("", "{server}/download?alt=media&x=%20", "/download?alt=media&x=%20"),
        ("", "models/m:batch?alt=sse", "/v1/models/m:batch?alt=sse"),
    ],
)
def test_addresses(send: Send, base: str, url: str, path: str) -> None:
    with serving(done) as server:
        root = server.url.removesuffix("/v1")
        send(server.url + base, Call("GET", url.format(server=root)))
    assert server.requests[0][0] == path


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/results",
        "http://127.0.0.1:1/results",
        "https://127.0.0.1/results",
        "http://name:word@127.0.0.1/results",
        "file:///etc/passwd",
        "http://",
    ],
)
def test_keys_are_sent_to_one_server_only(send: Send, url: str) -> None:
    with serving(done) as server, pytest.raises(ConfigurationError):
        send(server.url, Call("GET", url), headers={"authorization": SecretStr(KEY)})
    assert not server.requests


def test_headers_of_one_request(send: Send) -> None:
    with serving(done) as server:
        send(
            server.url,
            Call("POST", body=b"x", content_type="text/plain", headers={"x-one": "1"}),
            headers={"authorization": SecretStr(KEY)},
        )
    headers = server.requests[0][1]
    assert (headers["content-type"], headers["x-one"]) == ("text/plain", "1")
    assert headers["authorization"] == KEY
    with pytest.raises(ConfigurationError, match="x-one"):
        send(server.url, Call("GET", headers={"x-one": "a\nb"}))


def test_an_upload(send: Send) -> None:
    content = bytes(range(256)) * 300
    call = Call.upload(
        "files",
        content,
        filename='läng"ths.jsonl',
        content_type="application/jsonl",
        fields={"purpose": "batch"},
    )
    assert str(content[:40]) not in repr(call)
    with serving(reply(429, b"{}", retry_after_ms="1"), done) as server:
        send(server.url, call)
    (_, headers, body), (_, _, again) = server.requests
    assert body == again
    form = message_from_bytes(
        b"content-type: " + headers["content-type"].encode() + b"\r\n\r\n" + body
    )
    purpose, file = form.get_payload()
    assert purpose.get_payload(decode=True) == b"batch"
    assert purpose.get_param("name", header="content-disposition") == "purpose"
    assert file.get_payload(decode=True) == content
    assert file.get_content_type() == "application/jsonl"
    assert file.get_param("name", header="content-disposition") == "file"


def test_a_download_has_a_bound_of_its_own(send: Send) -> None:
    content = b"line\n" * 50_000
    with serving(reply(200, content, content_type="application/jsonl")) as server:
        assert send(server.url, Call("GET", max_response_bytes=300_000)).body == content
        with pytest.raises(ResponseError, match="at most 249999 bytes"):
            send(server.url, Call("GET", max_response_bytes=249_999))
        with pytest.raises(ResponseError, match="at most 1000 bytes"):
            send(server.url, Call("GET"), max_response_bytes=1000)


def test_headers_of_an_answer(send: Send) -> None:
    def twice(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        for name, value in (("X-Two", "a"), ("x-two", "b"), ("Content-Length", "0")):
            handler.send_header(name, value)
        handler.end_headers()

    with serving(twice) as server:
        assert send(server.url, Call("GET")).headers["x-two"] == "a, b"


SUBMIT = Call("POST", "batches", body=b"{}", content_type="application/json", repeatable=False)


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (reply(500, b"{}"), ServerError),
        (reply(502, b"{}"), ServerError),
        (reply(503, b"{}", retry_after_ms="1"), ServerError),
        (reply(408, b"{}"), TransportError),
        (reply(409, b"{}"), ResponseError),
        (reset, TransportError),
        (cut, TransportError),
    ],
)
def test_what_may_have_been_accepted_is_not_sent_again(
    send: Send, trouble: Any, kind: type[BackendError]
) -> None:
    with serving(trouble, done) as server, pytest.raises(kind) as caught:
        send(server.url, SUBMIT)
    assert len(server.requests) == 1
    assert caught.value.attempts == 1


@pytest.mark.parametrize("trouble", [reply(429, b"{}"), reply(500, b"{}", x_should_retry="true")])
def test_what_was_turned_away_is_sent_again(send: Send, trouble: Any) -> None:
    with serving(trouble, trouble, done) as server:
        assert send(server.url, SUBMIT).status == 200
    assert len(server.requests) == 3


def test_a_connection_that_never_stood_is_tried_again(send: Send) -> None:
    with serving(done) as server:
        pass
    with pytest.raises(TransportError, match="ConnectError") as caught:
        send(server.url, SUBMIT)
    assert caught.value.attempts == 3


def test_what_may_not_be_repeated_goes_by_a_connection_of_its_own() -> None:
    """A kept connection may be closed by the server just then, and nobody knows what came of it."""
    with serving(done) as server:
        channel = HttpChannel(server.url, name="b", retry=FAST)
        for _ in range(3):
            channel.send(Call("GET"), decode)
        assert len(server.connections) == 1
        channel.send(SUBMIT, decode)
        assert len(server.connections) == 2
        channel.close()


def keys(server: Server) -> list[str | None]:
    return [headers.get("idempotency-key") for _, headers, _ in server.requests]


def test_the_idempotency_key_is_the_same_in_all_tries(send: Send) -> None:
    trouble = reply(500, b"{}")
    call = Call("POST", body=b"{}")
    with serving(trouble, trouble, done) as server:
        send(server.url, call, idempotency_header="Idempotency-Key")
        send(server.url, call, idempotency_header="Idempotency-Key")
        send(server.url, Call("GET"), idempotency_header="Idempotency-Key")
        send(server.url, call)
    first, second, third, other, *rest = keys(server)
    assert first
    assert first == second == third
    assert other not in (None, first)
    assert rest == [None, None]


def test_a_body_that_was_told_too_long_or_too_short_is_not_mixed_up(send: Send) -> None:
    """What is left over of an answer never becomes the answer to another request."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]"

    def too_short(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{" + b'"a' + answer)

    def read(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
        if not body.endswith((b"}", b"]")):
            raise ResponseError("cut")
        return body

    with serving(too_short, done) as server:
        channel = HttpChannel(server.url, name="b", retry=FAST)
        with pytest.raises(ResponseError):
            channel.send(Call("GET"), read)
        assert channel.send(Call("GET"), read) == b"{}"
        channel.close()


def test_tokens_are_estimated_and_corrected() -> None:
    with serving(done) as server:
        channel = HttpChannel(server.url, name="b")
        taken: list[int | None] = []
        take = channel._limiter.take
        channel._limiter.take = lambda tokens=None: (  # type: ignore[method-assign]
            taken.append(tokens) or take(tokens)
        )
        channel.send(Call("GET", tokens=70), decode, spent=lambda answer: 500)
        channel.post(b"{}", decode, tokens=80)
        assert taken == [70, 80]
        assert channel._limiter._average == 500
        channel.close()
