"""OpenAI's Batch API, and Azure's, which has taken it over.

A job is a file of requests that is uploaded, and a batch that names it. Answers come in two files:
one of what was answered, one of what failed. The batch carries our tag in its `metadata`.

Source: https://developers.openai.com/api/docs/guides/batch, types of OpenAI's Python SDK 3.3
(2026-08) and the output line of its OpenAPI description;
https://learn.microsoft.com/azure/foundry/openai/how-to/batch
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from urllib.parse import quote, urlsplit

from gadet.backends.codecs.fields import count, mapping, sequence, string
from gadet.backends.jobs.base import JobLine, JobOutcome, JobState, JobStatus
from gadet.backends.jobs.desk import Desk, Document, joined, once
from gadet.backends.transport.call import Call
from gadet.errors import ConfigurationError

__all__ = ["OpenAIJobs", "azure_jobs"]

_LABEL = "gadet"
_STATES: dict[str, JobState] = {
    "failed": "lost",
    "completed": "ended",
    "expired": "ended",
    "cancelled": "ended",
}
# These hold what was answered before, if anything was.
_BROKEN_OFF = frozenset({"expired", "cancelled"})
_NOT_REACHED = frozenset({"batch_cancelled", "batch_expired", "request_timeout"})
_FILE_WAITS = frozenset({"pending", "running", "uploading"})
_FILES = ("output_file_id", "error_file_id")


class OpenAIJobs:
    """The client of OpenAI's Batch API.

    The provider takes 50,000 questions and 200 MB in a job. Less is handed over at once, so that a
    job and its answers fit into memory.

    Args:
        desk: The server.
    """

    max_lines = 10_000
    max_bytes = 100_000_000

    def __init__(self, desk: Desk) -> None:
        """Remember where jobs go."""
        self._desk = desk
        self._endpoint = f"/v1/{desk.codec.path(desk.model)}"

    def submit(self, lines: Sequence[JobLine], tag: str) -> str:
        """Upload the questions, and create the batch that asks them."""
        file = self._upload(joined(map(self._line, lines)), tag)
        batch = {
            "input_file_id": file,
            "endpoint": self._endpoint,
            "completion_window": "24h",
            "metadata": {_LABEL: tag},
        }
        return once(
            lambda: self._desk.expected(
                "a batch with an id", self._desk.post("batches", batch).get("id")
            ),
            lambda: self.find(tag),
        )

    def find(self, tag: str, known: Collection[str] = ()) -> str | None:
        """The batch with this tag in its metadata."""
        for page in self._desk.pages("batches", {"limit": "100"}, _more):
            for batch in map(mapping, sequence(page.get("data"))):
                if mapping(batch.get("metadata")).get(_LABEL) == tag:
                    return string(batch.get("id"))
        return None

    def poll(self, job: str) -> JobStatus:
        """Where the batch is."""
        batch = self._desk.look_up(_path(job))
        if batch is None:
            return JobStatus("lost", message="the provider no longer knows it")
        status = str(batch.get("status")).lower()
        state = _STATES.get(status, "running")
        if status in _BROKEN_OFF and not any(string(batch.get(file)) for file in _FILES):
            state = "lost"
        counts = mapping(batch.get("request_counts"))
        return JobStatus(
            state,
            done=count(counts.get("completed")) + count(counts.get("failed")),
            total=count(counts.get("total")),
            message=self._desk.scrub(_reasons(batch) or status) if state == "lost" else "",
        )

    def collect(self, job: str) -> Iterator[tuple[str, JobOutcome]]:
        """What is in the file of answers and in that of errors."""
        batch = self._desk.get(_path(job))
        for file in filter(None, (string(batch.get(name)) for name in _FILES)):
            for line in self._desk.lines(f"files/{quote(file, safe='')}/content"):
                custom_id = string(line.get("custom_id"))
                if custom_id is not None:
                    yield custom_id, self._outcome(line)

    def cancel(self, job: str) -> None:
        """Ask the provider to stop the batch."""
        self._desk.post(f"{_path(job)}/cancel", b"", repeatable=True)

    def _line(self, line: JobLine) -> bytes:
        head = f'{{"custom_id":"{line.custom_id}","method":"POST","url":"{self._endpoint}","body":'
        return b"%s%s}\n" % (head.encode(), line.body)

    def _upload(self, content: bytes, tag: str) -> str:
        call = Call.upload(
            self._desk.address("files"),
            content,
            filename=f"{tag}.jsonl",
            content_type="application/jsonl",
            fields={"purpose": "batch"},
            # A file that is kept twice asks nothing.
            repeatable=True,
        )
        file = self._desk.document(call)
        name = self._desk.expected("a file with an id", file.get("id"))
        self._desk.ready(file, f"files/{quote(name, safe='')}", "status", _FILE_WAITS)
        return name

    def _outcome(self, line: Document) -> JobOutcome:
        response, error = mapping(line.get("response")), mapping(line.get("error"))
        status = count(response.get("status_code"))
        if status >= 100:
            request_id = string(response.get("request_id"))
            headers = {"x-request-id": request_id} if request_id else {}
            return self._desk.outcome(status, headers, response.get("body"))
        if not error or error.get("code") in _NOT_REACHED:
            # A request that never got a status is reported with status 0.
            return self._desk.unfinished(error.get("message"))
        return self._desk.outcome(200, {}, {"error": error})


def azure_jobs(desk: Desk) -> OpenAIJobs:
    """The client of Azure's Batch API, which is OpenAI's at the address of all deployments.

    Raises:
        ConfigurationError: The address is that of one deployment.
    """
    if "/deployments/" in urlsplit(desk.base_url).path:
        raise ConfigurationError(
            f"{desk.name}: the batch API of Azure is asked at the address of all deployments, like "
            "https://RESOURCE.openai.azure.com/openai/v1; this backend has a dated version: leave "
            "`api_version` and OPENAI_API_VERSION out, or give 'preview'"
        )
    return OpenAIJobs(desk)


def _path(job: str) -> str:
    return f"batches/{quote(job, safe='')}"


def _more(page: Document) -> Mapping[str, str]:
    last = string(page.get("last_id"))
    return {"after": last} if page.get("has_more") and last else {}


def _reasons(batch: Document) -> str:
    """Why a batch failed as a whole: the complaints about its file."""
    errors = map(mapping, sequence(mapping(batch.get("errors")).get("data")))
    return "; ".join(str(error.get("message") or error.get("code")) for error in errors)[:500]
