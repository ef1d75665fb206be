"""What only Gemini's batch API does: files in two steps, states in two spellings, codes of gRPC."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from gadet.backends.base import Completion
from gadet.backends.jobs.base import JobLine
from gadet.backends.jobs.gemini import GeminiJobs
from gadet.backends.jobs.tags import new_tag
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
from tests.backends.jobs.conftest import Client, backend
from tests.backends.jobs.imitation import before, instead, running
from tests.backends.jobs.providers import Gemini
from tests.backends.jobs.shapes import anything
from tests.backends.servers import reply

LINES = [JobLine(f"q{number}", b'{"contents":[]}') for number in range(3)]


@pytest.fixture
def gemini() -> Iterator[Gemini]:
    with running(Gemini()) as imitation:
        yield imitation  # type: ignore[misc]


def test_a_job_from_end_to_end(gemini: Gemini, client: Client) -> None:
    api, tag = client(gemini), new_tag(3)
    job = api.submit(LINES, tag)
    assert api.find(tag) == job == "batches/b0"
    assert api.find(new_tag(3)) is None
    states = [api.poll(job) for _ in range(3)]
    assert [status.state for status in states] == ["running", "running", "ended"]
    assert states[0].total == 3
    assert set(dict(api.collect(job))) == {"q0", "q1", "q2"}


def test_a_job_is_found_on_any_page(gemini: Gemini, client: Client) -> None:
    api = client(gemini)
    tags = [new_tag(3) for _ in range(5)]
    jobs = [api.submit(LINES, tag) for tag in tags]
    assert [api.find(tag) for tag in tags] == jobs


@pytest.mark.parametrize(
    ("state", "read"),
    [
        ("JOB_STATE_QUEUED", "running"),
        ("JOB_STATE_SUCCEEDED", "ended"),
        ("BATCH_STATE_PARTIALLY_SUCCEEDED", "ended"),
        ("JOB_STATE_EXPIRED", "lost"),
        ("BATCH_STATE_CANCELLED", "lost"),
        ("BATCH_STATE_UNSPECIFIED", "running"),
    ],
)
def test_states(gemini: Gemini, client: Client, state: str, read: str) -> None:
    gemini.states = (state,)
    api = client(gemini)
    status = api.poll(api.submit(LINES, new_tag(3)))
    assert status.state == read
    assert bool(status.message) == (read == "lost")


def test_a_job_that_failed_tells_why(gemini: Gemini, client: Client) -> None:
    gemini.states = ("BATCH_STATE_FAILED",)
    api = client(gemini)
    assert api.poll(api.submit(LINES, new_tag(3))).message == "bad line 1"


def test_a_job_that_broke_off_with_answers(gemini: Gemini, client: Client) -> None:
    api = client(gemini)
    job = api.submit(LINES, new_tag(3))
    about = {"state": "BATCH_STATE_EXPIRED", "output": {"responsesFile": "files/r"}}
    shown = reply(200, json.dumps({"name": job, "metadata": about}))
    gemini.faults = [(r"GET .*b0$", lambda *_: shown)]
    assert api.poll(job).state == "ended"


def test_a_job_waits_for_its_file_but_not_forever(gemini: Gemini, client: Client) -> None:
    gemini.has_file = False
    gemini.states = ("BATCH_STATE_SUCCEEDED",)
    api = client(gemini)
    job = api.submit(LINES, new_tag(3))
    assert api.poll(job).state == "running"
    assert list(api.collect(job)) == []
    gemini.jobs[job].created -= 7200
    assert (api.poll(job).state, api.poll(job).message) == ("lost", "it has no file of answers")
    odd = {"name": job, "metadata": {"state": "JOB_STATE_SUCCEEDED", "endTime": "2020-01-01"}}
    gemini.faults = [(r"GET .*b0$", lambda *_: reply(200, json.dumps(odd)))]
    assert api.poll(job).state == "running", "a time without a zone is no time"


@pytest.mark.parametrize(
    ("code", "kind", "status"),
    [
        (1, BackendError, 408),
        (3, ResponseError, 400),
        (4, ServerError, 504),
        (7, AuthenticationError, 403),
        (8, RateLimitError, 429),
        (13, ServerError, 500),
        (14, ServerError, 503),
        (99, ServerError, 500),
        (None, ServerError, 500),
        (429, RateLimitError, 429),
    ],
)
def test_codes_of_errors(
    gemini: Gemini, client: Client, code: int | None, kind: type[BackendError], status: int
) -> None:
    gemini.line = lambda custom_id, said: {  # type: ignore[method-assign,assignment]
        "key": custom_id,
        "error": {"code": code, "message": "an internal error has occurred"},
    }
    gemini.states = ("JOB_STATE_SUCCEEDED",)
    api = client(gemini)
    ((_, outcome),) = api.collect(api.submit(LINES[:1], new_tag(1)))
    assert type(outcome) is kind
    assert outcome.status == status
    assert "an internal error" in str(outcome)


def test_a_file_that_is_processed_for_a_while(gemini: Gemini, client: Client) -> None:
    gemini.file_states = ["PROCESSING", "PROCESSING", "ACTIVE"]
    api = client(gemini)
    waited: list[float] = []
    object.__setattr__(api._desk, "sleep", waited.append)  # type: ignore[attr-defined]
    api.submit(LINES, new_tag(3))
    assert waited == [2.0, 2.0]


def test_an_upload_that_breaks_off_is_begun_anew_once(gemini: Gemini, client: Client) -> None:
    api = client(gemini)
    gemini.faults = [(gemini.upload, before)]
    api.submit(LINES, new_tag(3))
    assert gemini.count("POST /upload/v1beta/files") == 2
    gemini.faults = [(gemini.upload, before)] * 2
    with pytest.raises(TransportError):
        api.submit(LINES, new_tag(3))
    assert len(gemini.jobs) == 1


def test_a_key_goes_to_its_own_server_only(gemini: Gemini, client: Client) -> None:
    elsewhere = reply(200, "{}", x_goog_upload_url="http://127.0.0.2:9/upload")
    gemini.faults = [("POST /upload/v1beta/files", lambda *_: elsewhere)]
    with pytest.raises(ConfigurationError, match="sent nowhere else"):
        client(gemini).submit(LINES, new_tag(3))


def test_what_is_no_files_api(gemini: Gemini, client: Client) -> None:
    gemini.faults = [("POST /upload/v1beta/files", lambda *_: reply(200, "{}"))]
    with pytest.raises(ResponseError, match="an address to upload to"):
        client(gemini).submit(LINES, new_tag(3))
    # As it answers to a kind of file that it does not take.
    refused = {"error": {"code": 400, "message": "Unsupported MIME type", "status": "INVALID"}}
    gemini.faults = [(gemini.upload, instead(200, json.dumps(refused)))]
    with pytest.raises(ResponseError, match="a file with a name"):
        client(gemini).submit(LINES, new_tag(3))


def test_cancelling(gemini: Gemini, client: Client) -> None:
    api = client(gemini)
    job = api.submit(LINES, new_tag(3))
    api.cancel(job)
    assert (api.poll(job).state, api.poll(job).message) == ("lost", "cancelled")


@given(line=anything)
@settings(max_examples=150, deadline=None)
def test_no_line_is_a_foreign_error(line: dict[str, Any]) -> None:
    api = backend(Gemini(), base_url="http://127.0.0.1:9").batch_api()
    assert isinstance(api, GeminiJobs)
    assert isinstance(api._outcome(line), Completion | BackendError | InputError)
