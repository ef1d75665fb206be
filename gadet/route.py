"""`Route`: the backends an item may be shown to, in order, and when the next one is asked.

The conversation of `gadet.inspection` knows one model. `travel` holds it with each backend of a
route in turn, still without I/O: it yields rounds of `Question`s, is sent completions, and when a
backend cannot be asked, its driver throws the error in. Every leg builds its own prompt, because
pictures and boxes follow the profile of the model; what the expert measures is measured once.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Generator, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from typing import Any

from gadet.backends.base import Backend, Completion
from gadet.backends.facts.costs import cost_of
from gadet.backends.facts.profile import Profile
from gadet.backends.registry import BackendLike, connect
from gadet.case import Case, measure
from gadet.errors import BackendError, ConfigurationError, InputError
from gadet.inspection import Conversation, inspect
from gadet.prompts.prompt import Prompt
from gadet.report import Cost, Report, Usage, Verdict

__all__ = ["Journey", "Leg", "Question", "Route", "route_of", "travel"]

logger = logging.getLogger("gadet")

READABLE: tuple[Verdict, ...] = ("anomalous", "normal", "uncertain")
VERDICTS: tuple[Verdict, ...] = (*READABLE, "refused", "unparsed")


@dataclass(frozen=True, eq=False)
class Leg:
    """One backend of a route, with the facts its prompts are built by."""

    backend: Backend
    profile: Profile

    @property
    def hint(self) -> str | None:
        """What the reader of a report should know about the backend."""
        hint = getattr(self.backend, "hint", None)
        return hint if isinstance(hint, str) else None


@dataclass(frozen=True, eq=False)
class Question:
    """A prompt, and the leg that is to answer it."""

    prompt: Prompt
    leg: Leg


Journey = Generator[tuple[Question, ...], tuple[Completion, ...], Report]


class Route:
    """Backends in the order they are asked.

    The next one is asked when one cannot be asked at all (a fallback chain), and when its report
    has a verdict of `escalate` or a score inside `doubt` (a cheap model first, a better one where
    it is needed). The last report that could be read stands. Usage and cost of all are added up.

    Args:
        *backends: Model strings, backends or functions, as `AnomalyDetector` takes them.
        escalate: Verdicts that are not taken as final while another backend is left.
        doubt: Scores `(low, high)`, both included, that are not taken as final either.

    Raises:
        ConfigurationError: There is no backend, or one, a verdict or `doubt` cannot be used.

    Example:
        >>> from gadet import AnomalyDetector, Route
        >>> cheap_first = Route("ollama:qwen3-vl:8b", "offline", escalate=("uncertain", "refused"))
        >>> AnomalyDetector(cheap_first)
        AnomalyDetector('ollama:qwen3-vl:8b > offline')
    """

    def __init__(
        self,
        *backends: BackendLike,
        escalate: Collection[Verdict] = (),
        doubt: tuple[float, float] | None = None,
    ) -> None:
        if not backends:
            raise ConfigurationError("a route needs at least one backend; got none")
        unknown = [verdict for verdict in escalate if verdict not in VERDICTS]
        if unknown or isinstance(escalate, str):
            raise ConfigurationError(
                f"escalate needs verdicts among {', '.join(VERDICTS)}, as a list; got {escalate!r}"
            )
        if doubt is not None and not 0.0 <= doubt[0] <= doubt[1] <= 1.0:
            raise ConfigurationError(f"doubt needs 0 <= low <= high <= 1; got {doubt!r}")
        made = [connect(backend) for backend in backends]
        self.legs: tuple[Leg, ...] = tuple(Leg(backend, backend.profile) for backend in made)
        self.escalate = tuple(escalate)
        self.doubt = doubt

    @classmethod
    def to(cls, backend: Backend, profile: Profile | None = None) -> Route:
        """The route to one backend, with a profile of its own when one is given."""
        return cls(backend).through([Leg(backend, profile or backend.profile)])

    def through(self, legs: Sequence[Leg]) -> Route:
        """A route by the same rules through other legs."""
        other = copy(self)
        other.legs = tuple(legs)
        return other

    @property
    def name(self) -> str:
        """The backends' names in order."""
        return " > ".join(leg.backend.name for leg in self.legs)

    def __repr__(self) -> str:
        """Name the backends, never their keys."""
        return f"Route({self.name!r})"

    def settles(self, report: Report) -> bool:
        """Whether a report is taken as final although another backend is left."""
        if report.verdict in self.escalate:
            return False
        if self.doubt is None or report.score is None:
            return True
        low, high = self.doubt
        return not low <= report.score <= high

    def close(self) -> None:
        """Close the connections of every backend."""
        for leg in self.legs:
            leg.backend.close()


@dataclass
class _Log:
    """What happened on the way."""

    reports: list[Report] = field(default_factory=list)
    spent: list[tuple[Leg, Usage]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def travel(route: Route, case: Case) -> Journey:
    """Show one item to the backends of a route until a report is final.

    Args:
        route: Which backends.
        case: The item; its profile and backend are replaced by those of each leg.

    Yields:
        Rounds of questions; the driver sends back the completion of each, in their order, or throws
        in the `BackendError` or `InputError` that asking one of them raised.

    Returns:
        The report, with the usage and cost of all legs.

    Raises:
        BackendError: No backend could be asked.
        InputError: The last backend cannot read a picture, and none before could be asked.
    """
    measured = measure(case)
    log = _Log()
    for number, leg in enumerate(route.legs, start=1):
        last = number == len(route.legs)
        stage = replace(case, profile=leg.profile, backend=leg.backend.name, hint=leg.hint)
        try:
            report = yield from _held_with(leg, inspect(stage, measured), log)
        except (BackendError, InputError) as error:
            if last and not log.reports:
                raise
            log.notes.append(f"{leg.backend.name} could not be asked: {error}")
            logger.warning("%s could not be asked, going on: %s", leg.backend.name, error)
            continue
        log.reports.append(report)
        if last or route.settles(report):
            break
        shown = "" if report.score is None else f" (score {report.score:.2f})"
        log.notes.append(f"{leg.backend.name} said {report.verdict}{shown}; the next was asked")
    return _told(log)


def _held_with(leg: Leg, conversation: Conversation, log: _Log) -> Journey:
    """Hold the conversation with one leg, and write down what each answer cost."""
    prompts = next(conversation)
    while True:
        completions = yield tuple(Question(prompt, leg) for prompt in prompts)
        log.spent += [(leg, completion.usage) for completion in completions]
        try:
            prompts = conversation.send(completions)
        except StopIteration as end:
            report: Report = end.value
            return report


def _told(log: _Log) -> Report:
    """The last report that could be read, else the last one, with what the whole way cost."""
    readable = [report for report in log.reports if report.verdict in READABLE]
    final = (readable or log.reports)[-1]
    if not log.notes:
        return final
    return final.model_copy(
        update={
            "usage": sum((usage for _, usage in log.spent), Usage()),
            "cost": _total_cost(log.spent),
            "raw": tuple(answer for report in log.reports for answer in report.raw),
            "notes": (*log.notes, *final.notes),
        }
    )


def _total_cost(spent: Sequence[tuple[Leg, Usage]]) -> Cost | None:
    """The sum over all legs; None when the prices of one are not known or currencies differ."""
    costs = [cost_of(usage, leg.profile.prices) for leg, usage in spent]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs) or len({cost.currency for cost in known}) != 1:
        return None
    return Cost(
        amount=sum(cost.amount for cost in known),
        currency=known[0].currency,
        as_of=min((cost.as_of for cost in known if cost.as_of), default=None),
    )


def route_of(
    backend: BackendLike | Route | Sequence[BackendLike],
    profile: Profile | None,
    options: dict[str, Any],
) -> Route:
    """The route that the arguments of a detector name.

    Raises:
        ConfigurationError: A backend cannot be made, or the arguments do not go together.
    """
    if isinstance(backend, str):
        if profile is not None:
            options["profile"] = profile
        return Route.to(connect(backend, **options), profile)
    several = isinstance(backend, Route | list | tuple)
    if several and (options or profile is not None):
        raise ConfigurationError(
            "options and a profile belong to one backend; got several backends: make each with "
            "gadet.connect('provider:model', …) and give those"
        )
    if isinstance(backend, Route):
        return backend
    if isinstance(backend, list | tuple):
        return Route(*backend)
    return Route.to(connect(backend, **options), profile)  # type: ignore[arg-type]
