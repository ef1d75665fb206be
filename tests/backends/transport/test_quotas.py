from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadet.backends.transport.quotas import Quota, read_quotas

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)


def openai(limit: str = "60", remaining: str = "59", reset: str = "1s") -> dict[str, str]:
    return {
        "x-ratelimit-limit-requests": limit,
        "x-ratelimit-remaining-requests": remaining,
        "x-ratelimit-reset-requests": reset,
    }


def anthropic(counted: str, limit: str, remaining: str, reset: str) -> dict[str, str]:
    name = f"anthropic-ratelimit-{counted}"
    return {f"{name}-limit": limit, f"{name}-remaining": remaining, f"{name}-reset": reset}


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("1s", 1.0),
        ("6m0s", 360.0),
        ("120ms", 0.12),
        ("2m59.56s", 179.56),
        ("1h0m1s", 3601.0),
        ("1d", 86_400.0),
        ("1s500ms", 1.5),
        ("7.66s", 7.66),
        ("0s", 0.0),
        ("12", 12.0),
        ("12.5", 12.5),
        (" 3s ", 3.0),
        ("2026-11-23T12:00:07Z", 7.0),
        ("2026-11-23T12:00:07", 7.0),
        ("2026-11-23T13:00:07+01:00", 7.0),
        ("2026-11-23T11:59:00Z", 0.0),
    ],
)
def test_the_forms_of_a_reset(reset: str, seconds: float) -> None:
    (quota,) = read_quotas(openai(reset=reset), NOW)
    assert quota == ("requests", 60.0, 59.0, pytest.approx(seconds))


def test_every_family_of_headers() -> None:
    headers = (
        openai()
        | {
            "x-ratelimit-limit-tokens": "150000",
            "x-ratelimit-remaining-tokens": "149984",
            "x-ratelimit-reset-tokens": "6ms",
        }
        | anthropic("input-tokens", "40000", "39000", "2026-11-23T12:00:02Z")
        | anthropic("output-tokens", "8000", "0", "2026-11-23T12:01:00Z")
    )
    assert read_quotas(headers, NOW) == (
        Quota("requests", 60, 59, 1),
        Quota("tokens", 150_000, 149_984, 0.006),
        Quota("input tokens", 40_000, 39_000, 2),
        Quota("output tokens", 8_000, 0, 60),
    )
    both = anthropic("requests", "50", "49", "2026-11-23T12:00:01Z") | anthropic(
        "tokens", "50000", "50000", "2026-11-23T12:00:00Z"
    )
    assert [quota.counted for quota in read_quotas(both, NOW)] == ["requests", "tokens"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        openai(limit="0"),
        openai(limit="-5"),
        openai(limit="many"),
        openai(limit="inf"),
        openai(limit="60, 60"),
        openai(remaining="nan"),
        openai(remaining="-1"),
        openai(remaining="61"),
        openai(reset=""),
        openai(reset="s"),
        openai(reset="soon"),
        openai(reset="-1s"),
        openai(reset="1e999"),
        openai(reset="9" * 400 + "s"),
        openai(reset="2026-13-01T00:00:00Z"),
        {"x-ratelimit-limit-requests": "60"},
        {"x-ratelimit-limit": "60", "x-ratelimit-remaining": "1", "x-ratelimit-reset": "1"},
    ],
)
def test_what_makes_no_sense_is_left_out(headers: dict[str, str]) -> None:
    assert read_quotas(headers, NOW) == ()


@given(st.text(), st.text(), st.text())
def test_garbage_never_fails(limit: str, remaining: str, reset: str) -> None:
    for quota in read_quotas(openai(limit, remaining, reset), NOW):
        assert 0 <= quota.remaining <= quota.limit
        assert quota.reset >= 0
