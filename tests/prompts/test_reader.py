"""What models really send, and what is made of it."""

from __future__ import annotations

import json

import pytest

from gadet.prompts.reader import read_answer
from gadet.prompts.reading import Reading

from .support import FINDING, answer, fields, normal

WELL_FORMED = [
    (answer(), "anomalous", 0.93),
    (normal(), "normal", 0.04),
    (answer(verdict="uncertain", score=0.5, findings=[]), "uncertain", 0.5),
    (json.dumps(fields(), indent=2), "anomalous", 0.93),
    (answer(score=1), "anomalous", 1.0),
    (normal(score=0), "normal", 0.0),
    (normal(score=0.5), "normal", 0.5),
    (answer(chatty="yes", verdict_reason={"a": [1]}), "anomalous", 0.93),
    (answer(explanation="braces } { and \\ and \" and 'quotes'"), "anomalous", 0.93),
    (answer(explanation="裂纹 – é"), "anomalous", 0.93),
]


@pytest.mark.parametrize(("text", "verdict", "score"), WELL_FORMED)
@pytest.mark.parametrize("stop", ["complete", "other"])
def test_a_well_formed_answer_is_read_as_it_stands(text, verdict, score, stop):
    reading = read_answer(text, stop=stop)
    assert (reading.verdict, reading.answer.score) == (verdict, score)
    assert reading.notes == ()
    assert not reading.repaired
    assert reading.problem is None


def test_every_field_arrives():
    read = read_answer(answer()).answer
    assert read.observations == ("The rim shows a dark line.",)
    assert read.explanation == "The rim is cracked."
    (finding,) = read.findings
    unasked = {"start": None, "end": None, "picture": None, "point": None, "place": None}
    assert finding.model_dump() == FINDING | unasked | {"box": (10.0, 20.0, 30.0, 40.0)}


PYTHON = str(fields(observations=["it's dark"], findings=[FINDING | {"mark": None}]))

MENDED = [
    (f"```json\n{answer()}\n```", "anomalous", "a code fence was removed"),
    (f"```\n{answer()}", "anomalous", "a code fence was removed"),
    (f"Here is my answer:\n\n{answer()}\n\nLet me know!", "anomalous", "text around the JSON"),
    (f"Here you are:\n```json\n{normal()}\n```\n", "normal", "text around the JSON"),
    (answer().replace("]", ",]").replace("}", " , }"), "anomalous", "trailing commas"),
    (PYTHON, "anomalous", "single quotes"),
    (PYTHON, "anomalous", "Python constants"),
    (str(fields(findings=[FINDING | {"box": (1, 2, 3, 4)}])), "anomalous", "Python tuples"),
    ('{verdict: "anomalous", score: 0.9}', "anomalous", "bare keys"),
    ('{"verdict": "anomalous", // sure\n "score": 0.9 /* very */}', "anomalous", "comments"),
    (r'{"verdict": "anomalous", "score": 0.9, "explanation": "5\% \d"}', "anomalous", "escapes"),
    ('{"verdict": "anomalous", "score": 0.9}', "anomalous", "the field `findings` was missing"),
    ('{"Verdict": "Anomalous", "SCORE": 0.9}', "anomalous", "was read as anomalous"),
    (json.dumps({"answer": fields()}), "anomalous", None),
    (json.dumps([fields()]), "anomalous", None),
    (json.dumps(answer()), "anomalous", "JSON inside a JSON text"),
    (f"{answer()}\n{answer()}", "anomalous", "of 2 JSON objects with the same verdict"),
    (f"{answer()}\n{json.dumps({'note': 1})}", "anomalous", "without a verdict were left out"),
    (f"<think>Looks normal. {{x}}</think>\n{answer()}", "anomalous", "thoughts before the answer"),
    (f"It looks normal…</think>{answer()}", "anomalous", "thoughts before the answer"),
    (f"<|begin_of_box|>{answer()}<|end_of_box|><|im_end|>", "anomalous", "control tokens"),
    ("\ufeff" + answer(), "anomalous", None),
    ('{"verdict": "anomalous", "score": 0.9, "explanation": "two\nlines"}', "anomalous", None),
    (answer(verdict="abnormal"), "anomalous", "'abnormal' was read as anomalous"),
    (answer(verdict="Defective."), "anomalous", "was read as anomalous"),
    (answer(verdict="FAIL"), "anomalous", "was read as anomalous"),
    (answer(verdict="not_ok"), "anomalous", "was read as anomalous"),
    (normal(verdict="OK"), "normal", "'OK' was read as normal"),
    (normal(verdict="pass"), "normal", "was read as normal"),
    (normal(verdict="no anomaly"), "normal", "was read as normal"),
    (normal(verdict="正常"), "normal", "was read as normal"),
    (normal(findings=None), "normal", None),
    (normal(findings=[{"label": "none", "description": ""}]), "normal", "there is none"),
    (normal(findings="none"), "normal", "not a list"),
    (normal(findings=[{}]), "normal", "there is none"),
    (normal(score="0.1"), "normal", "the score came as a text"),
    (normal(score=None), "normal", "0.25 was derived"),
    (answer(score=None), "anomalous", "0.75 was derived"),
    (answer(score=93), "anomalous", "the score 93 is not a number from 0 to 1: 0.75"),
    (answer(score=-0.1), "anomalous", "the score -0.1"),
    (answer(score="high"), "anomalous", "the score 'high'"),
    (answer(score=True), "anomalous", "the score True"),
    (answer(score=float("nan")), "anomalous", "the score nan"),
    (answer(score=float("inf")), "anomalous", "the score inf"),
    (answer(score=10**400), "anomalous", "the score a huge number"),
    (answer(verdict="uncertain", score=50), "uncertain", "0.5 was derived"),
    (answer(observations="one"), "anomalous", "`observations` was not a list"),
    (answer(observations=[{"a": 1}, 3, None]), "anomalous", "`observations` was not a text"),
    (answer(explanation=["a"]), "anomalous", "`explanation` was not a text"),
    (answer(explanation="x" * 5000), "anomalous", "shortened to 4000"),
    (answer(findings=FINDING), "anomalous", "`findings` was not a list"),
    (answer(findings=["crack at the rim"]), "anomalous", "a finding came as a text"),
    (answer(findings=[7, FINDING]), "anomalous", "a finding was dropped"),
    (answer(findings=[FINDING] * 150), "anomalous", "only the first 100 of 150"),
    (answer(observations=["a"] * 300), "anomalous", "only the first 200"),
    (answer(verdict="uncertain", score=0.5, explanation="\ud800"), "uncertain", None),
]


@pytest.mark.parametrize(("text", "verdict", "note"), MENDED)
def test_a_mended_answer_says_what_was_mended(text, verdict, note):
    reading = read_answer(text)
    assert reading.verdict == verdict, reading
    if note:
        assert reading.repaired
        assert any(note in line for line in reading.notes), reading.notes
    # Lone surrogates and huge numbers must not break a report that is written later.
    assert Reading.model_validate_json(reading.model_dump_json()) == reading


CONTRADICTORY = [
    (normal(findings=[FINDING]), "the verdict was normal but 1 findings"),
    (normal(findings=["crack"]), "the verdict was normal but 1 findings"),
    (normal(findings=[17]), "the verdict was normal but 1 findings"),
    (normal(findings="a crack"), "the verdict was normal but 1 findings"),
    (normal(findings=[{"label": "none", "description": "crack"}]), "normal but 1 findings"),
    (normal(findings=[{"label": "", "mark": 2}]), "normal but 1 findings"),
    (normal(observations=["Rule 2: the label is at the back; it is broken."]), "a rule was found"),
    (normal(observations=["**Rule 1**: the cap cannot be seen"]), "could not be seen"),
    (normal(score=0.9), "the verdict was normal but the score 0.9"),
    (normal(score="0.51"), "the verdict was normal but the score 0.51"),
    (answer(score=0.2), "the verdict was anomalous but the score 0.2"),
    (normal(explanation="I can't see the image."), "saw no picture"),
    (normal(observations=["No image was provided."]), "saw no picture"),
    (normal(explanation="I cannot analyze this image."), "also declines"),
    (f"I'm sorry, I can't help with that. {normal()}", "also declines"),
    (f"Yes, there is a crack. {normal()}", "reports an anomaly"),
    (f"{json.dumps({'findings': [FINDING]})} {normal()}", "further JSON objects"),
]


@pytest.mark.parametrize(("text", "note"), CONTRADICTORY)
def test_an_answer_that_contradicts_itself_is_uncertain(text, note):
    reading = read_answer(text)
    assert (reading.verdict, reading.answer.score) == ("uncertain", 0.5)
    assert any(note in line for line in reading.notes), reading.notes


@pytest.mark.parametrize(
    "observation",
    ["Rule 1: nothing is broken off, so it holds.", "Rule 3 holds", "It is broken in."],
)
def test_a_rule_that_holds_is_no_contradiction(observation):
    assert read_answer(normal(observations=[observation])).verdict == "normal"


def test_a_disclaimer_is_no_contradiction():
    text = f"I can't provide a medical diagnosis, but here is the description. {normal()}"
    assert read_answer(text).verdict == "normal"


UNREADABLE = [
    ("", "it is empty"),
    (" \n\t", "it is empty"),
    ("<think>Let me look at the image: normal", "it is empty after the model's thoughts"),
    ("<think>x</think>", "it is empty after the model's thoughts"),
    ("lorem ipsum", "not a JSON object"),
    ("null", "not a JSON object"),
    ("[]", "not a JSON object"),
    ("42", "not a JSON object"),
    ("{}", "`verdict` is missing"),
    ("{", "cut off"),
    ('{"score": 0.1}', "`verdict` is missing"),
    (json.dumps({"a": fields(), "b": fields()}), "`verdict` is missing"),
    (json.dumps({"a": {"b": {"c": {"d": fields()}}}}), "`verdict` is missing"),
    (f"{normal()}\n{answer()}", "2 JSON objects with the verdicts anomalous, normal"),
    (f"[{normal()}, {answer()}]", "2 JSON objects with the verdicts anomalous, normal"),
    (f"{normal()}\n{answer(verdict='hm')}", "it was 'hm'"),
    (f"{normal()} {{'broken': }}", "cannot be parsed"),
    (f'{normal()} {{"verdict": "ano', "cut off"),
    ('{"verdict": "normal", "verdict": "anomalous", "score": 0.1}', "occurs twice"),
    ('{"verdict": "normal", "Verdict": "anomalous", "score": 0.1}', "occurs twice"),
    ('{"verdict": "normal", "findings": ["x"], "findings": []}', "occurs twice"),
    (answer(verdict="hm"), "must be `anomalous`, `normal` or `uncertain`; it was 'hm'"),
    (answer(verdict=None), "it was None"),
    (answer(verdict=["normal"]), "it was a list of 1"),
    (answer(verdict=True), "it was True"),
    (answer(verdict=""), "it was ''"),
    (answer(verdict="anomalous|normal|uncertain"), "it was 'anomalous|normal"),
    (normal(verdict="not normal but ok"), "it was 'not normal but ok'"),
    (normal(score=4), "`score` must be a number from 0 to 1; it was 4"),
    (normal(score=85), "it was 85"),
    (normal(score=float("nan")), "it was nan"),
    (normal(score="low"), "it was 'low'"),
    ('{"explanation": "the "rim" is fine", "verdict": "normal", "score": 0.1}', "cannot be parsed"),
    ('{"verdict": "normal" "score": 0.1}', "cannot be parsed"),
    ('{"a":' * 100 + "1" + "}" * 100, "nested more than 32"),
    ("{}" * 101 + normal(), "more than 100 JSON objects"),
    ("[" * 5000 + "{}" + "]" * 5000, "`verdict` is missing"),
    (normal() + " " * 200_000 + "x", "longer than 200000"),
    ('{"score": ' + "1" * 6000 + ', "verdict": "normal"}', "cannot be parsed"),
    ('"{', "cut off"),
]


@pytest.mark.parametrize(("text", "problem"), UNREADABLE)
def test_what_cannot_be_read_is_unparsed_and_says_why(text, problem):
    reading = read_answer(text)
    assert reading.verdict == "unparsed", reading
    assert reading.answer is None
    assert problem in reading.problem, reading.problem
    assert len(reading.problem) < 300


# --- parts of a finding -------------------------------------------------------------------------

PARTS = [
    ("mark", "3", 3, "the mark '3' was read as 3"),
    ("mark", "mark 3", 3, "the mark 'mark 3' was read as 3"),
    ("mark", "#12.", 12, "was read as 12"),
    ("mark", 3.0, 3, "the mark 3.0 was read as 3"),
    ("mark", [3], 3, "was read as 3"),
    ("mark", None, None, None),
    ("mark", "none", None, None),
    ("mark", "left", None, "the mark 'left' was dropped"),
    ("mark", "1 and 2", None, "was dropped"),
    ("mark", True, None, "the mark True was dropped"),
    ("mark", 0, None, "the mark 0 was dropped"),
    ("mark", -1, None, "was dropped"),
    ("mark", 2.5, None, "was dropped"),
    ("mark", 10**30, None, "the mark a huge number was dropped"),
    ("box", [1, 2, 3, 4], (1, 2, 3, 4), None),
    ("box", [0.5, 0.25, 1e3, -4], (0.5, 0.25, 1000, -4), None),
    ("box", ["1", "2", "3", "4"], (1, 2, 3, 4), "the box came as a text"),
    ("box", [[1, 2, 3, 4]], (1, 2, 3, 4), "a list of its own"),
    ("box", [], None, None),
    ("box", [1, 2, 3], None, "the box a list of 3 was dropped"),
    ("box", [1, 2, 3, 4, 5], None, "was dropped"),
    ("box", [1, 2, 3, None], None, "four finite numbers"),
    ("box", [1, 2, 3, float("nan")], None, "four finite numbers"),
    ("box", [1, 2, 3, True], None, "four finite numbers"),
    ("box", [1, 2, 3, 10**400], None, "four finite numbers"),
    ("box", {"x0": 1, "y0": 2, "x1": 3, "y1": 4}, None, "the box a JSON object of 4 was dropped"),
    ("box", "1, 2, 3, 4", None, "was dropped"),
    ("severity", "HIGH", "high", "was read as high"),
    ("severity", "severe", "high", "was read as high"),
    ("severity", "Minor", "low", "was read as low"),
    ("severity", None, None, None),
    ("severity", "purple", None, "the severity 'purple' was dropped"),
    ("severity", 3, None, "the severity 3 was dropped"),
    ("confidence", 1, 1.0, None),
    ("confidence", "0.5", 0.5, "the confidence came as a text"),
    ("confidence", 95, None, "the confidence 95 was dropped"),
    ("confidence", "sure", None, "was dropped"),
    ("confidence", float("inf"), None, "was dropped"),
    ("label", None, "a dark, forked line", "a finding had no label"),
    ("label", 4, "4", "`label` was not a text"),
    ("description", None, "", None),
]


@pytest.mark.parametrize(("name", "value", "expected", "note"), PARTS)
def test_a_part_of_a_finding(name, value, expected, note):
    reading = read_answer(answer(findings=[FINDING | {name: value}]))
    assert reading.verdict == "anomalous"
    assert getattr(reading.answer.findings[0], name) == expected
    assert bool(note) == reading.repaired, reading.notes
    assert not note or any(note in line for line in reading.notes), reading.notes


@pytest.mark.parametrize("name", ["box_2d", "bbox_2d", "bbox", "bounding_box"])
def test_a_box_under_the_name_a_model_was_trained_on(name):
    reading = read_answer(answer(findings=[{"label": "crack", name: [1, 2, 3, 4]}]))
    assert reading.answer.findings[0].box == (1, 2, 3, 4)
    assert f"the field `{name}` was read as `box`" in reading.notes


# --- stops ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stop", ["refused", "blocked"])
@pytest.mark.parametrize("text", ["", normal(), answer(), "I can't."])
def test_a_refusal_reported_by_the_provider_decides_alone(stop, text):
    reading = read_answer(text, stop=stop)
    assert (reading.verdict, reading.answer, reading.problem) == ("refused", None, None)
    assert stop in reading.notes[0]


@pytest.mark.parametrize("text", [normal(), "The image is normal.", f"{normal()} {normal()}"])
def test_after_a_truncation_nothing_is_normal(text):
    assert read_answer(text).verdict == "normal"
    reading = read_answer(text, stop="truncated")
    assert reading.verdict == "unparsed"
    assert "cut off" in reading.problem


def test_after_a_truncation_an_anomaly_stands_and_is_flagged():
    for text in (answer(), answer()[:-9], "Yes, there is a crack in the"):
        reading = read_answer(text, stop="truncated")
        assert reading.verdict == "anomalous"
        assert any("cut off" in note or "its limit" in note for note in reading.notes)


def test_what_is_recovered_from_a_cut():
    text = answer(findings=[FINDING, FINDING])
    reading = read_answer(text[: text.index(', "score"')])
    assert reading.answer.findings[1].label == "crack"
    assert "the JSON was cut off: 2 findings were recovered" in reading.notes
    early = read_answer(text[: text.index('"explanation"')])
    assert early.verdict == "unparsed"
    assert "the JSON was cut off: 2 findings were recovered" in early.notes


@pytest.mark.parametrize("written", ["0", "0.", "0.9", "1", "9e-", "-"])
def test_a_number_at_the_cut_is_not_believed(written):
    text = '{"verdict": "anomalous", "findings": [], "score": ' + written
    reading = read_answer(text)
    assert (reading.verdict, reading.answer.score) == ("anomalous", 0.75)


def test_a_cut_answer_in_pythons_spelling():
    cut = str(fields()).partition(", 'score'")[0]
    assert read_answer(cut).verdict == "anomalous"


# --- the outcome's own rules -------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [
        {"verdict": "normal"},
        {"verdict": "refused", "answer": read_answer(answer()).answer},
        {"verdict": "normal", "answer": read_answer(answer()).answer},
        {"verdict": "unparsed"},
        {"verdict": "refused", "problem": "x"},
        {"verdict": "fine"},
        {"verdict": "refused", "unknown": 1},
    ],
)
def test_a_reading_that_contradicts_itself_is_refused(values):
    with pytest.raises(ValueError, match="validation error"):
        Reading(**values)
