"""Drivers: what carries the questions of a journey to their backends and the answers back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gadet.backends.base import Completion
from gadet.errors import BackendError, InputError
from gadet.report import Report
from gadet.route import Journey, Question

__all__ = ["acomplete", "adrive", "complete", "drive", "step"]


def complete(question: Question) -> Completion:
    """Ask the backend of a question and wait."""
    return question.leg.backend.complete(question.prompt)


async def acomplete(question: Question) -> Completion:
    """Ask the backend of a question without blocking the event loop."""
    return await question.leg.backend.acomplete(question.prompt)


def drive(journey: Journey, ask: Callable[[Question], Completion] = complete) -> Report:
    """Carry a journey with a blocking `ask`."""
    here = step(journey)
    while isinstance(here, Question):
        try:
            answer: Completion | Exception = ask(here)
        except (BackendError, InputError) as error:
            answer = error
        here = step(journey, answer)
    return here


async def adrive(
    journey: Journey, ask: Callable[[Question], Awaitable[Completion]] = acomplete
) -> Report:
    """Carry a journey with an awaitable `ask`; what is measured between runs in a thread."""
    # Only this way of running needs asyncio, whose import would be a tenth of gadet's own.
    from asyncio import to_thread

    here = await to_thread(step, journey)
    while isinstance(here, Question):
        try:
            answer: Completion | Exception = await ask(here)
        except (BackendError, InputError) as error:
            answer = error
        here = await to_thread(step, journey, answer)
    return here


def step(journey: Journey, answer: Completion | Exception | None = None) -> Question | Report:
    """Move a journey on to its next question, or to the report at its end.

    Args:
        journey: A journey that waits for `answer`.
        answer: What the last question got; the error that asking it raised; None at the start.

    Raises:
        GadetError: The error, when the journey cannot go on without an answer.
    """
    try:
        if isinstance(answer, Exception):
            return journey.throw(answer)
        return next(journey) if answer is None else journey.send(answer)
    except StopIteration as end:
        report: Report = end.value
        return report
