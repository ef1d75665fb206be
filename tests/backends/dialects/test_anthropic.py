from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings

from gadet.backends.dialects.anthropic import anthropic_schema
from gadet.backends.dialects.common import Schema
from gadet.errors import ConfigurationError
from gadet.prompts.answer import Answer, answer_schema
from tests.backends.dialects.schemas import answers, fits, nodes, orders
from tests.backends.prompts import SCHEMA

# What Anthropic's page on structured outputs calls unsupported.
NEVER = {
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength",
    "maxLength", "maxItems", "pattern", "$ref", "$defs", "title", "default", "const", "oneOf",
}  # fmt: skip


def fields(number: int, schema: Schema, *, required: bool) -> Schema:
    names = [f"f{index}" for index in range(number)]
    return {
        "type": "object",
        "properties": dict.fromkeys(names, schema),
        "required": names if required else [],
    }


def written(schema: Schema) -> Schema:
    """The schema of one property in the dialect."""
    result: Schema = anthropic_schema(
        {"type": "object", "properties": {"x": schema}, "required": ["x"]}
    )["properties"]["x"]
    return result


def test_the_answer_that_ships_is_taken_in_its_order() -> None:
    schema = anthropic_schema(answer_schema())
    assert list(schema["properties"]) == list(Answer.model_fields)
    assert schema["required"] == list(Answer.model_fields)
    for node in nodes(schema):
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
    assert not any(f'"{word}":' in json.dumps(schema) for word in NEVER)


def test_limits_are_said_in_the_description() -> None:
    assert written({"type": "number", "minimum": 0.0, "maximum": 1, "description": "A share."}) == {
        "type": "number",
        "description": "A share. (minimum: 0.0; maximum: 1)",
    }
    assert written({"type": "string", "pattern": "^a", "maxLength": 3}) == {
        "type": "string",
        "description": '(pattern: "^a"; maxLength: 3)',
    }


@pytest.mark.parametrize("least", [0, 1])
def test_the_least_number_of_items_stays_where_it_is_taken(least: int) -> None:
    kept = written({"type": "array", "items": {"type": "string"}, "minItems": least})
    assert kept["minItems"] == least
    assert "description" not in kept


def test_a_tuple_keeps_its_length_in_words() -> None:
    box = anthropic_schema(SCHEMA)["properties"]["findings"]["items"]["properties"]["box"]
    assert box["anyOf"][0] == {
        "type": "array",
        "items": {"type": "number"},
        "description": "(minItems: 4; maxItems: 4)",
    }


def test_formats_that_are_known_stay() -> None:
    assert written({"type": "string", "format": "date"}) == {"type": "string", "format": "date"}
    assert written({"type": "string", "format": "regex"})["description"] == '(format: "regex")'


def test_an_enum_holds_plain_values_only() -> None:
    assert written({"enum": ["a", 1, None]}) == {"enum": ["a", 1, None]}
    assert written({"type": "array", "enum": [[1], [2]]}) == {
        "type": "array",
        "description": "(enum: [[1], [2]])",
    }


def test_optional_properties_are_counted() -> None:
    assert anthropic_schema(fields(24, {"type": "string"}, required=False))
    with pytest.raises(ConfigurationError, match=r"at most 24 optional.*got 25 and 0.*required"):
        anthropic_schema(fields(25, {"type": "string"}, required=False))


@pytest.mark.parametrize(
    "union", [{"type": ["string", "null"]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}]
)
def test_unions_are_counted(union: Schema) -> None:
    assert anthropic_schema(fields(16, union, required=True))
    with pytest.raises(ConfigurationError, match=r"16 unions is needed; got 0 and 17"):
        anthropic_schema(fields(17, union, required=True))


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "object", "additionalProperties": {"type": "string"}}, "free mapping"),
        ({"$defs": {"N": {"properties": {"n": {"$ref": "#/$defs/N"}}}}, "$ref": "#/$defs/N"},
         "references are local and end"),
    ],
)  # fmt: skip
def test_what_the_dialect_cannot_say(schema: Schema, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        anthropic_schema(schema)


def test_the_schema_is_not_changed() -> None:
    before = json.dumps(SCHEMA)
    anthropic_schema(SCHEMA)
    assert json.dumps(SCHEMA) == before


@given(pair=answers())
@settings(max_examples=80, deadline=None)
def test_every_schema_becomes_one_of_the_dialect(pair: tuple[Schema, Any]) -> None:
    schema, answer = pair
    result = anthropic_schema(schema)
    for node in nodes(result):
        assert not NEVER & set(node)
        assert node.get("minItems", 0) in (0, 1)
        if "properties" in node:
            assert node["additionalProperties"] is False
    assert orders(result)[0] == list(schema["properties"])
    assert result["required"] == schema["required"]
    assert fits(answer, result)
    assert fits({name: answer[name] for name in schema["required"]}, result)
    assert not fits({**answer, "unasked": 1}, result)
