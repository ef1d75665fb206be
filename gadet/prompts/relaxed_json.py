"""From the JSON that models write to the JSON that parsers read.

Only spellings are mended, never meaning: single quotes, Python's constants and tuples, bare keys,
comments, trailing commas, invalid escapes. Each is a linear pass over tokens, so that a hostile
text costs no more than a long one.
"""

from __future__ import annotations

import re

__all__ = ["relax"]

# The quantifiers are possessive, and a string that is never closed runs to the end: nothing is
# scanned twice.
_PIECE = re.compile(
    r"""
      (?P<double>"(?:[^"\\]|\\.)*+(?:"|\Z|\\\Z))
    | (?P<single>'(?:[^'\\]|\\.)*+(?:'|\Z|\\\Z))
    | (?P<comment>//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z))
    | (?P<comma>,(?=\s*+[}\]]))
    | (?P<tuple>[()])
    | (?P<key>[A-Za-z_]\w*+(?=\s*+:))
    | (?P<word>[A-Za-z_]\w*+)
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}|(?P<other>.))', re.DOTALL)
_WORDS = {"True": "true", "False": "false", "None": "null", "undefined": "null"}
_BRACKETS = {"(": "[", ")": "]"}


def relax(text: str) -> tuple[str, tuple[str, ...]]:
    """Rewrite near-JSON as JSON.

    Args:
        text: A JSON-like object; it may be cut off at its end.

    Returns:
        The text and a note for each kind of repair, in the order of first use.
    """
    notes: dict[str, None] = {}

    def mended(match: re.Match[str]) -> str:
        piece = match.group()
        replacement, note = piece, ""
        match match.lastgroup:
            case "double":
                replacement, note = _escapes(piece), "invalid escapes were mended"
            case "single":
                replacement, note = _requoted(piece), "single quotes were read as double quotes"
            case "comment":
                replacement, note = "", "comments were removed"
            case "comma":
                replacement, note = "", "trailing commas were removed"
            case "tuple":
                replacement, note = _BRACKETS[piece], "Python tuples were read as lists"
            case "key":
                replacement, note = f'"{piece}"', "bare keys were put in quotes"
            case _:
                replacement, note = _WORDS.get(piece, piece), "Python constants were read as JSON"
        if replacement != piece:
            notes.setdefault(note)
        return replacement

    return _PIECE.sub(mended, text), tuple(notes)


def _escapes(string: str) -> str:
    def mended(match: re.Match[str]) -> str:
        other = match["other"]
        if other is None:
            return match.group()
        return other if other == "'" else "\\\\" + other

    return _ESCAPE.sub(mended, string)


def _requoted(string: str) -> str:
    closed = len(string) > 1 and string.endswith("'")
    inner = string[1:-1] if closed else string[1:]
    inner = re.sub(r'\\.|"', lambda m: '\\"' if m.group() == '"' else m.group(), inner, flags=re.S)
    return '"' + _escapes(inner) + ('"' if closed else "")
