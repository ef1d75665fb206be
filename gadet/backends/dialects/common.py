"""What the dialects of JSON Schema share: a portable form, and the steps from it to theirs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Set
from typing import Any

from gadet.errors import ConfigurationError

__all__ = [
    "Schema",
    "children",
    "closed",
    "is_object",
    "map_children",
    "plain_choices",
    "portable",
    "restricted",
    "schema_name",
    "types",
]

Schema = dict[str, Any]

# They say nothing about an answer that a model could follow.
_SILENT_KEYWORDS = frozenset({"default", "examples", "discriminator", "$schema", "$id", "$comment"})


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
        return map_children(_without_tuple(kept), lambda child: plain(child, path))

    return plain(schema, ())


def map_children(node: Schema, change: Callable[[Schema], Schema]) -> Schema:
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


def children(node: Schema) -> tuple[Schema, ...]:
    """Each schema directly inside a node."""
    found: list[Schema] = []

    def keep(child: Schema) -> Schema:
        found.append(child)
        return child

    map_children(node, keep)
    return tuple(found)


def types(node: Schema) -> tuple[str, ...]:
    """The types that a schema names: one, several, or none."""
    named = node.get("type", ())
    return (named,) if isinstance(named, str) else tuple(named)


def is_object(node: Schema) -> bool:
    """Whether the schema is one of an object."""
    return "object" in types(node) or "properties" in node


def closed(node: Schema) -> Schema:
    """The schema of an object that has no property beside its named ones.

    Raises:
        ConfigurationError: None is named, so that only the empty object would be left.
    """
    if node.get("additionalProperties", False) is not False and not node.get("properties"):
        raise ConfigurationError(
            "an answer schema whose objects name their properties is needed; got a free mapping of "
            "keys to values: write it as a list of objects with a key and a value"
        )
    return {**node, "properties": node.get("properties", {}), "additionalProperties": False}


def plain_choices(node: Schema) -> Schema:
    """The node with `const` written as an `enum` of one, and `oneOf` as `anyOf`."""
    names = {"const": "enum", "oneOf": "anyOf"}
    return {
        names.get(key, key): [value] if key == "const" else value for key, value in node.items()
    }


def restricted(node: Schema, keywords: Set[str]) -> Schema:
    """The node with these `keywords` only; the others are said at the end of its description.

    A limit that a provider does not enforce is so still told to the model, and is checked when the
    answer is read.
    """
    kept = {key: value for key, value in node.items() if key in keywords}
    said = [
        f"{key}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in node.items()
        if key not in keywords | _SILENT_KEYWORDS
    ]
    if said:
        words = [kept["description"]] if "description" in kept else []
        kept["description"] = " ".join([*words, f"({'; '.join(said)})"])
    return kept


def _without_tuple(node: Schema) -> Schema:
    places = node.get("prefixItems")
    if places is None:
        return node
    kinds = [place for index, place in enumerate(places) if place not in places[:index]]
    rest = {key: value for key, value in node.items() if key != "prefixItems"}
    items = kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
    return {**rest, "items": items, "minItems": len(places), "maxItems": len(places)}
