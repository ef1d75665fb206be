"""Coarse words for a place, "upper left", as the part of the picture that they mean."""

from __future__ import annotations

import re

from gadet.geometry import Box

__all__ = ["box_of_words"]

THIRDS = {"first": (0.0, 0.5), "middle": (0.25, 0.75), "last": (0.5, 1.0), "any": (0.0, 1.0)}
"""A place in words is never exact: the parts of a picture that words name overlap."""
_ROWS = {
    "first": r"upper|top|above|uppermost|north",
    "last": r"lower|bottom|below|lowermost|south",
}
_COLUMNS = {"first": r"left|leftmost|west", "last": r"right|rightmost|east"}
_MIDDLE = r"cent(?:er|re|ral)|middle|mid"


def box_of_words(words: str, width: int, height: int) -> Box | None:
    """The part of a picture of `width` × `height` pixels that words mean.

    "upper left" is the upper left quarter, "left" the left half, "centre" the middle half of both
    axes, "upper middle" the upper half of the middle.

    Returns:
        The box, or None when the words name no place or contradict themselves.
    """
    text = words[:200].lower()
    rows, columns = _named(_ROWS, text), _named(_COLUMNS, text)
    middle = _has(_MIDDLE, text)
    if len(rows) > 1 or len(columns) > 1 or not (rows or columns or middle):
        return None
    other = "middle" if middle else "any"
    y0, y1 = THIRDS[rows[0] if rows else other]
    x0, x1 = THIRDS[columns[0] if columns else other]
    return Box.of(x0 * width, y0 * height, x1 * width, y1 * height)


def _named(names: dict[str, str], text: str) -> list[str]:
    return [name for name, pattern in names.items() if _has(pattern, text)]


def _has(pattern: str, text: str) -> bool:
    return re.search(rf"(?<![a-z])(?:{pattern})(?![a-z])", text) is not None
