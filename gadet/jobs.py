"""`run_jobs`: many items through a provider's batch API.

The conversations are not kept while a job runs, which may take a day. In each round every item's
journey is played again from the journal up to the first question that has no answer there; these
questions make the next jobs. A run that is killed goes on in the same way: jobs, answers and
reports stand in the journal, and a job whose id could not be noted is found again by its tag.
"""

from __future__ import annotations

import hashlib
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, repeat

from gadet.backends.base import Completion
from gadet.backends.jobs.base import JobClient, JobLine, JobOutcome, JobStatus
from gadet.backends.jobs.tags import new_tag
from gadet.batch import OnError, failure_of
from gadet.case import Case
from gadet.drivers import step
from gadet.errors import BackendError, RateLimitError, ServerError, TransportError
from gadet.journal import Job, Journal, asked_of
from gadet.progress import progress_bar
from gadet.prompts.prompt import Prompt
from gadet.report import Failure, Report
from gadet.request import DetectRequest
from gadet.route import Leg, Question, Route, travel

__all__ = ["run_jobs"]

logger = logging.getLogger("gadet")

MOST_TRIES = 3
MOST_FAILED_LOOKS = 60
WORTH_ANOTHER_TRY = frozenset({408, 409, 429})


@dataclass(frozen=True)
class _Pending:
    """A question without an answer, ready to be sent."""

    key: str
    asked: str
    body: bytes

    @property
    def custom_id(self) -> str:
        """The same on every run, so that an answer is never taken for another question's."""
        return hashlib.sha256(f"{self.key} {self.asked}".encode()).hexdigest()[:48]


def run_jobs(
    requests: Sequence[DetectRequest],
    *,
    case_of: Callable[[DetectRequest], Case],
    leg: Leg,
    encode: Callable[[Prompt], bytes],
    client: JobClient,
    journal: Journal,
    on_error: OnError,
    progress: bool | None,
    poll_seconds: float,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Report | Failure]:
    """Inspect every request through a batch API, and wait until all are done.

    Args:
        requests: What to inspect.
        case_of: Loads a request; it is called from several threads, once in each round.
        leg: The backend, with the prices that its batch API asks.
        encode: The body of a question as it would be sent on its own.
        client: The batch API.
        journal: What was done so far; everything that happens is written there first.
        on_error: `raise` stops at the first error, `record` puts a `Failure` in its place.
        progress: Show a bar on stderr; None shows one on a terminal.
        poll_seconds: How long to wait between two looks at the jobs.
        sleep: Waits.

    Returns:
        One result per request, in their order.
    """
    run = _Run(requests, case_of, Route.to(leg.backend, leg.profile), encode, client, journal)
    with progress_bar(len(requests), progress) as advance:
        run.recover()
        while True:
            done = len(run.results)
            run.collect()
            run.go_on(on_error)
            for _ in range(len(run.results) - done):
                advance()
            if len(run.results) == len(requests):
                return [run.results[index] for index in range(len(requests))]
            sleep(poll_seconds)


class _Run:
    """The state of one run; all of it can be read from the journal again."""

    def __init__(
        self,
        requests: Sequence[DetectRequest],
        case_of: Callable[[DetectRequest], Case],
        route: Route,
        encode: Callable[[Prompt], bytes],
        client: JobClient,
        journal: Journal,
    ) -> None:
        self.results: dict[int, Report | Failure] = {}
        self._requests = requests
        self._case_of = case_of
        self._route = route
        self._encode = encode
        self._client = client
        self._journal = journal
        self._keys: dict[int, str] = {}
        self._errors: dict[tuple[str, str], Exception] = {}
        self._tries: Counter[tuple[str, str]] = Counter()
        self._failed_looks = 0

    def recover(self) -> None:
        """Find the jobs whose id an earlier run could not note any more."""
        for job in self._journal.jobs:
            if job.id is None:
                known = {other.id for other in self._journal.jobs if other.id is not None}
                found = self._client.find(job.tag, known)
                if found is None:
                    self._journal.settle_job(job.tag)
                else:
                    self._journal.add_job(Job(job.tag, job.questions, found))

    def collect(self) -> None:
        """Take the answers of every job that ended into the journal."""
        for job in self._journal.jobs:
            assert job.id is not None, "recover and _submit leave no job without an id"
            try:
                status = self._client.poll(job.id)
                if status.state == "running":
                    logger.info("job %s: %d of %d answered", job.id, status.done, status.total)
                    continue
                outcomes = dict(self._client.collect(job.id)) if status.state == "ended" else {}
            except (RateLimitError, ServerError, TransportError) as error:
                # The job goes on without us: a network that is away for a while ends no run.
                self._failed_looks += 1
                if self._failed_looks > MOST_FAILED_LOOKS:
                    raise
                logger.warning("job %s could not be looked at: %s", job.id, error)
                continue
            self._failed_looks = 0
            for custom_id, key, asked in job.questions:
                self._note(key, asked, outcomes.get(custom_id) or _unanswered(job, status))
            self._journal.settle_job(job.tag)

    def _note(self, key: str, asked: str, outcome: JobOutcome) -> None:
        if not isinstance(outcome, Exception):
            self._journal.add_completion(key, asked, outcome)
            return
        self._tries[key, asked] += 1
        status = outcome.status if isinstance(outcome, BackendError) else None
        again = status is not None and (status in WORTH_ANOTHER_TRY or status >= 500)
        if not again or self._tries[key, asked] >= MOST_TRIES:
            self._errors[key, asked] = outcome

    def go_on(self, on_error: OnError) -> None:
        """Play every item on from the journal, and submit the questions that come up."""
        waiting = {key for job in self._journal.jobs for _, key, _ in job.questions}
        ready = (
            index
            for index in range(len(self._requests))
            if index not in self.results and self._keys.get(index) not in waiting
        )
        lines: list[_Pending] = []
        size = 0
        for index, outcome in self._played(ready, waiting):
            if isinstance(outcome, Report):
                self.results[index] = outcome
            elif isinstance(outcome, Exception):
                if on_error == "raise":
                    raise outcome
                self.results[index] = failure_of(outcome, self._requests[index], index)
            else:
                for pending in outcome:
                    full = len(lines) == self._client.max_lines
                    if lines and (full or size + len(pending.body) > self._client.max_bytes):
                        self._submit(lines)
                        lines, size = [], 0
                    lines.append(pending)
                    size += len(pending.body)
        if lines:
            self._submit(lines)

    def _played(
        self, indices: Iterator[int], waiting: set[str]
    ) -> Iterator[tuple[int, Report | list[_Pending] | Exception]]:
        """What became of each item; only a few are held at once."""
        workers = os.cpu_count() or 1
        with ThreadPoolExecutor(workers, thread_name_prefix="gadet") as pool:
            while chunk := list(islice(indices, 4 * workers)):
                cases = list(pool.map(self._loaded, chunk))
                for index, case in zip(chunk, cases, strict=True):
                    # Keys are counted in the order of the items, so that equal ones keep theirs.
                    if index not in self._keys and isinstance(case, Case):
                        self._keys[index] = self._journal.key_of(self._route, case)
                played = pool.map(self._play, chunk, cases, repeat(waiting))
                yield from zip(chunk, played, strict=True)

    def _loaded(self, index: int) -> Case | Exception:
        try:
            return self._case_of(self._requests[index])
        except Exception as error:
            return error

    def _play(
        self, index: int, case: Case | Exception, waiting: set[str]
    ) -> Report | list[_Pending] | Exception:
        """Play an item's journey from the journal to its end or to what has to be asked now."""
        if isinstance(case, Exception):
            return case
        key = self._keys[index]
        if key in waiting:
            return []
        done = self._journal.report(key)
        if done is not None:
            return done
        try:
            return self._replayed(key, case)
        except Exception as error:
            return error

    def _replayed(self, key: str, case: Case) -> Report | list[_Pending]:
        journey = travel(self._route, case)
        here = step(journey)
        while not isinstance(here, Report):
            known = {question: self._known(key, question) for question in here}
            failed = (answer for answer in known.values() if isinstance(answer, Exception))
            error = next(failed, None)
            missing = [question for question, answer in known.items() if answer is None]
            if missing and error is None:
                journey.close()
                return [
                    _Pending(key, asked_of(question), self._encode(question.prompt))
                    for question in missing
                ]
            answers = tuple(a for a in known.values() if isinstance(a, Completion))
            here = step(journey, error or answers)
        self._journal.add_report(key, here)
        return here

    def _known(self, key: str, question: Question) -> Completion | Exception | None:
        asked = asked_of(question)
        return self._errors.pop((key, asked), None) or self._journal.completion(key, asked)

    def _submit(self, lines: Sequence[_Pending]) -> None:
        """Write a job down, hand it over, and write down its id."""
        tag = new_tag(len(lines))
        questions = tuple((line.custom_id, line.key, line.asked) for line in lines)
        self._journal.add_job(Job(tag, questions))
        job = self._client.submit([JobLine(line.custom_id, line.body) for line in lines], tag)
        self._journal.add_job(Job(tag, questions, job))
        logger.info("job %s: %d questions submitted", job, len(lines))


def _unanswered(job: Job, status: JobStatus) -> BackendError:
    if status.state == "lost":
        message = f"the provider did not carry out the batch {job.id}: {status.message}"
        return BackendError(f"{message} (the questions are handed over again)", status=409)
    return BackendError(
        f"an answer to every question of the batch {job.id} was expected; this one has none (it is "
        "handed over again)",
        status=408,
    )
