from __future__ import annotations

import json

import pytest

from gadet.backends.dialects.common import portable, schema_name
from gadet.errors import ConfigurationError
from tests.backends.prompts import SCHEMA


def test_inlining_leaves_the_rest_as_it_is() -> None:
    plain = portable(SCHEMA)
    finding = plain["properties"]["findings"]["items"]
    assert list(finding["properties"]) == ["label", "box"]
    assert finding["required"] == ["label", "box"]
    assert "additionalProperties" not in finding
    assert plain["properties"]["score"] == SCHEMA["properties"]["score"]
    assert not any(word in json.dumps(plain) for word in ("$defs", "$ref", "prefixItems", "title"))


def test_words_beside_a_reference_win() -> None:
    schema = {
        "$defs": {"X": {"type": "string", "description": "theirs"}},
        "properties": {"x": {"$ref": "#/$defs/X", "description": "ours"}},
    }
    assert portable(schema)["properties"]["x"] == {"type": "string", "description": "ours"}


@pytest.mark.parametrize("target", ["#/$defs/Node", "#/$defs/Absent", "https://example.org/s"])
def test_a_reference_without_an_end_is_refused(target: str) -> None:
    node = {"type": "object", "properties": {"next": {"$ref": target}}}
    with pytest.raises(ConfigurationError, match="references are local"):
        portable({"$defs": {"Node": node}, "$ref": "#/$defs/Node"})


def test_the_schema_is_not_changed() -> None:
    before = json.dumps(SCHEMA)
    portable(SCHEMA)
    assert json.dumps(SCHEMA) == before


@pytest.mark.parametrize(
    ("title", "name"),
    [("Answer", "answer"), ("An Answer: long", "an_answer_long"), ("", "answer"), ("é", "answer"),
     ("x" * 80, "x" * 64)],
)  # fmt: skip
def test_the_name_is_one_that_providers_take(title: str, name: str) -> None:
    assert schema_name({"title": title}) == name
