"""What the imitations of all batch APIs share: jobs that advance at every look, and trouble."""

from __future__ import annotations

import json
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.backends.servers import Act, reply, reset, serving
from tests.doubles import answer

KEY = "sk-very-secret-0123456789"
# Small, so that every list has several pages.
PAGE = 2


@dataclass(frozen=True)
class Said:
    """What becomes of a question, in terms of all providers.

    Attributes:
        kind: `answer`, `truncated`, `refused`, `error`, `unreached`, `damaged` (its line cannot be
            read) or `absent` (it has no line).
        text: What the model or the provider says.
        status: HTTP status of an error.
        type: What the provider calls an error.
    """

    kind: str = "answer"
    text: str = field(default_factory=answer)
    status: int = 200
    type: str = ""


@dataclass
class Job:
    """A batch that was accepted.

    Attributes:
        id: Its id.
        tag: What it was marked with, where the provider keeps a mark.
        questions: `(custom id, body)`.
        looks: How often it was looked at.
        states: What it is at each look; the last one stays.
        created: When it was accepted, in seconds since 1970.
    """

    id: str
    tag: str
    questions: list[tuple[str, dict[str, Any]]]
    states: tuple[str, ...]
    created: float
    looks: int = 0

    @property
    def state(self) -> str:
        return self.states[min(self.looks, len(self.states) - 1)]


class Request(NamedTuple):
    """What came, taken apart."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Imitation(ABC):
    """A batch API that keeps what it is handed.

    Attributes:
        says: What becomes of a question, by the text of its body.
        states: The states of the next jobs.
        jobs: What was accepted, oldest first.
        faults: Patterns of `METHOD path`, each with what happens once instead of an answer.
        calls: `METHOD path` of everything that was asked.
        root: Where it runs.
    """

    provider: str
    prefix: str = ""
    states: tuple[str, ...]
    broken_off: tuple[str, ...] | None = None
    lost: tuple[str, ...] | None = None
    create: str

    def __init__(self) -> None:
        self.says: Callable[[str], Said] = lambda _: Said()
        self.jobs: dict[str, Job] = {}
        self.faults: list[tuple[str, Fault]] = []
        self.calls: list[str] = []
        self.files: dict[str, bytes] = {}
        self.clock: Callable[[], float]
        self.root = ""
        self._lock = threading.RLock()

    @property
    def base_url(self) -> str:
        return self.root + self.prefix

    @property
    def asked(self) -> list[str]:
        """Every question that was accepted, in the order in which it was."""
        return [json.dumps(body) for job in self.jobs.values() for _, body in job.questions]

    def count(self, pattern: str) -> int:
        return sum(re.search(pattern, call) is not None for call in self.calls)

    def act(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a request, unless something goes wrong."""
        address = urlsplit(handler.path)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        query = dict(parse_qsl(address.query))
        path = unquote(address.path)
        request = Request(handler.command, path, query, headers, handler.sent)  # type: ignore[attr-defined]
        call = f"{request.method} {path}"
        with self._lock:
            self.calls.append(call)
            for number, (pattern, fault) in enumerate(self.faults):
                if re.search(pattern, call):
                    del self.faults[number]
                    act = fault(self, request)
                    break
            else:
                act = self.answered(request)
        act(handler)

    def answered(self, request: Request) -> Act:
        if not self.is_known(request.headers):
            return reply(401, json.dumps({"error": {"message": f"wrong key {KEY}"}}))
        return self.respond(request)

    @abstractmethod
    def is_known(self, headers: dict[str, str]) -> bool:
        """Whether the key was sent where it belongs."""

    @abstractmethod
    def respond(self, request: Request) -> Act:
        """The answer to a request."""

    @abstractmethod
    def line(self, custom_id: str, said: Said) -> dict[str, Any]:
        """A line of results."""

    def accept(self, name: str, tag: str, questions: list[tuple[str, dict[str, Any]]]) -> Job:
        ids = [custom_id for custom_id, _ in questions]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", custom_id) for custom_id in ids)
        job = Job(name, tag, questions, self.states, self.clock())
        self.jobs[name] = job
        return job

    def results(self, job: Job, kinds: set[str] | None = None) -> bytes:
        """The lines of a job, in another order than it had."""
        lines = []
        for custom_id, body in reversed(job.questions):
            said = self.says(json.dumps(body))
            if said.kind == "absent" or (kinds is not None and said.kind not in kinds):
                continue
            text = json.dumps(self.line(custom_id, said))
            lines.append(text[: len(text) // 2] if said.kind == "damaged" else text)
        return "\n".join([*lines, ""]).encode()

    def newest(self) -> list[Job]:
        return list(self.jobs.values())[::-1]


Fault = Callable[[Imitation, Request], Act]


def before(imitation: Imitation, request: Request) -> Act:
    """The connection breaks, and nothing came of the request."""
    return reset


def after(imitation: Imitation, request: Request) -> Act:
    """The connection breaks when the request was carried out."""
    imitation.answered(request)
    return reset


def instead(status: int, text: str = "{}", **headers: str) -> Fault:
    """Answer so, and do nothing."""
    return lambda imitation, request: reply(status, text, **headers)


@contextmanager
def running(imitation: Imitation) -> Iterator[Imitation]:
    """Run an imitation for the length of a `with` block."""
    with serving(imitation.act) as server:
        imitation.root = server.url.removesuffix("/v1")
        yield imitation


def send(document: Any, **headers: str) -> Act:
    return reply(200, json.dumps(document), **headers)
