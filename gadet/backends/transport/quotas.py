"""What a provider says is left of its rate limits: pure reading of an answer's headers."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple

__all__ = ["Quota", "read_quotas"]

# Names of the three headers of a quota, by what it counts. Sources:
# https://platform.openai.com/docs/guides/rate-limits (also Groq, Azure, vLLM gateways),
# https://docs.claude.com/en/api/rate-limits; read 2026-11.
_HEADERS = tuple(
    (counted, *(template.format(part) for part in ("limit", "remaining", "reset")))
    for counted, template in (
        ("requests", "x-ratelimit-{}-requests"),
        ("tokens", "x-ratelimit-{}-tokens"),
        ("requests", "anthropic-ratelimit-requests-{}"),
        ("tokens", "anthropic-ratelimit-tokens-{}"),
        ("input tokens", "anthropic-ratelimit-input-tokens-{}"),
        ("output tokens", "anthropic-ratelimit-output-tokens-{}"),
    )
)
_DURATION = re.compile(
    r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?", re.ASCII
)
_SECONDS_OF_UNITS = (86_400.0, 3_600.0, 60.0, 1.0, 0.001)


class Quota(NamedTuple):
    """The state of one rate limit.

    Attributes:
        counted: `requests`, `tokens`, `input tokens` or `output tokens`.
        limit: The most there can be; above 0.
        remaining: What is left now, in [0, limit].
        reset: Seconds until all of the limit is there again; at least 0.
    """

    counted: str
    limit: float
    remaining: float
    reset: float


def read_quotas(headers: Mapping[str, str], now: datetime) -> tuple[Quota, ...]:
    """The quotas that an answer tells; what is told in part, or makes no sense, is left out.

    Args:
        headers: Headers of the answer, names in lower case.
        now: The time against which a reset that is a date is measured, with a time zone.
    """
    return tuple(
        quota
        for counted, limit, remaining, reset in _HEADERS
        if limit in headers
        and (
            quota := _quota(
                counted, headers[limit], headers.get(remaining, ""), headers.get(reset, ""), now
            )
        )
    )


def _quota(counted: str, limit: str, remaining: str, reset: str, now: datetime) -> Quota | None:
    most, left, seconds = _count(limit), _count(remaining), _seconds(reset, now)
    if not most or left is None or seconds is None or left > most:
        return None
    return Quota(counted, most, left, seconds)


def _count(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None


def _seconds(text: str, now: datetime) -> float | None:
    """Seconds from `250ms`, `1s`, `6m0s`, `12.5`, or a moment of RFC 3339."""
    text = text.strip()
    if (match := _DURATION.fullmatch(text)) and text:
        parts = zip(match.groups(default="0"), _SECONDS_OF_UNITS, strict=True)
        return _count(str(sum(float(number) * seconds for number, seconds in parts)))
    if (plain := _count(text)) is not None:
        return plain
    try:
        then = datetime.fromisoformat(text)
    except ValueError:
        return None
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - now).total_seconds(), 0.0)
