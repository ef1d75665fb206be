from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings

from gadet.backends.dialects.common import Schema
from gadet.backends.dialects.openai import azure_strict, openai_strict
from gadet.errors import ConfigurationError
from gadet.prompts.answer import Answer, answer_schema
from tests.backends.dialects.schemas import answers, fits, nodes, orders
from tests.backends.prompts import SCHEMA

Write = Callable[[Schema], Schema]
both = pytest.mark.parametrize("write", [openai_strict, azure_strict])
# What Azure's page on structured outputs calls unsupported, and what OpenAI's never listed.
LIMITS = {"pattern", "format", "minimum", "maximum", "multipleOf", "minItems", "maxItems"}
NEVER = {"minLength", "maxLength", "default", "title", "$ref", "$defs", "const", "oneOf"}


def in_strict(schema: Schema) -> Schema:
    """The schema of one property in the dialect."""
    field = {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    written: Schema = openai_strict(field)["properties"]["x"]
    return written


def test_strict_requires_every_property_and_allows_no_other() -> None:
    strict = openai_strict(answer_schema())
    found = [node for node in nodes(strict) if node.get("type") == "object"]
    assert len(found) == 2
    for node in found:
        assert node["required"] == list(node["properties"])
        assert node["additionalProperties"] is False


def test_strict_keeps_the_order_in_which_the_answer_is_generated() -> None:
    assert list(openai_strict(answer_schema())["properties"]) == list(Answer.model_fields)


def test_strict_holds_no_reference_and_no_keyword_outside_the_subset() -> None:
    text = json.dumps(openai_strict(answer_schema()))
    for word in ("$ref", "$defs", "prefixItems", '"title"', "default"):
        assert word not in text


def test_a_tuple_becomes_an_array_of_its_length() -> None:
    box = openai_strict(SCHEMA)["properties"]["findings"]["items"]["properties"]["box"]
    assert box["anyOf"][0] == {
        "type": "array",
        "items": {"type": "number"},
        "minItems": 4,
        "maxItems": 4,
    }


def test_a_mixed_tuple_becomes_an_array_of_its_kinds() -> None:
    strict = in_strict({"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]})
    assert strict["items"] == {"anyOf": [{"type": "string"}, {"type": "null"}]}
    assert strict["maxItems"] == 2


def test_an_optional_property_may_be_null() -> None:
    strict = openai_strict(
        {
            "type": "object",
            "properties": {
                "plain": {"type": "string", "description": "Said."},
                "choice": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
                "already": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            },
        }
    )
    null = {"type": "null"}
    assert strict["properties"] == {
        "plain": {"anyOf": [{"type": "string"}, null], "description": "Said."},
        "choice": {"anyOf": [{"type": "string"}, {"type": "integer"}, null]},
        "already": {"anyOf": [{"type": "string"}, null]},
    }


def test_what_strict_does_not_take_is_said_in_the_description() -> None:
    strict = in_strict({"type": "string", "description": "A name.", "minLength": 3})
    assert strict == {"type": "string", "description": "A name. (minLength: 3)"}
    assert in_strict({"type": "string", "maxLength": 9})["description"] == "(maxLength: 9)"


def test_const_and_one_of_have_words_of_their_own() -> None:
    strict = in_strict({"oneOf": [{"const": "a"}, {"const": "b"}]})
    assert strict == {"anyOf": [{"enum": ["a"]}, {"enum": ["b"]}]}


def test_a_property_may_be_called_like_a_keyword() -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "items": {"type": "integer"}},
        "required": ["title", "items"],
    }
    assert openai_strict(schema)["properties"] == schema["properties"]


def test_the_schema_is_not_changed() -> None:
    before = json.dumps(SCHEMA)
    openai_strict(SCHEMA)
    assert json.dumps(SCHEMA) == before


def test_a_choice_of_types_may_be_null_already() -> None:
    schema = {"type": "object", "properties": {"x": {"type": ["string", "null"]}}}
    assert openai_strict(schema)["properties"]["x"] == {"type": ["string", "null"]}


def test_azure_takes_no_limits() -> None:
    limited = {"type": "number", "minimum": 0, "maximum": 1, "description": "A share."}
    written = azure_strict({"type": "object", "properties": {"x": limited}, "required": ["x"]})
    assert written["properties"]["x"] == {
        "type": "number",
        "description": "A share. (minimum: 0; maximum: 1)",
    }
    assert in_strict(limited) == limited


@both
@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "got string: put the answer into a field"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "got a choice"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "free mapping"),
        (
            {
                "type": "object",
                "properties": {"x": {"type": "object", "additionalProperties": True}},
            },
            "free mapping",
        ),
    ],
)
def test_what_the_dialect_cannot_say(write: Write, schema: Schema, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        write(schema)


@both
@given(pair=answers())
@settings(max_examples=60, deadline=None)
def test_every_schema_becomes_one_of_the_dialect(write: Write, pair: tuple[Schema, Any]) -> None:
    schema, answer = pair
    written = write(schema)
    forbidden = NEVER | (LIMITS if write is azure_strict else set())
    for node in nodes(written):
        assert not forbidden & set(node)
        if "properties" in node:
            assert node["required"] == list(node["properties"])
            assert node["additionalProperties"] is False
    assert orders(written)[0] == list(schema["properties"])
    assert fits(answer, written)
    left_out = {
        name: answer[name] if name in schema["required"] else None for name in schema["properties"]
    }
    assert fits(left_out, written)
    assert not fits({**answer, "unasked": 1}, written)
