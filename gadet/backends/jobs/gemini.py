"""Gemini's Batch API.

A job is a file of requests that is uploaded, and a batch that names it; its answers are a file as
well. The batch carries our tag as its name for people.

Source: https://ai.google.dev/gemini-api/docs/batch-api, https://ai.google.dev/api/batch-api and
https://ai.google.dev/api/files (2026); Google's Gen AI SDK for Python 2.19 (2026-08).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from pydantic_core import to_json

from gadet.backends.codecs.fields import count, mapping, sequence, string
from gadet.backends.jobs.base import JobLine, JobOutcome, JobState, JobStatus
from gadet.backends.jobs.desk import JSON, Desk, Document, joined, once, succeeded
from gadet.backends.transport.call import Call
from gadet.errors import ServerError, TransportError

__all__ = ["GeminiJobs"]

_JSONL = "application/jsonl"
# What follows `BATCH_STATE_` or `JOB_STATE_`.
_STATES: dict[str, JobState] = {
    "SUCCEEDED": "ended",
    "PARTIALLY_SUCCEEDED": "ended",
    "FAILED": "lost",
    "CANCELLED": "lost",
    "EXPIRED": "lost",
}
# A batch may have succeeded a while before its file is there.
_LONGEST_WITHOUT_FILE = timedelta(hours=1)
# Errors of single questions have the codes of gRPC.
# Source: https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto
_STATUS_OF = {1: 408, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400,
              12: 501, 14: 503, 16: 401}  # fmt: skip
_FILE_WAITS = frozenset({"processing"})


class GeminiJobs:
    """The client of Gemini's Batch API.

    The provider takes a file of 2 GB. Less is handed over at once, so that a job and its answers
    fit into memory.

    Args:
        desk: The server.
    """

    max_lines = 10_000
    max_bytes = 100_000_000

    def __init__(self, desk: Desk) -> None:
        """Remember where jobs go."""
        self._desk = desk

    def submit(self, lines: Sequence[JobLine], tag: str) -> str:
        """Upload the questions, and create the batch that asks them."""
        content = joined(
            b'{"key":"%s","request":%s}\n' % (line.custom_id.encode(), line.body) for line in lines
        )
        batch = {
            "batch": {"displayName": tag, "inputConfig": {"fileName": self._kept(content, tag)}}
        }
        path = self._desk.codec.path(self._desk.model).rpartition(":")[0] + ":batchGenerateContent"
        return once(
            lambda: self._desk.expected(
                "a batch with a name", self._desk.post(path, batch).get("name")
            ),
            lambda: self.find(tag),
        )

    def find(self, tag: str, known: Collection[str] = ()) -> str | None:
        """The batch that is called like the tag."""
        for page in self._desk.pages("v1beta/batches", {"pageSize": "100"}, _more):
            for batch in map(mapping, sequence(page.get("operations"))):
                if mapping(batch.get("metadata")).get("displayName") == tag:
                    return string(batch.get("name"))
        return None

    def poll(self, job: str) -> JobStatus:
        """Where the batch is."""
        batch = self._desk.look_up(_path(job))
        if batch is None:
            return JobStatus("lost", message="the provider no longer knows it")
        about = mapping(batch.get("metadata"))
        name = str(about.get("state")).rpartition("STATE_")[2]
        state, message = _STATES.get(name, "running"), ""
        if state == "lost":
            message = string(mapping(batch.get("error")).get("message")) or name.lower()
        if _file(batch) is not None and state == "lost":
            state = "ended"
        elif _file(batch) is None and state == "ended":
            late = _ended_before(about, datetime.now(UTC) - _LONGEST_WITHOUT_FILE)
            state, message = ("lost", "it has no file of answers") if late else ("running", "")
        stats = mapping(about.get("batchStats"))
        return JobStatus(
            state,
            done=_number(stats.get("successfulRequestCount"))
            + _number(stats.get("failedRequestCount")),
            total=_number(stats.get("requestCount")),
            message=self._desk.scrub(message) if state == "lost" else "",
        )

    def collect(self, job: str) -> Iterator[tuple[str, JobOutcome]]:
        """What is in the file of responses."""
        file = _file(self._desk.get(_path(job)))
        if file is None:
            return
        path = f"download/v1beta/{quote(file)}:download"
        for line in self._desk.lines(path, alt="media"):
            key = string(line.get("key"))
            if key is not None:
                yield key, self._outcome(line)

    def cancel(self, job: str) -> None:
        """Ask the provider to stop the batch."""
        self._desk.post(f"{_path(job)}:cancel", b"{}", repeatable=True)

    def _kept(self, content: bytes, tag: str) -> str:
        """The name of the uploaded file; a session that breaks off is begun anew, once."""
        try:
            return self._uploaded(content, tag)
        except (ServerError, TransportError):
            return self._uploaded(content, tag)

    def _uploaded(self, content: bytes, tag: str) -> str:
        begin = Call(
            "POST",
            self._desk.address("upload/v1beta/files"),
            to_json({"file": {"displayName": tag}}),
            JSON,
            headers={
                "x-goog-upload-protocol": "resumable",
                "x-goog-upload-command": "start",
                "x-goog-upload-header-content-length": str(len(content)),
                "x-goog-upload-header-content-type": _JSONL,
            },
        )
        url = self._desk.expected("an address to upload to", self._desk.send(begin, _upload_url))
        finish = Call(
            "POST",
            url,
            content,
            _JSONL,
            headers={"x-goog-upload-offset": "0", "x-goog-upload-command": "upload, finalize"},
            repeatable=False,
        )
        file = mapping(self._desk.document(finish).get("file"))
        name = self._desk.expected("a file with a name", file.get("name"))
        self._desk.ready(file, f"v1beta/{quote(name)}", "state", _FILE_WAITS)
        return name

    def _outcome(self, line: Document) -> JobOutcome:
        if "response" in line:
            return self._desk.outcome(200, {}, line["response"])
        error = mapping(line.get("error"))
        code = count(error.get("code"))
        status = code if code >= 400 else _STATUS_OF.get(code, 500)
        if status == 408:
            return self._desk.unfinished(error.get("message"))
        return self._desk.outcome(status, {}, {"error": error})


def _path(job: str) -> str:
    return f"v1beta/{quote(job)}"


def _more(page: Document) -> Mapping[str, str]:
    following = string(page.get("nextPageToken"))
    return {"pageToken": following} if following else {}


def _upload_url(status: int, headers: Mapping[str, str], body: bytes) -> str | None:
    succeeded(status, headers, body)
    return headers.get("x-goog-upload-url")


def _file(batch: Document) -> str | None:
    """Where the answers are; the reference names one place, its examples another."""
    places = (mapping(batch.get("metadata")).get("output"), batch.get("response"))
    files = (string(mapping(place).get("responsesFile")) for place in places)
    return next(filter(None, files), None)


def _ended_before(about: Document, moment: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(about.get("endTime"))) < moment
    except (TypeError, ValueError):
        return False


def _number(value: Any) -> int:
    """A number that is written as a text, as large ones are in this API's JSON."""
    return int(value) if isinstance(value, str) and value.isdecimal() else count(value)
