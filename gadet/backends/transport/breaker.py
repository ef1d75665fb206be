"""A circuit breaker: a server that fails again and again is left alone for a while."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from gadet.errors import BackendError, ConfigurationError, InputError, ServerError, TransportError

__all__ = ["Breaker", "BreakerPolicy", "Health"]


@dataclass(frozen=True)
class BreakerPolicy:
    """When a backend is left alone, and for how long.

    Attributes:
        failures: So many tries in a row that fail by the server's fault open the breaker.
        cooldown: Seconds until one request may try whether the server is back.

    Raises:
        ConfigurationError: A number cannot be used.
    """

    failures: int = 5
    cooldown: float = 30.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.failures < 1:
            raise ConfigurationError(f"failures needs a number of at least 1; got {self.failures}")
        if not (math.isfinite(self.cooldown) and self.cooldown > 0):
            raise ConfigurationError(f"cooldown needs seconds above 0; got {self.cooldown}")


@dataclass(frozen=True)
class Health:
    """How a backend's server has been doing.

    Attributes:
        state: `closed` when requests are sent, `open` when they fail at once, `half-open` when the
            cooldown is over and one request may try.
        failures: Tries in a row that failed by the server's fault, up to now.
        retry_after: Seconds until a request is sent again; None unless it is open.
    """

    state: Literal["closed", "open", "half-open"]
    failures: int
    retry_after: float | None = None


class Breaker:
    """Counts the failures of a server, and refuses requests while it is taken to be down.

    A failure is a status of 500 or more, a connection that could not be made or broke, a timeout.
    Any other answer, also one that refuses the request or asks to slow down, shows a server that
    works. What says nothing about the server, as a cancelled request, counts as neither.

    Safe to share between threads and tasks: it never waits.

    Args:
        policy: When it opens; with None it counts and never opens.
        clock: Seconds that only grow.
    """

    def __init__(
        self, policy: BreakerPolicy | None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin closed."""
        self._policy = policy
        self._clock = clock
        self._lock = threading.RLock()
        self._failures = 0
        self._closes_at: float | None = None
        self._probing = False
        # Words, since an error would keep the request alive that it came from.
        self._last = ""

    @property
    def health(self) -> Health:
        """The state now."""
        with self._lock:
            if self._closes_at is None:
                return Health("closed", self._failures)
            wait = self._closes_at - self._clock()
            if wait > 0:
                return Health("open", self._failures, wait)
            return Health("half-open", self._failures)

    def check(self) -> None:
        """Refuse a request that would not be sent.

        Raises:
            BackendError: The breaker is open, or half open and another request is trying.
        """
        if self._closes_at is None:
            return
        with self._lock:
            health = self.health
            if health.state == "closed" or (health.state == "half-open" and not self._probing):
                return
            assert self._policy is not None
            wait = health.retry_after if health.retry_after is not None else self._policy.cooldown
            last = self._last
        raise BackendError(
            f"expected a server that works, got {health.failures} failures in a row, the last a "
            f"{last}, so nothing is sent for now: try again in {wait:.1f} s, or use another "
            "backend",
            retry_after=wait,
        )

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """Let one request pass, and learn from how it ends.

        Raises:
            BackendError: As `check`.
        """
        with self._lock:
            self.check()
            probe = self._probing = self._closes_at is not None
        try:
            yield
        except BaseException as error:
            self._record(_works(error), probe, _kind(error))
            raise
        self._record(True, probe)

    def _record(self, works: bool | None, probe: bool, kind: str = "") -> None:
        with self._lock:
            if probe:
                self._probing = False
            if works:
                self._failures, self._closes_at = 0, None
            elif works is False:
                self._failures, self._last = self._failures + 1, kind
                if self._policy and (probe or self._is_too_much()):
                    self._closes_at = self._clock() + self._policy.cooldown

    def _is_too_much(self) -> bool:
        # What was sent before it opened and fails late does not keep it open longer.
        assert self._policy is not None
        return self._closes_at is None and self._failures >= self._policy.failures


def _works(error: BaseException) -> bool | None:
    """Whether a server that a request ended with this error at works; None when it does not say."""
    if isinstance(error, ServerError | TransportError):
        return error.status is not None and error.status < 500
    return True if isinstance(error, BackendError | InputError) else None


def _kind(error: BaseException) -> str:
    status = getattr(error, "status", None)
    return f"{type(error).__name__} with status {status}" if status else type(error).__name__
