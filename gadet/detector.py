"""`AnomalyDetector`: the parts composed, and the drivers that carry a conversation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from gadet.backends.base import Backend
from gadet.backends.facts.forecast import Forecast
from gadet.backends.facts.profile import Profile
from gadet.backends.registry import BackendLike
from gadet.budget import Limits
from gadet.drivers import adrive, drive
from gadet.experts.base import Expert
from gadet.inspection import opening_prompts
from gadet.intake import Intake, request_of, requests_of
from gadet.localize.image import ImageLocalizer
from gadet.localize.sam import Segmenter
from gadet.many import RunSettings, concurrency_for, inspect_many
from gadet.media.base import LoadLimits
from gadet.outlook import forecast_run
from gadet.prompts.domain import Domain
from gadet.prompts.prompt import Prompt
from gadet.questioner import Questioner
from gadet.recall import CacheLike, replayed, with_recall
from gadet.report import Failure, Report
from gadet.request import Fusion, Level, Normality
from gadet.route import Route, route_of, travel
from gadet.toolkit import default_toolkits
from gadet.watcher import Watcher

__all__ = ["AnomalyDetector"]


class AnomalyDetector(Watcher, Questioner):
    """Finds, locates and explains anomalies.

    Args:
        backend: What answers: `offline` (no model, no network), `provider:model`, the URL of an
            OpenAI-compatible server with `#model`, a backend object, or a function of the prompt;
            a list of these is a fallback chain, and a `gadet.Route` says more about when the next
            one is asked. Pictures leave the machine only when a backend that sends them was named
            here.
        expert: `auto` measures with the experts that ship, None measures nothing and draws no
            marks, and an object of your own measures in the place of the one for images, or for
            what its attribute `modality` names.
        segmenter: Cuts regions out of pictures, as `gadet.localize.sam.load_segmenter` makes one;
            None works without weights.
        mark_fill: Share of a mark's colour laid over its region in the numbered picture of an
            image, from 0 (outlines alone) to 1. The clean picture is sent as it is besides.
        profile: Facts of the model, in place of those that ship. A backend object keeps its own
            for what it sends; views and prompt then follow this one. Not for several backends.
        limits: Bounds on what is read.
        cache: Ask nothing twice: True keeps answers in the user's own cache folder, a path in that
            file, and a `gadet.backends.recall.cache.AnswerCache` within the bounds it was given.
        record: Write every question and answer to this file, for `replay`.
        replay: Answer from such a file; `backend` and its options are then not looked at, so no
            key and no network are needed.
        **options: Options of a backend that is named by a string: `api_key`, `base_url`,
            `timeout`, `max_retries`, … Backends of a chain are given theirs by `gadet.connect`.

    Raises:
        ConfigurationError: The backend is not known, an option is not one of its own, or
            `mark_fill` is not in [0, 1].

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
        segmenter: Segmenter | None = None,
        mark_fill: float = 0.0,
        profile: Profile | None = None,
        limits: LoadLimits | None = None,
        cache: CacheLike = False,
        record: str | Path | None = None,
        replay: str | Path | None = None,
        **options: Any,
    ) -> None:
        if replay is not None:
            given = {"profile": profile, "cache": cache, "record": record}
            more = {name: value for name, value in given.items() if value not in (None, False)}
            self.route = replayed(replay, more)
        else:
            made = route_of(backend, profile, options)
            self.route = with_recall(made, cache=cache, record=record)
        toolkits = default_toolkits()
        if expert != "auto":
            own = getattr(expert, "modality", "image")
            for name, kit in toolkits.items():
                if expert is None or name == own:
                    toolkits[name] = replace(kit, expert=expert)
        if segmenter is not None or mark_fill:
            localizer = ImageLocalizer(segmenter, fill=mark_fill)
            toolkits["image"] = replace(toolkits["image"], localizer=localizer)
        self._limits = limits or LoadLimits()
        self._intake = Intake(toolkits, self._limits)

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
        brief: bool = False,
        marks: bool = True,
        zoom: int = 0,
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
            brief: Ask for the decision alone (verdict, score, a sentence; no places), which takes a
                fraction of the tokens.
            marks: Send a second picture with numbered regions (Set-of-Mark).
            zoom: Show up to this many places again enlarged, each in a question of its own: what
                the model reported, then what the expert found suspicious. Regions may then share a
                coarse number, and a look tells them apart.
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
            brief=brief,
            marks=marks,
            zoom=zoom,
            samples=samples,
            fusion=fusion,
        )
        return drive(travel(self.route, self._intake.case(request, self.route.legs[0])))

    async def adetect(
        self,
        item: Any,
        *,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
        domain: str | Path | Domain = "generic",
        level: Level | None = None,
        evidence: bool = False,
        brief: bool = False,
        marks: bool = True,
        zoom: int = 0,
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
            brief=brief,
            marks=marks,
            zoom=zoom,
            samples=samples,
            fusion=fusion,
        )
        from asyncio import to_thread

        case = await to_thread(self._intake.case, request, self.route.legs[0])
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
        brief: bool = False,
        marks: bool = True,
        zoom: int = 0,
        samples: int = 1,
        fusion: Fusion = "none",
        concurrency: int | None = None,
        on_error: Literal["raise", "record"] = "raise",
        progress: bool | None = None,
        resume: str | Path | None = None,
        budget: Limits | None = None,
        batch_api: bool = False,
        poll_seconds: float = 60.0,
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
            brief: As in `detect`.
            marks: As in `detect`.
            zoom: As in `detect`.
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
            batch_api: Hand the questions to the provider's batch API, which answers within a day
                and costs less, and wait. It needs `resume`: a run that is interrupted goes on
                when it is called again with the same arguments.
            poll_seconds: How long to wait between two looks at the jobs of a batch API.

        Returns:
            One result per item. The map that stays with each report for drawing is at most 256 px;
            in batches of more than 1000 items no pictures are kept.

        Raises:
            GadetError: With `on_error="raise"`, the first item's error.
            ConfigurationError: An argument cannot be used, or the journal is not one.
        """
        requests = requests_of(
            items,
            references,
            normality=normality,
            domain=domain,
            level=level,
            evidence=evidence,
            brief=brief,
            marks=marks,
            zoom=zoom,
            samples=samples,
            fusion=fusion,
        )
        settings = RunSettings(
            concurrency=concurrency,
            on_error=on_error,
            progress=progress,
            resume=resume,
            budget=budget,
            batch_api=batch_api,
            poll_seconds=poll_seconds,
        )
        return inspect_many(requests, self._intake, self.route, settings)

    def prompt(
        self,
        item: Any,
        *,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
        domain: str | Path | Domain = "generic",
        level: Level | None = None,
        evidence: bool = False,
        brief: bool = False,
        marks: bool = True,
    ) -> Prompt:
        """The prompt that `detect` would send first, to print, hash and count; nothing is sent.

        Of an item that is cut into windows it is the prompt about the first of them.
        """
        request = request_of(
            item,
            references,
            normality=normality,
            domain=domain,
            level=level,
            evidence=evidence,
            brief=brief,
            marks=marks,
        )
        return opening_prompts(self._intake.case(request, self.route.legs[0]))[0]

    def forecast(
        self,
        items: Iterable[Any],
        *,
        references: Sequence[Any] = (),
        normality: Normality | None = None,
        domain: str | Path | Domain = "generic",
        level: Level | None = None,
        evidence: bool = False,
        brief: bool = False,
        marks: bool = True,
        zoom: int = 0,
        samples: int = 1,
        look_at: int = 20,
        concurrency: int | None = None,
        batch_api: bool = False,
        **pace: Any,
    ) -> Forecast:
        """What a run over the items will take in tokens, money and time; nothing is sent.

        Args:
            items: What would be inspected, as for `detect_many`.
            references: As in `detect`, and likewise for the arguments up to `samples`.
            normality: As in `detect`.
            domain: As in `detect`.
            level: As in `detect`.
            evidence: As in `detect`.
            brief: As in `detect`.
            marks: As in `detect`.
            zoom: As in `detect`.
            samples: As in `detect`.
            look_at: How many items are loaded and made into prompts; of more, these many are
                picked evenly and stand for all.
            concurrency: As in `detect_many`.
            batch_api: As in `detect_many`.
            **pace: What is known about the provider and the answers: `requests_per_minute`,
                `tokens_per_minute`, `seconds_per_answer`, `answer_tokens`, `asked_again`, as
                `gadet.backends.facts.forecast.forecast` takes them.

        Returns:
            Ranges, with every assumption in words; of several backends, for the first.

        Raises:
            InputError: An item cannot be read.
            ConfigurationError: An argument cannot be used.
        """
        requests = requests_of(
            items,
            references,
            normality=normality,
            domain=domain,
            level=level,
            evidence=evidence,
            brief=brief,
            marks=marks,
            zoom=zoom,
            samples=samples,
        )
        return forecast_run(
            requests,
            self._intake,
            self.route.legs[0],
            look_at=look_at,
            zoom=zoom,
            samples=samples,
            concurrency=concurrency_for(self.route.legs[0], concurrency),
            batch=batch_api,
            **pace,
        )
