"""Schemas of answers for the tests of the dialects: generated ones, and values that fit them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

Schema = dict[str, Any]

_NAMES = ["label", "box", "score", "items", "title", "type", "enum", "note"]
_LEAVES: list[tuple[Schema, Any]] = [
    ({"type": "string", "minLength": 1}, "x"),
    ({"type": "string", "format": "date"}, "2026-01-01"),
    ({"type": "string", "format": "regex"}, ".*"),
    ({"type": "number", "minimum": 0.0, "maximum": 1.0, "description": "A share."}, 0.5),
    ({"type": "integer", "multipleOf": 2}, 4),
    ({"type": "boolean", "default": False}, True),
    ({"enum": ["low", "high"], "type": "string"}, "high"),
    ({"const": "fixed"}, "fixed"),
    ({"$ref": "#/$defs/Leaf"}, "a leaf"),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None),
    ({"oneOf": [{"type": "integer"}, {"type": "boolean"}]}, 3),
]
_DEFINITIONS = {"Leaf": {"title": "Leaf", "type": "string", "maxLength": 9}}


def _array(inner: tuple[Schema, Any]) -> st.SearchStrategy[tuple[Schema, Any]]:
    schema, value = inner
    return st.integers(0, 3).map(
        lambda least: (
            {"type": "array", "items": schema, "minItems": least, "maxItems": 5},
            [value] * least,
        )
    )


def _tuple(inners: list[tuple[Schema, Any]]) -> tuple[Schema, Any]:
    places = [schema for schema, _ in inners]
    return {"type": "array", "prefixItems": places}, [value for _, value in inners]


@st.composite
def _object(draw: st.DrawFn, inside: st.SearchStrategy[tuple[Schema, Any]]) -> tuple[Schema, Any]:
    names = draw(st.lists(st.sampled_from(_NAMES), min_size=1, max_size=4, unique=True))
    pairs = {name: draw(inside) for name in names}
    required = [name for name in names if draw(st.booleans())]
    schema = {
        "title": "Part",
        "type": "object",
        "properties": {name: schema for name, (schema, _) in pairs.items()},
        "required": required,
    }
    given = {name: value for name, (_, value) in pairs.items()}
    return schema, given


_anything = st.recursive(
    st.sampled_from(_LEAVES),
    lambda inside: st.one_of(
        inside.flatmap(_array),
        st.lists(inside, min_size=1, max_size=3).map(_tuple),
        _object(inside),
    ),
    max_leaves=6,
)


@st.composite
def answers(draw: st.DrawFn) -> tuple[Schema, Any]:
    """A schema of an object, as pydantic would write it, and an answer that fits it."""
    schema, answer = draw(_object(_anything))
    return {"$defs": _DEFINITIONS, **schema}, answer


def nodes(schema: Schema) -> Iterator[Schema]:
    """The schema and every one inside it; no keyword is mistaken for a property's name."""
    yield schema
    inside = [*schema.get("properties", {}).values()]
    for keyword in ("anyOf", "oneOf", "allOf", "prefixItems"):
        inside += schema.get(keyword, [])
    inside += [schema[key] for key in ("items",) if isinstance(schema.get(key), dict)]
    for child in inside:
        yield from nodes(child)


def orders(schema: Schema) -> list[list[str]]:
    """The names of the properties of every object, in the order of the schema."""
    return [list(node["properties"]) for node in nodes(schema) if "properties" in node]


def fits(value: Any, schema: Schema) -> bool:
    """Whether a value fits a schema in a dialect: a slow reading of JSON Schema, word for word."""
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    checks = [
        not kinds or any(_is(value, kind) for kind in kinds),
        "enum" not in schema or value in schema["enum"],
        "anyOf" not in schema or any(fits(value, choice) for choice in schema["anyOf"]),
    ]
    if isinstance(value, dict) and "properties" in schema:
        properties = schema["properties"]
        checks += [
            set(value) <= set(properties) or schema.get("additionalProperties", True) is not False,
            set(schema.get("required", ())) <= set(value),
            *(fits(value[name], properties[name]) for name in value if name in properties),
        ]
    if isinstance(value, list):
        checks += [
            schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)),
            *(fits(item, schema.get("items", {})) for item in value),
        ]
    if isinstance(value, int | float) and not isinstance(value, bool):
        checks.append(
            schema.get("minimum", value) <= value <= schema.get("maximum", value)
            and ("multipleOf" not in schema or value % schema["multipleOf"] == 0)
        )
    return all(checks)


def _is(value: Any, kind: str) -> bool:
    match kind:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool)
        case "number":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list)
        case _:
            return isinstance(value, dict)
