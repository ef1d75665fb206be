"""When a request is sent again, and how long to wait before it: pure rules without a clock."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic_core import from_json

__all__ = ["RetryPolicy", "wait_hint"]

_REPEATED = frozenset({408, 409, 429})
_NEVER = frozenset({400, 401, 403, 404, 413, 422})
# Only this status says that nothing was begun.
_TURNED_AWAY = frozenset({429})
_GOOGLE_RETRY_INFO = "google.rpc.RetryInfo"
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")


@dataclass(frozen=True)
class RetryPolicy:
    """Which answers are worth another try.

    A wait that the provider names is kept to the letter. Without one the waits double from
    `initial` to `ceiling`, and each is shortened by a random share of up to `jitter`, so that many
    clients do not come back at the same moment.

    Attributes:
        max_retries: Tries after the first one.
        initial: First wait in seconds.
        ceiling: Longest wait of our own, in seconds.
        jitter: Largest share of a wait that is left out, in [0, 1].
        patience: A provider that asks for a longer wait than this, in seconds, is not tried again:
            the caller gets the error with the wait attached, and decides.
    """

    max_retries: int = 2
    initial: float = 0.5
    ceiling: float = 8.0
    jitter: float = 0.25
    patience: float = 120.0

    def wants_retry(
        self,
        status: int,
        headers: Mapping[str, str],
        hint: float | None,
        repeatable: bool = True,
    ) -> bool:
        """Whether an answer with this status may be asked for again.

        Args:
            status: HTTP status of the answer.
            headers: Its headers, names in lower case.
            hint: Seconds that the provider asked to wait, when it did.
            repeatable: Whether the request may be accepted twice. One that may not is sent again
                only when the server turned it away, or says itself that it should be.
        """
        if status in _NEVER or (hint is not None and hint > self.patience):
            return False
        match headers.get("x-should-retry", "").strip().lower():
            case "true":
                return True
            case "false":
                return False
        if not repeatable:
            return status in _TURNED_AWAY
        return status in _REPEATED or status >= 500

    def delay(
        self, attempt: int, hint: float | None, draw: Callable[[], float] = random.random
    ) -> float:
        """Seconds to wait after the failed `attempt`, counted from 1.

        Args:
            attempt: Number of the try that has just failed.
            hint: Seconds that the provider asked to wait, when it did.
            draw: A random number in [0, 1).
        """
        if hint is not None:
            return hint
        wait = min(self.initial * 2.0 ** min(attempt - 1, 32), self.ceiling)
        return wait * (1.0 - self.jitter * draw())


def wait_hint(headers: Mapping[str, str], body: bytes, now: datetime) -> float | None:
    """Seconds that the provider asks to wait, from the most exact place that says so.

    Looked at in this order: `retry-after-ms`, `retry-after` in seconds, `retry-after` as an
    HTTP-date, Google's `RetryInfo` in the body. A time that has passed is no hint.

    Args:
        headers: Headers of the answer, names in lower case.
        body: Its body.
        now: The time against which an HTTP-date is measured, with a time zone.
    """
    after = headers.get("retry-after", "")
    candidates = (
        _number(headers.get("retry-after-ms", ""), 1000.0),
        _number(after, 1.0),
        _seconds_until(after, now),
        _google_delay(body),
    )
    return next((seconds for seconds in candidates if seconds is not None and seconds > 0), None)


def _number(text: str, per_second: float) -> float | None:
    try:
        value = float(text) / per_second
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _seconds_until(date: str, now: datetime) -> float | None:
    try:
        then = parsedate_to_datetime(date)
    except ValueError:
        return None
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    return (then - now).total_seconds()


def _google_delay(body: bytes) -> float | None:
    if _GOOGLE_RETRY_INFO.encode() not in body:
        return None
    try:
        payload: Any = from_json(body)
    except ValueError:
        return None
    # Google's OpenAI-compatible address wraps the error object in a list.
    if isinstance(payload, list) and payload:
        payload = payload[0]
    error = payload.get("error") if isinstance(payload, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type")).endswith(_GOOGLE_RETRY_INFO):
            match = _SECONDS.fullmatch(str(detail.get("retryDelay")))
            return float(match[1]) if match else None
    return None
