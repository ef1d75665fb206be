"""Every provider from its name to a server on loopback and back, in its own wire format."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gadet.backends.hosted import HttpBackend
from gadet.backends.providers import presets
from gadet.backends.registry import available, connect
from gadet.errors import (
    AuthenticationError,
    BackendError,
    RateLimitError,
    ResponseError,
    ServerError,
)
from tests.backends.conftest import FAST, RESPONSES, Ask
from tests.backends.prompts import zero_shot
from tests.backends.servers import Server, reply, serving

KEY = "key-very-secret-0123456789"


@dataclass(frozen=True)
class Format:
    """What a wire format looks like from the server's side.

    Attributes:
        provider: A provider that speaks it.
        path: Where it is asked, below the server's root.
        base: The base URL below the server's root.
        key: The header of the key and its value.
        good: A stored answer.
        wrong_key: The stored error for a wrong key.
    """

    provider: str
    path: str
    base: str
    key: tuple[str, str]
    good: Path
    wrong_key: Path


FORMATS = [
    Format(
        "openai", "/v1/chat/completions", "/v1", ("authorization", f"Bearer {KEY}"),
        RESPONSES / "normal.json", RESPONSES / "401.json",
    ),
    Format(
        "openai-responses", "/v1/responses", "/v1", ("authorization", f"Bearer {KEY}"),
        RESPONSES / "openai_responses" / "normal.json", RESPONSES / "401.json",
    ),
    Format(
        "anthropic", "/v1/messages", "", ("x-api-key", KEY),
        RESPONSES / "anthropic" / "normal.json", RESPONSES / "anthropic" / "401.json",
    ),
    Format(
        "azure", "/openai/v1/chat/completions", "", ("api-key", KEY),
        RESPONSES / "normal.json", RESPONSES / "hosts" / "azure_401.json",
    ),
]  # fmt: skip

Connect = Callable[..., HttpBackend]


@pytest.fixture(params=FORMATS, ids=lambda form: form.provider)
def form(request: pytest.FixtureRequest) -> Format:
    return request.param


@pytest.fixture
def asked(form: Format, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Connect to a server as the provider, and close the connections at the end."""
    monkeypatch.delenv("OPENAI_API_VERSION", raising=False)
    made: list[HttpBackend] = []

    def make(server: Server, **options: Any) -> HttpBackend:
        root = server.url.removesuffix("/v1")
        options = {"api_key": KEY, "retry": FAST, "timeout": 5.0} | options
        backend = connect(f"{form.provider}:a-model", base_url=root + form.base, **options)
        assert isinstance(backend, HttpBackend)
        made.append(backend)
        return backend

    yield make
    for backend in made:
        backend.close()


def test_an_answer(form: Format, asked: Connect, ask: Ask) -> None:
    with serving(reply(200, form.good.read_bytes())) as server:
        completion = ask(asked(server))
    assert json.loads(completion.text)["score"] == 0.08
    assert completion.stop == "complete"
    assert completion.usage.input_tokens > completion.usage.cached_tokens > 0
    path, headers, body = server.requests[0]
    assert path == form.path
    name, value = form.key
    assert headers[name] == value
    assert not [other for other in headers if KEY in headers[other] and other != name]
    assert KEY.encode() not in body
    assert headers.get("anthropic-version") == (
        "2023-06-01" if form.provider == "anthropic" else None
    )


def test_a_wrong_key_is_told_once_and_shown_nowhere(
    form: Format, asked: Connect, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = json.loads(form.wrong_key.read_bytes())
    echo["error"]["message"] += f" You sent {KEY}."
    with serving(reply(401, json.dumps(echo))) as server:
        backend = asked(server, headers={"x-token": SecretStr("t0ken-9")})
        with pytest.raises(AuthenticationError, match="check the API key") as caught:
            ask(backend)
    assert len(server.requests) == 1
    error = caught.value
    places = [repr(backend), repr(backend.__dict__), repr(backend._channel.__dict__), caplog.text]
    places += [str(error), repr(error), repr(error.__dict__), repr(error.__cause__)]
    for place in places:
        assert KEY not in place
        assert "t0ken-9" not in place
    assert "***" in str(error)
    assert error.backend == f"{form.provider}:a-model"


def test_no_picture_is_logged(
    form: Format, asked: Connect, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="gadet")
    with serving(reply(200, form.good.read_bytes())) as server:
        ask(asked(server))
    sent = server.requests[0][2].decode()
    assert "iVBORw0KGgo" in sent
    assert "iVBORw0KGgo" not in caplog.text
    assert "<image 0 KB sha256:" in caplog.text


def _soon() -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "body", "least", "most"),
    [
        ({"retry_after_ms": "20"}, {}, 0.02, 0.02),
        ({"retry_after": "7"}, {}, 7, 7),
        ({"retry_after": "7", "retry_after_ms": "1500"}, {}, 1.5, 1.5),
        ({"retry_after": "date"}, {}, 50, 60),
        (
            {},
            {
                "details": [
                    {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "3s"}
                ]
            },
            3,
            3,
        ),
    ],
    ids=["milliseconds", "seconds", "both", "date", "in the body"],
)
def test_every_way_to_name_a_wait(
    asked: Connect, ask: Ask, headers: dict[str, str], body: Any, least: float, most: float
) -> None:
    headers = {name: _soon() if value == "date" else value for name, value in headers.items()}
    error = {"error": {"type": "rate_limit_error", "message": "Slow down."} | body}
    with serving(reply(429, json.dumps(error), **headers)) as server:
        backend = asked(server, retry=None, max_retries=0)
        with pytest.raises(RateLimitError, match="Slow down") as caught:
            ask(backend)
    assert caught.value.retry_after is not None
    assert least <= caught.value.retry_after <= most


def test_a_wait_that_is_short_is_waited(form: Format, asked: Connect, ask: Ask) -> None:
    slow = reply(429, b'{"error": {"message": "Slow down."}}', retry_after_ms="5")
    with serving(slow, reply(200, form.good.read_bytes())) as server:
        assert ask(asked(server)).stop == "complete"
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [200, 529])
def test_an_overload_is_asked_again(form: Format, asked: Connect, ask: Ask, status: int) -> None:
    busy = reply(status, b'{"error": {"type": "overloaded_error", "message": "Overloaded"}}')
    with serving(busy, busy, reply(200, form.good.read_bytes())) as server:
        assert ask(asked(server)).stop == "complete"
    assert len(server.requests) == 3
    with serving(busy) as server, pytest.raises(ServerError, match="Overloaded") as caught:
        ask(asked(server))
    assert (caught.value.status, caught.value.attempts) == (529, 3)


def test_a_proxy_that_answers_with_a_page(asked: Connect, ask: Ask) -> None:
    page = reply(200, (RESPONSES / "proxy.html").read_bytes(), content_type="text/html")
    with serving(page) as server, pytest.raises(ResponseError, match="check `base_url`"):
        ask(asked(server))
    assert len(server.requests) == 1


def test_a_request_that_is_too_large_is_sent_once(asked: Connect, ask: Ask) -> None:
    page = reply(413, (RESPONSES / "413.html").read_bytes(), content_type="text/html")
    with serving(page) as server, pytest.raises(BackendError, match="fewer or smaller pictures"):
        ask(asked(server))
    assert len(server.requests) == 1


def test_free_text_of_several_turns(form: Format, asked: Connect) -> None:
    asking = zero_shot(schema={}).followed_by("It is scratched.", "How deep is it?")
    with serving(reply(200, form.good.read_bytes())) as server:
        asked(server).complete(asking)
    body = json.loads(server.requests[0][2])
    assert "json_schema" not in json.dumps(body)
    turns = [turn for turn in body.get("messages", body.get("input")) if turn["role"] != "system"]
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]


def test_effort_stands_in_the_formats_own_field(form: Format, asked: Connect) -> None:
    with serving(reply(200, form.good.read_bytes())) as server:
        asked(server, effort="low").complete(zero_shot(schema={}))
    body = json.loads(server.requests[0][2])
    found = {
        "anthropic": body.get("output_config"),
        "openai-responses": body.get("reasoning"),
    }.get(form.provider, {"effort": body.get("reasoning_effort")})
    assert found == {"effort": "low"}


HOSTS = ["openrouter", "mistral", "groq", "together", "fireworks", "xai", "nvidia", "huggingface"]


@pytest.mark.parametrize("name", HOSTS)
def test_hosts_of_chat_completions_are_rows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    preset = getattr(presets, name)
    assert (preset.name, preset.codec, preset.key_needed) == (name, "openai_chat", True)
    assert preset.base_url.startswith("https://")
    assert not preset.base_url.endswith("/")
    monkeypatch.delenv(preset.key_env, raising=False)
    with pytest.raises(AuthenticationError, match=preset.key_env):
        connect(f"{name}:maker/a-model")
    monkeypatch.setenv(preset.key_env, KEY)
    backend = connect(f"{name}:maker/a-model")
    assert isinstance(backend, HttpBackend)
    assert backend.name == f"{name}:maker/a-model"
    assert str(backend._channel._url) == f"{preset.base_url}/chat/completions"
    assert backend._channel._headers["authorization"] == SecretStr(f"Bearer {KEY}")
    assert KEY not in repr(backend) + repr(backend.__dict__)


def test_every_format_and_host_is_known_by_name() -> None:
    names = {status.name for status in available()}
    assert {*HOSTS, *(form.provider for form in FORMATS)} <= names


def test_a_base_url_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "https://gate.example/anthropic/")
    backend = connect("anthropic:claude-opus-5-5")
    assert isinstance(backend, HttpBackend)
    assert str(backend._channel._url) == "https://gate.example/anthropic/v1/messages"
    assert backend.profile.schema_mode == "anthropic"
    assert backend.profile.cache == "explicit"
