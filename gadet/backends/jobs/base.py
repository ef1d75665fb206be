"""What a client of a batch API is, and what it is handed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from gadet.backends.base import Completion
from gadet.errors import BackendError, InputError
from gadet.prompts.prompt import Prompt

__all__ = ["BatchCapable", "JobClient", "JobLine", "JobOutcome", "JobState", "JobStatus"]

JobState = Literal["running", "ended", "lost"]
JobOutcome = Completion | BackendError | InputError


@dataclass(frozen=True)
class JobLine:
    """One question of a job.

    Attributes:
        custom_id: What its answer is found by: 1 to 48 of `A-Z a-z 0-9 _ -`.
        body: The request as JSON without line breaks, as it would be sent on its own.
    """

    custom_id: str
    body: bytes


@dataclass(frozen=True)
class JobStatus:
    """Where a job is.

    Attributes:
        state: `running`; `ended`, with answers to collect; `lost` when the provider failed it as a
            whole, cancelled it, let it expire without results, or no longer knows it.
        done: Questions that are answered or failed, as far as the provider tells.
        total: Questions in the job, as far as the provider tells.
        message: The provider's words on a job that is lost; empty otherwise.
    """

    state: JobState
    done: int = 0
    total: int = 0
    message: str = ""


class JobClient(Protocol):
    """The batch API of one provider. Every method raises `BackendError` when it cannot be asked.

    Attributes:
        max_lines: Most questions in one job.
        max_bytes: Most bytes of all bodies of one job.
    """

    max_lines: int
    max_bytes: int

    def submit(self, lines: Sequence[JobLine], tag: str) -> str:
        """Hand over a job, marked with `tag` where the provider keeps one; returns its id.

        A job that may have been accepted is never handed over a second time. When the connection
        breaks it is looked for; what is not found raises, and a later run finds it.
        """

    def find(self, tag: str, known: Collection[str] = ()) -> str | None:
        """The id of the job with that tag, for a run that ended before it could note the id.

        Args:
            tag: As `gadet.backends.jobs.tags` makes them.
            known: Ids of jobs that have other tags, for a provider that keeps none.

        Returns:
            None when there is none.

        Raises:
            BackendError: It cannot be told, or the provider cannot be asked.
        """

    def poll(self, job: str) -> JobStatus:
        """Where the job is."""

    def collect(self, job: str) -> Iterator[tuple[str, JobOutcome]]:
        """Custom id and outcome of every question of a job that ended, in any order.

        A question that the provider did not get to has a `BackendError` with status 408.
        """

    def cancel(self, job: str) -> None:
        """Ask the provider to stop the job; what it answered before can still be collected."""


@runtime_checkable
class BatchCapable(Protocol):
    """A backend whose questions a batch API takes as well."""

    def encode(self, prompt: Prompt) -> bytes:
        """The body of a question as it would be sent on its own."""

    def batch_api(self) -> JobClient:
        """The client of the batch API.

        Raises:
            ConfigurationError: The provider has none.
        """
