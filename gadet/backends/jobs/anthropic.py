"""Anthropic's Message Batches.

A job is one document with all requests, and its answers are one file of lines. The provider keeps
nothing that a batch could be marked with, so each question's id begins with the mark of our tag:
that tells whose answers a batch has once it ended. Of batches under way only their number of
questions and their time are known; see `AnthropicJobs.find`.

Source: https://platform.claude.com/docs/en/build-with-claude/batch-processing and types of
Anthropic's Python SDK 0.121 (2026-08).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from urllib.parse import quote

from gadet.backends.codecs.fields import count, mapping, sequence, string
from gadet.backends.jobs.base import JobLine, JobOutcome, JobStatus
from gadet.backends.jobs.desk import Desk, Document, joined, once
from gadet.backends.jobs.tags import Tag, read_tag
from gadet.errors import BackendError

__all__ = ["AnthropicJobs"]

_BATCHES = "v1/messages/batches"
_SECONDS_AROUND = 3600


class AnthropicJobs:
    """The client of Anthropic's Message Batches.

    The provider takes 100,000 questions and 256 MB in a job. Less is handed over at once, so that a
    job and its answers fit into memory.

    Args:
        desk: The server.
    """

    max_lines = 10_000
    max_bytes = 100_000_000

    def __init__(self, desk: Desk) -> None:
        """Remember where jobs go."""
        self._desk = desk
        # Jobs that have a tag of their own, so that no other is found to be theirs.
        self._known: set[str] = set()

    def submit(self, lines: Sequence[JobLine], tag: str) -> str:
        """Create the batch."""
        mark = read_tag(tag).mark.encode()
        requests = (
            b'%s{"custom_id":"%s-%s","params":%s}'
            % (b"," if number else b"", mark, line.custom_id.encode(), line.body)
            for number, line in enumerate(lines)
        )
        body = joined(chain([b'{"requests":['], requests, [b"]}"]))
        job = once(lambda: self._created(body), lambda: self.find(tag))
        self._known.add(job)
        return job

    def find(self, tag: str, known: Collection[str] = ()) -> str | None:
        """The batch that was created for a tag, as well as that can be told.

        One that ended is recognized by the ids of its answers. One under way is taken for ours when
        it is the only one that is not `known`, has as many questions, and was created within an
        hour of the tag. Where that is wrong, its answers bear other ids: the questions count as
        unanswered and are handed over again, and nothing foreign is read.

        Raises:
            BackendError: There are several that may be it; they can be told apart when they ended.
        """
        own = read_tag(tag)
        others = self._known | set(known)
        open_ones: list[str] = []
        for batch in self._created_around(own):
            job = string(batch.get("id"))
            if job is None or job in others or _total(batch) != own.questions:
                continue
            if batch.get("processing_status") != "ended":
                open_ones.append(job)
            elif self._carries(job, own.mark):
                return job
        if len(open_ones) > 1:
            raise BackendError(
                f"{self._desk.name}: one batch of {own.questions} questions was expected to be "
                f"under way since a run broke off; there are {', '.join(open_ones)}: run again "
                "when they have ended, which tells whose they are",
                backend=self._desk.name,
            )
        return open_ones[0] if open_ones else None

    def poll(self, job: str) -> JobStatus:
        """Where the batch is."""
        self._known.add(job)
        batch = self._desk.look_up(_path(job))
        if batch is None:
            return JobStatus("lost", message="the provider no longer knows it")
        total = _total(batch)
        done = total - count(mapping(batch.get("request_counts")).get("processing"))
        if batch.get("processing_status") != "ended":
            return JobStatus("running", done, total)
        if batch.get("archived_at") is not None:
            return JobStatus("lost", done, total, "the provider keeps its answers no longer")
        return JobStatus("ended", done, total)

    def collect(self, job: str) -> Iterator[tuple[str, JobOutcome]]:
        """What is in the file of results."""
        for line in self._desk.lines(f"{_path(job)}/results"):
            _, _, custom_id = str(line.get("custom_id")).partition("-")
            if custom_id:
                yield custom_id, self._outcome(mapping(line.get("result")))

    def cancel(self, job: str) -> None:
        """Ask the provider to stop the batch."""
        self._desk.post(f"{_path(job)}/cancel", b"", repeatable=True)

    def _created(self, body: bytes) -> str:
        batch = self._desk.post(_BATCHES, body)
        return self._desk.expected("a batch with an id", batch.get("id"))

    def _created_around(self, tag: Tag) -> Iterator[Document]:
        """The batches created about when the tag was made; the list begins with the newest."""
        for page in self._desk.pages(_BATCHES, {"limit": "100"}, _more):
            for batch in map(mapping, sequence(page.get("data"))):
                created = _created_at(batch)
                if created is None or abs(created - tag.moment) <= _SECONDS_AROUND:
                    yield batch
                elif created < tag.moment:
                    return

    def _carries(self, job: str, mark: str) -> bool:
        lines = self._desk.lines(f"{_path(job)}/results")
        return any(str(line.get("custom_id")).startswith(f"{mark}-") for line in lines)

    def _outcome(self, result: Document) -> JobOutcome:
        match result.get("type"):
            case "succeeded":
                return self._desk.outcome(200, {}, result.get("message"))
            case "errored":
                error = mapping(result.get("error"))
                request_id = string(error.get("request_id"))
                headers = {"request-id": request_id} if request_id else {}
                return self._desk.outcome(
                    200, headers, error if "error" in error else {"error": error}
                )
            case other:
                return self._desk.unfinished(other)


def _path(job: str) -> str:
    return f"{_BATCHES}/{quote(job, safe='')}"


def _more(page: Document) -> Mapping[str, str]:
    last = string(page.get("last_id"))
    return {"after_id": last} if page.get("has_more") and last else {}


def _total(batch: Document) -> int:
    return sum(map(count, mapping(batch.get("request_counts")).values()))


def _created_at(batch: Document) -> float | None:
    """When a batch was created, in seconds since 1970."""
    try:
        return datetime.fromisoformat(str(batch.get("created_at"))).timestamp()
    except ValueError:
        return None
