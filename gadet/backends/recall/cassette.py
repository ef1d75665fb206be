"""Cassettes: answers recorded to a file once, and played back without a network or a key.

`RecordingBackend` writes down what a backend answers. `ReplayBackend` answers from the file alone:
a prompt that was not recorded is an error that names what differs, never a request.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Literal

from gadet.backends.base import Backend, Completion
from gadet.backends.recall.flights import Flights
from gadet.backends.recall.pen import Pen
from gadet.backends.recall.tape import Head, Take, Tape, head_line, is_tape, take_line
from gadet.errors import ConfigurationError
from gadet.prompts.prompt import Prompt

__all__ = ["RecordMode", "RecordingBackend", "ReplayBackend"]

RecordMode = Literal["new", "all"]


class ReplayBackend:
    """Answers from a cassette, in any order and from any thread or task.

    A prompt is recognised by its hash. Several recordings of one prompt are given in their order,
    then the last one again. An answer is as it was recorded, with what it cost then; only its
    `origin` says `cassette`.

    Args:
        path: The cassette.

    Attributes:
        name: Name of the backend that was recorded.
        profile: Its profile, so that views and prompts are made as they were.
        path: The cassette.

    Raises:
        ConfigurationError: The file cannot be read as a cassette.
    """

    def __init__(self, path: str | Path) -> None:
        """Read the cassette."""
        self.path = Path(path)
        self._tape = Tape.read(self.path)
        self._lock = threading.Lock()
        self.name = self._tape.head.backend
        self.profile = self._tape.head.profile

    def __repr__(self) -> str:
        """The recorded backend and the path."""
        return f"ReplayBackend({str(self.path)!r}, name={self.name!r})"

    def complete(self, prompt: Prompt) -> Completion:
        """Give the recorded answer.

        Raises:
            ConfigurationError: There is none; the message says what the closest prompt had
                otherwise.
        """
        with self._lock:
            known = self._tape.play(prompt)
        if known is not None:
            return known
        raise ConfigurationError(
            f"an answer to the prompt {prompt.sha256[:12]} is needed, and {self.path} has none: "
            f"{self._tape.what_differs(prompt)}. Undo the change, or record the prompt with "
            f"record={str(self.path)!r}"
        )

    async def acomplete(self, prompt: Prompt) -> Completion:
        """The same as `complete`; nothing is waited for."""
        return self.complete(prompt)

    def close(self) -> None:
        """Nothing is held open."""


class RecordingBackend:
    """A backend whose answers are written to a cassette.

    Every answer is in the file before it is given, refusals and truncations too; errors are not
    recorded. Closing puts the lines into an order that does not depend on threads. From its first
    line on, a cassette is held against other recordings until it is closed.

    Args:
        backend: Who is asked.
        path: The cassette; it is made when it does not exist.
        mode: `new` plays what is on the cassette and asks and records only the rest; `all` asks
            everything, and replaces what is there at the first answer.

    Attributes:
        name: The backend's own.
        profile: The backend's own.
        backend: Who is asked.
        path: The cassette.

    Raises:
        ConfigurationError: The file is no cassette, cannot be written or is in use; or, with
            `new`, holds the answers of a backend that asks otherwise.
    """

    def __init__(self, backend: Backend, path: str | Path, *, mode: RecordMode = "new") -> None:
        """Open the cassette; nothing is asked."""
        if mode not in ("new", "all"):
            raise ConfigurationError(f"mode is 'new' or 'all'; got {mode!r}")
        self.name = backend.name
        self.profile = backend.profile
        self.backend = backend
        self.path = Path(path)
        self._asks_all = mode == "all"
        self._tape = Tape(Head.of(backend))
        self._flights = Flights()
        self._lock = threading.Lock()
        self._pen = Pen(self.path)
        self._begin()

    def __repr__(self) -> str:
        """The backend and the path."""
        return f"RecordingBackend({self.backend!r}, {str(self.path)!r})"

    def complete(self, prompt: Prompt) -> Completion:
        """Give the answer that is recorded, or ask and record; errors are the backend's."""

        def ask() -> Completion:
            return self._known(prompt) or self._recorded(prompt, self.backend.complete(prompt))

        if self._asks_all:
            return ask()
        return self._known(prompt) or self._flights.join(prompt.sha256, ask, _shared)

    async def acomplete(self, prompt: Prompt) -> Completion:
        """Like `complete`, without blocking the event loop."""

        async def ask() -> Completion:
            known = self._known(prompt)
            if known is not None:
                return known
            return self._recorded(prompt, await self.backend.acomplete(prompt))

        if self._asks_all:
            return await ask()
        return self._known(prompt) or await self._flights.ajoin(prompt.sha256, ask, _shared)

    def close(self) -> None:
        """Close the backend, put the cassette in order and release it; it may be used again."""
        self.backend.close()
        with self._lock:
            self._pen.rewrite(self._tape.lines())

    def _begin(self) -> None:
        """Go on with the tape that is there, or see to it that it is replaced."""
        head = head_line(self._tape.head)
        if self._pen.blank:
            self._pen.keep(0, then=head)
        elif not self._asks_all:
            self._tape = self._fitting()
            self._pen.keep(self._tape.whole)
        elif is_tape(self.path):
            self._pen.keep(0, then=head)
        else:
            raise ConfigurationError(
                f"recording replaces only what gadet recorded; {self.path} is something else: name "
                "another file"
            )

    def _fitting(self) -> Tape:
        """The tape that is there, when this backend would have been asked the same way."""
        there = Tape.read(self.path)
        differences = there.head.differences(self._tape.head)
        if differences:
            raise ConfigurationError(
                f"the answers on {self.path} were given to a backend that differs in "
                f"{'; '.join(differences)}: record into another file, or everything anew with "
                "mode='all'"
            )
        return there

    def _known(self, prompt: Prompt) -> Completion | None:
        if self._asks_all:
            return None
        with self._lock:
            return self._tape.play(prompt)

    def _recorded(self, prompt: Prompt, completion: Completion) -> Completion:
        take = Take.of(prompt, completion)
        with self._lock:
            self._pen.write(take_line(take))
            self._tape.add(take)
        return completion


def _shared(completion: Completion) -> Completion:
    """What those get who waited for another one's question: as if it were played to them."""
    return replace(completion, request_id=None, origin="cassette")
