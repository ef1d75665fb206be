"""A `Desk`: what the clients of all batch APIs have in common when they speak to their server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, TypeVar
from urllib.parse import urlencode

from pydantic_core import from_json, to_json

from gadet.backends.base import Completion
from gadet.backends.codecs.base import Codec
from gadet.backends.codecs.fields import string
from gadet.backends.jobs.base import JobOutcome
from gadet.backends.transport.call import Call
from gadet.backends.transport.failures import failure, not_json
from gadet.backends.transport.http import HttpChannel
from gadet.backends.transport.redaction import Scrubber
from gadet.errors import BackendError, InputError, ResponseError

__all__ = ["JSON", "Desk", "Document", "joined", "once", "succeeded"]

logger = logging.getLogger("gadet")

T = TypeVar("T")
Document = Mapping[str, Any]

JSON = "application/json"
# All answers of a job are held at once: the clients bound their number, this bounds their size.
LARGEST_RESULTS = 1024 * 1024 * 1024
MOST_PAGES = 1_000
MOST_LOOKS_AT_A_FILE = 300
SECONDS_BETWEEN_LOOKS = 2.0


@dataclass(frozen=True)
class Desk:
    """Where jobs are handed over, and their answers read.

    Attributes:
        name: Name of the backend, for errors.
        base_url: The address that all paths stand below; a query of its own is kept.
        codec: Reads each answer, as it reads one that was asked for on its own.
        model: The model as the server names it.
        channel: Sends.
        scrub: Keeps keys and pictures out of messages.
        sleep: Waits until a file is ready.
    """

    name: str
    base_url: str
    codec: Codec
    model: str
    channel: HttpChannel
    scrub: Scrubber
    sleep: Callable[[float], None] = time.sleep

    def address(self, path: str, **query: str) -> str:
        """The whole address of a path."""
        base, _, own = self.base_url.partition("?")
        both = "&".join(filter(None, [own, urlencode(query)]))
        return f"{base.rstrip('/')}/{path}{both and '?'}{both}"

    def get(self, path: str, **query: str) -> Document:
        """A JSON document."""
        return self.document(Call("GET", self.address(path, **query)))

    def look_up(self, path: str) -> Document | None:
        """A JSON document, or None when the server does not know it."""
        try:
            return self.get(path)
        except ResponseError as error:
            if error.status == 404:
                return None
            raise

    def post(self, path: str, body: Document | bytes, *, repeatable: bool = False) -> Document:
        """Send a JSON document, and return the one that comes back."""
        data = body if isinstance(body, bytes) else to_json(body)
        return self.document(Call("POST", self.address(path), data, JSON, repeatable=repeatable))

    def document(self, call: Call) -> Document:
        """Send any request that is answered with a JSON document."""
        return self.send(call, _document)

    def send(self, call: Call, decode: Callable[[int, Mapping[str, str], bytes], T]) -> T:
        """Send a request, which takes nothing from the tokens per minute."""
        return self.channel.send(replace(call, tokens=0), decode)

    def pages(
        self, path: str, query: Mapping[str, str], more: Callable[[Document], Mapping[str, str]]
    ) -> Iterator[Document]:
        """The pages of a list.

        Args:
            path: Where it is.
            query: How it is asked for.
            more: What of a page asks for the next one; empty at the end.

        Raises:
            BackendError: It has no end.
        """
        here: Mapping[str, str] = {}
        for _ in range(MOST_PAGES):
            page = self.get(path, **query, **here)
            yield page
            here = more(page)
            if not here:
                return
        raise ResponseError(
            f"{self.name}: a list of jobs of at most {MOST_PAGES} pages was expected; this one "
            "goes on: delete old jobs, or look the job up at the provider"
        )

    def ready(self, file: Document, path: str, field: str, waits: Container[str]) -> None:
        """Wait until a file that was sent is ready.

        Args:
            file: What the server said of it.
            path: Where it says so again.
            field: The name of its state.
            waits: The states, in lower case, in which it is not ready.

        Raises:
            BackendError: It takes too long.
        """
        for _ in range(MOST_LOOKS_AT_A_FILE):
            if str(file.get(field)).lower() not in waits:
                return
            self.sleep(SECONDS_BETWEEN_LOOKS)
            file = self.get(path)
        raise BackendError(
            f"{self.name}: a file that is ready was expected; {path} is still "
            f"{file.get(field)}: try again later",
            backend=self.name,
        )

    def lines(self, path: str, **query: str) -> Iterator[Document]:
        """The JSON objects of a JSON Lines file; a line that cannot be read is left out.

        A file that is gone holds none.
        """
        call = Call("GET", self.address(path, **query), max_response_bytes=LARGEST_RESULTS)
        try:
            data = self.send(call, _whole)
        except ResponseError as error:
            if error.status != 404:
                raise
            logger.warning("%s: %s is gone: its answers are lost", self.name, path)
            return
        for number, line in enumerate(BytesIO(data), start=1):
            if not line.strip():
                continue
            try:
                document = from_json(line)
            except ValueError:
                document = None
            if isinstance(document, dict):
                yield document
            else:
                logger.warning("%s: line %d of %s cannot be read", self.name, number, path)

    def outcome(self, status: int, headers: Mapping[str, str], body: Any) -> JobOutcome:
        """What an answer says, as the format reads it when it is asked for on its own.

        Args:
            status: HTTP status that the question got.
            headers: Headers, names in lower case.
            body: The answer, parsed.
        """
        said = self._read(status, headers, body)
        if isinstance(said, Completion) and said.refusal is None:
            return said
        # What is said of an error or a refusal may repeat the request, and the key in it. It is
        # read again without them: afterwards it may have been cut short in the midst of a key.
        return self._read(status, headers, self._scrubbed(body))

    def _read(self, status: int, headers: Mapping[str, str], body: Any) -> JobOutcome:
        try:
            return self.codec.decode(status, headers, to_json(body))
        except (BackendError, InputError) as error:
            error.args = (f"{self.name}: {error}",)
            if isinstance(error, BackendError):
                error.backend = self.name
            # It is kept until its item is inspected, and need not hold the answer for so long.
            return error.with_traceback(None)

    def _scrubbed(self, value: Any) -> Any:
        match value:
            case dict():
                return {key: self._scrubbed(item) for key, item in value.items()}
            case list():
                return [self._scrubbed(item) for item in value]
            case str():
                return self.scrub(value)
            case _:
                return value

    def unfinished(self, why: Any) -> BackendError:
        """The outcome of a question that the provider did not get to."""
        reason = self.scrub(string(why) or "no reason given")
        return BackendError(
            f"{self.name}: an answer was expected; the batch API did not get to this question: "
            f"{reason} (it is handed over again)",
            backend=self.name,
            status=408,
        )

    def expected(self, what: str, value: Any) -> str:
        """A text that an answer has to hold.

        Raises:
            ResponseError: It does not.
        """
        if not isinstance(value, str) or not value:
            raise ResponseError(
                f"{self.name}: {what} was expected in the answer, which has none: check "
                "`base_url`, and whether the server has a batch API",
                backend=self.name,
            )
        return value


def joined(pieces: Iterable[bytes]) -> bytes:
    """The pieces as one; none is kept, as a list of them would take as much again."""
    whole = BytesIO()
    for piece in pieces:
        whole.write(piece)
    return whole.getvalue()


def once(create: Callable[[], str], find: Callable[[], str | None]) -> str:
    """Create what must not be created twice; when that breaks off, look whether it was after all.

    Args:
        create: Creates it, and returns its id.
        find: Its id, when it was created.

    Raises:
        BackendError: It was turned away; or it broke off and was not found, or not yet.
    """
    try:
        return create()
    except BackendError as error:
        if error.status is not None and 400 <= error.status < 500 and error.status != 408:
            raise
        # When this cannot be asked either, the next run asks again.
        with suppress(BackendError):
            found = find()
            if found is not None:
                logger.warning("the job %s was accepted, although: %s", found, error)
                return found
        raise


def succeeded(status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Accept a success only.

    Raises:
        BackendError: It is none.
    """
    if not 200 <= status < 300:
        raise failure(status, headers, body)


def _whole(status: int, headers: Mapping[str, str], body: bytes) -> bytes:
    succeeded(status, headers, body)
    return body


def _document(status: int, headers: Mapping[str, str], body: bytes) -> Document:
    succeeded(status, headers, body)
    try:
        document: Any = from_json(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise not_json(status, headers, body)
    return document
