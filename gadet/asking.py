"""Questions put to a model: asked, read, and asked once more when an answer cannot be read.

Prompts are yielded in rounds. The prompts of one round do not depend on each other, so whoever
drives a conversation may ask them in any order, at once, or in one job of a batch API.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from gadet.backends.base import Completion
from gadet.backends.likelihood import likelihood_of
from gadet.prompts.builder import reask_prompt
from gadet.prompts.follow_up import Turn, said
from gadet.prompts.prompt import Prompt
from gadet.prompts.reader import read_answer
from gadet.prompts.reading import Reading
from gadet.report import RawAnswer, Usage

__all__ = ["Answered", "Rounds", "Scribe", "ask"]

T = TypeVar("T")
Rounds = Generator[tuple[Prompt, ...], tuple[Completion, ...], T]


@dataclass
class Scribe:
    """Collects what is said during a conversation.

    Attributes:
        prompts: Everything that was asked, in order.
        raw: Every answer as it came.
        notes: What was mended, one sentence each.
        usage: Tokens and requests spent.
        model: The model as the provider names it.
        answer_seconds: How long the answers took.
    """

    prompts: list[Prompt] = field(default_factory=list)
    raw: list[RawAnswer] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    model: str | None = None
    answer_seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Answered:
    """What became of a question.

    Attributes:
        reading: What was read in the last answer to it.
        turn: The prompt that this answer was given to, and its words.
    """

    reading: Reading
    turn: Turn


def ask(prompts: Sequence[Prompt], scribe: Scribe) -> Rounds[list[Answered]]:
    """Ask every prompt, and once more with the problem where the answer cannot be read."""
    asked = tuple(prompts)
    completions = yield from _put(asked, scribe)
    answered = [
        _read(prompt, completion, scribe)
        for prompt, completion in zip(asked, completions, strict=True)
    ]
    again = {
        number: _put_again(asked[number], completions[number], entry.reading, scribe)
        for number, entry in enumerate(answered)
        if entry.reading.verdict == "unparsed" and entry.reading.problem is not None
    }
    if again:
        second = tuple(again.values())
        completions = yield from _put(second, scribe)
        for number, prompt, completion in zip(again, second, completions, strict=True):
            answered[number] = _read(prompt, completion, scribe)
    return answered


def _put(prompts: tuple[Prompt, ...], scribe: Scribe) -> Rounds[tuple[Completion, ...]]:
    started = time.perf_counter()
    completions = yield prompts
    scribe.answer_seconds += time.perf_counter() - started
    return completions


def _put_again(prompt: Prompt, completion: Completion, reading: Reading, scribe: Scribe) -> Prompt:
    problem = reading.problem or ""
    scribe.notes.append(f"asked again, because: {problem}")
    # An answer that was cut off needs more room, or it is cut off again.
    room = prompt.max_output_tokens * (2 if completion.stop == "truncated" else 1)
    return reask_prompt(prompt, completion.text, problem, max_output_tokens=room)


def _read(prompt: Prompt, completion: Completion, scribe: Scribe) -> Answered:
    read = read_answer(completion.text, stop=completion.stop, asked=prompt.schema["properties"])
    reading = read.weighed(likelihood_of(completion, read.verdict))
    words = said(completion)
    scribe.prompts.append(prompt)
    scribe.usage += completion.usage
    scribe.model = completion.model or scribe.model
    scribe.notes.extend(reading.notes)
    if completion.origin == "cache":
        scribe.notes.append("answered from the cache, without asking the model again")
    scribe.raw.append(
        RawAnswer(
            prompt=prompt.text,
            text=words,
            stop=completion.stop,
            verdict=reading.verdict,
            request_id=completion.request_id,
            problem=reading.problem,
        )
    )
    return Answered(reading, Turn(prompt, words))
