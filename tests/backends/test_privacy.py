"""Who may be spoken to, and that keys and pictures stay out of messages and logs."""

from __future__ import annotations

import json
import logging

import pytest
from pydantic import SecretStr

from gadet.backends.hosted import HttpBackend
from gadet.backends.transport.http import HttpChannel
from gadet.errors import (
    AuthenticationError,
    ConfigurationError,
)
from tests.backends.conftest import Ask, Connect, ok
from tests.backends.servers import reply, serving

KEY = "sk-very-secret-0123456789"


def test_the_guard_lets_only_loopback_through(
    connect: Connect, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    for base_url in ("https://api.example.org/v1", "http://192.0.2.1/v1", "http://10.0.0.1:80/v1"):
        with pytest.raises(ConfigurationError, match="GADET_ALLOW_NETWORK=0 forbids"):
            ask(connect(base_url))
    with serving(ok) as server:
        assert ask(connect(server.url)).stop == "complete"
    monkeypatch.setenv("GADET_ALLOW_NETWORK", "1")
    channel = HttpChannel("https://api.example.org", name="x")
    channel._guard()


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://localhost:1", True),
        ("http://api.localhost", True),
        ("http://127.8.0.1", True),
        ("http://[::1]:8000", True),
        ("http://0.0.0.0", False),
        ("http://example.org", False),
        ("http://localhost.example.org", False),
        ("http://127.0.0.1.example.org", False),
    ],
)
def test_what_is_loopback(url: str, local: bool) -> None:
    assert HttpChannel(url, name="x")._local is local


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("ftp://host/v1", "scheme 'ftp'"),
        ("host/v1", "https://host/v1 is needed"),
        ("http:///v1", "https://host/v1 is needed"),
        ("http://host:port/v1", "https://host/v1 is needed"),
        ("https://me:secret@host/v1", "holds a name or password"),
    ],
)
def test_addresses_that_cannot_be_used(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        HttpChannel(url, name="x")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-é", "sk-\x00"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(ConfigurationError, match=r"printable ASCII.*line break") as caught:
        HttpBackend("m", base_url="http://127.0.0.1/v1", api_key=key)
    assert "sk-" not in str(caught.value)


def test_space_around_a_key_does_not_matter(connect: Connect, ask: Ask) -> None:
    with serving(ok) as server:
        ask(connect(server.url, api_key=f" {KEY}\n"))
    assert server.requests[0][1]["authorization"] == f"Bearer {KEY}"


def test_the_key_is_nowhere_to_be_read(
    connect: Connect, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = json.dumps(
        {"error": {"message": f"Incorrect API key {KEY}, x-token t0ken-9", "code": KEY}}
    )
    with serving(reply(401, echo)) as server:
        backend = connect(server.url, api_key=KEY, headers={"x-token": SecretStr("t0ken-9")})
        with pytest.raises(AuthenticationError) as caught:
            ask(backend)
    error = caught.value
    places = [repr(backend), repr(backend.__dict__), repr(backend._channel.__dict__), caplog.text]
    places += [str(error), repr(error), repr(error.__dict__), repr(error.__cause__)]
    for place in places:
        assert KEY not in place
        assert "t0ken-9" not in place
    assert "***" in str(error)


def test_the_log_has_one_line_per_call_and_no_picture(
    connect: Connect, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="gadet")
    with serving(ok) as server:
        ask(connect(server.url))
    ours = [record for record in caplog.records if record.name == "gadet"]
    assert [record.levelname for record in ours] == ["DEBUG", "INFO"]
    assert "status 200 in" in ours[1].getMessage()
    assert "base64" not in caplog.text
    assert "<image 0 KB sha256:" in ours[0].getMessage()


def test_proxies_of_the_environment_are_not_for_this_machine(
    connect: Connect, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with serving(ok) as server:
        assert ask(connect(server.url)).stop == "complete"


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "X-Auth-Token", "cookie"])
def test_a_header_that_may_hold_a_secret_is_one(name: str) -> None:
    headers = {name: "planted-0123456789"}
    backend = HttpBackend("m", base_url="http://localhost:1/v1", headers=headers)
    assert "planted" not in repr(backend)
    assert "planted" not in backend._scrub("the server said planted-0123456789")
