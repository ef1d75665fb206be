"""`inspect_many`: a run over many items, through direct requests or a provider's batch API."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from gadet.backends.jobs.base import BatchCapable
from gadet.backends.recall.cached import CachedBackend
from gadet.batch import OnError, Turns, run_batch
from gadet.budget import Limits, purse_for
from gadet.case import Case, Pictures
from gadet.drivers import complete, drive
from gadet.errors import ConfigurationError
from gadet.intake import Intake, LoadedReferences
from gadet.jobs import run_jobs
from gadet.journal import Journal
from gadet.report import Failure, Report
from gadet.request import DetectRequest
from gadet.route import Leg, Route, travel

__all__ = ["RunSettings", "concurrency_for", "inspect_many"]

# A batch keeps the pictures for drawing up to this size.
MOST_ILLUSTRATED = 1000


@dataclass(frozen=True)
class RunSettings:
    """How a run is carried out, as `AnomalyDetector.detect_many` takes it."""

    concurrency: int | None = None
    on_error: OnError = "raise"
    progress: bool | None = None
    resume: str | Path | None = None
    budget: Limits | None = None
    batch_api: bool = False
    poll_seconds: float = 60.0


def inspect_many(
    requests: Sequence[DetectRequest], intake: Intake, route: Route, settings: RunSettings
) -> list[Report | Failure]:
    """Inspect every request.

    Args:
        requests: What to inspect.
        intake: Loads them.
        route: Which backends are asked.
        settings: How the run is carried out.

    Returns:
        One result per request, in their order.

    Raises:
        ConfigurationError: A setting cannot be used, or the journal is not one.
        GadetError: With `on_error="raise"`, the first item's error.
    """
    loaded = LoadedReferences(intake.references)
    pictures: Pictures = "small" if len(requests) <= MOST_ILLUSTRATED else "none"

    def case_of(request: DetectRequest) -> Case:
        references = loaded.of(request)
        return intake.case(request, route.legs[0], references=references, pictures=pictures)

    if settings.batch_api:
        backend = _batch_capable(route, settings)
        with Journal(str(settings.resume)) as notebook:
            return run_jobs(
                requests,
                case_of=lambda request: replace(case_of(request), batched=True),
                leg=route.legs[0],
                encode=backend.encode,
                client=backend.batch_api(),
                journal=notebook,
                on_error=settings.on_error,
                progress=settings.progress,
                poll_seconds=settings.poll_seconds,
            )
    purse = purse_for(route, settings.budget)
    with Journal(settings.resume) if settings.resume else nullcontext() as journal:
        # Many items may wait for a model, but no more are measured at once than there are
        # processors: more would only take memory and turns from each other.
        turns = Turns(os.cpu_count() or 1)
        ask = turns.left_while(purse.guarded(complete) if purse else complete)

        def inspect_one(request: DetectRequest) -> Report:
            if purse is not None:
                purse.check()
            with turns:
                case = case_of(request)
                if journal is not None:
                    return journal.carry(route, case, ask)
                return drive(travel(route, case), ask)

        return run_batch(
            requests,
            inspect_one,
            concurrency=concurrency_for(route.legs[0], settings.concurrency),
            on_error=settings.on_error,
            progress=settings.progress,
        )


def concurrency_for(leg: Leg, wanted: int | None) -> int:
    """How many items are under way at once: waiting for a model costs no processor."""
    if wanted is not None:
        return wanted
    return 8 if leg.profile.images else min(4, os.cpu_count() or 1)


def _batch_capable(route: Route, settings: RunSettings) -> BatchCapable:
    """The one backend, when it has a batch API and the other settings go with it."""
    backend = route.legs[0].backend
    if isinstance(backend, CachedBackend):
        backend = backend.backend
    if len(route.legs) > 1 or not isinstance(backend, BatchCapable):
        raise ConfigurationError(
            f"batch_api needs one backend whose provider has a batch API; got {route.name}: leave "
            "batch_api out, or name one such as openai:MODEL"
        )
    if settings.resume is None or settings.budget is not None:
        raise ConfigurationError(
            "batch_api needs resume='run.jsonl', because its jobs outlive this process, and takes "
            "no budget: look at forecast() before, and hand over fewer items"
        )
    return backend
