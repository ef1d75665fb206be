"""A `Plane`: rows across and values up and down, at exact pixels, with the labels of both."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.media.series.canvas import Canvas
from gadet.media.series.clock import Clock
from gadet.media.series.decimate import keep_peaks
from gadet.media.series.layout import Layout, Strip
from gadet.media.series.ticks import Tick, number_ticks, row_ticks, scale_of

__all__ = ["Axis", "Plane", "padded"]

Floats = npt.NDArray[np.float64]

_GRID: Final = "#e3e3e3"
_EDGE: Final = "#505050"
_QUIET: Final = "#606060"
_MISSING: Final = "#ececec"
_MOST_TICKS: Final = 6
_DOTTED: Final = 10  # pixels per row from which each value gets a dot
_DENSE: Final = 0.5  # pixels per row below which lines are thin, to keep cycles apart
_ROOM: Final = 0.06


@dataclass(frozen=True)
class Axis:
    """The vertical axis of a panel.

    Attributes:
        low: The value at the bottom.
        high: The value at the top.
        ticks: Labelled values, and their labels.
        words: What the title has to say about the labels: a power of ten, an offset.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()
    words: str = ""

    @classmethod
    def of(cls, ends: tuple[float, float], strip: Strip, letter: float) -> Axis:
        """An axis between two values with as many labels as the strip has room for."""
        scale = scale_of(*ends)
        most = int((strip.axes_bottom - strip.axes_top) / (2.0 * letter))
        ticks = number_ticks(*ends, min(max(2, most), _MOST_TICKS), scale)
        return cls(*ends, tuple(ticks), scale.words)

    def height(self, values: Any, strip: Strip) -> Any:
        """Where values lie in a strip, in pixels from the top of the picture."""
        # Halves, since the difference of two numbers may be more than a number can hold.
        share = (values / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return strip.axes_bottom - share * (strip.axes_bottom - strip.axes_top)


class Plane:
    """What all panels of a plot share.

    Args:
        canvas: What is drawn on.
        layout: Where the panels lie.
        clock: When each row is.
        window: The rows that are shown.
        widest: Width of the widest label of a value.

    Attributes:
        left: Left edge of the axes in pixels.
        right: Right edge of the axes.
        per_row: Pixels for each row.
        letter: Size of the letters.
        pen: Width of a line.
        ticks: The labelled places of the axis of rows.
    """

    def __init__(
        self, canvas: Canvas, layout: Layout, clock: Clock, window: tuple[int, int], widest: float
    ) -> None:
        self.canvas, self.layout, self.letter = canvas, layout, layout.letter
        self.start, self.stop = window
        self.left = min(math.ceil(widest + 1.2 * self.letter), layout.right - 16)
        self.right = layout.right
        self.per_row = (self.right - self.left) / (self.stop - self.start)
        self.pen = max(1.2, self.letter * (0.1 if self.per_row >= _DENSE else 0.07))
        self.ticks = self._ticks(clock)

    def x(self, place: Any) -> Any:
        """Where native x lies, in pixels from the left."""
        return self.left + (place - self.start) * self.per_row

    def upright(self, x: float, strip: Strip, colour: str, width: float = 1.0) -> None:
        """Draw a dashed line from the top of a panel to its bottom."""
        ends = [strip.axes_top, strip.axes_bottom]
        self.canvas.line([x, x], ends, colour, width, dashed=True)

    def level(self, value: float, axis: Axis, strip: Strip, *, dashed: bool = False) -> None:
        """Draw a line across a panel."""
        y = float(axis.height(value, strip))
        self.canvas.line([self.left, self.right], [y, y], _GRID, 1, dashed=dashed)

    def values_of(self, axis: Axis, strip: Strip) -> None:
        """Write the labels of an axis."""
        for value, label in axis.ticks:
            y = float(axis.height(value, strip))
            self.canvas.line([self.left - 0.3 * self.letter, self.left], [y, y], _EDGE, 1)
            self.canvas.words(label, self.left - 0.5 * self.letter, y, self.letter, at="right")

    def background(self, strip: Strip) -> None:
        """Draw the lines at the ticks of the rows."""
        for tick in self.ticks:
            x = float(self.x(tick.place))
            self.canvas.line([x, x], [strip.axes_top, strip.axes_bottom], _GRID, 1)

    def frame(self, strip: Strip) -> None:
        """Draw the edge of a panel around its pixels, and its ticks."""
        left, right = self.left - 0.5, self.right + 0.5
        top, bottom = strip.axes_top - 0.5, strip.axes_bottom + 0.5
        corners = ([left, right, right, left, left], [top, top, bottom, bottom, top])
        self.canvas.line(*corners, _EDGE, 1)
        for tick in self.ticks:
            x = float(self.x(tick.place))
            self.canvas.line([x, x], [bottom, bottom + 0.3 * self.letter], _EDGE, 1)

    def title(self, strip: Strip, words: str, remark: str = "") -> None:
        """Write what a panel shows above its left end, and a remark above its right end."""
        size, middle = self.letter, (strip.top + strip.axes_top) / 2
        room = self.right - self.left
        remark = self.canvas.fitted(remark, size, room / 2)
        taken = self.canvas.width_of(remark, size) + 2 * size if remark else 0.0
        text = self.canvas.fitted(words, size, room - taken)
        self.canvas.words(text, self.left, middle, size, at="left")
        self.canvas.words(remark, self.right, middle, size, _QUIET, at="right")

    def missing(self, values: Floats, strip: Strip) -> None:
        """Shade where the window has no values, if that is two pixels or more."""
        absent = np.concatenate(([0], ~np.isfinite(values), [0])).astype(np.int8)
        edges = np.diff(absent)
        starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
        wide = (stops - starts) * self.per_row >= 2
        for start, stop in zip(starts[wide].tolist(), stops[wide].tolist(), strict=True):
            x0, x1 = float(self.x(self.start + start)), float(self.x(self.start + stop))
            self.canvas.box((x0, strip.axes_top, x1, strip.axes_bottom), _MISSING)

    def curve(self, values: Floats, axis: Axis, strip: Strip, colour: str, width: float) -> None:
        """Draw the values of the window; one that stands between missing ones gets a dot."""
        rows = keep_peaks(values, self.right - self.left)
        kept = values[rows]
        xs, ys = self.x(self.start + rows + 0.5), axis.height(kept, strip)
        # A line's width beyond the axes, so that a peak at the very edge keeps its ink.
        within = (self.left - 1, strip.axes_top - width, self.right + 1, strip.axes_bottom + width)
        dots = 2.6 * width if self.per_row >= _DOTTED else 0.0
        self.canvas.line(xs, ys, colour, width, dots=dots, within=within)
        there = np.concatenate(([False], np.isfinite(kept), [False]))
        alone = there[1:-1] & ~there[:-2] & ~there[2:]
        if alone.any() and not dots:
            dots = max(2.2 * width, 3.0)
            self.canvas.line(xs[alone], ys[alone], colour, 0.0, dots=dots, within=within)

    def labels(self, about: str) -> None:
        """Write the labels of the rows below the last panel, and what they are."""
        bottom = self.layout.strips[-1].axes_bottom
        for tick in self.ticks:
            for line, text in enumerate((tick.label, tick.below)):
                if text:
                    middle = sum(self._extent(tick, text)) / 2
                    y = bottom + (1.2 + 1.2 * line) * self.letter
                    self.canvas.words(text, middle, y, self.letter)
        centre = (self.left + self.right) / 2
        words = self.canvas.fitted(about, self.letter, self.right - self.left)
        self.canvas.words(words, centre, bottom + 3.9 * self.letter, self.letter, _QUIET)

    def _ticks(self, clock: Clock) -> list[Tick]:
        """As many as have room for their labels."""
        room = self.right - self.left
        for most in range(max(2, int(room / (4 * self.letter))), 1, -1):
            ticks = row_ticks(clock, self.start, self.stop, most)
            if len(ticks) <= most + 1 and self._apart(ticks):
                return ticks
        return row_ticks(clock, self.start, self.stop, 1)[:1]

    def _apart(self, ticks: Sequence[Tick]) -> bool:
        for line in ("label", "below"):
            end = -math.inf
            for tick in ticks:
                text = getattr(tick, line)
                if not text:
                    continue
                left, right = self._extent(tick, text)
                if left < end + self.letter:
                    return False
                end = right
        return True

    def _extent(self, tick: Tick, text: str) -> tuple[float, float]:
        """From where to where a label reaches; it is moved to stay within the picture."""
        half = self.canvas.width_of(text, self.letter) / 2
        x = min(max(float(self.x(tick.place)), half + 2), self.layout.width - half - 2)
        return x - half, x + half


def padded(*parts: Floats) -> tuple[float, float]:
    """The lowest and highest of some values, with some room; 0 and 1 where there are none."""
    lows, highs = [], []
    for part in parts:
        low, high = float(np.fmin.reduce(part)), float(np.fmax.reduce(part))
        if math.isfinite(low) and math.isfinite(high):
            lows.append(low)
            highs.append(high)
    if not lows:
        return 0.0, 1.0
    low, high = min(lows), max(highs)
    room = _ROOM * (high - low)
    if not room > max(abs(low), abs(high)) * 1e-12:
        room = abs(low) * 0.05 or 1.0
    most = float(np.finfo(np.float64).max)
    return max(low - room, -most), min(high + room, most)
