"""JSON Schema dialects: one schema of the answer, written so that each provider accepts it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from gadet.errors import ConfigurationError

__all__ = ["Schema", "openai_strict", "portable", "schema_name"]

Schema = dict[str, Any]

# What OpenAI's strict mode takes, after its guide and SDK (August 2026). Whatever is not listed is
# said in the description instead, and checked when the answer is read.
_STRICT_KEYWORDS = frozenset(
    {
        "type", "description", "enum", "anyOf", "properties", "required", "additionalProperties",
        "items", "minItems", "maxItems", "minimum", "maximum", "exclusiveMinimum",
        "exclusiveMaximum", "multipleOf", "pattern", "format",
    }
)  # fmt: skip
_SILENT_KEYWORDS = frozenset({"default", "examples", "$schema", "$id", "$comment"})


def schema_name(schema: Schema) -> str:
    """A name that every provider takes: 1 to 64 letters, digits, `_` and `-`."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", str(schema.get("title", ""))).strip("_")
    return name[:64].lower() or "answer"


def portable(schema: Schema) -> Schema:
    """The same schema in words that nearly every server understands.

    There is no `$defs`: each local `$ref` is replaced by what it points to, with the keywords
    beside it on top, as pydantic means them. A tuple is an array of its length. Titles are left
    out: they repeat the names and cost tokens.

    Raises:
        ConfigurationError: The schema refers to itself, or to something outside it.
    """
    definitions = schema.get("$defs", {})

    def plain(node: Schema, path: tuple[str, ...]) -> Schema:
        reference = node.get("$ref")
        if reference is not None:
            name = str(reference).removeprefix("#/$defs/")
            if name in path or name not in definitions:
                raise ConfigurationError(
                    f"an answer schema whose references are local and end somewhere is needed; "
                    f"got {reference!r}: flatten the model of the answer"
                )
            beside = {key: value for key, value in node.items() if key != "$ref"}
            return plain({**definitions[name], **beside}, (*path, name))
        kept = {key: value for key, value in node.items() if key not in ("$defs", "title")}
        return _map_children(_without_tuple(kept), lambda child: plain(child, path))

    return plain(schema, ())


def openai_strict(schema: Schema) -> Schema:
    """The schema in the subset of OpenAI's strict structured outputs.

    Every property is required and no other is allowed; a property that was optional may be null.
    The order of the properties stays, because the model writes them in that order.

    Source: OpenAI, guide to structured outputs, and the schema code of its Python SDK (2026-08).
    """
    return _strict(portable(schema))


def _strict(node: Schema) -> Schema:
    if "const" in node:
        node = {**node, "enum": [node["const"]]}
    if "oneOf" in node:
        node = {**node, "anyOf": node["oneOf"]}
    said = [
        f"{key}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in node.items()
        if key not in _STRICT_KEYWORDS | _SILENT_KEYWORDS | {"const", "oneOf"}
    ]
    kept = {key: value for key, value in node.items() if key in _STRICT_KEYWORDS}
    if said:
        words = [kept["description"]] if "description" in kept else []
        kept["description"] = " ".join([*words, f"({'; '.join(said)})"])
    required = frozenset(kept.get("required", ()))
    kept = _map_children(kept, _strict)
    if kept.get("type") == "object":
        properties: Schema = kept.get("properties", {})
        kept["properties"] = {
            name: child if name in required else _nullable(child)
            for name, child in properties.items()
        }
        kept["required"] = list(properties)
        kept["additionalProperties"] = False
    return kept


def _without_tuple(node: Schema) -> Schema:
    places = node.get("prefixItems")
    if places is None:
        return node
    kinds = [place for index, place in enumerate(places) if place not in places[:index]]
    rest = {key: value for key, value in node.items() if key != "prefixItems"}
    items = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {**rest, "items": items, "minItems": len(places), "maxItems": len(places)}


def _nullable(node: Schema) -> Schema:
    choices = node.get("anyOf", [node])
    if any(choice.get("type") == "null" for choice in choices):
        return node
    if "anyOf" in node:
        return {**node, "anyOf": [*choices, {"type": "null"}]}
    described = {"description": node["description"]} if "description" in node else {}
    inner = {key: value for key, value in node.items() if key != "description"}
    return {"anyOf": [inner, {"type": "null"}], **described}


def _map_children(node: Schema, change: Callable[[Schema], Schema]) -> Schema:
    """The node with `change` applied to each schema directly inside it."""
    result: Schema = {}
    for key, value in node.items():
        match key, value:
            case "properties", dict():
                result[key] = {name: change(child) for name, child in value.items()}
            case (("anyOf" | "oneOf" | "allOf" | "prefixItems"), list()):
                result[key] = [change(child) for child in value]
            case (("items" | "additionalProperties" | "not"), dict()):
                result[key] = change(value)
            case _:
                result[key] = value
    return result
