"""From the moments in an answer to rows of a series."""

from __future__ import annotations

import re
from typing import Final

from gadet.errors import InputError
from gadet.geometry import Box
from gadet.localize.base import Pointer
from gadet.media.series import SeriesView
from gadet.media.series.clock import Clock

__all__ = ["rows_of"]

Stretch = tuple[float, float]

_BOTH = re.compile(r"(?P<start>.+?)\s+(?:to|until|till|-|–|—)\s+(?P<end>.+)")
_POSITIONS = re.compile(r"\[?\s*(?P<start>\d+)\s*(?:-|–|—|\.\.+|:)\s*(?P<end>\d+)\s*\]?")
_PIXELS = re.compile(r"(?:x\s*[=:]?\s*)?(\d+(?:\.\d+)?)\s*(?:px|pixels?)", re.IGNORECASE)
_CELL = re.compile(r"(?:column|cell)?\s*([A-Z])", re.IGNORECASE)
_BARE = re.compile(r"-?[\d.]+")
_QUOTED: Final = 60


def rows_of(
    pointer: Pointer, clock: Clock, view: SeriesView
) -> tuple[tuple[int, int] | None, tuple[str, ...]]:
    """The rows from the start of a pointer to its end.

    A moment is a timestamp or a label of the axis, a position, seconds of a series that counts
    them, `340 px` from the left of the view, or the letter of a column where the view has some.
    The end is where the usual behaviour is back, so it is left out; at the last row it means that
    the behaviour never is. One moment alone is one row, or one column.

    Args:
        pointer: Its `start` and `end`, of which one may be missing.
        clock: The clock of the series.
        view: The view that pixels and letters refer to.

    Returns:
        Rows `(start, stop)`, half-open, or None when no moment can be used; and what had to be
        mended, a sentence each.
    """
    notes: list[str] = []
    read: dict[str, Stretch] = {}
    for name, text in _parts(pointer, clock).items():
        try:
            read[name] = _stretch(text, clock, view)
        except InputError as error:
            notes.append(f"the {name} {text[:_QUOTED]!r} could not be read: {error}")
    if not read:
        return None, tuple(notes)
    if "start" not in read:
        notes.append("only the end of a finding could be used: it stands for one moment")
    if len(read) == 2 and read["start"][0] > read["end"][0]:
        notes.append("the start of a finding lay behind its end: they were swapped")
    first, last = min(low for low, _ in read.values()), max(high for _, high in read.values())
    words = " to ".join(text[:_QUOTED] for text in _parts(pointer, clock).values())
    if last < -1 or first > clock.length:
        ends = f"from {clock.label(0)} to {clock.label(clock.length - 1)}"
        return None, (*notes, f"{words} lies outside of the series, which is {ends}")
    if first < -1 or last > clock.length:
        notes.append(f"{words} reached beyond the series: it was cut off")
    return _whole(first, last, clock.length), tuple(notes)


def _whole(first: float, last: float, length: int) -> tuple[int, int]:
    """Whole rows within the series, one at least."""
    start = min(max(round(first), 0), length - 1)
    stop = length if last >= length - 1 else max(round(last), 0)
    return start, max(stop, start + 1)


def _parts(pointer: Pointer, clock: Clock) -> dict[str, str]:
    """The moments by name; a start that names both ends is taken apart."""
    if pointer.start is not None and pointer.end is None:
        positions = _POSITIONS.fullmatch(pointer.start.strip()) if clock.times is None else None
        both = positions or _BOTH.fullmatch(pointer.start.strip())
        if both:
            return both.groupdict()
    given = {"start": pointer.start, "end": pointer.end}
    return {name: text.strip() for name, text in given.items() if text is not None}


def _stretch(text: str, clock: Clock, view: SeriesView) -> Stretch:
    """Where a moment lies, in rows: a single place, or from the left to the right of a column.

    Raises:
        InputError: It cannot be read.
    """
    if pixels := _PIXELS.fullmatch(text):
        x = float(pixels[1])
        place = view.frame.to_native(Box.of(x, 0, x + 1, 1)).x0
        return place, place
    if view.cells and (cell := _CELL.fullmatch(text)):
        start, stop = view.cell(cell[1])
        return start, stop
    if clock.elapsed and _BARE.fullmatch(text):
        text += " s"
    if clock.zone is None and clock.times is not None:
        # Times without a zone stay as written; models like to add one.
        text = text.removesuffix("Z")
    place = clock.place_of(text)
    return place, place
