"""The dialect of OpenAI's strict structured outputs."""

from __future__ import annotations

from gadet.backends.dialects.common import (
    Schema,
    map_children,
    plain_choices,
    portable,
    restricted,
)

__all__ = ["openai_strict"]

# What is not listed here is said in the description.
_KEYWORDS = frozenset(
    {
        "type", "description", "enum", "anyOf", "properties", "required", "additionalProperties",
        "items", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "multipleOf", "pattern", "format",
    }
)  # fmt: skip


def openai_strict(schema: Schema) -> Schema:
    """The schema in the subset of OpenAI's strict structured outputs.

    Every property is required and no other is allowed; a property that was optional may be null.
    The order of the properties stays, because the model writes them in that order.

    Source: OpenAI, guide to structured outputs, and the schema code of its Python SDK (2026-08).
    """
    return _strict(portable(schema))


def _strict(node: Schema) -> Schema:
    kept = restricted(plain_choices(node), _KEYWORDS)
    required = frozenset(kept.get("required", ()))
    kept = map_children(kept, _strict)
    if kept.get("type") == "object":
        properties: Schema = kept.get("properties", {})
        kept["properties"] = {
            name: child if name in required else _nullable(child)
            for name, child in properties.items()
        }
        kept["required"] = list(properties)
        kept["additionalProperties"] = False
    return kept


def _nullable(node: Schema) -> Schema:
    choices = node.get("anyOf", [node])
    if any(choice.get("type") == "null" for choice in choices):
        return node
    if "anyOf" in node:
        return {**node, "anyOf": [*choices, {"type": "null"}]}
    described = {"description": node["description"]} if "description" in node else {}
    inner = {key: value for key, value in node.items() if key != "description"}
    return {"anyOf": [inner, {"type": "null"}], **described}
