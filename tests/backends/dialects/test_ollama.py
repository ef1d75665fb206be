from __future__ import annotations

import json
from typing import Any

from hypothesis import given, settings

from gadet.backends.dialects.common import portable
from gadet.backends.dialects.ollama import ollama_schema
from gadet.prompts.answer import Answer, answer_schema
from tests.backends.dialects.schemas import Schema, answers, fits, nodes, orders
from tests.backends.prompts import SCHEMA

STRUCTURE = {
    "type", "enum", "items", "minItems", "maxItems", "minimum", "maximum", "anyOf", "properties",
    "additionalProperties", "required",
}  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(answers())
def test_whatever_the_schema_only_structure_is_left_and_the_answer_fits(
    pair: tuple[Schema, Any],
) -> None:
    schema, answer = pair
    written = ollama_schema(schema)
    assert all(set(node) <= STRUCTURE for node in nodes(written))
    assert orders(written) == orders(portable(schema))
    assert written["required"] == schema["required"]
    assert fits(answer, written)


def test_the_order_of_the_answer_stays() -> None:
    assert list(ollama_schema(answer_schema())["properties"]) == list(Answer.model_fields)


def test_what_fails_the_grammar_is_left_out() -> None:
    node = {
        "type": "object",
        "properties": {
            "x": {"type": "string", "pattern": "\\S", "maxLength": 65536, "format": "?"}
        },
    }
    assert ollama_schema(node) == {"type": "object", "properties": {"x": {"type": "string"}}}


def test_a_property_may_be_called_like_a_keyword() -> None:
    schema = {
        "type": "object",
        "properties": {"pattern": {"type": "string"}, "description": {"type": "integer"}},
        "required": ["pattern", "description"],
    }
    assert ollama_schema(schema) == schema


def test_a_box_has_four_numbers() -> None:
    box = ollama_schema(SCHEMA)["properties"]["findings"]["items"]["properties"]["box"]
    assert box == {
        "anyOf": [
            {"type": "array", "items": {"type": "number"}, "minItems": 4, "maxItems": 4},
            {"type": "null"},
        ]
    }


def test_the_schema_is_not_changed() -> None:
    before = json.dumps(SCHEMA)
    ollama_schema(SCHEMA)
    assert json.dumps(SCHEMA) == before
