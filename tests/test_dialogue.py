"""Questions about a report."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gadet import (
    AnomalyDetector,
    Completion,
    ConfigurationError,
    InputError,
    Normality,
    Profile,
    Reply,
    Report,
    Route,
    ScriptedBackend,
    ServerError,
    Usage,
)
from tests.doubles import StubExpert, answer, picture

QUESTION = "Why is it not a scratch?"


def asked(*script: Any, **options: Any) -> tuple[AnomalyDetector, ScriptedBackend, Report]:
    backend = ScriptedBackend([answer(), *script])
    detector = AnomalyDetector(backend, expert=StubExpert())
    report = detector.detect(picture(spot=True), references=[picture()], **options)
    return detector, backend, report


def test_the_same_pictures_and_everything_said_before_are_sent() -> None:
    detector, backend, report = asked("It is round.", "Because it is white.")
    first = detector.ask(report, QUESTION)
    second = detector.ask(first, "And why a spot?")
    assert [first.text, second.text] == ["It is round.", "Because it is white."]
    opening, follow_up, last = backend.prompts
    assert follow_up.views == opening.views == last.views
    assert [message.role for message in last.messages] == ["user", "assistant"] * 2 + ["user"]
    assert follow_up.messages[1].parts == (answer(),)
    assert QUESTION in follow_up.text
    assert last.text.startswith(follow_up.text)
    assert follow_up.schema == {}
    assert first.about == second.about == report


def test_awaiting_asks_the_same() -> None:
    detector, backend, report = asked("It is round.", "It is round.")
    blocking = detector.ask(report, QUESTION)
    awaited = asyncio.run(detector.aask(report, QUESTION))
    assert awaited == blocking
    assert backend.prompts[1].sha256 == backend.prompts[2].sha256


def test_what_a_reply_costs_is_its_own() -> None:
    usage = Usage(requests=1, input_tokens=1_000, output_tokens=10)
    detector, _, report = asked(Completion("So.", usage=usage))
    reply = detector.ask(report, QUESTION)
    assert reply.usage == usage
    assert report.usage.input_tokens == 0
    assert Reply.model_validate_json(reply.model_dump_json()) == reply


def test_a_refusal_is_told_and_is_no_error() -> None:
    detector, _, report = asked(Completion("", stop="refused", refusal="No."))
    reply = detector.ask(report, QUESTION)
    assert (reply.text, reply.stop) == ("No.", "refused")


def test_the_leg_that_answered_is_asked() -> None:
    first, second = (
        ScriptedBackend([ServerError("down")], name="a"),
        ScriptedBackend([answer(), "It is round."], name="b"),
    )
    detector = AnomalyDetector(Route(first, second), expert=StubExpert())
    assert detector.ask(detector.detect(picture(spot=True)), QUESTION).backend == "b"


def test_of_several_votes_the_one_that_spoke_is_continued() -> None:
    votes = [answer("normal", 0.1), answer(), answer()]
    backend = ScriptedBackend([*votes, "It is round."])
    detector = AnomalyDetector(backend, expert=StubExpert())
    report = detector.detect(picture(spot=True), samples=3)
    detector.ask(report, QUESTION)
    assert backend.prompts[-1].messages[1].parts == (answer(),)


def test_a_report_from_a_file_needs_its_item_again(tmp_path: Path) -> None:
    detector, _, report = asked("It is round.", normality=Normality(subject="tile"))
    loaded = Report.model_validate_json(report.model_dump_json())
    with pytest.raises(ConfigurationError, match="give `item`"):
        detector.ask(loaded, QUESTION)
    with pytest.raises(InputError, match="item that the report is about"):
        detector.ask(loaded, QUESTION, item=picture())
    reply = detector.ask(loaded, QUESTION, item=picture(spot=True), references=[picture()])
    assert reply.text == "It is round."


def test_a_report_about_a_file_finds_it_again(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    picture(spot=True).save(path)
    backend = ScriptedBackend([answer(), "It is round."])
    detector = AnomalyDetector(backend, expert=StubExpert())
    (report,) = detector.detect_many([path])
    loaded = Report.model_validate_json(report.model_dump_json())  # type: ignore[union-attr]
    assert detector.ask(loaded, QUESTION).text == "It is round."
    assert backend.prompts[1].messages[1].parts == (answer(),)


@pytest.mark.parametrize("question", ["", "  \n", "?" * 10_001])
def test_what_is_no_question_is_refused(question: str) -> None:
    detector, _, report = asked()
    with pytest.raises(ConfigurationError, match="1 to 10000 characters"):
        detector.ask(report, question)


def test_the_offline_engine_says_what_it_measured_and_no_more() -> None:
    detector = AnomalyDetector(expert=StubExpert())
    reply = detector.ask(detector.detect(picture(spot=True)), QUESTION)
    assert "No language model" in reply.text
    assert "bright square of 100 px" in reply.text
    bare = AnomalyDetector(expert=None)
    assert "nothing was measured" in bare.ask(bare.detect(picture()), QUESTION).text


def test_votes_differ_in_words_where_sampling_is_not_allowed() -> None:
    for sampling in (True, False):
        backend = ScriptedBackend([answer()] * 3, profile=Profile(sampling=sampling))
        detector = AnomalyDetector(backend, expert=StubExpert())
        detector.detect(picture(spot=True), samples=3)
        assert len({prompt.text for prompt in backend.prompts}) == (1 if sampling else 3)
        assert len({prompt.sha256 for prompt in backend.prompts}) == 3
        assert backend.prompts[0].text in backend.prompts[1].text
