from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadet.prompts.answer import Answer, AnswerFinding
from gadet.prompts.reading import Reading
from gadet.verdict import Judgement, fuse, judge


def finding(mark: int | None = 1, label: str = "spot") -> AnswerFinding:
    return AnswerFinding(
        mark=mark, box=None, label=label, description="", severity=None, confidence=None
    )


def reading(verdict: str, score: float = 0.5, findings: tuple[AnswerFinding, ...] = ()) -> Reading:
    if verdict == "unparsed":
        return Reading(verdict="unparsed", problem="no JSON")
    if verdict == "refused":
        return Reading(verdict="refused")
    content: Any = {"observations": (), "findings": findings, "explanation": verdict,
                    "verdict": verdict, "score": score}  # fmt: skip
    return Reading(verdict=content["verdict"], answer=Answer(**content))


def test_one_answer_stands_as_stated() -> None:
    judgement = judge([reading("anomalous", 0.8, (finding(),))])
    assert (judgement.verdict, judgement.score, judgement.source) == ("anomalous", 0.8, "stated")
    assert judgement.findings == (finding(),)


def weighed(verdict: str, likelihood: float | None, score: float = 0.5) -> Reading:
    return reading(verdict, score).weighed(likelihood)


def test_the_probabilities_of_the_tokens_are_the_score_of_one_answer() -> None:
    judgement = judge([weighed("anomalous", 0.62, 0.9)])
    assert (judgement.verdict, judgement.score, judgement.source) == ("anomalous", 0.62, "logprob")
    assert judgement.notes == ("scores: logprob 0.62, stated 0.90",)


@pytest.mark.parametrize(
    ("verdict", "likelihood", "score"),
    [("anomalous", 0.3, 0.5), ("normal", 0.8, 0.8), ("normal", 0.5, 0.5)],
)
def test_a_verdict_that_the_probabilities_contradict_is_uncertain(
    verdict: str, likelihood: float, score: float
) -> None:
    judgement = judge([weighed(verdict, likelihood)])
    assert (judgement.verdict, judgement.score) == ("uncertain", score)
    assert f"the verdict was {verdict}" in judgement.notes[-1]
    assert f"{likelihood:.2f}" in judgement.notes[-1]


def test_votes_with_probabilities_are_averaged() -> None:
    votes = [weighed("anomalous", 0.9), weighed("anomalous", 0.6), weighed("normal", 0.3)]
    judgement = judge(votes)
    assert (judgement.verdict, judgement.source) == ("anomalous", "logprob")
    assert judgement.score == pytest.approx(0.6)
    assert judgement.notes[-1] == (
        "scores: logprob 0.60 (mean of 0.90, 0.60, 0.30), vote 0.67, "
        "stated 0.50 (mean of 0.50, 0.50, 0.50)"
    )


def test_votes_are_counted_when_an_answer_has_no_probabilities() -> None:
    judgement = judge([weighed("anomalous", 0.9), weighed("normal", None), weighed("normal", 0.2)])
    assert (judgement.verdict, judgement.source) == ("normal", "vote")
    assert judgement.score == pytest.approx(1 / 3)
    assert judgement.notes[-1] == "1 of 3 answers came without probabilities"


def test_a_refusal_among_the_votes_does_not_keep_the_others_from_being_weighed() -> None:
    judgement = judge([weighed("normal", 0.1), reading("refused"), weighed("normal", 0.2)])
    assert (judgement.verdict, judgement.source) == ("normal", "logprob")
    assert judgement.score == pytest.approx(0.15)


words = st.sampled_from(["anomalous", "normal", "uncertain"])
likelihoods = st.one_of(st.none(), st.floats(0, 1))


@given(st.lists(st.tuples(words, likelihoods), min_size=1, max_size=7))
def test_probabilities_never_give_an_all_clear(votes: list[tuple[str, float | None]]) -> None:
    stated = {"anomalous": 0.9, "normal": 0.1, "uncertain": 0.5}
    plain = judge([reading(word, stated[word]) for word, _ in votes])
    judgement = judge([weighed(word, p, stated[word]) for word, p in votes])
    assert judgement.score is not None
    assert judgement.verdict in (plain.verdict, "uncertain")
    if judgement.verdict == "normal":
        assert judgement.score < 0.5
    if plain.verdict == "anomalous":
        assert judgement.score >= 0.5


def test_the_source_of_a_single_score_is_the_backends() -> None:
    assert judge([reading("normal", 0.1)], "expert").source == "expert"


@pytest.mark.parametrize(
    ("votes", "verdict", "score"),
    [
        (["anomalous"] * 2 + ["normal"], "anomalous", 2 / 3),
        (["anomalous"] + ["normal"] * 2, "normal", 1 / 3),
        (["anomalous", "normal"], "uncertain", 0.5),
        (["uncertain"] * 3, "uncertain", 0.5),
        (["normal", "refused", "unparsed"], "uncertain", 0.0),
        (["normal", "normal", "unparsed"], "normal", 0.0),
        (["normal", "refused"], "uncertain", 0.0),
        (["anomalous", "refused", "refused"], "anomalous", 1.0),
        (["refused", "unparsed"], "refused", None),
        (["unparsed", "unparsed"], "unparsed", None),
    ],
)
def test_votes(votes: list[str], verdict: str, score: float | None) -> None:
    judgement = judge([reading(vote) for vote in votes])
    assert judgement.verdict == verdict
    assert judgement.score == (None if score is None else pytest.approx(score))
    assert (judgement.source is None) == (score is None)


kinds = st.sampled_from(["anomalous", "normal", "uncertain", "refused", "unparsed"])


@given(st.lists(kinds, min_size=1, max_size=9))
def test_normal_needs_more_than_half_of_all_votes(votes: list[str]) -> None:
    judgement = judge([reading(vote) for vote in votes])
    if judgement.verdict == "normal":
        assert votes.count("normal") * 2 > len(votes)
    if judgement.verdict == "anomalous":
        assert "anomalous" in votes


def test_findings_of_votes_are_merged_with_their_share() -> None:
    votes = [
        reading("anomalous", 0.9, (finding(1), finding(None, "Scratch"))),
        reading("anomalous", 0.9, (finding(1), finding(1))),
        reading("normal", 0.1),
        reading("anomalous", 0.9, (finding(None, "scratch"),)),
    ]
    merged = judge(votes).findings
    assert [(f.mark, f.confidence) for f in merged] == [(1, 0.5), (None, 0.5)]


@pytest.mark.parametrize(
    ("verdict", "score", "expert", "expected"),
    [
        ("anomalous", 0.9, 0.8, "anomalous"),
        ("normal", 0.1, 0.2, "normal"),
        ("normal", 0.3, 0.95, "uncertain"),
        ("anomalous", 0.6, 0.05, "uncertain"),
        ("uncertain", 0.5, 0.99, "uncertain"),
    ],
)
def test_fusion_moves_the_score_and_never_decides_alone(
    verdict: Any, score: float, expert: float, expected: str
) -> None:
    fused = fuse(judge([reading(verdict, score)]), expert)
    assert fused.verdict == expected
    assert fused.source == "fused"
    assert fused.score is not None
    assert min(score, expert) <= fused.score <= max(score, expert)
    odds = [
        math.log(min(max(p, 0.01), 0.99) / (1 - min(max(p, 0.01), 0.99))) for p in (score, expert)
    ]
    assert math.log(fused.score / (1 - fused.score)) == pytest.approx(sum(odds) / 2)


@given(st.floats(0, 1), st.floats(0, 1))
def test_fusion_of_any_scores_is_a_score(score: float, expert: float) -> None:
    fused = fuse(judge([reading("uncertain", score)]), expert)
    assert fused.score is not None
    assert 0 < fused.score < 1


def test_fusion_leaves_a_refusal_and_the_experts_own_score_alone() -> None:
    refused = judge([reading("refused")])
    assert fuse(refused, 0.9) is refused
    own = Judgement("normal", 0.2, "expert", None)
    assert fuse(own, 0.9) is own
