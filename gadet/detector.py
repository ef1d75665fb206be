"""`AnomalyDetector`: the parts composed, and the drivers that carry a conversation."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from pydantic import ValidationError

from gadet.backends.profile import Profile
from gadet.backends.registry import BackendLike, resolve
from gadet.batch import Turns, run_batch
from gadet.drivers import adrive, drive
from gadet.errors import ConfigurationError, InputError
from gadet.experts.base import Expert
from gadet.inspection import Case, Pictures, References, inspect, opening_prompt
from gadet.journal import Journal
from gadet.media.base import LoadLimits, Sample
from gadet.media.choice import adapter_for
from gadet.prompts.domain import Domain, load_domain
from gadet.prompts.prompt import Prompt
from gadet.report import Failure, Report
from gadet.request import DetectRequest, Fusion, Level, Normality
from gadet.toolkit import default_toolkits

__all__ = ["AnomalyDetector"]

# A batch keeps the pictures for drawing up to this size, and this many sets of references.
MOST_ILLUSTRATED = 1000
MOST_REFERENCE_SETS = 16


class AnomalyDetector:
    """Finds, locates and explains anomalies.

    Args:
        backend: What answers: `offline` (no model, no network), `provider:model`, the URL of an
            OpenAI-compatible server with `#model`, a backend object, or a function of the prompt.
            Pictures leave the machine only when a backend that sends them was named here.
        expert: `auto` measures with the expert that ships, None measures nothing and draws no
            marks, and an object of your own measures in its place.
        profile: Facts of the model, in place of those that ship. A backend object keeps its own
            for what it sends; views and prompt then follow this one.
        limits: Bounds on what is read.
        **options: Options of the backend: `api_key`, `base_url`, `timeout`, `max_retries`, …

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
        backend: BackendLike = "offline",
        *,
        expert: Expert | Literal["auto"] | None = "auto",
        profile: Profile | None = None,
        limits: LoadLimits | None = None,
        **options: Any,
    ) -> None:
        if profile is not None and isinstance(backend, str):
            options["profile"] = profile
        self.backend = resolve(backend, **options)
        self.profile = profile or self.backend.profile
        self.limits = limits or LoadLimits()
        self._toolkits = default_toolkits()
        if expert != "auto":
            self._toolkits["image"] = replace(self._toolkits["image"], expert=expert)
        self._adapters = {name: kit.adapter for name, kit in self._toolkits.items()}

    def __repr__(self) -> str:
        """Name the backend, never its key."""
        return f"AnomalyDetector({self.backend.name!r})"

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
        """Close the backend's connections; the detector may be used again and opens new ones."""
        self.backend.close()

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
        request = _request(
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
        return drive(inspect(self._case(request)), self.backend.complete)

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
        request = _request(
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
        return await adrive(inspect(case), self.backend.acomplete)

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
            else _request(
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
        loaded = _LoadedReferences(self._references)
        pictures: Pictures = "small" if len(requests) <= MOST_ILLUSTRATED else "none"
        with Journal(resume) if resume else nullcontext() as journal:
            # Many items may wait for a model, but no more are measured at once than there are
            # processors: more would only take memory and turns from each other.
            turns = Turns(os.cpu_count() or 1)
            ask = turns.left_while(self.backend.complete)

            def inspect_one(request: DetectRequest) -> Report:
                with turns:
                    case = self._case(request, references=loaded.of(request), pictures=pictures)
                    if journal is not None:
                        return journal.carry(case, ask)
                    return drive(inspect(case), ask)

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
        request = _request(
            item,
            references,
            normality=normality,
            domain=domain,
            level=level,
            evidence=evidence,
            marks=marks,
        )
        return opening_prompt(self._case(request))

    def _case(
        self,
        request: DetectRequest,
        *,
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
        return Case(
            request=request,
            sample=sample,
            references=normals,
            domain=load_domain(request.domain),
            profile=self.profile,
            backend=self.backend.name,
            expert=toolkit.expert,
            localizer=toolkit.localizer,
            loading_seconds=time.perf_counter() - started,
            pictures=pictures,
        )

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


class _LoadedReferences:
    """The references of a batch: items that name the same ones share what was loaded."""

    def __init__(self, load: Callable[[Sequence[Any]], References]) -> None:
        self._load = load
        self._kept: OrderedDict[tuple[Any, ...], tuple[tuple[Any, ...], References]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, request: DetectRequest) -> References:
        """The loaded references of a request."""
        # The objects are kept beside the result, so that an id stays theirs.
        key = tuple(r if isinstance(r, str | Path) else id(r) for r in request.references)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = (request.references, self._load(request.references))
                while len(self._kept) > MOST_REFERENCE_SETS:
                    self._kept.popitem(last=False)
            return self._kept[key][1]


def _request(item: Any, references: Sequence[Any], **settings: Any) -> DetectRequest:
    """Build a request, with an error that a caller can act on."""
    if isinstance(references, str | bytes | Path) or not isinstance(references, Iterable):
        raise ConfigurationError(
            "references needs a list of normal samples, also for one: references=[sample]; got "
            f"{type(references).__name__}"
        )
    settings["normality"] = settings["normality"] or Normality()
    settings["domain"] = load_domain(settings["domain"])
    try:
        return DetectRequest(item=item, references=tuple(references), **settings)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(f"argument `{name}` cannot be used: {first['msg']}") from None
