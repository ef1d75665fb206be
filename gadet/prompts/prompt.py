"""A `Prompt`: everything that is sent to a model, and nothing that is not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic_core import to_json

from gadet._lazy import lazy
from gadet.report import EvidenceSummary
from gadet.view import View

__all__ = ["Message", "Part", "Prompt"]

Part = str | View


@dataclass(frozen=True, eq=False)
class Message:
    """One turn of the conversation.

    Attributes:
        role: Who speaks.
        parts: Texts and pictures in the order the model sees them.
    """

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]


@dataclass(frozen=True, eq=False)
class Prompt:
    """What a model is asked.

    Attributes:
        system: The standing instructions.
        messages: The conversation; the last message is the user's.
        schema: JSON Schema of the answer, before any provider's dialect.
        evidence: What the expert measured. The offline backend answers from it; a codec never
            encodes it, so a fact is sent only where the builder wrote it into a text.
        sample: Number of the vote this prompt asks for, from 0.
        max_output_tokens: Most tokens the model may generate.
    """

    system: str
    messages: tuple[Message, ...]
    schema: dict[str, Any]
    evidence: EvidenceSummary | None = field(default=None, repr=False)
    sample: int = 0
    max_output_tokens: int = 2000

    @property
    def parts(self) -> Iterator[Part]:
        """Every text and picture, in order."""
        for message in self.messages:
            yield from message.parts

    @property
    def views(self) -> tuple[View, ...]:
        """Every picture, in order."""
        return tuple(part for part in self.parts if isinstance(part, View))

    @property
    def text(self) -> str:
        """The whole prompt for a person to read, each picture as a line that describes it."""
        blocks = [f"[system]\n{self.system}"]
        for message in self.messages:
            lines = [part if isinstance(part, str) else _line(part) for part in message.parts]
            blocks.append(f"[{message.role}]\n" + "\n".join(lines))
        return "\n\n".join(blocks)

    @lazy
    def sha256(self) -> str:
        """Hash over texts, pictures, schema and vote: what decides the answer."""
        content = {
            "system": self.system,
            "messages": [
                [m.role, [p if isinstance(p, str) else {"image": p.sha256} for p in m.parts]]
                for m in self.messages
            ],
            "schema": self.schema,
            "sample": self.sample,
            "max_output_tokens": self.max_output_tokens,
        }
        return hashlib.sha256(to_json(content)).hexdigest()

    def vote(self, number: int) -> Prompt:
        """The same question for vote `number`; its hash differs, so caches keep votes apart."""
        return self if number == self.sample else replace(self, sample=number)

    def followed_by(self, answer: str, question: str) -> Prompt:
        """The same conversation after the model's `answer` and the user's next `question`."""
        turns = (Message("assistant", (answer,)), Message("user", (question,)))
        return replace(self, messages=self.messages + turns)


def _line(view: View) -> str:
    marks = f", marks 1-{len(view.marks)}" if view.marks else ""
    return (
        f"<{view.role} picture, {view.kind}, {view.frame.width}x{view.frame.height}{marks}, "
        f"sha256:{view.sha256[:12]}>"
    )
