"""Points as models write them: as a pair, under names, in the tags of the Molmo family.

A pair keeps the order that it came in, which is the model's own; numbers that came with their names
are put x before y. Scales are never guessed here.

Source: Molmo writes `<point x="10.5" y="20.1" alt="…">…</point>` in per cent of the picture's sides
(Deitke et al. 2024, https://arxiv.org/abs/2409.17146); Molmo 2 writes
`<points coords="1 1 555 169 2 649 154">…</points>`, for each picture its number and then number, x
and y of each point in thousandths (model card of allenai/Molmo2-8B).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

__all__ = ["StatedPoint", "read_points", "tagged_points", "untagged"]

# Everything is bounded, so that a hostile text costs no more than a long one.
_TAG = re.compile(r"<points?\s([^<>]{1,4000})>(?:([^<>]{0,300})</points?>)?", re.IGNORECASE)
_NUMBER = r"[-+]?\d{1,9}(?:\.\d{0,9})?"
_NAMED = re.compile(rf"\bx(\d{{0,4}})\s*[=:]\s*[\"']?({_NUMBER})[\"']?[\s,;]{{0,9}}"
                    rf"y\1\s*[=:]\s*[\"']?({_NUMBER})", re.IGNORECASE)  # fmt: skip
_COORDS = re.compile(r"\bcoords\s*=\s*[\"']([\d\s.,;:]{1,4000})[\"']", re.IGNORECASE)
_ALT = re.compile(r"\balt\s*=\s*\"([^\"<>]{0,300})\"", re.IGNORECASE)
_PAIR = re.compile(rf"[\[(\s]{{0,9}}({_NUMBER})[\s,;]{{1,9}}({_NUMBER})[\])\s]{{0,9}}")
_LONGEST = 8000


@dataclass(frozen=True)
class StatedPoint:
    """A point as a model wrote it.

    Attributes:
        values: Two numbers: x before y when `named`, else in the order they came in.
        named: Whether the numbers came with their names.
        words: What the model says is there; often empty.
    """

    values: tuple[float, float]
    named: bool = False
    words: str = ""


def read_points(value: Any) -> tuple[StatedPoint, ...]:
    """The points in a field of an answer: numbers, names, tags or lists of these; none is empty."""
    match value:
        case [a, b] if _finite(a) and _finite(b):
            return (StatedPoint((float(a), float(b))),)
        case [str(a), str(b)] if _PAIR.fullmatch(f"{a} {b}"[:_LONGEST]):
            return (StatedPoint((float(a), float(b))),)
        case list():
            return tuple(point for entry in value[:100] for point in _one(entry))
        case _:
            return _one(value)


def _one(value: Any) -> tuple[StatedPoint, ...]:
    match value:
        case {"x": x, "y": y} if _finite(x) and _finite(y):
            return (StatedPoint((float(x), float(y)), named=True),)
        case [a, b] if _finite(a) and _finite(b):
            return (StatedPoint((float(a), float(b))),)
        case str():
            return _in_text(value[:_LONGEST])
        case _:
            return ()


def _in_text(text: str) -> tuple[StatedPoint, ...]:
    if tagged := tagged_points(text):
        return tagged
    if named := _NAMED.search(text):
        return (StatedPoint((float(named[2]), float(named[3])), named=True),)
    if pair := _PAIR.fullmatch(text):
        return (StatedPoint((float(pair[1]), float(pair[2]))),)
    return ()


def tagged_points(text: str) -> tuple[StatedPoint, ...]:
    """The points that stand in tags anywhere in a text, in their order."""
    found: list[StatedPoint] = []
    for tag in _TAG.finditer(text):
        inside, between = tag[1], tag[2] or ""
        alt = _ALT.search(inside)
        words = " ".join((between or (alt[1] if alt else "")).split())
        coords = _COORDS.search(inside)
        pairs = _of_coords(coords[1]) if coords else _of_names(inside)
        found += [StatedPoint(pair, named=True, words=words) for pair in pairs]
    return tuple(found)


def untagged(text: str) -> str:
    """The text with each tag replaced by the words between its ends."""
    return _TAG.sub(lambda tag: tag[2] or "", text)


def _of_names(attributes: str) -> list[tuple[float, float]]:
    return [(float(one[2]), float(one[3])) for one in _NAMED.finditer(attributes)]


def _of_coords(coords: str) -> list[tuple[float, float]]:
    """Number of a picture, then number, x and y of each point; further pictures follow after `;`.

    Only the first picture is read: the points of further ones would lie in another picture.
    """
    words = re.split(r"[;:,]", coords.replace("\t", ";").strip(), maxsplit=1)[0].split()
    if len(words) < 4 or len(words) % 3 != 1:
        return []
    try:
        numbers = [float(word) for word in words[1:]]
    except ValueError:
        return []
    return list(zip(numbers[1::3], numbers[2::3], strict=True))


def _finite(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and abs(value) < 1e9
