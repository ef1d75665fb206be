from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gadet.backends.transport.retry import RetryPolicy, wait_hint
from tests.backends.conftest import RESPONSES

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
GOOGLE = (RESPONSES / "429_google.json").read_bytes()


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
def test_these_are_tried_again(status: int) -> None:
    assert RetryPolicy().wants_retry(status, {}, None)


@pytest.mark.parametrize("status", [200, 301, 400, 401, 402, 403, 404, 413, 422])
def test_these_are_not(status: int) -> None:
    assert not RetryPolicy().wants_retry(status, {}, None)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_the_server_cannot_make_us_repeat_a_wrong_request(status: int) -> None:
    assert not RetryPolicy().wants_retry(status, {"x-should-retry": "true"}, None)


def test_the_server_may_decide_about_the_others() -> None:
    assert RetryPolicy().wants_retry(402, {"x-should-retry": "True"}, None)
    assert not RetryPolicy().wants_retry(500, {"x-should-retry": "false"}, None)
    assert RetryPolicy().wants_retry(500, {"x-should-retry": "perhaps"}, None)


def test_a_wait_beyond_patience_is_left_to_the_caller() -> None:
    assert RetryPolicy().wants_retry(429, {}, 120.0)
    assert not RetryPolicy().wants_retry(429, {}, 120.5)
    assert not RetryPolicy().wants_retry(429, {"x-should-retry": "true"}, 3600.0)
    assert not RetryPolicy(patience=1.0).wants_retry(429, {}, 2.0)


@pytest.mark.parametrize("status", [408, 409, 500, 502, 503, 504, 529])
def test_what_may_not_be_repeated_is_not_where_it_may_have_been_accepted(status: int) -> None:
    policy = RetryPolicy()
    assert not policy.wants_retry(status, {}, None, repeatable=False)
    assert policy.wants_retry(429, {}, 5.0, repeatable=False)
    assert not policy.wants_retry(429, {}, 121.0, repeatable=False)
    assert policy.wants_retry(status, {"x-should-retry": "true"}, None, repeatable=False)
    assert not policy.wants_retry(429, {"x-should-retry": "false"}, None, repeatable=False)


@pytest.mark.parametrize(
    ("attempt", "longest"), [(1, 0.5), (2, 1.0), (3, 2.0), (4, 4.0), (5, 8.0), (6, 8.0), (999, 8.0)]
)
def test_waits_double_up_to_the_ceiling_less_up_to_a_quarter(attempt: int, longest: float) -> None:
    policy = RetryPolicy()
    assert policy.delay(attempt, None, lambda: 0.0) == longest
    assert policy.delay(attempt, None, lambda: 1.0) == pytest.approx(0.75 * longest)
    assert 0.75 * longest <= policy.delay(attempt, None) <= longest


def test_a_wait_that_the_provider_names_is_kept() -> None:
    assert RetryPolicy().delay(1, 31.0) == 31.0


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after-ms": "1500", "retry-after": "9"}, b"", 1.5),
        ({"retry-after-ms": "soon", "retry-after": "9"}, b"", 9.0),
        ({"retry-after": "2.5"}, b"", 2.5),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:07 GMT"}, b"", 7.0),
        ({"retry-after": "Mon, 23 Nov 2026 13:00:07 +0100"}, b"", 7.0),
        ({"retry-after": "Mon, 23 Nov 2026 12:00:07 -0000"}, b"", 7.0),
        ({}, GOOGLE, 31.0),
        ({"retry-after": "3"}, GOOGLE, 3.0),
        ({"retry-after": "Mon, 23 Nov 2026 11:59:00 GMT"}, GOOGLE, 31.0),
    ],
)
def test_the_most_exact_hint_wins(headers: dict[str, str], body: bytes, seconds: float) -> None:
    assert wait_hint(headers, body, NOW) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"retry-after": ""},
        {"retry-after": "0"},
        {"retry-after": "-5"},
        {"retry-after": "nan"},
        {"retry-after": "inf"},
        {"retry-after": "next week"},
        {"retry-after": "Mon, 23 Nov 2026 11:00:00 GMT"},
        {"retry-after": "Mon, 99 Nov 2026 11:00:00 GMT"},
        {"retry-after-ms": "0"},
    ],
)
def test_what_is_no_hint(headers: dict[str, str]) -> None:
    assert wait_hint(headers, b"", NOW) is None


@pytest.mark.parametrize(
    "body",
    [
        b"google.rpc.RetryInfo",
        b'"google.rpc.RetryInfo"',
        b'["google.rpc.RetryInfo"]',
        b'{"error": "google.rpc.RetryInfo"}',
        b'{"error": {"details": "google.rpc.RetryInfo"}}',
        b'{"error": {"details": [7, {"@type": "google.rpc.RetryInfo"}]}}',
        b'{"error": {"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": 5}]}}',
        b'{"error": {"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": "1m"}]}}',
    ],
)
def test_odd_bodies_hold_no_hint(body: bytes) -> None:
    assert wait_hint({}, body, NOW) is None


def test_a_fraction_of_a_second_in_the_body() -> None:
    body = b'{"error": {"details": [{"@type": "x/google.rpc.RetryInfo", "retryDelay": "0.25s"}]}}'
    assert wait_hint({}, body, NOW) == 0.25
