"""Points and places: what is asked for, and what is read, in every form that models write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadet import AnomalyDetector, Box, BoxFormat, Profile, ScriptedBackend
from gadet.backends.facts.profiles import profile_for
from gadet.prompts.answer import AnswerFinding, Ways, answer_schema
from gadet.prompts.points import read_points, tagged_points, untagged
from gadet.prompts.reader import read_answer
from gadet.prompts.size import estimate_tokens
from tests.doubles import StubExpert, answer, picture

from .support import prompt, view


def finding(**fields: Any) -> AnswerFinding:
    """What is read of one finding with these fields."""
    whole = {"label": "spot", "description": "", "severity": None, "confidence": None, **fields}
    read = read_answer(answer("anomalous", 0.9, findings=[whole])).answer
    assert read is not None
    return read.findings[0]


@pytest.mark.parametrize(
    ("stated", "values", "named"),
    [
        ([12, 34.5], (12, 34.5), False),
        ([[12, 34.5]], (12, 34.5), False),
        (["12", "34.5"], (12, 34.5), False),
        ("[12, 34.5]", (12, 34.5), False),
        ("(12, 34.5)", (12, 34.5), False),
        ("12 34.5", (12, 34.5), False),
        ({"x": 12, "y": 34.5}, (12, 34.5), True),
        ([{"x": 12, "y": 34.5}], (12, 34.5), True),
        ("x=12, y=34.5", (12, 34.5), True),
        ('<point x="12" y="34.5" alt="crack">crack</point>', (12, 34.5), True),
        ('<points x1="12" y1="34.5" x2="1" y2="2" alt="cracks">', (12, 34.5), True),
        ('<points coords="1 1 12 34 2 649 154;2 3 1 2">cracks</points>', (12, 34), True),
    ],
)
def test_every_form_of_a_point_is_read(stated: Any, values: tuple[float, float], named: bool):
    read = finding(point=stated)
    point, other = read.point, read.named_point
    assert (other if named else point) == values
    assert (point if named else other) is None


@pytest.mark.parametrize(
    "stated",
    ["somewhere", "12", [1], [1, 2, 3, "x"], [float("nan"), 2], {"x": 1}, True, "<point x=1>",
     '<points coords="1 1 12">', '<points coords="1 1 . 3">', [None, 1], 7],
)  # fmt: skip
def test_what_is_no_point_is_noted_and_dropped(stated: Any):
    body = {"label": "a", "description": "b", "severity": None, "confidence": None}
    reading = read_answer(answer("anomalous", 0.9, findings=[{**body, "point": stated}]))
    assert reading.answer is not None
    assert reading.answer.findings[0].point is None
    assert reading.answer.findings[0].named_point is None
    assert any("needs two finite numbers" in note for note in reading.notes)


def test_other_names_and_further_points_are_noted():
    reading = read_answer(
        answer("anomalous", 0.9, findings=[{"label": "a", "points": [[1, 2], [3, 4]]}])
    )
    assert reading.answer is not None
    assert reading.answer.findings[0].point == (1, 2)
    assert "the field `points` was read as `point`" in reading.notes
    assert "of 2 points of one finding, the first was read" in reading.notes


@pytest.mark.parametrize(("stated", "place"), [(" upper left ", "upper left"), ("none", None),
                                               (None, None), ("", None), ([1], None)])  # fmt: skip
def test_a_place_in_words_is_kept(stated: Any, place: str | None):
    assert finding(place=stated).place == place


def test_a_finding_that_only_points_says_something():
    bare = {"label": "", "description": "", "point": [1, 2]}
    reading = read_answer(answer("normal", 0.1, findings=[bare]))
    assert reading.verdict == "uncertain"


def test_prose_with_tags_keeps_its_points():
    text = 'There is a crack: <point x="10.5" y="20" alt="crack">crack</point>. It is defective.'
    reading = read_answer(text)
    assert reading.answer is not None
    (found,) = reading.answer.findings
    assert (found.label, found.named_point) == ("crack", (10.5, 20.0))
    assert any("the points in it were read" in note for note in reading.notes)


def test_tags_alone_are_no_verdict():
    assert read_answer('<point x="10.5" y="20" alt="crack">crack</point>').verdict == "unparsed"


def test_tags_are_taken_apart():
    text = 'a <points x1="1" y1="2" x2="3" y2="4" alt="two">two</points> b <point x="5" y="6"/>'
    assert [one.values for one in tagged_points(text)] == [(1, 2), (3, 4), (5, 6)]
    assert [one.words for one in tagged_points(text)] == ["two", "two", ""]
    assert untagged(text) == "a two b "


ANYTHING = st.recursive(
    st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANYTHING)
def test_reading_points_never_raises(value: Any):
    for point in read_points(value):
        assert all(isinstance(number, float) for number in point.values)


def test_hostile_tags_cost_no_more_than_long_ones():
    for piece in ("<point x=", "<points coords='1 ", '<point x="1" y="1">', "x=1 ", "x1=1,"):
        tagged_points(piece * 40_000)
        read_points(piece * 40_000)


# --- what is asked --------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["box", "point", "place"])
def test_one_way_is_asked_for(by: Any):
    built = prompt(pointing=by)
    asked = built.schema["$defs"]["AnswerFinding"]["properties"]
    assert [way for way in ("box", "point", "place") if way in asked] == [by]
    assert f"write `{by}` as" in built.text
    assert "named_point" not in json.dumps(built.schema) + built.text
    assert list(asked) == list(Ways(by=by).fields)


@pytest.mark.parametrize(
    ("boxes", "form"),
    [
        (BoxFormat(), "`point` as [x, y] as integers from 0 to 1000"),
        (BoxFormat(order="yxyx"), "`point` as [y, x] as integers from 0 to 1000"),
        (BoxFormat(scale=100), "`point` as [x, y] as numbers from 0 to 100"),
        (BoxFormat(frame="pixels"), "`point` as [x, y] in pixels of a picture 64 wide and 48 high"),
    ],
)
def test_points_are_asked_for_in_the_familys_frame(boxes: BoxFormat, form: str):
    assert form in prompt(pointing="point", boxes=boxes).text


def test_of_several_pictures_the_number_is_asked_for_with_points_and_not_with_words():
    shown = [view(), view()]
    assert "whose number you give in `picture`" in prompt(pointing="point", item_views=shown).text
    words = prompt(pointing="place", item_views=shown)
    assert "picture" not in words.schema["$defs"]["AnswerFinding"]["properties"]


def test_a_series_is_asked_for_no_place():
    asked = prompt(modality="series", times="rows", pointing="point").schema["$defs"]
    assert not {"box", "point", "place"} & set(asked["AnswerFinding"]["properties"])


def test_pointing_costs_no_more_than_boxes():
    costs = {way: estimate_tokens(prompt(pointing=way).text + json.dumps(answer_schema(Ways(way))))
             for way in ("box", "point", "place")}  # fmt: skip
    assert costs["place"] < costs["point"] < costs["box"]


@pytest.mark.parametrize(
    ("model", "scale"),
    [("allenai/Molmo-7B-D-0924", 100), ("molmo-7b", 100), ("allenai/Molmo2-8B", 1000)],
)
def test_molmo_is_asked_to_point(model: str, scale: float):
    profile = profile_for("vllm", model)
    assert (profile.pointing, profile.boxes.scale) == ("point", scale)


def test_others_are_asked_for_boxes():
    for provider, model in (("openai", "gpt-5.6-sol"), ("gemini", "gemini-3-pro"), ("x", "y")):
        assert profile_for(provider, model).pointing == "box"


# --- from an answer to a region -------------------------------------------------------------------


@pytest.mark.parametrize("order", ["xyxy", "yxyx"])
@pytest.mark.parametrize("form", ["pair", "names", "tag"])
def test_a_point_becomes_a_region_whatever_its_form(order: Any, form: str):
    boxes = BoxFormat(order=order, scale=100)
    stated: Any = {
        "pair": list(boxes.ordered(25, 30)),
        "names": {"x": 25, "y": 30},
        "tag": '<point x="25.0" y="30.0" alt="spot">spot</point>',
    }[form]
    said = answer("anomalous", 0.9, findings=[{"label": "spot", "point": stated}])
    backend = ScriptedBackend([said] * 3, profile=Profile(boxes=boxes, pointing="point"))
    report = AnomalyDetector(backend, expert=StubExpert()).detect(picture(100, 50, spot=True))
    region = report.findings[0].region
    assert region is not None
    assert region.box.iou(Box.of(20, 10, 30, 20)) > 0.8


def test_words_become_a_region_with_a_note():
    said = answer("anomalous", 0.9, findings=[{"label": "spot", "place": "upper left"}])
    backend = ScriptedBackend([said] * 3, profile=Profile(pointing="place"))
    report = AnomalyDetector(backend, expert=None).detect(picture(100, 50))
    region = report.findings[0].region
    assert region is not None
    assert region.box.as_tuple() == (0, 0, 50, 25)
    assert any("the region is a guess" in note for note in report.notes)


@pytest.mark.parametrize("samples", [1, 3])
def test_a_mark_that_was_not_drawn_is_reported_in_votes(samples: int):
    said = answer("anomalous", 0.9, findings=[{"label": "spot", "mark": 99}])
    report = AnomalyDetector(ScriptedBackend([said] * 3), expert=None).detect(
        picture(100, 50), samples=samples
    )
    assert any("mark 99 was named, but the marks drawn are" in note for note in report.notes)
    assert len(report.findings) == 1


def test_a_mark_in_a_brief_answer_is_reported():
    said = answer("anomalous", 0.9, findings=[{"label": "spot", "mark": 3}])
    report = AnomalyDetector(ScriptedBackend([said] * 3), expert=None).detect(
        picture(100, 50), brief=True
    )
    assert "mark 3 was named, but the marks drawn are none" in report.notes
