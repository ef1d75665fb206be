"""What all clients share: addresses, lists, files, outcomes, and creating a thing once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gadet.backends.base import Completion
from gadet.backends.jobs import desk as desks
from gadet.backends.jobs.base import JobLine
from gadet.backends.jobs.clients import client_of
from gadet.backends.jobs.desk import Desk, once
from gadet.backends.transport.call import Call
from gadet.backends.transport.http import HttpChannel
from gadet.errors import (
    AuthenticationError,
    BackendError,
    ConfigurationError,
    InputError,
    RateLimitError,
    ResponseError,
    ServerError,
    TransportError,
)
from tests.backends.jobs.conftest import backend
from tests.backends.jobs.imitation import KEY
from tests.backends.jobs.providers import OpenAI
from tests.backends.servers import Server, reply, serving


def desk_at(url: str, **options: Any) -> Desk:
    made = backend(OpenAI(), base_url=url, **options).batch_api()._desk  # type: ignore[attr-defined]
    assert isinstance(made, Desk)
    return made


@pytest.fixture
def at() -> Iterator[Callable[..., tuple[Desk, Server]]]:
    """A desk at a server that answers one thing after another."""
    stack: list[Any] = []

    def make(*script: Any, **options: Any) -> tuple[Desk, Server]:
        stack.append(serving(*script))
        server = stack[-1].__enter__()
        return desk_at(server.url, **options), server

    yield make
    for context in stack:
        context.__exit__(None, None, None)


@pytest.mark.parametrize(
    ("base", "path", "query", "address"),
    [
        ("http://127.0.0.1/v1", "files", {}, "http://127.0.0.1/v1/files"),
        ("http://127.0.0.1/v1/", "b", {"after": "a b"}, "http://127.0.0.1/v1/b?after=a+b"),
        ("http://127.0.0.1/v1?v=2", "b", {"n": "1"}, "http://127.0.0.1/v1/b?v=2&n=1"),
    ],
)
def test_addresses(base: str, path: str, query: dict[str, str], address: str) -> None:
    assert desk_at(base).address(path, **query) == address


def test_the_key_is_in_no_repr() -> None:
    assert KEY not in repr(desk_at("http://127.0.0.1/v1"))


def test_a_list_without_an_end(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "MOST_PAGES", 3)
    desk, server = at(reply(200, "{}"))
    with pytest.raises(ResponseError, match="at most 3 pages"):
        list(desk.pages("batches", {"limit": "9"}, lambda _: {"after": "x"}))
    paths = [path for path, _, _ in server.requests]
    assert paths == ["/v1/batches?limit=9", *["/v1/batches?limit=9&after=x"] * 2]


def test_a_file_that_is_never_ready(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "MOST_LOOKS_AT_A_FILE", 3)
    desk, server = at(reply(200, '{"status": "Pending"}'))
    object.__setattr__(desk, "sleep", lambda _: None)
    with pytest.raises(BackendError, match="still Pending"):
        desk.ready({"status": "pending"}, "files/f", "status", {"pending"})
    assert len(server.requests) == 3


@pytest.mark.parametrize("body", ["", "[]", "null", "<html>", "{"])
def test_what_is_no_document(at: Any, body: str) -> None:
    desk, _ = at(reply(200, body))
    with pytest.raises(ResponseError, match="expected a JSON object"):
        desk.get("batches/b")


def test_a_document_that_is_not_there(at: Any) -> None:
    desk, _ = at(reply(404, "{}"), reply(403, "{}"))
    assert desk.look_up("batches/b") is None
    with pytest.raises(AuthenticationError):
        desk.look_up("batches/b")
    with pytest.raises(AuthenticationError):
        list(desk.lines("files/f"))


def test_a_damaged_line_loses_only_itself(at: Any, caplog: pytest.LogCaptureFixture) -> None:
    lines = [
        b'{"a": 1}',
        b"",
        b'{"a": ',
        b"[1]",
        b'{"a": "\xff"}',
        '{"a": "\u2028"}'.encode(),
        b"7",
    ]
    desk, _ = at(reply(200, b"\r\n".join([*lines, b'{"a": 2}'])))
    assert [line["a"] for line in desk.lines("f")] == [1, "\u2028", 2]
    said = [record.getMessage() for record in caplog.records if "cannot be read" in record.msg]
    assert [text.split()[2] for text in said] == ["3", "4", "5", "7"]


def test_results_are_bounded(at: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desks, "LARGEST_RESULTS", 100)
    desk, _ = at(reply(200, b"x" * 101), max_response_bytes=10)
    with pytest.raises(ResponseError, match="at most 100 bytes"):
        list(desk.lines("f"))
    desk, _ = at(reply(200, b'{"a": 12345678901234}'), max_response_bytes=10)
    assert len(list(desk.lines("f"))) == 1, "the bound of an answer is not that of a file"


def test_nothing_is_taken_from_the_tokens_per_minute(
    at: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, _ = at(reply(200, "{}"))
    taken: list[int | None] = []
    send = HttpChannel.send

    def noting(self: HttpChannel, call: Call, *more: Any) -> Any:
        taken.append(call.tokens)
        return send(self, call, *more)

    monkeypatch.setattr(HttpChannel, "send", noting)
    desk.get("batches/b")
    desk.post("batches", {})
    list(desk.lines("files/f"))
    assert taken == [0, 0, 0]


@pytest.mark.parametrize("cut", [0, 470, 484, 1960])
def test_a_key_in_an_error_is_hidden_before_it_can_be_cut_short(cut: int) -> None:
    desk = desk_at("http://127.0.0.1/v1")
    error = {"message": "." * cut + KEY, "code": KEY, "type": "x"}
    outcome = desk.outcome(400, {}, {"error": error, "more": [{"again": KEY}]})
    assert isinstance(outcome, ResponseError)
    text = str(outcome) + str(outcome.body)
    assert not any(KEY[start : start + 8] in text for start in range(3, len(KEY) - 8))
    assert outcome.__traceback__ is None
    refused = {"message": KEY, "code": "content_policy_violation"}
    outcome = desk.outcome(400, {}, {"error": refused})
    assert isinstance(outcome, Completion)
    assert (outcome.stop, outcome.refusal) == ("refused", "***")


def test_pictures_in_an_error_are_left_out() -> None:
    desk = desk_at("http://127.0.0.1/v1")
    data = "data:image/png;base64," + "iVBORw0KGgo" * 30
    outcome = desk.outcome(400, {}, {"error": {"message": f"bad {data}", "code": "invalid_image"}})
    assert isinstance(outcome, InputError)
    assert "iVBORw0KGgo" not in str(outcome)
    assert "iVBORw0KGgo" not in str(desk.unfinished(data))


class TestOnce:
    def test_what_is_created(self) -> None:
        assert once(lambda: "job", lambda: pytest.fail("not asked")) == "job"

    @pytest.mark.parametrize(
        "error",
        [
            TransportError("reset"),
            TransportError("late", status=408),
            ServerError("gateway", status=504),
            ResponseError("cut off", status=200),
            ResponseError("no id"),
        ],
    )
    def test_what_broke_off_is_looked_for(self, error: BackendError) -> None:
        assert once(lambda: _raise(error), lambda: "job") == "job"
        with pytest.raises(type(error)) as caught:
            once(lambda: _raise(error), lambda: None)
        assert caught.value is error
        with pytest.raises(type(error)) as caught:
            once(lambda: _raise(error), lambda: _raise(ServerError("away", status=500)))
        assert caught.value is error

    @pytest.mark.parametrize(
        "error",
        [
            ResponseError("bad", status=400),
            AuthenticationError("who", status=401),
            RateLimitError("slowly", status=429),
        ],
    )
    def test_what_was_turned_away_is_not(self, error: BackendError) -> None:
        with pytest.raises(type(error)):
            once(lambda: _raise(error), lambda: pytest.fail("not asked"))


def _raise(error: BackendError) -> str:
    raise error


def test_providers() -> None:
    desk = desk_at("http://127.0.0.1/v1")
    known = ("anthropic", "azure", "gemini", "openai", "openai-responses")
    for name in known:
        api = client_of(name, desk)
        assert 0 < api.max_lines <= 50_000
        assert 0 < api.max_bytes + 200 * api.max_lines <= 200_000_000, "room for what is around"
    with pytest.raises(ConfigurationError, match="got vllm") as caught:
        client_of("vllm", desk)
    assert all(name in str(caught.value) for name in known)


def test_each_format_has_its_own_endpoint() -> None:
    for name, endpoint in (
        ("openai", "/v1/chat/completions"),
        ("openai-responses", "/v1/responses"),
    ):
        kind = type("Kind", (OpenAI,), {"provider": name})
        api = backend(kind(), base_url="http://127.0.0.1/v1").batch_api()
        line = json.loads(api._line(JobLine("q", b'{"a":1}')))  # type: ignore[attr-defined]
        assert line == {"custom_id": "q", "method": "POST", "url": endpoint, "body": {"a": 1}}
