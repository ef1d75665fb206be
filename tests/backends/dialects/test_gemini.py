from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from gadet.backends.dialects.common import portable
from gadet.backends.dialects.gemini import gemini_schema
from gadet.prompts.answer import Answer, answer_schema
from tests.backends.dialects.schemas import Schema, answers, fits, nodes, orders
from tests.backends.prompts import SCHEMA

# As Google lists them, less those that are inlined or left out before.
TAKEN = {
    "type", "format", "description", "enum", "items", "minItems", "maxItems", "minimum", "maximum",
    "anyOf", "properties", "additionalProperties", "required",
}  # fmt: skip


def in_gemini(node: Schema) -> Any:
    return gemini_schema({"type": "object", "properties": {"x": node}})["properties"]["x"]


@settings(max_examples=60, deadline=None)
@given(answers())
def test_whatever_the_schema_the_dialect_holds_and_the_answer_fits(
    pair: tuple[Schema, Any],
) -> None:
    schema, answer = pair
    written = gemini_schema(schema)
    for node in nodes(written):
        assert set(node) <= TAKEN
        assert all(type(value) in (str, int, float) for value in node.get("enum", ()))
    assert orders(written) == orders(portable(schema))
    assert written["required"] == schema["required"]
    assert fits(answer, written)


def test_the_order_of_the_answer_stays() -> None:
    assert list(gemini_schema(answer_schema())["properties"]) == list(Answer.model_fields)


def test_limits_that_gemini_knows_stay_and_others_are_said() -> None:
    assert in_gemini({"type": "number", "minimum": 0, "maximum": 1}) == {
        "type": "number",
        "minimum": 0,
        "maximum": 1,
    }
    assert in_gemini({"type": "string", "description": "A name.", "maxLength": 9}) == {
        "type": "string",
        "description": "A name. (maxLength: 9)",
    }
    assert in_gemini({"type": "number", "exclusiveMinimum": 0})["description"] == (
        "(exclusiveMinimum: 0)"
    )


@pytest.mark.parametrize(
    ("node", "written"),
    [
        ({"enum": ["a", None]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}),
        (
            {"enum": [1, None], "type": ["integer", "null"], "description": "D."},
            {"description": "D.", "anyOf": [{"enum": [1]}, {"type": "null"}]},
        ),
        ({"const": None}, {"anyOf": [{"type": "null"}]}),
        ({"const": "a"}, {"enum": ["a"]}),
        ({"enum": [True, "a"]}, {"description": '(enum: [true, "a"])'}),
        (
            {"oneOf": [{"const": 1}, {"type": "null"}]},
            {"anyOf": [{"enum": [1]}, {"type": "null"}]},
        ),
        (
            {"anyOf": [{"type": "string"}], "enum": ["a", None]},
            {"anyOf": [{"type": "string"}], "description": '(enum: ["a", null])'},
        ),
    ],
)
def test_choices(node: Schema, written: Schema) -> None:
    assert in_gemini(node) == written


def test_the_schema_is_not_changed() -> None:
    before = json.dumps(SCHEMA)
    gemini_schema(SCHEMA)
    assert json.dumps(SCHEMA) == before
