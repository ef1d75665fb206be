"""What only OpenAI's and Azure's batch APIs do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from gadet.backends.base import Completion
from gadet.backends.jobs.base import JobLine
from gadet.backends.jobs.openai import OpenAIJobs
from gadet.backends.jobs.tags import new_tag
from gadet.errors import BackendError, ConfigurationError, InputError, ServerError
from tests.backends.jobs.conftest import Client, backend
from tests.backends.jobs.imitation import Imitation, Said, instead, running
from tests.backends.jobs.providers import Azure, OpenAI
from tests.backends.jobs.shapes import anything
from tests.backends.servers import reply

LINES = [JobLine(f"q{number}", b'{"model":"m","messages":[]}') for number in range(3)]


@pytest.fixture
def openai() -> Iterator[OpenAI]:
    with running(OpenAI()) as imitation:
        yield imitation  # type: ignore[misc]


def test_a_job_from_end_to_end(openai: OpenAI, client: Client) -> None:
    api, tag = client(openai), new_tag(3)
    job = api.submit(LINES, tag)
    assert api.find(tag) == job
    assert api.find(new_tag(3)) is None
    states = [api.poll(job) for _ in range(4)]
    assert [status.state for status in states] == ["running"] * 3 + ["ended"]
    assert (states[0].done, states[0].total) == (1, 3)
    outcomes = dict(api.collect(job))
    assert set(outcomes) == {"q0", "q1", "q2"}
    assert all(isinstance(outcome, Completion) for outcome in outcomes.values())
    assert outcomes["q0"].request_id == "req_9"  # type: ignore[union-attr]


def test_a_job_is_found_on_any_page(openai: OpenAI, client: Client) -> None:
    api = client(openai)
    tags = [new_tag(3) for _ in range(5)]
    jobs = [api.submit(LINES, tag) for tag in tags]
    assert [api.find(tag) for tag in tags] == jobs


def test_both_files_are_read_and_none_that_has_no_name(openai: OpenAI, client: Client) -> None:
    said = iter([Said(), Said("error", "no", 400, "invalid_request_error"), Said()])
    kinds = {f'"q{number}"': next(said) for number in range(3)}
    openai.says = lambda text: kinds[json.dumps(json.loads(text)["user"])]
    openai.states = ("completed",)
    api = client(openai)
    lines = [JobLine(line.custom_id, b'{"user":"%s"}' % line.custom_id.encode()) for line in LINES]
    job = api.submit(lines, new_tag(3))
    outcomes = dict(api.collect(job))
    assert isinstance(outcomes["q1"], BackendError)
    assert isinstance(outcomes["q2"], Completion)
    openai.says = lambda _: Said()
    clean = api.submit(LINES, new_tag(3))
    before = openai.count("content")
    assert len(dict(api.collect(clean))) == 3
    assert openai.count("content") == before + 1


@pytest.mark.parametrize(
    ("line", "status"),
    [
        # As it was seen where a request got no answer at all.
        ({"response": {"status_code": 0, "request_id": "", "body": {}}, "error": None}, 408),
        ({"response": None, "error": {"code": "batch_expired", "message": "late"}}, 408),
        ({"response": None, "error": {"code": "request_timeout", "message": "slow"}}, 408),
        ({"response": None, "error": {"code": "server_error", "message": "oh"}}, 500),
        ({"response": {"status_code": 503, "body": {"error": {"message": "oh"}}}}, 503),
        ({"response": {"status_code": 429, "body": None}}, 429),
        ({}, 408),
    ],
)
def test_lines_of_errors(openai: OpenAI, client: Client, line: Any, status: int) -> None:
    openai.line = lambda custom_id, said: {"custom_id": custom_id, **line}  # type: ignore
    openai.states = ("completed",)
    api = client(openai)
    ((_, outcome),) = api.collect(api.submit(LINES[:1], new_tag(1)))
    assert isinstance(outcome, BackendError)
    assert outcome.status == status
    assert isinstance(outcome, ServerError) == (status >= 500)


@pytest.mark.parametrize(
    ("state", "read"),
    [("cancelling", "running"), ("a new one", "running"), ("failed", "lost")],
)
def test_states(openai: OpenAI, client: Client, state: str, read: str) -> None:
    openai.states = (state,)
    api = client(openai)
    assert api.poll(api.submit(LINES, new_tag(3))).state == read


@pytest.mark.parametrize("state", ["expired", "cancelled"])
@pytest.mark.parametrize(("kind", "read"), [("absent", "lost"), ("answer", "ended")])
def test_a_job_that_broke_off(
    openai: OpenAI, client: Client, state: str, kind: str, read: str
) -> None:
    openai.states, openai.says = (state,), lambda _: Said(kind)
    api = client(openai)
    status = api.poll(api.submit(LINES, new_tag(3)))
    assert (status.state, status.message) == (read, state if read == "lost" else "")


def test_what_is_no_batch_api(openai: OpenAI, client: Client) -> None:
    openai.faults = [(openai.upload, lambda *_: reply(200, "{}"))]
    with pytest.raises(BackendError, match="a file with an id was expected"):
        client(openai).submit(LINES, new_tag(3))
    openai.faults = [(openai.upload, instead(404, "<html>"))]
    with pytest.raises(BackendError, match="base URL"):
        client(openai).submit(LINES, new_tag(3))


def test_azure_takes_a_while_to_take_in_a_file(client: Client) -> None:
    with running(Azure()) as azure:
        pending = reply(200, json.dumps({"id": "file-0", "status": "pending"}))

        def slow(imitation: Imitation, request: Any) -> Any:
            imitation.answered(request)
            return pending

        azure.faults = [(OpenAI.upload, slow), (r"GET .*files/file-0$", lambda *_: pending)]
        api = client(azure)
        waited: list[float] = []
        object.__setattr__(api._desk, "sleep", waited.append)  # type: ignore[attr-defined]
        job = api.submit(LINES, new_tag(3))
        assert waited == [2.0, 2.0]
        assert api.poll(job).state == "running"
        assert [api.poll(job).state for _ in range(3)][-1] == "ended"


def test_azure_is_asked_at_the_address_of_all_deployments(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with running(Azure()) as azure:
        for version in (None, "preview"):
            api = backend(azure, base_url=azure.root, api_version=version).batch_api()
            api.submit(LINES, new_tag(3))
        dated = backend(azure, base_url=azure.root, api_version="2024-10-21")
        with pytest.raises(ConfigurationError, match="leave `api_version`"):
            dated.batch_api()
        assert len(azure.jobs) == 2


@given(line=anything)
@settings(max_examples=150, deadline=None)
def test_no_line_is_a_foreign_error(line: dict[str, Any]) -> None:
    with_desk = OpenAIJobs(backend(OpenAI(), base_url="http://127.0.0.1:9").batch_api()._desk)  # type: ignore[attr-defined]
    assert isinstance(with_desk._outcome(line), Completion | BackendError | InputError)
