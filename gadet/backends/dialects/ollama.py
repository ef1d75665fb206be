"""The dialect of servers that turn a schema into a grammar, as Ollama does through llama.cpp."""

from __future__ import annotations

from gadet.backends.dialects.common import Schema, map_children, plain_choices, portable

__all__ = ["ollama_schema"]

_KEYWORDS = frozenset(
    {
        "type", "enum", "anyOf", "properties", "required", "additionalProperties", "items",
        "minItems", "maxItems", "minimum", "maximum",
    }
)  # fmt: skip


def ollama_schema(schema: Schema) -> Schema:
    """The part of the schema that a grammar can hold a model to.

    A grammar has no use for words, so there are none: they are for the prompt. Patterns, formats
    and lengths of texts are left out, because one that the converter does not know fails the whole
    request. The order of the properties stays, because the grammar makes the model write them in
    that order.

    Source: llama.cpp, common/json-schema-to-grammar.cpp and grammars/README.md (2026-08).
    """
    return _structure(portable(schema))


def _structure(node: Schema) -> Schema:
    kept = {key: value for key, value in plain_choices(node).items() if key in _KEYWORDS}
    return map_children(kept, _structure)
