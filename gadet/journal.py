"""A `Journal`: what a batch has done so far, on disk, so that a killed run goes on where it was.

The file is JSON Lines, only ever appended to. Every completion is written before it is used, every
report when it is finished, each as one `write` of a whole line. A process that is killed can
therefore lose only requests whose answer had not arrived; what was answered is replayed, neither
asked nor billed again. A line that was cut short (a full disk, a power cut) is dropped on opening.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from gadet.backends.base import Completion
from gadet.case import Case
from gadet.drivers import drive
from gadet.errors import ConfigurationError
from gadet.report import Report
from gadet.route import Question, Route, travel

__all__ = ["Job", "Journal", "asked_of", "case_key"]

FORMAT = 2
_HEAD = json.dumps({"gadet_journal": FORMAT}).encode() + b"\n"
_COMPLETION = TypeAdapter(Completion)


@dataclass(frozen=True)
class Job:
    """A job of a batch API that was submitted, or was about to be.

    Attributes:
        tag: What it is called here.
        questions: `(custom id, key of the item, what was asked)` of each question.
        id: What the provider calls it; None until that is known.
    """

    tag: str
    questions: tuple[tuple[str, str, str], ...]
    id: str | None = None


class Journal:
    """An append-only record of completions and reports, keyed by item.

    Safe to use from many threads. One process at a time may hold a journal.

    Args:
        path: The file; it is made when it does not exist.

    Raises:
        ConfigurationError: The file is not a journal, is of another format, or is in use.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = threading.Lock()
        self._seen: Counter[str] = Counter()
        # Where each line stands, as (offset, length): the lines stay on disk.
        self._reports: dict[str, tuple[int, int]] = {}
        self._completions: dict[tuple[str, str], tuple[int, int]] = {}
        self._jobs: dict[str, Job] = {}
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        except OSError as error:
            raise ConfigurationError(
                f"resume needs a path that can be written; {self.path} gave: {error.strerror}"
            ) from error
        try:
            self._claim()
            self._read()
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Self:
        """Use the journal as a context manager; it is closed at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Flush to disk and release the file."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def carry(self, route: Route, case: Case, ask: Callable[[Question], Completion]) -> Report:
        """Inspect an item, taking from the journal what earlier runs have of it.

        Equal items in one batch are told apart by their count, so each is inspected once.
        """
        key = self.key_of(route, case)
        done = self.report(key)
        if done is not None:
            return done

        def recall_or_ask(question: Question) -> Completion:
            asked = asked_of(question)
            known = self.completion(key, asked)
            if known is not None:
                return known
            completion = ask(question)
            self.add_completion(key, asked, completion)
            return completion

        report = drive(travel(route, case), recall_or_ask)
        self.add_report(key, report)
        return report

    def key_of(self, route: Route, case: Case) -> str:
        """What an item's lines are found by; to be called once for each item of a run."""
        key = case_key(route, case)
        with self._lock:
            self._seen[key] += 1
            return f"{key}#{self._seen[key]}"

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs of a batch API that are not settled yet."""
        return tuple(self._jobs.values())

    def add_job(self, job: Job) -> None:
        """Write down a job: before it is submitted, and again when its id is known."""
        self._append({"job": job.tag, "id": job.id, "questions": job.questions})
        self._jobs[job.tag] = job

    def settle_job(self, tag: str) -> None:
        """Write down that nothing more is expected of a job."""
        self._append({"job": tag, "settled": True})
        self._jobs.pop(tag, None)

    def report(self, key: str) -> Report | None:
        """The finished report of an item, or None when it is not finished."""
        place = self._reports.get(key)
        return None if place is None else Report.model_validate(self._record(place)["report"])

    def completion(self, key: str, asked: str) -> Completion | None:
        """What an item already got from a backend for a prompt, or None."""
        place = self._completions.get((key, asked))
        return (
            None
            if place is None
            else _COMPLETION.validate_python(self._record(place)["completion"])
        )

    def add_completion(self, key: str, asked: str, completion: Completion) -> None:
        """Write down an answer before it is used."""
        plain = _COMPLETION.dump_python(completion, mode="json")
        place = self._append({"key": key, "asked": asked, "completion": plain})
        self._completions[key, asked] = place

    def add_report(self, key: str, report: Report) -> None:
        """Write down a finished report."""
        place = self._append({"key": key, "report": report.model_dump(mode="json")})
        self._reports[key] = place

    def _append(self, record: dict[str, Any]) -> tuple[int, int]:
        data = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with self._lock:
            place = os.fstat(self._descriptor).st_size, len(data)
            while data:
                data = data[os.write(self._descriptor, data) :]
        return place

    def _record(self, place: tuple[int, int]) -> dict[str, Any]:
        offset, length = place
        with open(self.path, "rb") as file:
            file.seek(offset)
            record: dict[str, Any] = json.loads(file.read(length))
        return record

    def _claim(self) -> None:
        """Hold the file against other processes, where the system has such locks."""
        try:
            import fcntl
        except ImportError:
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ConfigurationError(
                f"{self.path} is in use by another run: wait for it, or resume from another file"
            ) from error

    def _read(self) -> None:
        """Index the lines of earlier runs; cut off a last line that has no end."""
        offset = 0
        with open(self.path, "rb") as file:
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    break
                record = _parsed(line)
                if number == 0 and (record is None or record.get("gadet_journal") != FORMAT):
                    raise ConfigurationError(
                        f"resume needs a journal that gadet wrote (format {FORMAT}); the first "
                        f"line of {self.path} is something else: name another file"
                    )
                if number > 0 and record is not None:
                    self._index(record, (offset, len(line)))
                offset += len(line)
        if offset == 0 and os.fstat(self._descriptor).st_size > len(_HEAD):
            raise ConfigurationError(
                f"resume needs a journal that gadet wrote; {self.path} holds no whole line of one: "
                "name another file"
            )
        os.ftruncate(self._descriptor, offset)
        if offset == 0:
            os.write(self._descriptor, _HEAD)

    def _index(self, record: dict[str, Any], place: tuple[int, int]) -> None:
        """Remember where a usable line stands; an item without one is simply inspected again."""
        try:
            if "settled" in record:
                self._jobs.pop(record["job"], None)
            elif "job" in record:
                job = Job(record["job"], tuple(map(tuple, record["questions"])), record["id"])
                self._jobs[job.tag] = job
            elif "report" in record:
                Report.model_validate(record["report"])
                self._reports[str(record["key"])] = place
            else:
                _COMPLETION.validate_python(record["completion"])
                self._completions[str(record["key"]), str(record["asked"])] = place
        except (KeyError, TypeError, ValidationError):
            return


def asked_of(question: Question) -> str:
    """What an answer is found by within an item: who was asked, and what."""
    return f"{question.leg.backend.name} {question.prompt.sha256}"


def case_key(route: Route, case: Case) -> str:
    """What makes two inspections the same: the data, the references, the settings, the models."""
    request = case.request.model_dump(mode="json", exclude={"item", "references", "domain"})
    content = {
        "item": case.sample.info.sha256,
        "references": [sample.info.sha256 for sample in case.references.samples],
        "request": request,
        "domain": case.domain.model_dump(mode="json"),
        "route": [[leg.backend.name, leg.profile.model_dump(mode="json")] for leg in route.legs],
        "going on": [route.escalate, route.doubt],
        "expert": None if case.expert is None else type(case.expert).__qualname__,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
