"""A picture of what was counted: alike objects outlined in one colour, numbered from 1."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gadet.localize.counting import Counted
from gadet.localize.marks import PALETTE, draw_marks, shape_of
from gadet.localize.objects import Thing
from gadet.view import View

__all__ = ["counting_view"]

CAPTION = "alike objects counted, a colour for each kind; these numbers are no marks"


def counting_view(view: View, picture: Counted, kinds: Sequence[Sequence[Thing]]) -> View:
    """Number the objects of each kind on a view, so that the highest number is their number.

    Args:
        view: A view of the whole picture; it is not changed.
        picture: What was found in it.
        kinds: Objects that are alike, kind by kind; the same kind has the same colour everywhere.

    Returns:
        A view of kind `marked` without marks: what its numbers stand for cannot be pointed at.
    """
    shapes = []
    for colour, things in enumerate(kinds):
        for number, thing in enumerate(things, start=1):
            one = picture.candidate(thing, 0.0, "", "")
            paint = PALETTE[colour % len(PALETTE)]
            shape = shape_of(number, view.frame, one.box, one.mask, paint)
            shapes += [] if shape is None else [shape]
    drawn, _ = draw_marks(view.picture.convert("RGB"), shapes)
    return replace(view, picture=drawn, kind="marked", marks=(), caption=CAPTION)
