"""`AnomalyDetector`: the parts composed, and the drivers that carry a conversation."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from gadet.backends.base import Backend
from gadet.backends.profile import Profile
from gadet.backends.registry import BackendLike, connect
from gadet.batch import Turns, run_batch
from gadet.budget import Budget, Limits, check_prices
from gadet.dialogue import Reply, again, known_domain, rebuilt, replied
from gadet.drivers import adrive, complete, drive
from gadet.errors import ConfigurationError, InputError
from gadet.experts.base import Expert
from gadet.inspection import Case, Pictures, References, opening_prompt
from gadet.intake import LoadedReferences, request_of
from gadet.journal import Journal
from gadet.media.base import LoadLimits, Sample
from gadet.media.choice import adapter_for
from gadet.prompts.domain import Domain, load_domain
from gadet.prompts.follow_up import Turn
from gadet.prompts.prompt import Prompt
from gadet.report import Failure, Report
from gadet.request import DetectRequest, Fusion, Level, Normality
from gadet.route import Leg, Route, travel
from gadet.toolkit import default_toolkits

__all__ = ["AnomalyDetector"]

# A batch keeps the pictures for drawing up to this size.
MOST_ILLUSTRATED = 1000


class AnomalyDetector:
    """Finds, locates and explains anomalies.

    Args:
        backend: What answers: `offline` (no model, no network), `provider:model`, the URL of an
            OpenAI-compatible server with `#model`, a backend object, or a function of the prompt;
            a list of these is a fallback chain, and a `gadet.Route` says more about when the next
            one is asked. Pictures leave the machine only when a backend that sends them was named
            here.
        expert: `auto` measures with the expert that ships, None measures nothing and draws no
            marks, and an object of your own measures in its place.
        profile: Facts of the model, in place of those that ship. A backend object keeps its own
            for what it sends; views and prompt then follow this one. Not for several backends.
        limits: Bounds on what is read.
        **options: Options of a backend that is named by a string: `api_key`, `base_url`,
            `timeout`, `max_retries`, … Backends of a chain are given theirs by `gadet.connect`.

    Raises:
        ConfigurationError: The backend is not known or an option is not one of its own.

    Example:
        >>> from gadet import AnomalyDetector, samples
        >>> case = samples.load("circuit-board")
        >>> report = AnomalyDetector().detect(case.item, references=case.references)
        >>> report.verdict
        'anomalous'
    """

    def __init__(
        self,
        backend: BackendLike | Route | Sequence[BackendLike] = "offline",
        *,
        expert: Expert | Literal["auto"] | None = "auto",
        profile: Profile | None = None,
        limits: LoadLimits | None = None,
        **options: Any,
    ) -> None:
        self.route = _route(backend, profile, options)
        self.limits = limits or LoadLimits()
        self._toolkits = default_toolkits()
        if expert != "auto":
            self._toolkits["image"] = replace(self._toolkits["image"], expert=expert)
        self._adapters = {name: kit.adapter for name, kit in self._toolkits.items()}

    def __repr__(self) -> str:
        """Name the backend, never its key."""
        return f"AnomalyDetector({self.route.name!r})"

    @property
    def backend(self) -> Backend:
        """What answers; of several, the one that is asked first."""
        return self.route.legs[0].backend

    @property
    def profile(self) -> Profile:
        """The facts that the first backend's views and prompts follow."""
        return self.route.legs[0].profile

    def __enter__(self) -> Self:
        """Use the detector as a context manager; its connections are closed at the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        self.close()

    def close(self) -> None:
        """Close the connections; the detector may be used again and opens new ones."""
        self.route.close()

    def detect(
        self,
        item: Any,
        *,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
        domain: str | Path | Domain = "generic",
        level: Level | None = None,
        evidence: bool = False,
        marks: bool = True,
        samples: int = 1,
        fusion: Fusion = "none",
    ) -> Report:
        """Inspect one item; works inside a running event loop, which it blocks.

        Args:
            item: What to inspect: a path, URL, bytes, file object, PIL picture, array, tensor, or a
                `gadet.ImageInput` that says which frame or layout is meant.
            references: Normal samples of the same kind, in any of these types.
            normality: What you know about the normal state.
            domain: A domain pack: its name, the path of a file, or a `gadet.Domain`.
            level: How much of `normality` the prompt tells; None tells all of it.
            evidence: Tell the model what the expert measured.
            marks: Send a second picture with numbered regions (Set-of-Mark).
            samples: How many answers to ask for; more than one is counted as votes.
            fusion: `mean` joins the model's score with the expert's.

        Returns:
            The report. A refusal or an unreadable answer is a verdict of its own, not an error.

        Raises:
            InputError: The item or a reference cannot be read.
            ConfigurationError: An argument cannot be used.
            BackendError: The model could not be asked.
        """
        request = request_of(
            item,
            references,
            normality=normality,
            domain=domain,
            level=level,
            evidence=evidence,
            marks=marks,
            samples=samples,
            fusion=fusion,
        )
        return drive(travel(self.route, self._case(request)))

    async def adetect(
        self,
        item: Any,
        *,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
        domain: str | Path | Domain = "generic",
        level: Level | None = None,
        evidence: bool = False,
        marks: bool = True,
        samples: int = 1,
        fusion: Fusion = "none",
    ) -> Report:
        """Inspect one item without blocking the event loop; arguments as in `detect`."""
        request = request_of(
            item,
            references,
            normality=normality,
            domain=domain,
            level=level,
            evidence=evidence,
            marks=marks,
            samples=samples,
            fusion=fusion,
        )
        from asyncio import to_thread

        case = await to_thread(self._case, request)
        return await adrive(travel(self.route, case))

    def detect_many(
        self,
        items: Iterable[Any],
        *,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
        domain: str | Path | Domain = "generic",
        level: Level | None = None,
        evidence: bool = False,
        marks: bool = True,
        samples: int = 1,
        fusion: Fusion = "none",
        concurrency: int | None = None,
        on_error: Literal["raise", "record"] = "raise",
        progress: bool | None = None,
        resume: str | Path | None = None,
        budget: Limits | None = None,
    ) -> list[Report | Failure]:
        """Inspect many items, several at a time, and return the results in their order.

        Args:
            items: What to inspect. A `gadet.DetectRequest` among them brings its own references
                and settings; the arguments here hold for all others.
            references: As in `detect`, and likewise for the arguments up to `fusion`.
            normality: As in `detect`.
            domain: As in `detect`.
            level: As in `detect`.
            evidence: As in `detect`.
            marks: As in `detect`.
            samples: As in `detect`.
            fusion: As in `detect`.
            concurrency: How many items are under way at once; None chooses by the backend.
            on_error: `raise` stops at the first item that cannot be inspected, `record` puts a
                `gadet.Failure` in its place and goes on.
            progress: Show a progress bar on stderr; None shows one on a terminal.
            resume: Path of a journal. What a run finished is written there, and a later run with
                the same arguments takes it from there instead of asking again.
            budget: What the run may spend. When it is used up, what is under way is finished, and
                every item that is left becomes a `gadet.Failure`, whatever `on_error` says.

        Returns:
            One result per item. The map that stays with each report for drawing is at most 256 px;
            in batches of more than 1000 items no pictures are kept.

        Raises:
            GadetError: With `on_error="raise"`, the first item's error.
            ConfigurationError: An argument cannot be used, or the journal is not one.
        """
        requests = [
            item
            if isinstance(item, DetectRequest)
            else request_of(
                item,
                references,
                normality=normality,
                domain=domain,
                level=level,
                evidence=evidence,
                marks=marks,
                samples=samples,
                fusion=fusion,
            )
            for item in items
        ]
        loaded = LoadedReferences(self._references)
        pictures: Pictures = "small" if len(requests) <= MOST_ILLUSTRATED else "none"
        purse = self._purse(budget)
        with Journal(resume) if resume else nullcontext() as journal:
            # Many items may wait for a model, but no more are measured at once than there are
            # processors: more would only take memory and turns from each other.
            turns = Turns(os.cpu_count() or 1)
            ask = turns.left_while(purse.guarded(complete) if purse else complete)

            def inspect_one(request: DetectRequest) -> Report:
                if purse is not None:
                    purse.check()
                with turns:
                    case = self._case(request, references=loaded.of(request), pictures=pictures)
                    if journal is not None:
                        return journal.carry(self.route, case, ask)
                    return drive(travel(self.route, case), ask)

            return run_batch(
                requests,
                inspect_one,
                concurrency=self._default_concurrency() if concurrency is None else concurrency,
                on_error=on_error,
                progress=progress,
            )

    def prompt(
        self,
        item: Any,
        *,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
        domain: str | Path | Domain = "generic",
        level: Level | None = None,
        evidence: bool = False,
        marks: bool = True,
    ) -> Prompt:
        """The prompt that `detect` would send first, to print, hash and count; nothing is sent."""
        request = request_of(
            item,
            references,
            normality=normality,
            domain=domain,
            level=level,
            evidence=evidence,
            marks=marks,
        )
        return opening_prompt(self._case(request))

    def ask(
        self,
        about: Report | Reply,
        question: str,
        *,
        item: Any = None,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
    ) -> Reply:
        """Ask the model about its report, with the same pictures and everything said before.

        Args:
            about: A report of this detector, or a reply to go on from.
            question: What you want to know, such as "Why is this not a scratch?".
            item: The item again, for a report that was loaded from a file or came from a batch;
                None reads it from where the report says that it was.
            references: Its normal samples again, in that case.
            normality: What was known about the normal state, in that case.

        Returns:
            The reply; it changes nothing in the report.

        Raises:
            InputError: The item cannot be read again, or is another one.
            ConfigurationError: The question cannot be asked.
            BackendError: The model could not be asked.
        """
        leg, prompt = self._follow_up(about, question, item, references, normality)
        return replied(question, prompt, leg.backend.complete(prompt), leg, about)

    async def aask(
        self,
        about: Report | Reply,
        question: str,
        *,
        item: Any = None,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
    ) -> Reply:
        """Ask about a report without blocking the event loop; arguments as in `ask`."""
        from asyncio import to_thread

        leg, prompt = await to_thread(self._follow_up, about, question, item, references, normality)
        return replied(question, prompt, await leg.backend.acomplete(prompt), leg, about)

    def _follow_up(
        self,
        about: Report | Reply,
        question: str,
        item: Any,
        references: Sequence[Any],
        normality: Normality | None,
    ) -> tuple[Leg, Prompt]:
        """The backend that gave a report, and the prompt that asks it on."""
        report = about.about if isinstance(about, Reply) else about
        answered = (leg for leg in self.route.legs if leg.backend.name == report.provenance.backend)
        leg = next(answered, self.route.legs[0])
        turn = about.turn
        if not isinstance(turn, Turn):
            request = request_of(
                again(report, item),
                references,
                normality=normality,
                domain=known_domain(report.provenance.domain),
            )
            case = self._case(request, leg=leg)
            turn = rebuilt(report, case)
        return leg, turn.followed_by(question)

    def _case(
        self,
        request: DetectRequest,
        *,
        leg: Leg | None = None,
        references: References | None = None,
        pictures: Pictures = "full",
    ) -> Case:
        """Load what a request names; references that are loaded already are taken as they are."""
        started = time.perf_counter()
        sample = self._load(request.item)
        toolkit = self._toolkits[sample.info.modality]
        if toolkit.expert is None and (request.evidence or request.fusion != "none"):
            raise ConfigurationError(
                "evidence=True and fusion='mean' need an expert, but the detector was made with "
                "expert=None: leave `expert` out, or leave these arguments out"
            )
        normals = references or self._references(request.references)
        leg = leg or self.route.legs[0]
        return Case(
            request=request,
            sample=sample,
            references=normals,
            domain=load_domain(request.domain),
            profile=leg.profile,
            backend=leg.backend.name,
            expert=toolkit.expert,
            localizer=toolkit.localizer,
            loading_seconds=time.perf_counter() - started,
            pictures=pictures,
        )

    def _purse(self, limits: Limits | None) -> Budget | None:
        if limits is None:
            return None
        check_prices(self.route, limits)
        return Budget(limits)

    def _default_concurrency(self) -> int:
        """Waiting for a model costs no processor; measuring does."""
        return 8 if self.profile.images else min(4, os.cpu_count() or 1)

    def _load(self, item: Any) -> Sample:
        return adapter_for(item, self._adapters).load(item, self.limits)

    def _references(self, references: Sequence[Any]) -> References:
        samples: list[Sample] = []
        for number, reference in enumerate(references, start=1):
            try:
                samples.append(self._load(reference))
            except InputError as error:
                raise InputError(f"reference {number}: {error}") from error
        return References(tuple(samples))


def _route(
    backend: BackendLike | Route | Sequence[BackendLike],
    profile: Profile | None,
    options: dict[str, Any],
) -> Route:
    """The route that the arguments of a detector name."""
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
