"""A `Tape`: recorded answers and what they answer, as lines that a person can read.

JSON Lines with sorted keys. The head names the backend that was recorded and holds its profile, so
that views and prompts are made the same way again. Each further line is a `Take`: the prompt's
hash, what was asked, and the answer. Nothing in it changes from one recording of the same answers
to the next: no time, no request id.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from gadet.backends.base import Backend, Completion
from gadet.backends.facts.profile import Profile
from gadet.backends.recall.fingerprint import asking_of
from gadet.errors import ConfigurationError
from gadet.prompts.prompt import Prompt
from gadet.view import View

__all__ = ["Asked", "Head", "Take", "Tape", "head_line", "is_tape", "take_line"]

FORMAT = 1
LARGEST = 256 * 1024 * 1024
_MARK = "gadet_cassette"
# Fields of `extra` that some gateways take a secret in; `max_tokens` and its like are none.
_SECRET = re.compile(
    r"api[-_]?key|secret|passw|authorization|credential|cookie|(^|[-_])(key|token)$", re.IGNORECASE
)
# Facts that change neither what is asked nor how the answer is read.
_ASIDE = {"as_of", "prices", "seconds_per_answer", "source"}
_QUOTED = 60


@dataclass(frozen=True)
class Head:
    """Whose answers are on a tape.

    Attributes:
        backend: The backend's name.
        profile: Its profile.
        settings: How it asked, without secrets; None when it does not say.
    """

    backend: str
    profile: Profile
    settings: dict[str, Any] | None = None

    @classmethod
    def of(cls, backend: Backend) -> Self:
        """The head of a tape that this backend records."""
        settings = asking_of(backend)["settings"]
        return cls(backend.name, backend.profile, _without_secrets(settings))

    def differences(self, other: Head) -> list[str]:
        """What makes another backend's answers unfit for the same tape, in words."""
        mine, theirs = (
            {"name": head.backend, **(head.settings or {}), **_facts(head.profile)}
            for head in (self, other)
        )
        return [
            f"{name} (recorded {mine.get(name)!r}, now {theirs.get(name)!r})"
            for name in {**mine, **theirs}
            if mine.get(name) != theirs.get(name)
        ]


@dataclass(frozen=True)
class Asked:
    """What a prompt consists of, for people, and for saying what differs.

    Attributes:
        texts: The standing instructions and every text, in order.
        pictures: A line for each picture: its role, kind, size and the start of its hash.
        schema: The start of the hash of the answer's schema.
        sample: The number of the vote.
        max_output_tokens: The bound on the answer's length.
    """

    texts: tuple[str, ...]
    pictures: tuple[str, ...]
    schema: str
    sample: int = 0
    max_output_tokens: int = 2000

    @classmethod
    def of(cls, prompt: Prompt) -> Self:
        """What a prompt consists of."""
        return cls(
            texts=(prompt.system, *(part for part in prompt.parts if isinstance(part, str))),
            pictures=tuple(map(_line, prompt.views)),
            schema=hashlib.sha256(to_json(prompt.schema)).hexdigest()[:16],
            sample=prompt.sample,
            max_output_tokens=prompt.max_output_tokens,
        )

    def likeness(self, other: Asked) -> int:
        """How many parts are the same."""
        shared = Counter((*self.texts, *self.pictures)) & Counter((*other.texts, *other.pictures))
        same = (
            self.schema == other.schema,
            self.sample == other.sample,
            self.max_output_tokens == other.max_output_tokens,
        )
        return shared.total() + sum(same)

    def differences(self, now: Asked) -> list[str]:
        """What has become different since this was recorded, in words."""
        found = [
            *_changed("picture", self.pictures, now.pictures),
            *_changed("text", self.texts, now.texts),
        ]
        if self.schema != now.schema:
            found.append("the schema of the answer")
        if self.sample != now.sample:
            found.append(f"the vote (recorded number {self.sample}, now {now.sample})")
        if self.max_output_tokens != now.max_output_tokens:
            found.append(
                f"the bound on the answer (recorded {self.max_output_tokens} tokens, "
                f"now {now.max_output_tokens})"
            )
        return found or ["the order of its parts"]


@dataclass(frozen=True)
class Take:
    """One recorded answer.

    Attributes:
        prompt: SHA-256 of the prompt.
        asked: What it consists of.
        answer: The answer.
    """

    prompt: str
    asked: Asked
    answer: Completion

    @classmethod
    def of(cls, prompt: Prompt, answer: Completion) -> Self:
        """The recording of an answer, without what is another thing each time."""
        return cls(
            prompt.sha256, Asked.of(prompt), replace(answer, request_id=None, origin="model")
        )


_HEAD, _TAKE = TypeAdapter(Head), TypeAdapter(Take)


@dataclass
class Tape:
    """The head and the takes of a cassette.

    Attributes:
        head: Whose answers these are.
        takes: The answers, in the order of the file.
        whole: How many bytes of the file are whole lines.
    """

    head: Head
    takes: list[Take] = field(default_factory=list)
    whole: int = 0

    def __post_init__(self) -> None:
        """Index the takes by prompt."""
        self._by_prompt: dict[str, list[Take]] = defaultdict(list)
        self._played: Counter[str] = Counter()
        for take in self.takes:
            self._by_prompt[take.prompt].append(take)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a cassette; a last line that was cut short is left out.

        Raises:
            ConfigurationError: The file is no cassette of this format, too large, or has a line
                that cannot be read.
        """
        try:
            if path.stat().st_size > LARGEST:
                raise ConfigurationError(
                    f"a cassette of at most {LARGEST} bytes is needed; {path} is larger: record "
                    "into several"
                )
            with open(path, "rb") as file:
                lines = [line for line in file if line.endswith(b"\n")]
        except OSError as error:
            raise ConfigurationError(
                f"replaying needs a cassette that can be read; {path} gave: {error.strerror}"
            ) from error
        head = _parsed(lines[0]) if lines else None
        if head is None or head.pop(_MARK, None) != FORMAT:
            raise ConfigurationError(
                f"replaying needs a cassette that gadet recorded (format {FORMAT}); the first line "
                f"of {path} is something else: name another file"
            )
        number = 1
        try:
            tape = cls(_HEAD.validate_python(head), whole=sum(map(len, lines)))
            for number, line in enumerate(lines[1:], start=2):  # noqa: B007  (for the message)
                tape.add(_TAKE.validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise ConfigurationError(
                f"line {number} of {path} cannot be read as a recording ({first['msg']}): mend it, "
                "take it out, or record anew"
            ) from None
        return tape

    def add(self, take: Take) -> None:
        """Put a take at the end."""
        self.takes.append(take)
        self._by_prompt[take.prompt].append(take)

    def play(self, prompt: Prompt) -> Completion | None:
        """The next answer to a prompt, the last one again when all were given, or None."""
        takes = self._by_prompt.get(prompt.sha256)
        if not takes:
            return None
        number = min(self._played[prompt.sha256], len(takes) - 1)
        self._played[prompt.sha256] += 1
        return replace(takes[number].answer, origin="cassette")

    def what_differs(self, prompt: Prompt) -> str:
        """How a prompt that is not on the tape departs from the closest one that is."""
        now = Asked.of(prompt)
        closest = max(self.takes, key=lambda take: take.asked.likeness(now), default=None)
        if closest is None:
            return "it holds no answer at all"
        return f"the closest recorded prompt ({closest.prompt[:12]}) differs in " + "; ".join(
            closest.asked.differences(now)
        )

    def lines(self) -> Iterator[bytes]:
        """The head and every take, those with the same pictures and texts next to each other.

        The order does not depend on which thread was answered first, so two recordings of the same
        answers are the same file.
        """
        yield head_line(self.head)
        # Several answers to one prompt stay in their order: sorting is stable.
        yield from map(take_line, sorted(self.takes, key=_place))


def is_tape(path: Path) -> bool:
    """Whether a file begins as a cassette of any format."""
    with open(path, "rb") as file:
        head = _parsed(file.readline(LARGEST))
    return head is not None and _MARK in head


def head_line(head: Head) -> bytes:
    """The first line of a cassette."""
    return _written({_MARK: FORMAT, **_HEAD.dump_python(head, mode="json")})


def take_line(take: Take) -> bytes:
    """A further line of a cassette; what is as it mostly is, is left out."""
    return _written(_TAKE.dump_python(take, mode="json", exclude_defaults=True))


def _place(take: Take) -> tuple[object, ...]:
    asked = take.asked
    return (asked.pictures, asked.texts, asked.sample, take.prompt)


def _written(record: dict[str, Any]) -> bytes:
    text = json.dumps(record, ensure_ascii=False, sort_keys=True)
    # Half a surrogate pair, which no file of text can hold, becomes a question mark.
    return text.encode("utf-8", "replace") + b"\n"


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _line(view: View) -> str:
    width, height = view.picture.size
    return f"{view.role} {view.kind} {width}x{height} sha256:{view.sha256[:16]}"


def _facts(profile: Profile) -> dict[str, Any]:
    plain = profile.model_dump(mode="json", exclude=_ASIDE)
    return {f"profile.{name}": value for name, value in plain.items()}


def _changed(what: str, recorded: tuple[str, ...], now: tuple[str, ...]) -> list[str]:
    if len(recorded) != len(now):
        return [f"the {what}s (recorded {len(recorded)}, now {len(now)})"]
    return [
        f"{what} {number} (recorded {_excerpt(old, new)!r}, now {_excerpt(new, old)!r})"
        for number, (old, new) in enumerate(zip(recorded, now, strict=True), start=1)
        if old != new
    ]


def _excerpt(text: str, other: str) -> str:
    """The text from shortly before the place where it departs from the other."""
    pairs = enumerate(zip(text, other, strict=False))
    place = next((at for at, (one, two) in pairs if one != two), min(len(text), len(other)))
    start = max(place - 20, 0)
    piece = text[start : start + _QUOTED]
    return ("…" if start else "") + piece + ("…" if start + _QUOTED < len(text) else "")


def _without_secrets(value: Any) -> Any:
    """Settings in which every field that is named like a secret is covered."""
    match value:
        case dict():
            return {
                name: "***" if _SECRET.search(str(name)) else _without_secrets(inner)
                for name, inner in value.items()
            }
        case list():
            return [_without_secrets(inner) for inner in value]
        case _:
            return value
