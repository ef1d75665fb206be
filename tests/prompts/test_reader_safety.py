"""Never a false all-clear, never an exception, never slow: whatever the text."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gadet.prompts.reader import read_answer
from gadet.prompts.reading import Reading
from gadet.prompts.relaxed_json import relax

from .support import FINDING, answer, fields, normal

STOPS = ("complete", "truncated", "refused", "blocked", "other")
LONG = answer(
    findings=[FINDING, FINDING | {"label": "stain", "description": "no anomaly {x} here"}]
)
DRESSES = {
    "bare": "{}",
    "fenced": "```json\n{}\n```",
    "talkative": "Here is the result:\n{}\nThe image is normal.",
}


@pytest.mark.parametrize("dress", DRESSES.values(), ids=DRESSES)
@pytest.mark.parametrize("stop", ["complete", "truncated"])
def test_no_truncation_of_an_anomalous_answer_is_normal(dress, stop):
    text = dress.replace("{}", LONG)
    for end in range(len(text) + 1):
        assert read_answer(text[:end], stop=stop).verdict in ("anomalous", "unparsed"), text[:end]


@pytest.mark.parametrize("dress", [DRESSES["bare"], DRESSES["fenced"]])
@pytest.mark.parametrize("stop", ["complete", "truncated"])
def test_a_truncated_normal_answer_is_normal_only_when_it_is_whole(dress, stop):
    inner = normal()
    text = dress.replace("{}", inner)
    whole = text.index(inner) + len(inner)
    for end in range(len(text) + 1):
        clear = read_answer(text[:end], stop=stop).verdict == "normal"
        assert clear == (end >= whole and stop == "complete"), text[:end]


def test_no_truncation_of_a_python_answer_is_normal():
    for text in (str(fields()), json.dumps(fields(), indent=1)):
        for end in range(len(text) + 1):
            assert read_answer(text[:end]).verdict in ("anomalous", "unparsed")


def test_no_missing_character_makes_an_anomalous_answer_normal():
    for position in range(len(LONG)):
        assert read_answer(LONG[:position] + LONG[position + 1 :]).verdict != "normal"


@given(
    st.lists(
        st.tuples(st.integers(0, len(LONG)), st.integers(0, 4), st.text(max_size=3)), max_size=6
    )
)
@settings(max_examples=400, deadline=None)
def test_no_mutation_of_an_anomalous_answer_is_normal(edits):
    text = LONG
    for position, removed, inserted in edits:
        text = text[:position] + inserted + text[position + removed :]
    assert read_answer(text).verdict != "normal", text


@given(st.text(max_size=400), st.sampled_from(STOPS))
@example("No\u0130.", "complete")
@example("\ud800", "complete")
@settings(max_examples=300, deadline=None)
def test_any_text_has_an_outcome_and_is_not_normal_without_saying_so(text, stop):
    reading = read_answer(text, stop=stop)
    assert isinstance(reading, Reading)
    reading.model_dump_json()
    words = (
        "normal",
        "ok",
        "good",
        "pass",
        "no ",
        "fehlerfrei",
        "auff",
        "正常",
        "异常",
        "異常",
        "缺陷",
    )
    if not any(word in text.casefold() for word in words):
        assert reading.verdict != "normal"


PIECES = st.sampled_from(
    [
        *(
            '{"verdict":',
            '"normal"',
            '"anomalous"',
            '"findings": [{}]',
            "findings",
            "score",
            "None",
        ),
        *("'", '"', "{", "}", "[", "]", "(", ")", ",", ":", ".", "\\", "\n", "//", "/*", "\u3002"),
        *("0.1", "0.9", "NaN", "null", "```json", "<think>", "</think>", "No, ", "Yes, "),
        *("the image is normal", "there is a crack", "I can't help with that"),
    ]
)


@given(st.lists(PIECES, max_size=25).map("".join), st.sampled_from(STOPS))
@settings(max_examples=600, deadline=None)
def test_pieces_of_answers_in_any_order(text, stop):
    reading = read_answer(text, stop=stop)
    reading.model_dump_json()
    if reading.verdict == "normal":
        assert stop in ("complete", "other")
        assert "normal" in text
        assert not reading.answer.findings
        assert reading.answer.score <= 0.5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.sampled_from(list(fields()) + list(FINDING)), inner, max_size=6)
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.sampled_from(list(fields())), JSON), st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_fields_have_an_outcome(values, clear):
    values = {"verdict": "normal" if clear else "anomalous"} | values
    reading = read_answer(json.dumps(values))
    reading.model_dump_json()
    if reading.verdict == "normal":
        assert values["verdict"] == "normal"
        assert not values.get("findings") or not reading.answer.findings
        assert reading.answer.score <= 0.5


@given(JSON)
@settings(max_examples=200, deadline=None)
def test_relaxing_leaves_json_as_it_is(value):
    text = json.dumps(value, allow_nan=False) if _finite(value) else "{}"
    assert relax(text) == (text, ())


@given(st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.text(max_size=20)))
def test_relaxing_pythons_spelling_loses_nothing(value):
    """An independent oracle: Python's own `repr` and its own `json`."""
    relaxed, _ = relax(repr(value))
    text = json.dumps(value).replace("\\u", "")
    # `repr` writes \x1f and the like, which is no escape of JSON and stays as it was written.
    if "\\x" not in repr(value) and "\\u" not in json.dumps(value) and "\\U" not in repr(value):
        assert json.loads(relaxed, strict=False) == json.loads(text)


def _finite(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        return False
    return True


HOSTILE = {
    "open braces": '{"' * 90_000,
    "open objects": '{"a":' * 39_000,
    "open lists": "[" * 199_000,
    "escaped quotes": '{"a":"' + '\\"' * 99_000,
    "backslashes": '{"a":"' + "\\" * 199_000,
    "single quotes": "{'a':'" + "\\'" * 99_000,
    "commas": '{"a":[' + "," * 199_000,
    "commas and spaces": '{"a":[' + ", " * 99_000,
    "spaces": '{"a":' + " " * 199_000 + "]",
    "comment": '{"a":/*' + "*" * 199_000,
    "word": "{a" + "b" * 199_000,
    "digits": '{"a":' + "1" * 199_000,
    "number at the cut": '{"a": ' + "1 " * 99_000,
    "fences": "```" * 66_000,
    "thoughts": "<think>" * 28_000,
    "tokens": "<|a" * 66_000,
    "sentences": "The image is normal. " * 9_500,
    "one sentence": "I cannot " * 22_000,
    "flaws": "No " + "defects or " * 18_000,
    "newlines": "\n" * 150_000 + "x" + "\n" * 40_000,
    "spaces only": "x" + " " * 199_000 + "x",
    "bullets": "- " * 99_000,
    "objects": "{}" * 99_000,
    "answers": normal() * 900,
    "findings": answer(findings=[FINDING] * 1200),
    "huge": "x" * 1_000_000,
    "huge JSON": answer(explanation="y" * 1_000_000),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_text_takes_no_longer_than_a_long_one(text):
    started = time.perf_counter()
    reading = read_answer(text)
    # Linear reading takes a fraction of this; anything quadratic takes minutes.
    assert time.perf_counter() - started < 5.0
    assert reading.verdict in ("anomalous", "normal", "unparsed")
