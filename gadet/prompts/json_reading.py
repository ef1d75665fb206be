"""Finds the JSON objects in a model's text, complete, damaged or cut off."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import pydantic_core

from gadet.prompts.relaxed_json import relax

__all__ = ["JsonReading", "read_json"]

_DEEPEST = 32
_MOST_OBJECTS = 100
# A brace that opens an object, and not one that stands in a sentence.
_START = re.compile(r"\{(?=\s*+(?:[\"'}]|[A-Za-z_]\w{0,40}+\s{0,10}+:|//|\Z))")
_DOUBLE = r'"(?:[^"\\]|\\.)*+(?:"|\Z|\\\Z)'
_SINGLE = r"'(?:[^'\\]|\\.)*+(?:'|\Z|\\\Z)"
_TOKEN = re.compile(_DOUBLE + r"|[{}\[\]]", re.DOTALL)
_TOKEN_PYTHON = re.compile(_DOUBLE + "|" + _SINGLE + r"|[{}\[\]]", re.DOTALL)
_FENCE = re.compile(r"(?:```|~~~)\w{0,20}")
# A number at a cut may have lost its last digits: 0.9 may have been 0.95, and 1 may have been 1e-3.
_CUT_NUMBER = re.compile(r"(?<=[:\s,\[])[-+]?[0-9][-+0-9.eE]*\Z")


@dataclass(frozen=True)
class JsonReading:
    """The objects found in a text.

    Attributes:
        objects: The complete ones that could be parsed, in order.
        cut: What was recovered of the last one when the text ends inside it, else None.
        damage: Why a complete one could not be parsed, else None.
        outside: The text around the objects, without code fences.
        notes: What was mended.
    """

    objects: tuple[dict[str, Any], ...] = ()
    cut: dict[str, Any] | None = None
    damage: str | None = None
    outside: str = ""
    notes: tuple[str, ...] = ()

    @property
    def found(self) -> bool:
        """Whether there is anything that looks like an object."""
        return bool(self.objects) or self.cut is not None or self.damage is not None


def read_json(text: str) -> JsonReading:
    """Find and parse every outermost object in `text`."""
    objects: list[dict[str, Any]] = []
    notes: dict[str, None] = {}
    outside: list[str] = []
    cut: dict[str, Any] | None = None
    damage: str | None = None
    position = 0
    while start := _START.search(text, position):
        if len(objects) == _MOST_OBJECTS:
            damage = f"it holds more than {_MOST_OBJECTS} JSON objects"
            break
        outside.append(text[position : start.start()])
        end, depth = _end_of_object(text, start.start())
        span = text[start.start() : end]
        position = len(text) if end is None else end
        if depth > _DEEPEST:
            damage = f"its JSON is nested more than {_DEEPEST} levels deep"
        elif end is None:
            cut, mended = _recovered(span)
            notes.update(dict.fromkeys(mended))
        else:
            try:
                value, mended = _parsed(span)
            except (ValueError, RecursionError) as error:
                damage = f"its JSON cannot be parsed: {error}"
            else:
                objects.append(value)
                notes.update(dict.fromkeys(mended))
    outside.append(text[position:])
    around = "\n".join(outside)
    bare = _FENCE.sub("", around)
    if bare != around:
        notes.setdefault("a code fence was removed")
    return JsonReading(tuple(objects), cut, damage, bare.strip(" \t\r\n[],"), tuple(notes))


def _end_of_object(text: str, start: int) -> tuple[int | None, int]:
    """Where the object that opens at `start` ends, None when it does not; and its depth."""
    first_quote = re.search(r"[\"']", text[start : start + 200])
    python = first_quote is not None and first_quote.group() == "'"
    braces = brackets = deepest = 0
    for token in (_TOKEN_PYTHON if python else _TOKEN).finditer(text, start):
        match token.group():
            case "{":
                braces += 1
            case "}":
                braces -= 1
            case "[":
                brackets += 1
            case "]":
                brackets -= 1
            case _:
                continue
        deepest = max(deepest, braces + brackets)
        if braces == 0:
            return token.end(), deepest
    return None, deepest


def _parsed(span: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Parse a complete object, as it stands or relaxed.

    Raises:
        ValueError: It is no JSON even when relaxed, or it contradicts itself.
    """
    try:
        return _loads(span), ()
    except _Contradiction:
        raise
    except (ValueError, RecursionError) as strict:
        relaxed, notes = relax(span)
        try:
            return _loads(relaxed), notes
        except _Contradiction:
            raise
        except (ValueError, RecursionError):
            # The first error speaks of the text as the model wrote it.
            raise ValueError(str(strict)) from None


def _recovered(span: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What can be kept of an object that is cut off: only what is whole."""
    relaxed, notes = relax(span)
    relaxed = _CUT_NUMBER.sub("", relaxed.rstrip())
    try:
        value = pydantic_core.from_json(relaxed, allow_inf_nan=True, allow_partial=True)
    except ValueError:
        return {}, notes
    return (value if isinstance(value, dict) else {}), notes


class _Contradiction(ValueError):
    """An object gives one field two values."""


def _loads(span: str) -> dict[str, Any]:
    # strict=False lets line breaks stand inside strings, as models write them.
    value = json.loads(span, strict=False, object_pairs_hook=_distinct)
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object whose later value would silently hide an earlier one."""
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields and fields[key] != value:
            raise _Contradiction(f"the field `{key[:40]}` occurs twice with different values")
        fields[key] = value
    return fields
