"""Many items through a batch API: rounds, restarts, and every kind of outcome."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from gadet import (
    AnomalyDetector,
    BackendError,
    Completion,
    ConfigurationError,
    Failure,
    InputError,
    Limits,
    Prices,
    Profile,
    Prompt,
    Report,
    ResponseError,
    ServerError,
    TransportError,
    Usage,
)
from gadet.backends.jobs.base import JobLine, JobOutcome, JobStatus
from gadet.jobs import run_jobs
from tests.doubles import StubExpert, answer, picture

PRICES = Prices(input=1.0, output=1.0, batch=0.5, as_of="2026-01-01")
Answer = Callable[[str], JobOutcome | None]


class Provider:
    """A batch API in memory: a job ends at its second look, and answers in reverse order."""

    name = "provider:m"
    max_lines, max_bytes = 1_000, 10**9

    def __init__(self, answers: Answer | None = None, **facts: Any) -> None:
        self.profile = Profile(prices=PRICES, **facts)
        self.answers = answers or (lambda _: completed())
        self.jobs: dict[str, list[JobLine]] = {}
        self.tags: dict[str, str] = {}
        self.looks: Counter[str] = Counter()
        self.fail_once: list[BaseException] = []
        self.lost: set[str] = set()

    def complete(self, prompt: Prompt) -> Completion:
        raise AssertionError("a batch run asks nothing directly")

    async def acomplete(self, prompt: Prompt) -> Completion:
        raise AssertionError("a batch run asks nothing directly")

    def close(self) -> None:
        pass

    def encode(self, prompt: Prompt) -> bytes:
        return json.dumps({"text": prompt.text, "sample": prompt.sample}).encode()

    def batch_api(self) -> Provider:
        return self

    def submit(self, lines: Sequence[JobLine], tag: str) -> str:
        job = f"job-{len(self.jobs)}"
        self.jobs[job], self.tags[tag] = list(lines), job
        if self.fail_once:
            raise self.fail_once.pop()
        return job

    def find(self, tag: str, known: Collection[str] = ()) -> str | None:
        return self.tags.get(tag)

    def poll(self, job: str) -> JobStatus:
        self.looks[job] += 1
        if self.fail_once:
            raise self.fail_once.pop()
        if job in self.lost:
            return JobStatus("lost", message="cancelled by hand")
        return JobStatus("running" if self.looks[job] < 2 else "ended", total=len(self.jobs[job]))

    def collect(self, job: str) -> Iterator[tuple[str, JobOutcome]]:
        for line in reversed(self.jobs[job]):
            outcome = self.answers(json.loads(line.body)["text"])
            if outcome is not None:
                yield line.custom_id, outcome

    def cancel(self, job: str) -> None:
        self.lost.add(job)


def completed(text: str | None = None) -> Completion:
    usage = Usage(requests=1, input_tokens=1_000_000)
    return Completion(text or answer(), usage=usage)


def run(provider: Provider, journal: Path, items: int = 3, **options: Any) -> list[Any]:
    detector = AnomalyDetector(provider, expert=StubExpert())
    pictures = [picture(spot=True, shade=number) for number in range(items)]
    options = {"poll_seconds": 0.0, "batch_api": True, "resume": journal, **options}
    return detector.detect_many(pictures, **options)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def test_every_item_gets_its_own_answer(journal: Path) -> None:
    provider = Provider()
    reports = run(provider, journal)
    assert [report.verdict for report in reports] == ["anomalous"] * 3
    assert len({report.item.sha256 for report in reports}) == 3
    assert [len(lines) for lines in provider.jobs.values()] == [3]
    ids = [line.custom_id for line in provider.jobs["job-0"]]
    assert len(set(ids)) == 3
    assert all(0 < len(name) <= 64 and name.isalnum() for name in ids)


def test_prices_are_those_of_the_batch_api(journal: Path) -> None:
    (report,) = run(Provider(), journal, items=1)
    assert report.cost.amount == pytest.approx(0.5)


def test_what_cannot_be_read_is_asked_again_in_a_second_round(journal: Path) -> None:
    def answers(text: str) -> JobOutcome:
        return completed() if "could not be used" in text else completed("??")

    provider = Provider(answers)
    reports = run(provider, journal)
    assert [report.verdict for report in reports] == ["anomalous"] * 3
    assert [len(lines) for lines in provider.jobs.values()] == [3, 3]
    assert all(report.usage.requests == 2 for report in reports)


def test_all_votes_travel_in_one_job(journal: Path) -> None:
    provider = Provider()
    (report,) = run(provider, journal, items=1, samples=3)
    assert report.score_source == "vote"
    assert [len(lines) for lines in provider.jobs.values()] == [3]


def test_equal_items_are_answered_each(journal: Path) -> None:
    provider = Provider()
    detector = AnomalyDetector(provider, expert=StubExpert())
    options = {"poll_seconds": 0.0, "batch_api": True, "resume": journal}
    assert len(detector.detect_many([picture()] * 3, **options)) == 3
    assert len({line.custom_id for line in provider.jobs["job-0"]}) == 3


def test_jobs_stay_within_what_the_provider_takes(journal: Path) -> None:
    provider = Provider()
    provider.max_lines = 2
    run(provider, journal, items=5)
    assert [len(lines) for lines in provider.jobs.values()] == [2, 2, 1]
    provider = Provider()
    provider.max_bytes = 1
    run(provider, journal.with_name("other.jsonl"), items=3)
    assert [len(lines) for lines in provider.jobs.values()] == [1, 1, 1]


@pytest.mark.parametrize("stage", ["submitted", "unanswered", "between rounds"])
def test_a_killed_run_goes_on_and_asks_nothing_twice(journal: Path, stage: str) -> None:
    def answers(text: str) -> JobOutcome:
        return completed() if "could not be used" in text else completed("??")

    provider = Provider(answers)
    looks = {"submitted": 0, "unanswered": 1, "between rounds": 2}[stage]

    def killed(seconds: float) -> None:
        if sum(provider.looks.values()) >= looks:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        if stage == "submitted":
            provider.fail_once.append(KeyboardInterrupt())
        patch.setitem(run_jobs.__kwdefaults__, "sleep", killed)
        with pytest.raises(KeyboardInterrupt):
            run(provider, journal)
    reports = run(provider, journal)
    assert [report.verdict for report in reports] == ["anomalous"] * 3
    assert [len(lines) for lines in provider.jobs.values()] == [3, 3]
    again = run(provider, journal)
    assert [r.verdict for r in again] == ["anomalous"] * 3
    assert len(provider.jobs) == 2, "a finished run is read from its journal"


def test_a_job_that_never_arrived_is_submitted_anew(journal: Path) -> None:
    provider = Provider()
    provider.fail_once.append(TransportError("no connection"))
    with pytest.raises(TransportError):
        run(provider, journal)
    provider.jobs.clear()
    provider.tags.clear()
    assert len(run(provider, journal)) == 3


def test_passing_failures_are_handed_over_again(journal: Path) -> None:
    tries: Counter[str] = Counter()

    def answers(text: str) -> JobOutcome | None:
        tries[text] += 1
        outcomes = [ServerError("overloaded", status=529), None, completed()]
        return outcomes[tries[text] - 1]

    provider = Provider(answers)
    assert [report.verdict for report in run(provider, journal)] == ["anomalous"] * 3
    assert [len(lines) for lines in provider.jobs.values()] == [3, 3, 3]


@pytest.mark.parametrize(
    ("error", "jobs"),
    [
        (ResponseError("too long", status=400), 1),
        (InputError("a picture cannot be read"), 1),
        (ServerError("down", status=500), 3),
    ],
)
def test_lasting_failures_end_their_item_only(journal: Path, error: Exception, jobs: int) -> None:
    first: list[str] = []

    def answers(text: str) -> JobOutcome:
        first.append(text) if not first else None
        return error if text == first[0] else completed()  # type: ignore[return-value]

    provider = Provider(answers)
    results = run(provider, journal, on_error="record")
    assert Counter(type(result) for result in results) == {Report: 2, Failure: 1}
    assert len(provider.jobs) == jobs
    with pytest.raises(type(error)):
        run(Provider(lambda _: error), journal.with_name("other.jsonl"))  # type: ignore


def test_an_item_that_cannot_be_loaded_is_recorded(journal: Path) -> None:
    detector = AnomalyDetector(Provider(), expert=StubExpert())
    options: dict[str, Any] = {"poll_seconds": 0.0, "batch_api": True, "resume": journal}
    results = detector.detect_many([picture(), "absent.png"], on_error="record", **options)
    assert [type(result) for result in results] == [Report, Failure]


def test_a_job_that_is_lost_is_handed_over_again(journal: Path) -> None:
    provider = Provider()
    provider.lost.add("job-0")
    assert len(run(provider, journal)) == 3
    assert len(provider.jobs) == 2


def test_a_network_that_is_away_for_a_while_ends_no_run(
    journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = Provider()
    submit = provider.submit

    def then_gone(lines: Sequence[JobLine], tag: str) -> str:
        job = submit(lines, tag)
        provider.fail_once = [TransportError("away")] * 5
        return job

    monkeypatch.setattr(provider, "submit", then_gone)
    assert len(run(provider, journal)) == 3
    provider = Provider()
    monkeypatch.setattr("gadet.jobs.MOST_FAILED_LOOKS", 3)
    monkeypatch.setattr(provider, "poll", lambda job: _raise(TransportError("away")))
    with pytest.raises(TransportError):
        run(provider, journal.with_name("other.jsonl"))


def _raise(error: BackendError) -> JobStatus:
    raise error


def test_what_does_not_go_with_a_batch_api_is_refused(journal: Path) -> None:
    with pytest.raises(ConfigurationError, match="one backend whose provider"):
        AnomalyDetector().detect_many([picture()], batch_api=True, resume=journal)
    with pytest.raises(ConfigurationError, match="one backend whose provider"):
        AnomalyDetector([Provider(), "offline"]).detect_many(
            [picture()], batch_api=True, resume=journal
        )
    with pytest.raises(ConfigurationError, match="needs resume"):
        AnomalyDetector(Provider()).detect_many([picture()], batch_api=True)
    with pytest.raises(ConfigurationError, match="takes no budget"):
        run(Provider(), journal, budget=Limits(max_requests=1))
