"""`Watcher`: a detector watches what arrives, and inspects what is suspicious."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gadet.budget import Limits, purse_for
from gadet.drivers import complete, drive
from gadet.intake import Intake, request_of
from gadet.media.base import LoadLimits
from gadet.prompts.domain import Domain
from gadet.report import Report
from gadet.request import Normality
from gadet.route import Route, travel
from gadet.watch import Event, VideoWatch, Watch, watch_series, watch_video
from gadet.watch.source import looked_into, shows_frames

__all__ = ["Watcher"]


class Watcher:
    """Watching a source while it arrives; a part of `AnomalyDetector`."""

    route: Route
    _intake: Intake
    _limits: LoadLimits

    def watch(
        self,
        source: Any,
        settings: Watch | VideoWatch | None = None,
        *,
        judge: bool = True,
        normality: Normality | None = None,
        domain: str | Path | Domain | None = None,
        zoom: int = 0,
        budget: Limits | None = None,
    ) -> Iterator[Event]:
        """Watch a time series or a video while it arrives, and tell what happens in it.

        Every row or frame is scored at once without a model; only what is suspicious is inspected,
        with the backend of this detector.

        Args:
            source: A video: a path, the address of a stream (`rtsp://…`), a `gadet.VideoInput`, or
                an iterator of frames, or of pairs of seconds and a frame. Or a series: numbers,
                rows of numbers, or pairs `(time, row)`. Either may never end.
            settings: How it is watched; None takes the defaults. A `gadet.Watch` says that it is a
                series, a `gadet.VideoWatch` a video; without one the source is looked at.
            judge: Whether events are inspected; False only tells when they begin and end.
            normality: As in `detect`, for the inspections.
            domain: As in `detect`, for the inspections; None takes `series` or `generic`.
            zoom: As in `detect`, for the inspections.
            budget: What the inspections may spend; `Limits(…, hourly=True)` within any hour. When
                it is used up, events go on without being judged, and say so.

        Returns:
            Events as they become known; the source is read while they are taken. An entry that is
            not one of the source raises `InputError` then.

        Raises:
            ConfigurationError: An argument cannot be used.
        """
        video = isinstance(settings, VideoWatch)
        if settings is None:
            first, source = looked_into(source)
            video = shows_frames(source, first)
        purse = purse_for(self.route, budget)
        ask_backend = purse.guarded(complete) if purse else complete
        pack = domain or ("generic" if video else "series")
        asked = {"normality": normality, "domain": pack, "zoom": zoom}
        # Mistakes in the arguments are told now and not at the first event.
        request_of(None, (), **asked)

        def inspect(item: Any) -> Report:
            request = request_of(item, (), **asked)
            case = self._intake.case(request, self.route.legs[0], pictures="small")
            return drive(travel(self.route, case), ask_backend)

        if isinstance(settings, VideoWatch) or (settings is None and video):
            how = settings or VideoWatch()
            return watch_video(source, inspect if judge else None, how, limits=self._limits)
        return watch_series(source, inspect if judge else None, settings or Watch())
