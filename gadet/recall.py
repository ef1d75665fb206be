"""What stands before a detector's model: a cache, a recorder, or a recording in its place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gadet.backends.base import Backend
from gadet.backends.recall.cache import AnswerCache
from gadet.backends.recall.cached import CachedBackend
from gadet.backends.recall.cassette import RecordingBackend, ReplayBackend
from gadet.errors import ConfigurationError
from gadet.route import Leg, Route

__all__ = ["CacheLike", "replayed", "with_recall"]

CacheLike = bool | str | Path | AnswerCache


def with_recall(route: Route, *, cache: CacheLike, record: str | Path | None) -> Route:
    """The route with a cache or a recording before each backend.

    Raises:
        ConfigurationError: Both were asked for, or a recording of several backends.
    """
    if record is not None and (cache or len(route.legs) > 1):
        raise ConfigurationError(
            "record needs one backend and no cache, so that the file holds what a model answered; "
            f"got {route.name} with cache={cache!r}"
        )
    if record is not None:
        return _wrapped(route, lambda backend: RecordingBackend(backend, record))
    if cache is False:
        return route
    store = cache if isinstance(cache, AnswerCache) else AnswerCache(*_path(cache))
    return _wrapped(route, lambda backend: CachedBackend(backend, store))


def replayed(replay: str | Path, options: dict[str, Any]) -> Route:
    """The route to a recording.

    Raises:
        ConfigurationError: It cannot be read, or options were given that no recording has.
    """
    if options:
        raise ConfigurationError(
            f"replay asks no model, so it takes no cache, record, profile or options of a backend; "
            f"got {', '.join(sorted(options))}"
        )
    return Route.to(ReplayBackend(replay))


def _path(cache: bool | str | Path) -> tuple[str | Path, ...]:
    return () if isinstance(cache, bool) else (cache,)


def _wrapped(route: Route, wrap: Callable[[Backend], Backend]) -> Route:
    def around(backend: Backend) -> Backend:
        # What answers from this machine for nothing has no need of a cache.
        return backend if backend.name == "offline" else wrap(backend)

    return route.through([Leg(around(leg.backend), leg.profile) for leg in route.legs])
