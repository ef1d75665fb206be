"""What only Anthropic's batch API does: finding a job that it keeps no mark of."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from gadet.backends.base import Completion
from gadet.backends.jobs.anthropic import AnthropicJobs
from gadet.backends.jobs.base import JobLine
from gadet.backends.jobs.tags import new_tag, read_tag
from gadet.errors import BackendError, ConfigurationError, InputError
from tests.backends.jobs.conftest import Client, backend
from tests.backends.jobs.imitation import Said, instead, running
from tests.backends.jobs.providers import Anthropic
from tests.backends.jobs.shapes import anything
from tests.backends.servers import reply

LINES = [JobLine(f"q{number}", b'{"model":"m"}') for number in range(3)]


@pytest.fixture
def anthropic() -> Iterator[Anthropic]:
    with running(Anthropic()) as imitation:
        yield imitation  # type: ignore[misc]


def test_a_job_from_end_to_end(anthropic: Anthropic, client: Client) -> None:
    api, tag = client(anthropic), new_tag(3)
    job = api.submit(LINES, tag)
    (accepted,) = anthropic.jobs.values()
    mark = read_tag(tag).mark
    assert [custom_id for custom_id, _ in accepted.questions] == [f"{mark}-q{n}" for n in range(3)]
    states = [api.poll(job) for _ in range(3)]
    assert [status.state for status in states] == ["running", "running", "ended"]
    assert [(status.done, status.total) for status in states] == [(0, 3), (0, 3), (3, 3)]
    assert set(dict(api.collect(job))) == {"q0", "q1", "q2"}


def test_one_that_ended_is_known_by_its_answers(anthropic: Anthropic, client: Client) -> None:
    anthropic.states = ("ended",)
    api = client(anthropic)
    tags = [new_tag(3) for _ in range(5)]
    jobs = [api.submit(LINES, tag) for tag in tags]
    assert [client(anthropic).find(tag) for tag in tags] == jobs
    assert client(anthropic).find(new_tag(3)) is None


def test_one_under_way_is_known_by_its_size_and_time(anthropic: Anthropic, client: Client) -> None:
    now = time.time()
    api, tag = client(anthropic), new_tag(3)
    anthropic.clock = lambda: now - 7200
    api.submit(LINES, new_tag(3))
    anthropic.clock = lambda: now
    api.submit(LINES[:2], new_tag(2))
    assert client(anthropic).find(tag) is None
    mine = api.submit(LINES, tag)
    anthropic.clock = lambda: now + 7200
    api.submit(LINES, new_tag(3))
    assert client(anthropic).find(tag) == mine


def test_several_under_way_are_not_guessed_among(anthropic: Anthropic, client: Client) -> None:
    api, tag = client(anthropic), new_tag(3)
    jobs = [api.submit(LINES, new_tag(3)), api.submit(LINES, tag)]
    later = client(anthropic)
    with pytest.raises(BackendError, match="run again when they have ended") as caught:
        later.find(tag)
    assert all(job in str(caught.value) for job in jobs)
    assert later.find(tag, {jobs[0]}) == jobs[1]
    for job in jobs:
        for _ in anthropic.states:
            later.poll(job)
    assert client(anthropic).find(tag) == jobs[1]


def test_a_job_that_is_looked_at_is_known(anthropic: Anthropic, client: Client) -> None:
    earlier = client(anthropic).submit(LINES, new_tag(3))
    tag = new_tag(3)
    lost = client(anthropic).submit(LINES, tag)
    api = client(anthropic)
    api.poll(earlier)
    assert api.find(tag) == lost


def test_answers_of_another_job_are_not_taken_for_ours(
    anthropic: Anthropic, client: Client
) -> None:
    anthropic.states = ("in_progress", "ended")
    foreign = anthropic.accept("msgbatch_x", "", [("theirs", {}), ("plain-one", {}), ("c", {})])
    api = client(anthropic)
    assert api.find(new_tag(3)) == foreign.id, "it cannot be told apart while it is under way"
    foreign.looks = 1
    assert set(dict(api.collect(foreign.id))) == {"one"}
    assert client(anthropic).find(new_tag(3)) is None


def test_a_batch_that_says_no_time_may_be_ours(anthropic: Anthropic, client: Client) -> None:
    api, tag = client(anthropic), new_tag(3)
    job = api.submit(LINES, tag)
    shown = {**anthropic.shown(anthropic.jobs[job]), "created_at": None}
    page = {"data": [shown, {"id": None}, 7], "has_more": False}
    anthropic.faults = [(r"GET .*batches$", lambda *_: reply(200, json.dumps(page)))]
    assert client(anthropic).find(tag) == job


def test_a_tag_of_another_kind(anthropic: Anthropic, client: Client) -> None:
    with pytest.raises(ConfigurationError, match="another version"):
        client(anthropic).find("gadet-0123")


def test_answers_that_are_kept_no_longer(anthropic: Anthropic, client: Client) -> None:
    anthropic.states = ("ended",)
    api = client(anthropic)
    job = api.submit(LINES, new_tag(3))
    shown = {**anthropic.shown(anthropic.jobs[job]), "archived_at": "2026-11-01T00:00:00Z"}
    anthropic.faults = [(rf"GET .*{job}$", lambda *_: reply(200, json.dumps(shown)))]
    status = api.poll(job)
    assert (status.state, status.message) == ("lost", "the provider keeps its answers no longer")


def test_cancelling(anthropic: Anthropic, client: Client) -> None:
    api = client(anthropic)
    job = api.submit(LINES, new_tag(3))
    api.cancel(job)
    assert [api.poll(job).state for _ in range(2)] == ["running", "ended"]


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (Said("error", "busy", type="overloaded_error"), 529),
        (Said("error", "bad", type="invalid_request_error"), 400),
        (Said("error", "odd", type="a_new_error"), 200),
        (Said("unreached"), 408),
    ],
)
def test_errors(anthropic: Anthropic, client: Client, said: Said, status: int) -> None:
    anthropic.states, anthropic.says = ("ended",), lambda _: said
    api = client(anthropic)
    ((_, outcome),) = api.collect(api.submit(LINES[:1], new_tag(1)))
    assert isinstance(outcome, BackendError)
    assert outcome.status == status
    if said.kind == "error":
        assert outcome.request_id == "req_9"


def test_a_picture_that_cannot_be_read(anthropic: Anthropic, client: Client) -> None:
    said = Said("error", "Could not process image", type="invalid_request_error")
    anthropic.states, anthropic.says = ("ended",), lambda _: said
    api = client(anthropic)
    ((_, outcome),) = api.collect(api.submit(LINES[:1], new_tag(1)))
    assert isinstance(outcome, InputError)


def test_a_list_that_cannot_be_asked(anthropic: Anthropic, client: Client) -> None:
    anthropic.faults = [(r"GET .*batches$", instead(403))]
    with pytest.raises(BackendError):
        client(anthropic).find(new_tag(1))


@given(line=anything)
@settings(max_examples=150, deadline=None)
def test_no_result_is_a_foreign_error(line: dict[str, Any]) -> None:
    api = backend(Anthropic(), base_url="http://127.0.0.1:9").batch_api()
    assert isinstance(api, AnthropicJobs)
    assert isinstance(api._outcome(line), Completion | BackendError | InputError)
