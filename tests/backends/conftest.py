"""Answers of a model in bytes, and a backend whose waits take no time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gadet.backends.base import Completion
from gadet.backends.hosted import HttpBackend
from gadet.backends.transport.retry import RetryPolicy
from tests.backends.prompts import zero_shot
from tests.backends.servers import reply

BODIES = Path(__file__).parent / "bodies"
RESPONSES = Path(__file__).parent / "responses"

FAST = RetryPolicy(max_retries=2, initial=0.001, ceiling=0.002)
GOOD = (RESPONSES / "normal.json").read_bytes()

Connect = Callable[..., HttpBackend]
Ask = Callable[[HttpBackend], Completion]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make backends that try again at once, and close them at the end."""
    made: list[HttpBackend] = []

    def make(base_url: str, **options: Any) -> HttpBackend:
        options = {"retry": FAST, "timeout": 5.0} | options
        made.append(HttpBackend("a-model", base_url=base_url, **options))
        return made[-1]

    yield make
    for backend in made:
        backend.close()


def answer(text: str = "fine", **fields: Any) -> bytes:
    """A well-formed answer with this text."""
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": text},
    }
    return json.dumps({"id": "c-1", "model": "a-model", "choices": [choice]} | fields).encode()


def _blocking(backend: HttpBackend) -> Completion:
    return backend.complete(zero_shot())


def _asynchronous(backend: HttpBackend) -> Completion:
    return asyncio.run(backend.acomplete(zero_shot()))


@pytest.fixture(params=[_blocking, _asynchronous], ids=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Ask:
    return request.param


ok = reply(200, GOOD, x_request_id="req_7")


def failing(name: str, status: int, **headers: str) -> Any:
    return reply(status, (RESPONSES / name).read_bytes(), **headers)
