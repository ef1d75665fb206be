"""What a backend behind a server tells about itself and counts beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from gadet import AnomalyDetector, Profile, RateLimits
from gadet.backends.facts.forecast import forecast_prompt
from gadet.backends.hosted import HttpBackend
from tests.backends.prompts import zero_shot
from tests.doubles import answer, picture


def test_a_report_says_when_nothing_is_known_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = HttpBackend("never-heard-of", base_url="http://127.0.0.1:9/v1")
    from gadet import Completion

    monkeypatch.setattr(backend, "complete", lambda prompt: Completion(answer()))
    report = AnomalyDetector(backend, expert=None).detect(picture())
    assert "no facts are known of http:never-heard-of" in report.notes[0]
    known = HttpBackend("m", base_url="http://127.0.0.1:9/v1", profile=Profile())
    assert known.hint is None
    base = "http://127.0.0.1:9/v1"
    assert HttpBackend("gpt-5.6-sol", base_url=base, provider="openai").hint is None


@pytest.mark.parametrize("limits", [None, RateLimits(requests_per_minute=10)])
def test_tokens_are_not_counted_where_nobody_asks(limits: RateLimits | None) -> None:
    backend = HttpBackend("m", base_url="http://127.0.0.1:9/v1", rate_limits=limits)
    assert backend._expected(zero_shot()) is None


def test_tokens_are_counted_beforehand_where_they_are_limited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = RateLimits(tokens_per_minute=1000)
    backend = HttpBackend("m", base_url="http://127.0.0.1:9/v1", rate_limits=limits)
    sent: dict[str, Any] = {}
    monkeypatch.setattr(backend._channel, "post", lambda *_, **options: sent.update(options))
    prompt = zero_shot()
    backend.complete(prompt)
    assert sent["tokens"] == forecast_prompt(prompt, backend.profile).input_tokens > 0
