"""An imitation of each batch API that runs, and a detector or a client that speaks to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from gadet.backends.hosted import HttpBackend
from gadet.backends.jobs.base import JobClient
from gadet.backends.registry import connect
from tests.backends.conftest import FAST
from tests.backends.jobs.imitation import KEY, Imitation, running
from tests.backends.jobs.providers import Anthropic, Azure, Gemini, OpenAI, Responses

Client = Callable[..., JobClient]


APIS: tuple[type[Imitation], ...] = (OpenAI, Anthropic, Gemini)


@pytest.fixture(params=APIS, ids=lambda kind: kind.provider)
def provider(request: pytest.FixtureRequest) -> Iterator[Imitation]:
    """Each API in turn."""
    with running(request.param()) as imitation:
        yield imitation


@pytest.fixture(params=(*APIS, Responses, Azure), ids=lambda kind: kind.provider)
def any_provider(request: pytest.FixtureRequest) -> Iterator[Imitation]:
    """Each API, in each format that it takes."""
    with running(request.param()) as imitation:
        yield imitation


@pytest.fixture
def client() -> Iterator[Client]:
    """Make clients whose tries follow at once, and close their connections at the end."""
    made: list[HttpBackend] = []

    def make(imitation: Imitation, **options: Any) -> JobClient:
        made.append(backend(imitation, **options))
        return made[-1].batch_api()

    yield make
    for one in made:
        one.close()


def backend(imitation: Imitation, **options: Any) -> HttpBackend:
    settings = {"api_key": KEY, "retry": FAST, "timeout": 5.0, "base_url": imitation.base_url}
    made = connect(f"{imitation.provider}:m", **(settings | options))
    assert isinstance(made, HttpBackend)
    return made
