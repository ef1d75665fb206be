from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadet.backends.base import Completion, TokenLogprob
from gadet.backends.likelihood import likelihood_of
from gadet.backends.local.forced import PREFIX, forced_answer
from gadet.prompts.reader import read_answer


def weighed(**shares: float) -> TokenLogprob:
    others = tuple((text, math.log(share)) for text, share in shares.items())
    return TokenLogprob(*max(others, key=lambda other: other[1]), others)


def test_the_answer_is_whole_and_weighed() -> None:
    text, tokens = forced_answer(weighed(anom=0.4, a=0.1, norm=0.25, un=0.05, maybe=0.2))
    fields = json.loads(text)
    assert text.startswith(PREFIX)
    assert (fields["verdict"], fields["score"]) == ("anomalous", round(0.525 / 0.8, 4))
    assert "anomalous 0.500, uncertain 0.050, normal 0.250" in fields["explanation"]
    reading = read_answer(text)
    assert (reading.verdict, reading.notes) == ("anomalous", ())
    assert likelihood_of(Completion(text, logprobs=tokens), "anomalous") == pytest.approx(
        0.525 / 0.8
    )


@pytest.mark.parametrize(
    ("shares", "verdict"),
    [
        ({"an": 0.4, "n": 0.4}, "anomalous"),
        ({"un": 0.4, "n": 0.4}, "uncertain"),
        ({"n": 0.5, "an": 0.4}, "normal"),
        ({"n": 0.04, "dog": 0.9}, "uncertain"),
        ({"dog": 1.0}, "uncertain"),
    ],
)
def test_what_is_not_clear_is_not_cleared(shares: dict[str, float], verdict: str) -> None:
    text, tokens = forced_answer(weighed(**shares))
    assert read_answer(text).verdict == verdict
    assert all(math.isfinite(p) for token in tokens for _, p in token.alternatives)
    assert all(math.isfinite(token.logprob) for token in tokens)
    if verdict == "uncertain" and "dog" in shares:
        assert json.loads(text)["score"] == 0.5
        assert "mean nothing" in json.loads(text)["explanation"]
        assert likelihood_of(Completion(text, logprobs=tokens), "uncertain") is None


@given(st.lists(st.floats(0.001, 1), min_size=4, max_size=4))
def test_every_forced_answer_is_read_without_mending(parts: list[float]) -> None:
    names = ("an", "n", "u", "other")
    shares = {name: part / sum(parts) for name, part in zip(names, parts, strict=True)}
    text, tokens = forced_answer(weighed(**shares))
    reading = read_answer(text)
    assert reading.notes == ()
    assert reading.answer is not None
    found = likelihood_of(Completion(text, logprobs=tokens), reading.verdict)
    mass = sum(shares[name] for name in names[:3])
    if mass >= 0.1:
        assert found == pytest.approx((shares["an"] + shares["u"] / 2) / mass)
        assert reading.answer.score == pytest.approx(found, abs=1e-4)
