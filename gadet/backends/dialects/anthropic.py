"""The dialect of Anthropic's structured outputs."""

from __future__ import annotations

from collections.abc import Iterator

from gadet.backends.dialects.common import (
    Schema,
    children,
    closed,
    is_object,
    map_children,
    plain_choices,
    portable,
    restricted,
    types,
)
from gadet.errors import ConfigurationError

__all__ = ["anthropic_schema"]

_KEYWORDS = frozenset(
    {
        "type", "description", "enum", "anyOf", "allOf", "properties", "required",
        "additionalProperties", "items", "minItems", "format",
    }
)  # fmt: skip
_FORMATS = frozenset(
    {
        "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid",
    }
)  # fmt: skip
_MOST_OPTIONAL = 24
_MOST_UNIONS = 16


def anthropic_schema(schema: Schema) -> Schema:
    """The schema in the subset of Anthropic's structured outputs.

    No object has a property beside its named ones. Limits on numbers, texts and arrays are said in
    the descriptions. Required properties are written first, in their order, then the optional ones.

    Raises:
        ConfigurationError: The schema refers to itself, holds an object without named properties,
            or has more optional properties or unions than the provider compiles.

    Source: Anthropic, structured outputs, and `lib/_parse/_transform.py` of its Python SDK
    (2026-08).
    """
    written = _written(portable(schema))
    nodes = list(_nodes(written))
    optional = sum(len(_optional(node)) for node in nodes)
    unions = sum("anyOf" in node or len(types(node)) > 1 for node in nodes)
    if optional > _MOST_OPTIONAL or unions > _MOST_UNIONS:
        raise ConfigurationError(
            f"an answer schema with at most {_MOST_OPTIONAL} optional properties and "
            f"{_MOST_UNIONS} unions is needed; got {optional} and {unions}: make properties "
            "required, or give them one type"
        )
    return written


def _written(node: Schema) -> Schema:
    plain = plain_choices(node)
    kept = restricted(plain, _KEYWORDS - set(_too_much(plain)))
    if is_object(kept):
        kept = closed(kept)
    return map_children(kept, _written)


def _too_much(node: Schema) -> Iterator[str]:
    """Keywords whose value, here, the provider does not take."""
    if node.get("minItems", 0) not in (0, 1):
        yield "minItems"
    if node.get("format") not in _FORMATS:
        yield "format"
    if any(isinstance(value, dict | list) for value in node.get("enum", ())):
        yield "enum"


def _optional(node: Schema) -> set[str]:
    return set(node.get("properties", ())) - set(node.get("required", ()))


def _nodes(node: Schema) -> Iterator[Schema]:
    """The schema and every one inside it."""
    yield node
    for child in children(node):
        yield from _nodes(child)
