"""The shortest prompt: a decision and nothing else."""

from __future__ import annotations

import json

import pytest

from gadet import (
    AnomalyDetector,
    ConfigurationError,
    Normality,
    Prompt,
    ScriptedBackend,
    count_tokens,
)
from gadet.prompts.answer import BRIEF_FIELDS, Answer, brief_schema
from gadet.prompts.builder import brief_prompt
from gadet.prompts.domain import load_domain
from gadet.prompts.reader import read_answer
from tests.doubles import StubExpert, answer, picture

DECISION = json.dumps({"explanation": "A spot.", "verdict": "anomalous", "score": 0.9})


def asked(**settings: object) -> tuple[ScriptedBackend, object]:
    backend = ScriptedBackend([DECISION])
    detector = AnomalyDetector(backend, expert=StubExpert())
    report = detector.detect(
        picture(spot=True), references=[picture()], domain="industrial", brief=True, **settings
    )
    return backend, report


def test_the_decision_is_asked_for_and_read_without_complaint() -> None:
    backend, report = asked()
    (prompt,) = backend.prompts
    assert tuple(prompt.schema["properties"]) == BRIEF_FIELDS
    assert [view.kind for view in prompt.views] == ["clean", "clean"]
    assert (report.verdict, report.score, report.explanation) == ("anomalous", 0.9, "A spot.")
    assert report.notes == ()
    assert report.findings == ()


def test_it_takes_a_fraction_of_the_text() -> None:
    backend, _ = asked()
    detector = AnomalyDetector(backend, expert=StubExpert())
    options = {"references": [picture()], "domain": "industrial"}
    full = detector.prompt(picture(), **options)
    brief = detector.prompt(picture(), brief=True, **options)
    assert count_tokens(brief).text_tokens * 5 < count_tokens(full).text_tokens


def test_what_the_caller_knows_is_still_told_by_level() -> None:
    known = Normality(subject="a grey tile", rules=("one spot at most",))
    for level, told in (("expert", True), ("naive", False)):
        backend, _ = asked(normality=known, level=level)
        assert ("grey tile" in backend.prompts[0].text) == told
        assert ("one spot at most" in backend.prompts[0].text) == told


def test_its_schema_is_a_part_of_the_whole_answer() -> None:
    fields = brief_schema()["properties"]
    whole = Answer.model_json_schema()["properties"]
    assert set(fields) < set(whole)
    assert fields["verdict"]["enum"] == whole["verdict"]["enum"]
    assert read_answer(DECISION, asked=BRIEF_FIELDS).notes == ()
    assert read_answer(DECISION).notes


def test_what_cannot_be_read_is_asked_again_for_the_same_fields() -> None:
    backend = ScriptedBackend(["??", DECISION])
    AnomalyDetector(backend, expert=None).detect(picture(), brief=True)
    question = backend.prompts[1].text.rpartition("[user]")[2]
    assert "`verdict`" in question
    assert "`findings`" not in question


def test_screening_finds_what_to_ask_about_in_full() -> None:
    def screens(prompt: Prompt) -> str:
        bright = max(view.picture.getextrema()[0][1] for view in prompt.views) > 200
        return DECISION if bright else DECISION.replace("anomalous", "normal").replace("0.9", "0.1")

    items = [picture(spot=number == 2, shade=number) for number in range(4)]
    screening = AnomalyDetector(ScriptedBackend(screens), expert=None)
    reports = screening.detect_many(items, brief=True)
    assert [report.verdict == "anomalous" for report in reports] == [False, False, True, False]
    full = AnomalyDetector(ScriptedBackend([answer()]), expert=StubExpert())
    assert full.detect(items[2]).findings


def test_a_clean_picture_of_the_item_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="clean view"):
        brief_prompt(
            domain=load_domain("generic"), normality=Normality(), level=None, item_views=()
        )
