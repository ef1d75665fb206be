"""A plot of a window of a series, made for a model to read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import InputError
from gadet.media.series.canvas import Canvas
from gadet.media.series.clock import Clock, in_words
from gadet.media.series.layout import Layout, Strip, laid_out
from gadet.media.series.panels import rolling_panel, scores_panel, spectrogram_panel
from gadet.media.series.plane import Axis, Plane, padded
from gadet.media.series.view import Panel, SeriesView, frame_of
from gadet.view import ViewLimits

__all__ = ["CELLS", "EXTRAS", "Drawing", "Extra", "Kind", "Role", "Span", "check_spans", "draw"]

Floats = npt.NDArray[np.float64]
Extra = Literal["rolling", "spectrogram"]
EXTRAS: Final[tuple[str, ...]] = get_args(Extra)
Kind = Literal["clean", "marked", "zoom"]
Role = Literal["item", "reference"]
Span = tuple[int, int] | tuple[int, int, tuple[int, ...]]
"""Rows `start` and `stop`, half-open, and the channels that take part; without them all do."""

CELLS: Final = 12
"""Number of lettered columns of a grid."""

_LINE: Final = "#005a9c"
_REFERENCE: Final = "#9a9a9a"
_BAND: Final = "#d9d9d9"
_SPAN: Final = "#d55e00"
_CELL: Final = "#b8b8b8"
_GAP: Final = "#8a4fbf"
_NORMAL: Final = "#007a3d"
_MOST_GAPS: Final = 24
_LOCAL: Final = 0.25
_HEADER_LINE: Final = 1.5
_SCORES_HEIGHT: Final = 0.55


@dataclass(frozen=True, eq=False)
class Drawing:
    """What is drawn.

    Attributes:
        values: float64 `(T, C)` of the whole series, NaN is missing.
        clock: When each row is.
        titles: A title for each channel.
        window: The rows to show.
        shown: The channels to show, from the top.
        spans: Stretches to mark with a number.
        numbers: Their numbers.
        scores: `(T,)` in [0, 1] for a panel of their own.
        reference: `(Tr, C)` of a normal series that is drawn behind.
        beside: `(Tb, C)` of a series whose plot stands beside this one, for a common scale.
        grid: Whether lettered columns are drawn.
        extras: Further panels about the first channel shown.
        period: Rows of a cycle, for the further panels.
        normal_until: The first rows, known to be normal; where they end is drawn.
    """

    values: Floats
    clock: Clock
    titles: tuple[str, ...]
    window: tuple[int, int]
    shown: tuple[int, ...] = ()
    spans: tuple[Span, ...] = ()
    numbers: tuple[int, ...] = ()
    scores: Floats | None = None
    reference: Floats | None = None
    beside: Floats | None = None
    grid: bool = False
    extras: tuple[Extra, ...] = ()
    period: int | None = None
    normal_until: int | None = None

    def showing(self, channels: tuple[int, ...]) -> Drawing:
        """The same with these channels."""
        return replace(self, shown=channels)

    @property
    def header(self) -> int:
        """Lines above the panels: letters, where gaps are, numbers of spans."""
        return self.grid + bool(len(self.gaps) or self.normal_end) + bool(self.spans)

    @property
    def gaps(self) -> npt.NDArray[np.int64]:
        """The rows of the window after which time is passed over."""
        gaps = self.clock.gaps
        return gaps[(gaps >= self.window[0]) & (gaps < self.window[1] - 1)]

    @property
    def normal_end(self) -> int | None:
        """The row of the window at which the part known to be normal ends, if it does."""
        until = self.normal_until
        return until if until is not None and self.window[0] < until < self.window[1] else None

    def part(self, channel: int) -> Floats:
        """The values of a channel in the window."""
        return self.values[self.window[0] : self.window[1], channel]


def draw(
    drawing: Drawing, limits: ViewLimits, *, role: Role, kind: Kind, caption: str
) -> SeriesView:
    """Draw a plot at the size that a model takes."""
    heights = [_SCORES_HEIGHT] if drawing.scores is not None else []
    heights += [1.0 for _ in drawing.extras]
    layout = laid_out(limits, len(drawing.shown), drawing.header, heights)
    strips = layout.strips[: len(drawing.shown)]
    plot = _Plot(drawing, layout, strips)
    plot.draw()
    picture = plot.canvas.finish()
    if picture.size != layout.size:
        picture = picture.resize(layout.size, Image.Resampling.LANCZOS)
    across, down = layout.size[0] / layout.width, layout.size[1] / layout.height
    left, right = plot.plane.left * across, plot.plane.right * across
    area = (left, strips[0].top * down, right, strips[-1].bottom * down)
    shape = (drawing.values.shape[0], drawing.values.shape[1])
    return SeriesView(
        picture=picture,
        frame=frame_of(shape, drawing.window, drawing.shown, layout.size, area),
        role=role,
        kind=kind,
        caption=caption,
        marks=drawing.numbers,
        encoding=limits.encoding or "image/png",
        quality=limits.quality,
        window=drawing.window,
        panels=tuple(
            Panel(channel, strip.top / layout.height, strip.bottom / layout.height)
            for channel, strip in zip(drawing.shown, strips, strict=True)
        ),
        cells=CELLS if drawing.grid else 0,
    )


def check_spans(spans: Sequence[Span], shape: tuple[int, int]) -> tuple[Span, ...]:
    """The spans as a tuple.

    Raises:
        InputError: One is empty, lies outside of the series or names no channel of it.
    """
    for span in spans:
        start, stop = span[0], span[1]
        channels = span[2] if len(span) == 3 else ()
        if not 0 <= start < stop <= shape[0] or any(not 0 <= c < shape[1] for c in channels):
            raise InputError(
                f"expected spans (start, stop) or (start, stop, channels) within {shape[0]:,} rows "
                f"and {shape[1]} channels; got {span!r}"
            )
    return tuple(spans)


class _Plot:
    """The work of drawing one picture, from the back to the front."""

    def __init__(self, drawing: Drawing, layout: Layout, strips: Sequence[Strip]) -> None:
        self.drawing, self.strips, self.all_strips = drawing, strips, layout.strips
        self.letter = layout.letter
        self.canvas = Canvas(layout.width, layout.height)
        self.axes = [
            Axis.of(_range(drawing, channel), strip, layout.letter)
            for channel, strip in zip(drawing.shown, strips, strict=True)
        ]
        labels = ["0.00", *(label for axis in self.axes for _, label in axis.ticks)]
        widest = max(self.canvas.width_of(label, layout.letter) for label in labels)
        self.plane = Plane(self.canvas, layout, drawing.clock, drawing.window, widest)
        lines = iter(range(drawing.header))
        self.letters_at = next(lines) if drawing.grid else 0
        self.notices_at = next(lines) if len(drawing.gaps) or drawing.normal_end else 0
        self.numbers_at = drawing.header - 1

    def draw(self) -> None:
        """Draw everything."""
        drawing, plane = self.drawing, self.plane
        for strip in self.all_strips:
            plane.background(strip)
        for channel, strip in zip(drawing.shown, self.strips, strict=True):
            plane.missing(drawing.part(channel), strip)
        if drawing.grid:
            self._cells()
        # Behind the curves, which a mark must not hide.
        self._spans()
        for channel, axis, strip in zip(drawing.shown, self.axes, self.strips, strict=True):
            self._channel(channel, axis, strip)
        rest = list(self.all_strips[len(self.strips) :])
        if drawing.scores is not None:
            start, stop = drawing.window
            scores_panel(plane, drawing.scores[start:stop], rest.pop(0))
        panels = {"rolling": rolling_panel, "spectrogram": spectrogram_panel}
        first = drawing.shown[0]
        for extra, strip in zip(drawing.extras, rest, strict=True):
            values = drawing.part(first)
            panels[extra](plane, drawing.titles[first], values, drawing.period, strip)
        self._notices()
        for strip in self.all_strips:
            plane.frame(strip)
        plane.labels(self._about())

    def _channel(self, channel: int, axis: Axis, strip: Strip) -> None:
        values, plane = self.drawing.part(channel), self.plane
        remark = self._reference(channel, axis, strip)
        for value, _ in axis.ticks:
            plane.level(value, axis, strip)
        plane.values_of(axis, strip)
        words = self.drawing.titles[channel] + (f" ({axis.words})" if axis.words else "")
        plane.title(strip, words, remark if np.isfinite(values).any() else "no values here")
        plane.curve(values, axis, strip, _LINE, plane.pen)

    def _reference(self, channel: int, axis: Axis, strip: Strip) -> str:
        """Draw the normal series behind, and say in words what is drawn."""
        reference, plane = self.drawing.reference, self.plane
        if reference is None:
            return ""
        values = reference[:, channel]
        if len(values) == len(self.drawing.values):
            start, stop = self.drawing.window
            plane.curve(values[start:stop], axis, strip, _REFERENCE, 2.5 * plane.pen)
            return "grey: normal reference"
        known = values[np.isfinite(values)]
        if len(known):
            high, low = axis.height(np.percentile(known, (99, 1)), strip).tolist()
            box = (plane.left, high - 1, plane.right, low + 1)
            self.canvas.box(box, _BAND)
        return "grey band: usual range of the normal reference"

    def _cells(self) -> None:
        plane = self.plane
        each = (plane.right - plane.left) / CELLS
        middle = self._line(self.letters_at)
        for cell in range(CELLS):
            x = plane.left + cell * each
            letter = chr(ord("A") + cell)
            self.canvas.words(letter, x + each / 2, middle, self.letter, bold=True)
            for strip in self.all_strips if cell else ():
                plane.upright(x, strip, _CELL)

    def _spans(self) -> None:
        plane, size = self.plane, 1.05 * self.letter
        centres, halves = [], []
        for number, span in zip(self.drawing.numbers, self.drawing.spans, strict=True):
            # At least three pixels wide: a mark that cannot be seen marks nothing.
            x0, x1 = float(plane.x(span[0])), float(plane.x(span[1]))
            grow = max(0.0, (3 - (x1 - x0)) / 2)
            x0, x1 = max(x0 - grow, plane.left), min(x1 + grow, plane.right)
            centres.append(min(max((x0 + x1) / 2, plane.left), plane.right))
            halves.append(self.canvas.width_of(str(number), size, bold=True) / 2 + 0.3 * size)
            if x1 <= x0:
                continue  # beside the window
            channels = span[2] if len(span) == 3 else self.drawing.shown
            for channel, strip in zip(self.drawing.shown, self.strips, strict=True):
                if channel in channels:
                    box = (x0, strip.axes_top, x1, strip.axes_bottom)
                    self.canvas.box(box, _SPAN, opacity=0.2)
                    plane.upright(x0, strip, _SPAN)
                    plane.upright(x1, strip, _SPAN)
        middle, top = self._line(self.numbers_at), self.strips[0].axes_top
        places = _side_by_side(centres, halves, plane.right)
        for number, centre, half, place in zip(
            self.drawing.numbers, centres, halves, places, strict=True
        ):
            foot = middle + 0.65 * size
            self.canvas.line([place, centre], [foot, top], _SPAN, 1)
            self.canvas.box((place - half, middle - 0.65 * size, place + half, foot), _SPAN)
            self.canvas.words(str(number), place, middle, size, "white", bold=True)

    def _notices(self) -> None:
        """Where time is passed over, and where the part known to be normal ends."""
        drawing, plane = self.drawing, self.plane
        places: list[tuple[int, str, str]] = []
        if drawing.normal_end:
            places.append((drawing.normal_end, "known to be normal up to here", _NORMAL))
        if drawing.clock.times is not None:
            gaps = drawing.gaps
            widths = drawing.clock.times[gaps + 1] - drawing.clock.times[gaps]
            for at in np.argsort(-widths, kind="stable")[:_MOST_GAPS].tolist():
                text = f"gap of {in_words(int(widths[at]))}"
                places.append((int(gaps[at]) + 1, text, _GAP))
        middle = self._line(self.notices_at)
        taken: list[tuple[float, float]] = []
        for row, text, colour in places:
            x = float(plane.x(row))
            for strip in self.strips:
                plane.upright(x, strip, colour, max(1.0, 0.8 * plane.pen))
            half = self.canvas.width_of(text, self.letter) / 2
            centre = min(max(x, plane.left + half), plane.right - half)
            low, high = centre - half - self.letter, centre + half + self.letter
            if all(high <= start or low >= stop for start, stop in taken):
                taken.append((low, high))
                self.canvas.words(text, centre, middle, self.letter, colour)

    def _line(self, number: int) -> float:
        """The middle of a line of the header."""
        return (0.3 + (number + 0.5) * _HEADER_LINE) * self.letter

    def _about(self) -> str:
        clock, (start, stop) = self.drawing.clock, self.drawing.window
        ends = f"{clock.label(start)} to {clock.label(stop - 1)}"
        if clock.times is None:
            return f"step (position, from 0): {ends}"
        if clock.elapsed:
            return f"time elapsed in seconds: {ends}"
        return f"time: {ends}" + (
            "" if clock.steady else "; unevenly sampled, axis even in samples"
        )


def _side_by_side(
    centres: Sequence[float], halves: Sequence[float], right: float
) -> tuple[float, ...]:
    """Places near the centres at which labels do not overlap, in the order of the centres."""
    order = sorted(range(len(centres)), key=lambda number: (centres[number], number))
    places = list(centres)
    end = 0.0
    for number in order:
        places[number] = max(centres[number], end + halves[number] + 1)
        end = places[number] + halves[number]
    end = right + 1
    for number in reversed(order):
        places[number] = min(places[number], end - halves[number] - 1)
        end = places[number] - halves[number]
    return tuple(places)


def _range(drawing: Drawing, channel: int) -> tuple[float, float]:
    """The ends of a channel's axis: those of the whole series, unless the window needs far less."""
    window = drawing.part(channel)
    others = [
        series[:, channel] for series in (drawing.reference, drawing.beside) if series is not None
    ]
    near = padded(window, *others)
    whole = padded(drawing.values[:, channel], *others)
    narrow = near[1] / 2 - near[0] / 2 < _LOCAL * (whole[1] / 2 - whole[0] / 2)
    return near if narrow and np.isfinite(window).any() else whole
