from __future__ import annotations

import json
from typing import Any

from gadet.backends.dialects.openai import openai_strict
from gadet.prompts.answer import Answer, answer_schema
from tests.backends.prompts import SCHEMA


def objects(node: Any) -> list[dict[str, Any]]:
    """Every object schema inside a schema, itself included."""
    if isinstance(node, list):
        return [found for child in node for found in objects(child)]
    if not isinstance(node, dict):
        return []
    below = [found for child in node.values() for found in objects(child)]
    return ([node] if node.get("type") == "object" else []) + below


def test_strict_requires_every_property_and_allows_no_other() -> None:
    strict = openai_strict(answer_schema())
    found = objects(strict)
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
    strict = openai_strict({"type": "array", "prefixItems": [{"type": "string"}, {"type": "null"}]})
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
    strict = openai_strict({"type": "string", "description": "A name.", "minLength": 3})
    assert strict == {"type": "string", "description": "A name. (minLength: 3)"}
    assert openai_strict({"type": "string", "maxLength": 9})["description"] == "(maxLength: 9)"


def test_const_and_one_of_have_words_of_their_own() -> None:
    strict = openai_strict({"oneOf": [{"const": "a"}, {"const": "b"}]})
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
