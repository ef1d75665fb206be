"""The dialect of Gemini's structured outputs."""

from __future__ import annotations

from gadet.backends.dialects.common import (
    Schema,
    map_children,
    plain_choices,
    portable,
    restricted,
)

__all__ = ["gemini_schema"]

# What is not listed here would be ignored without a word, so it is said in the description.
_KEYWORDS = frozenset(
    {
        "type", "format", "description", "enum", "anyOf", "properties", "required",
        "additionalProperties", "items", "minItems", "maxItems", "minimum", "maximum",
    }
)  # fmt: skip


def gemini_schema(schema: Schema) -> Schema:
    """The schema in the subset that Gemini takes.

    An `enum` holds texts and numbers only: null becomes a choice of its own, and a list with
    anything else is said in the description. The order of the properties stays, because the model
    writes them in that order.

    Source: Google, description of `response_json_schema` in its Gen AI SDK 3.4 (2026-11).
    """
    return _written(portable(schema))


def _written(node: Schema) -> Schema:
    node = plain_choices(node)
    values = node.get("enum", ())
    if None in values and "anyOf" not in node:
        beside = {key: value for key, value in node.items() if key not in ("enum", "type")}
        others = [value for value in values if value is not None]
        return _written(
            {**beside, "anyOf": [*([{"enum": others}] if others else []), {"type": "null"}]}
        )
    keywords = _KEYWORDS if all(map(_is_listable, values)) else _KEYWORDS - {"enum"}
    return map_children(restricted(node, keywords), _written)


def _is_listable(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)
