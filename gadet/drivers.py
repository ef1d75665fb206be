"""Drivers: what carries the questions of a journey to their backends and the answers back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gadet.backends.base import Completion
from gadet.errors import BackendError, InputError
from gadet.report import Report
from gadet.route import Journey, Question

__all__ = ["acomplete", "adrive", "complete", "drive", "step"]

Answers = tuple[Completion, ...] | Exception


def complete(question: Question) -> Completion:
    """Ask the backend of a question and wait."""
    return question.leg.backend.complete(question.prompt)


async def acomplete(question: Question) -> Completion:
    """Ask the backend of a question without blocking the event loop."""
    return await question.leg.backend.acomplete(question.prompt)


def drive(journey: Journey, ask: Callable[[Question], Completion] = complete) -> Report:
    """Carry a journey with a blocking `ask`, one question after the other."""
    here = step(journey)
    while not isinstance(here, Report):
        try:
            answers: Answers = tuple(map(ask, here))
        except (BackendError, InputError) as error:
            answers = error
        here = step(journey, answers)
    return here


async def adrive(
    journey: Journey, ask: Callable[[Question], Awaitable[Completion]] = acomplete
) -> Report:
    """Carry a journey with an awaitable `ask`, the questions of a round at once.

    What is measured between the rounds runs in a thread.
    """
    # Only this way of running needs asyncio, whose import would be a tenth of gadet's own.
    from asyncio import to_thread

    here = await to_thread(step, journey)
    while not isinstance(here, Report):
        try:
            answers: Answers = await _at_once(here, ask)
        except (BackendError, InputError) as error:
            answers = error
        here = await to_thread(step, journey, answers)
    return here


async def _at_once(
    questions: tuple[Question, ...], ask: Callable[[Question], Awaitable[Completion]]
) -> tuple[Completion, ...]:
    """The answers to all questions; when one fails, the others are cancelled and gone."""
    from asyncio import TaskGroup

    if len(questions) == 1:
        return (await ask(questions[0]),)

    async def one(question: Question) -> Completion:
        return await ask(question)

    try:
        async with TaskGroup() as group:
            tasks = [group.create_task(one(question)) for question in questions]
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    return tuple(task.result() for task in tasks)


def step(journey: Journey, answers: Answers | None = None) -> tuple[Question, ...] | Report:
    """Move a journey on to its next questions, or to the report at its end.

    Args:
        journey: A journey that waits for `answers`.
        answers: What the last questions got, in their order; the error that asking one of them
            raised; None at the start.

    Raises:
        GadetError: The error, when the journey cannot go on without an answer.
    """
    try:
        if isinstance(answers, Exception):
            return journey.throw(answers)
        return next(journey) if answers is None else journey.send(answers)
    except StopIteration as end:
        report: Report = end.value
        return report
