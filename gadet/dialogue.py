"""`Reply`: what a model says when it is asked about its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gadet.backends.base import Completion
from gadet.backends.facts.costs import cost_of
from gadet.case import Case
from gadet.errors import ConfigurationError, InputError
from gadet.findings import Record
from gadet.inspection import opening_prompts
from gadet.intake import Intake, request_of
from gadet.prompts.domain import domain_names
from gadet.prompts.follow_up import Turn, said
from gadet.prompts.prompt import Prompt
from gadet.report import Cost, Report, Stop, Usage
from gadet.request import Normality
from gadet.route import Leg, Route

__all__ = ["Reply", "follow_up", "replied"]


class Reply(Record):
    """The answer to a question about a report; ask about the reply to go on.

    Attributes:
        question: What was asked.
        text: What was answered, in the model's words; with `stop` `refused` or `blocked`, the words
            of the refusal.
        stop: Why the answer ended; anything but `complete` means that it is not whole.
        backend: The backend that answered.
        usage: Tokens and requests spent on this answer.
        cost: Money spent on it, when the prices of the model are known.
        about: The report that the conversation began with.
    """

    question: str
    text: str
    stop: Stop
    backend: str
    usage: Usage = Usage()
    cost: Cost | None = None
    about: Report

    _turn: Turn | None = None

    def __eq__(self, other: object) -> bool:
        """Compare what is serialised; the conversation lives with the object and does not count."""
        return isinstance(other, Reply) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]  # it holds a report, which has none

    @property
    def turn(self) -> Turn | None:
        """The whole conversation so far; lives with this object only."""
        return self._turn


def replied(
    question: str, prompt: Prompt, completion: Completion, leg: Leg, about: Report | Reply
) -> Reply:
    """The reply that a completion makes."""
    reply = Reply(
        question=question,
        text=said(completion),
        stop=completion.stop,
        backend=leg.backend.name,
        usage=completion.usage,
        cost=cost_of(completion.usage, leg.profile.prices),
        about=about.about if isinstance(about, Reply) else about,
    )
    reply._turn = Turn(prompt, reply.text)
    return reply


def follow_up(
    route: Route,
    intake: Intake,
    about: Report | Reply,
    question: str,
    item: Any,
    references: Sequence[Any],
    normality: Normality | None,
) -> tuple[Leg, Prompt]:
    """The backend that gave a report, and the prompt that asks it on.

    Raises:
        InputError: The item cannot be read again, or is another one.
        ConfigurationError: The item is needed again, or the question cannot be asked.
    """
    report = about.about if isinstance(about, Reply) else about
    answered = (leg for leg in route.legs if leg.backend.name == report.provenance.backend)
    leg = next(answered, route.legs[0])
    turn = about.turn
    if not isinstance(turn, Turn):
        domain = report.provenance.domain
        request = request_of(
            _again(report, item),
            references,
            normality=normality,
            domain=domain if domain in domain_names() else "generic",
        )
        turn = _rebuilt(report, intake.case(request, leg))
    return leg, turn.followed_by(question)


def _again(report: Report, item: Any) -> Any:
    """The item of a report, to be read once more.

    Raises:
        ConfigurationError: It was not given, and the report does not say where it was.
    """
    if item is not None:
        return item
    if report.item.source is None:
        raise ConfigurationError(
            "a question about a report that was loaded from a file or came from a batch needs its "
            "pictures again: give `item`, and `references` when there were any"
        )
    return report.item.source


def _rebuilt(report: Report, case: Case) -> Turn:
    """The turn that a report came from, made anew from the item.

    Raises:
        InputError: The item is not the one that was inspected.
    """
    if case.sample.info.sha256 != report.item.sha256:
        raise InputError(
            f"the item that the report is about is needed ({report.item.name}, sha256 "
            f"{report.item.sha256[:12]}); the one read has sha256 {case.sample.info.sha256[:12]}"
        )
    answer = report.raw[-1].text if report.raw else report.explanation
    asked = report.raw[-1].prompt if report.raw else ""
    prompts = opening_prompts(case)
    return Turn(next((prompt for prompt in prompts if prompt.text == asked), prompts[0]), answer)
