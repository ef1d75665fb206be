"""A `SeriesView`: a plot for a model, with the way back from pixels to rows and channels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from gadet.errors import InputError
from gadet.geometry import Box, Frame
from gadet.view import View

__all__ = ["Panel", "SeriesView", "frame_of"]

_ROUNDING: Final = 1e-6  # rows: what is lost on the way to pixels and back


@dataclass(frozen=True)
class Panel:
    """Where one channel is drawn.

    Attributes:
        channel: Its number, from 0.
        top: Top of its strip of the picture, as a part of the picture's height.
        bottom: Bottom of the strip.
    """

    channel: int
    top: float
    bottom: float


@dataclass(frozen=True, eq=False)
class SeriesView(View):
    """A plot of a window of a series.

    Native coordinates are rows and channels: row `i` covers `i <= x < i + 1`, its value is drawn at
    `i + 0.5`, and channel `c` covers `c <= y < c + 1`. The plot is even in rows, so `frame` is
    exact for x whatever the times are; gaps in time are marked. It is exact for y when the channels
    shown follow each other in the series; otherwise all panels together stand for all channels,
    and `located` tells which ones a box touches.

    Attributes:
        window: The rows that are shown, `(start, stop)`, half-open.
        panels: The channels that are shown, from the top.
        cells: Number of lettered columns, 0 without a grid.
    """

    window: tuple[int, int] = (0, 1)
    panels: tuple[Panel, ...] = ()
    cells: int = 0

    def located(self, box: Box) -> tuple[int, int, tuple[int, ...]] | None:
        """What a box in pixels of this view stands for.

        Returns:
            The rows `start` and `stop`, half-open, within the window, and the channels that it
            touches, all of the shown ones when it touches none; None when it lies beside the
            window.
        """
        native = self.frame.to_native(box)
        start = max(math.floor(native.x0 + _ROUNDING), self.window[0])
        stop = min(math.ceil(native.x1 - _ROUNDING), self.window[1])
        if stop <= start:
            return None
        top, bottom = box.y0 / self.frame.height, box.y1 / self.frame.height
        touched = [
            panel.channel for panel in self.panels if panel.top < bottom > top < panel.bottom
        ]
        return start, stop, tuple(touched or (panel.channel for panel in self.panels))

    def cell(self, letter: str) -> tuple[int, int]:
        """The rows `(start, stop)` of a lettered column, half-open.

        Raises:
            InputError: There is no column of that letter.
        """
        number = ord(letter.strip().upper()) - ord("A") if len(letter.strip()) == 1 else -1
        if not 0 <= number < self.cells:
            last = chr(ord("A") + self.cells - 1)
            known = f"a letter from A to {last}" if self.cells else "a plot with a grid"
            raise InputError(f"expected {known}; got {letter!r}")
        start, stop = self.window
        each = (stop - start) / self.cells
        return (
            start + math.floor(number * each),
            max(start + math.floor((number + 1) * each), start + math.floor(number * each) + 1),
        )


def frame_of(
    shape: tuple[int, int],
    window: tuple[int, int],
    shown: tuple[int, ...],
    size: tuple[int, int],
    area: tuple[float, float, float, float],
) -> Frame:
    """The frame in which the plotted area stands for the window and the channels shown.

    A frame maps the whole picture, margins included, so the part of the series that it shows is
    extended beyond the plotted area at the same scale.

    Args:
        shape: `(T, C)` of the series.
        window: Rows `(start, stop)`.
        shown: Numbers of the channels from the top.
        size: `(width, height)` of the picture.
        area: `x0, y0, x1, y1` of the plotted area in pixels: the window by the channels' strips.
    """
    x0, y0, x1, y1 = area
    first, last = 0, shape[1]
    if shown == tuple(range(shown[0], shown[0] + len(shown))):
        first, last = shown[0], shown[0] + len(shown)
    across, down = (window[1] - window[0]) / (x1 - x0), (last - first) / (y1 - y0)
    left, top = window[0] - x0 * across, first - y0 * down
    return Frame(
        native_width=shape[0],
        native_height=shape[1],
        source=Box.of(left, top, left + size[0] * across, top + size[1] * down),
        width=size[0],
        height=size[1],
    )
