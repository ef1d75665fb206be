from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet import AnomalyDetector, ScriptedBackend
from gadet.backends.base import Completion, TokenLogprob
from gadet.backends.codecs.openai_chat import decode
from gadet.backends.likelihood import (
    LEAST_MASS,
    begun_verdict,
    likelihood_of,
    probability_of_anomaly,
    verdict_mass,
)
from gadet.prompts.reader import read_answer
from tests.doubles import answer, picture

WORDS = ("anomalous", "normal", "uncertain")


def cut(text: str, *cuts: int) -> list[str]:
    """A text in pieces, cut at these places."""
    ends = sorted({cut for cut in cuts if 0 < cut < len(text)} | {len(text)})
    return [text[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def tokens(pieces: list[str], **weighed: dict[str, float]) -> tuple[TokenLogprob, ...]:
    """Tokens that are certain, but for one piece with the probabilities of its alternatives."""
    return tuple(
        TokenLogprob(
            piece,
            math.log(weighed.get(piece, {}).get(piece, 1.0)),
            tuple((other, math.log(p)) for other, p in weighed.get(piece, {}).items()),
        )
        for piece in pieces
    )


def completion(pieces: list[str], **weighed: dict[str, float]) -> Completion:
    return Completion("".join(pieces), logprobs=tokens(pieces, **weighed))


def test_the_token_of_the_verdict_is_found_and_weighed() -> None:
    found = completion(
        ['{"explanation":', ' "The verdict is clear.", "ver', 'dict":', ' "', "anom", 'alous"}'],
        anom={"anom": 0.6, "normal": 0.2, "Normal": 0.1, "un": 0.05, "broken": 0.05},
    )
    assert likelihood_of(found, "anomalous") == pytest.approx(0.625 / 0.95)


@pytest.mark.parametrize(
    ("piece", "verdict"),
    [
        ("anomalous", "anomalous"),
        ("an", "anomalous"),
        ("a", "anomalous"),
        (' "Nor', "normal"),
        ('normal",', "normal"),
        ("NORMAL", "normal"),
        ("Ġuncertain", "uncertain"),
        ("▁u", "uncertain"),
        ("\"'un", "uncertain"),
        ("abnormal", None),
        ("normality", None),
        ("normal2", None),
        ("not", None),
        ('"', None),
        (' "', None),
        ("", None),
        ("�", None),
        ("defective", None),
    ],
)
def test_which_verdict_a_piece_begins(piece: str, verdict: str | None) -> None:
    assert begun_verdict(piece) == verdict


def test_a_token_may_hold_the_quote_and_its_alternatives_need_not() -> None:
    found = completion(
        ['{"verdict":', ' "anom', 'alous"}'],
        **{' "anom': {' "anom': 0.5, ' "normal': 0.25, '"': 0.2, " Normal": 0.05}},
    )
    assert likelihood_of(found, "anomalous") == pytest.approx(0.5 / 0.8)


def test_a_token_may_hold_the_end_of_the_key() -> None:
    found = completion(
        ['{"ver', 'dict":"n', 'ormal"}'],
        **{'dict":"n': {'dict":"n': 0.9, 'dict":"a': 0.1}},
    )
    assert likelihood_of(found, "normal") == pytest.approx(0.1)


def test_raw_tokens_of_a_server_are_read() -> None:
    found = completion(
        ["{", '"verdict', '":', "Ġ", '"', "normal", '"', "}"], normal={"normal": 0.8, "anom": 0.2}
    )
    assert likelihood_of(found, "normal") == pytest.approx(0.2)


def test_a_sampled_token_counts_beside_the_listed_ones() -> None:
    listed = (("anom", math.log(0.7)), ("normal", math.log(0.2)))
    place = TokenLogprob("un", math.log(0.1), listed)
    found = Completion("", logprobs=(TokenLogprob('{"verdict": "', 0.0), place))
    assert verdict_mass(place) == pytest.approx({"anomalous": 0.7, "normal": 0.2, "uncertain": 0.1})
    assert likelihood_of(found, "uncertain") is None  # the word is not finished
    found = Completion("", logprobs=(*found.logprobs, TokenLogprob('certain"}', 0.0)))
    assert likelihood_of(found, "uncertain") == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ('{"verdict": "abnormal"}', "anomalous"),  # another word was read as the verdict
        ('{"verdict": "normal"}', "uncertain"),  # the reader took the word back
        ('{"verdict": "normal"} {"verdict": "anomalous"}', "anomalous"),
        ('{"verdict": null}', "uncertain"),
        ("It is normal.", "normal"),
        ("", "unparsed"),
        ('{"verdict": "nor', "normal"),
        ('"{\\"verdict\\": \\"normal\\"}"', "normal"),
    ],
)
def test_what_is_not_certain_has_no_likelihood(text: str, read: Any) -> None:
    for pieces in (list(text), [text] if text else []):
        assert likelihood_of(completion(pieces), read) is None


@pytest.mark.parametrize(
    "text",
    [
        '{"explanation": "It said \\"verdict\\": \\"anomalous\\".", "verdict": "normal"}',
        '{"verdict": "normal", "explanation": "verdict: anomalous, as they say"}',
        "{'verdict': 'normal'}",
        '{verdict: "Normal"}',
        'A draft: {"verdict": "anomalous"}</think>{"verdict": "normal"}',
    ],
)
def test_only_the_field_counts(text: str) -> None:
    assert likelihood_of(completion(list(text)), "normal") == 0.0


def test_too_little_probability_means_nothing() -> None:
    def weighed(share: float) -> float | None:
        others = {"normal": share / 2, "an": share / 2, "{": 1 - share}
        return likelihood_of(completion(['{"verdict": "', "normal", '"}'], normal=others), "normal")

    assert weighed(LEAST_MASS * 1.01) == pytest.approx(0.5)
    assert weighed(LEAST_MASS * 0.99) is None


def test_probabilities_that_are_no_numbers_are_left_out() -> None:
    place = TokenLogprob("normal", math.nan, (("an", 5.0), ("un", -math.inf)))
    assert verdict_mass(place) == {"anomalous": 1.0, "uncertain": 0.0}
    assert probability_of_anomaly({}) is None
    assert probability_of_anomaly({"normal": math.nan}) is None


shares = st.lists(st.floats(0.01, 1), min_size=4, max_size=4)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)


@settings(max_examples=80, deadline=None)
@given(
    st.sampled_from(WORDS), texts, texts, st.lists(st.integers(0, 400), max_size=40), shares,
    st.booleans(), st.data(),
)  # fmt: skip
def test_any_tokenisation_gives_the_same_score(
    word: str, before: str, after: str, cuts: list[int], share: list[float], spaced: bool, data: Any
) -> None:
    """The oracle knows the place and the alternatives, because it made them."""
    gap = " " if spaced else ""
    head = json.dumps({"explanation": before})[:-1] + f',{gap}"verdict":{gap}"'
    text = head + word + '", "observations": [' + json.dumps(after) + "]}"
    pieces = cut(text, *cuts)
    start, index = 0, 0
    while start + len(pieces[index]) <= len(head):
        start += len(pieces[index])
        index += 1
    quote = head[start:]
    # What else could stand there: another way to begin each word, and something else.
    lengths = {name: data.draw(st.integers(1, len(name))) for name in WORDS}
    begun = {quote + name[: lengths[name]]: p for name, p in zip(WORDS, share, strict=False)}
    begun = {piece: p for piece, p in begun.items() if not piece.endswith(word)}
    total = sum(share)
    weights = {**begun, quote + "{": share[3]}
    weights = {piece: p / total for piece, p in weights.items()}
    rest = 1 - sum(weights.values())
    chosen = pieces[index]
    weights[chosen] = weights.pop(chosen, 0.0) + max(rest, 1e-9)
    expected = dict.fromkeys(WORDS, 0.0)
    for piece, p in weights.items():
        bare = piece[len(quote) :]
        for name in WORDS:
            if bare and bare[0] == name[0]:
                expected[name] += p
    mass = sum(expected.values())
    made = [TokenLogprob(piece, 0.0) for piece in pieces]
    others = tuple((piece, math.log(p)) for piece, p in weights.items())
    made[index] = TokenLogprob(chosen, math.log(weights[chosen]), others)
    found = likelihood_of(Completion(text, logprobs=tuple(made)), word)  # type: ignore[arg-type]
    if mass < LEAST_MASS:
        assert found is None
    else:
        wanted = (expected["anomalous"] + expected["uncertain"] / 2) / mass
        assert found == pytest.approx(wanted)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=8), st.floats(allow_nan=True)), max_size=12), st.text())
def test_any_tokens_give_a_probability_or_nothing(
    given_tokens: list[tuple[str, float]], token: str
) -> None:
    made = [TokenLogprob(text, p, tuple(given_tokens)) for text, p in given_tokens]
    made += [TokenLogprob('{"verdict": "', 0.0), TokenLogprob(token, -1.0, tuple(given_tokens))]
    found = likelihood_of(Completion("", logprobs=tuple(made)), "normal")
    assert found is None or 0.0 <= found <= 1.0


def test_the_report_has_it_as_its_score() -> None:
    given_answer = completion(
        ['{"observations": [], "findings": [], "explanation": "", "verdict": "', "nor", 'mal", ',
         '"score": 0.05}'],
        nor={"nor": 0.7, "anom": 0.3},
    )  # fmt: skip
    detector = AnomalyDetector(ScriptedBackend([given_answer] * 3), expert=None)
    report = detector.detect(picture())
    assert (report.verdict, report.score_source) == ("normal", "logprob")
    assert report.score == pytest.approx(0.3)
    assert "scores: logprob 0.30, stated 0.05" in report.notes


def test_it_comes_from_what_a_server_sends() -> None:
    text = '{"verdict": "normal", "score": 0.1}'
    listed = [{"token": "normal", "logprob": math.log(0.8)}, {"token": " An", "logprob": -2.0}]
    content = [
        {"token": '{"verdict":', "logprob": 0.0, "top_logprobs": []},
        {"token": ' "', "logprob": 0.0, "top_logprobs": []},
        {"token": "normal", "logprob": math.log(0.8), "top_logprobs": listed},
        {"token": '", "score": 0.1}', "logprob": 0.0, "top_logprobs": []},
    ]
    choice = {
        "message": {"content": text},
        "finish_reason": "stop",
        "logprobs": {"content": content},
    }
    decoded = decode(200, {}, json.dumps({"choices": [choice]}).encode())
    expected = math.exp(-2.0) / (0.8 + math.exp(-2.0))
    assert likelihood_of(decoded, "normal") == pytest.approx(expected)


@pytest.mark.parametrize("verdict", ["anomalous", "normal"])
def test_a_whole_answer_is_read_and_weighed(verdict: str) -> None:
    text = answer(verdict, 0.9 if verdict == "anomalous" else 0.1)
    reading = read_answer(text)
    weighed = reading.weighed(likelihood_of(completion(list(text)), reading.verdict))
    assert weighed.likelihood == (1.0 if verdict == "anomalous" else 0.0)
    assert weighed.answer == reading.answer
    assert reading.weighed(None) is reading


@pytest.mark.parametrize("likelihood", [-0.1, 1.1, math.nan])
def test_a_reading_refuses_what_is_no_probability(likelihood: float) -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        read_answer(answer()).weighed(likelihood)


def test_a_reading_without_an_answer_has_no_likelihood() -> None:
    with pytest.raises(ValueError, match="belongs to an answer"):
        read_answer("").weighed(0.5)
