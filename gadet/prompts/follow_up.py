"""What comes beside or after the first question: its variants for votes, and questions about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from gadet.errors import ConfigurationError
from gadet.prompts import wording
from gadet.prompts.prompt import Message, Prompt

__all__ = ["Turn", "put_differently", "said"]

LONGEST_QUESTION = 10_000


class _Said(Protocol):
    @property
    def text(self) -> str: ...
    @property
    def refusal(self) -> str | None: ...


def said(completion: _Said) -> str:
    """The words of an answer, those of its refusal when there are no others."""
    return completion.text or completion.refusal or ""


@dataclass(frozen=True, eq=False)
class Turn:
    """A prompt and what was answered to it.

    Attributes:
        prompt: What was asked, with its pictures and all turns before it.
        answer: The answer's words.
    """

    prompt: Prompt
    answer: str

    def followed_by(self, question: str) -> Prompt:
        """A prompt that asks about the answer, in the same conversation and without a schema.

        Raises:
            ConfigurationError: The question is empty or too long.
        """
        text = question.strip()
        if not text or len(text) > LONGEST_QUESTION:
            raise ConfigurationError(
                f"a question of 1 to {LONGEST_QUESTION} characters is needed; got {len(text)}"
            )
        # Providers refuse empty turns.
        answer = self.answer.strip() or "(no answer)"
        again = self.prompt.followed_by(answer, wording.FOLLOW_UP.format(question=text))
        return replace(again, schema={})


def put_differently(prompt: Prompt) -> Prompt:
    """The question of a later vote, with another way of looking; the first vote's as it is.

    For models that take no sampling parameters: equal questions would get nearly equal answers,
    and their votes would count one opinion several times.
    """
    if prompt.sample == 0:
        return prompt
    way = wording.WAYS_OF_LOOKING[(prompt.sample - 1) % len(wording.WAYS_OF_LOOKING)]
    *before, last = prompt.messages
    return replace(prompt, messages=(*before, Message(last.role, (*last.parts, way))))
