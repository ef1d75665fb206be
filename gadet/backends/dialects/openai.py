"""The dialect of OpenAI's strict structured outputs, and the narrower one of Azure."""

from __future__ import annotations

from collections.abc import Set

from gadet.backends.dialects.common import (
    Schema,
    closed,
    is_object,
    map_children,
    plain_choices,
    portable,
    restricted,
    types,
)
from gadet.errors import ConfigurationError

__all__ = ["azure_strict", "openai_strict"]

_STRUCTURE = frozenset(
    {
        "type", "description", "enum", "anyOf", "properties", "required", "additionalProperties",
        "items",
    }
)  # fmt: skip
_LIMITS = frozenset(
    {
        "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
        "multipleOf", "pattern", "format",
    }
)  # fmt: skip


def openai_strict(schema: Schema) -> Schema:
    """The schema in the subset of OpenAI's strict structured outputs.

    Every property is required and no other is allowed; a property that was optional may be null.
    The order of the properties stays, because the model writes them in that order.

    Raises:
        ConfigurationError: The schema is not one of an object with named properties, or refers to
            itself.

    Source: OpenAI, guide to structured outputs, and the schema code of its Python SDK (2026-08).
    """
    return _strict_root(schema, _STRUCTURE | _LIMITS)


def azure_strict(schema: Schema) -> Schema:
    """The same in the subset of Azure, which takes no limits: they are said in the descriptions.

    Source: https://learn.microsoft.com/azure/ai-services/openai/how-to/structured-outputs
    """
    return _strict_root(schema, _STRUCTURE)


def _strict_root(schema: Schema, keywords: Set[str]) -> Schema:
    root = portable(schema)
    if not is_object(root):
        raise ConfigurationError(
            f"an answer schema of an object is needed; got {', '.join(types(root)) or 'a choice'}: "
            "put the answer into a field of an object"
        )
    return _strict(root, keywords)


def _strict(node: Schema, keywords: Set[str]) -> Schema:
    kept = restricted(plain_choices(node), keywords)
    if is_object(kept):
        kept = closed(kept)
    required = frozenset(kept.get("required", ()))
    kept = map_children(kept, lambda child: _strict(child, keywords))
    if is_object(kept):
        properties: Schema = kept["properties"]
        kept["properties"] = {
            name: child if name in required else _nullable(child)
            for name, child in properties.items()
        }
        kept["required"] = list(properties)
    return kept


def _nullable(node: Schema) -> Schema:
    choices = node.get("anyOf", [node])
    if any("null" in types(choice) or None in choice.get("enum", ()) for choice in choices):
        return node
    if "anyOf" in node:
        return {**node, "anyOf": [*choices, {"type": "null"}]}
    described = {"description": node["description"]} if "description" in node else {}
    inner = {key: value for key, value in node.items() if key != "description"}
    return {"anyOf": [inner, {"type": "null"}], **described}
