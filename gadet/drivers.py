"""Drivers: what carries the prompts of a conversation to a backend and its answers back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gadet.backends.base import Completion
from gadet.inspection import Conversation
from gadet.prompts.prompt import Prompt
from gadet.report import Report

__all__ = ["adrive", "drive"]


def drive(conversation: Conversation, ask: Callable[[Prompt], Completion]) -> Report:
    """Carry a conversation with a blocking `ask`."""
    step = _step(conversation, None)
    while isinstance(step, Prompt):
        step = _step(conversation, ask(step))
    return step


async def adrive(
    conversation: Conversation, ask: Callable[[Prompt], Awaitable[Completion]]
) -> Report:
    """Carry a conversation with an awaitable `ask`; what is measured between runs in a thread."""
    # Only this way of running needs asyncio, whose import would be a tenth of gadet's own.
    from asyncio import to_thread

    step = await to_thread(_step, conversation, None)
    while isinstance(step, Prompt):
        step = await to_thread(_step, conversation, await ask(step))
    return step


def _step(conversation: Conversation, completion: Completion | None) -> Prompt | Report:
    """Move a conversation to its next prompt, or to the report at its end."""
    try:
        return next(conversation) if completion is None else conversation.send(completion)
    except StopIteration as end:
        report: Report = end.value
        return report
