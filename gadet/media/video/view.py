"""A `VideoView`: frames on one picture, with the way back from its pixels to moments and places."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from gadet.geometry import Box, Frame
from gadet.view import View

__all__ = ["Cell", "Place", "Span", "VideoView", "frame_of"]

# Of a box over several cells, a part smaller than this share of the largest only touches its cell.
_SLIVER: Final = 0.15


class Place(NamedTuple):
    """A point of a video: native pixels of one frame."""

    frame: int
    seconds: float
    x: float
    y: float


class Span(NamedTuple):
    """A box of a video: native pixels of one frame."""

    frame: int
    seconds: float
    box: Box


@dataclass(frozen=True)
class Cell:
    """A frame, or part of it, on a view.

    Attributes:
        frame: Number of the frame.
        seconds: Its time on the clip's clock.
        shown: Where it is drawn, in pixels of the view.
        source: What is drawn there, in native pixels.
        label: The strip with its number and time, in pixels of the view; None without one.
    """

    frame: int
    seconds: float
    shown: Box
    source: Box
    label: Box | None = None

    def to_native(self, box: Box) -> Box:
        """Map a box from pixels of the view to native pixels of the frame (not clipped)."""
        (x0, sx), (y0, sy) = self._axes()
        left, top = self.source.x0, self.source.y0
        return Box.of(
            left + (box.x0 - x0) * sx,
            top + (box.y0 - y0) * sy,
            left + (box.x1 - x0) * sx,
            top + (box.y1 - y0) * sy,
        )

    def to_view(self, box: Box) -> Box:
        """Map a box from native pixels of the frame to pixels of the view (not clipped)."""
        (x0, sx), (y0, sy) = self._axes()
        left, top = self.source.x0, self.source.y0
        return Box.of(
            x0 + (box.x0 - left) / sx,
            y0 + (box.y0 - top) / sy,
            x0 + (box.x1 - left) / sx,
            y0 + (box.y1 - top) / sy,
        )

    def _axes(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Of each axis where the cell starts and how many native pixels one of its own is."""
        shown, source = self.shown, self.source
        return (shown.x0, source.width / shown.width), (shown.y0, source.height / shown.height)


@dataclass(frozen=True, eq=False)
class VideoView(View):
    """Frames of a video on one picture.

    `frame` is exact where one frame is shown. Where there are several it is that of the first cell,
    continued over the whole picture, and `at` and `located` say what a point or a box stands for.

    Attributes:
        cells: The frames in the order of time, row by row.
        latest: Of a picture that joins several frames in one cell: int `(height, width)`, which of
            `joined` each pixel of the view is from.
        joined: The frames that are joined, with their times.
    """

    cells: tuple[Cell, ...] = ()
    latest: npt.NDArray[np.intp] | None = field(default=None, repr=False)
    joined: tuple[tuple[int, float], ...] = ()

    def at(self, x: float, y: float) -> Place | None:
        """What is seen at a point.

        Args:
            x: Pixels of the view from the left.
            y: Pixels of the view from the top.

        Returns:
            The frame, its time and the native pixel; None where no frame is drawn.
        """
        for cell in self.cells:
            shown = cell.shown
            if shown.x0 <= x < shown.x1 and shown.y0 <= y < shown.y1:
                frame, seconds = cell.frame, cell.seconds
                if self.latest is not None:
                    frame, seconds = self.joined[int(self.latest[int(y), int(x)])]
                (left, sx), (top, sy) = cell._axes()
                return Place(
                    frame,
                    seconds,
                    cell.source.x0 + (x - left) * sx,
                    cell.source.y0 + (y - top) * sy,
                )
        return None

    def located(self, box: Box) -> tuple[Span, ...]:
        """What a box stands for.

        Args:
            box: Pixels of the view.

        Returns:
            Of each frame that it covers a part of, in the order of time: the native box, within
            what is shown. Frames that it only touches at the edge are left out where it covers more
            of another. A box around a label alone stands for the whole of its frame; one that
            covers nothing gives nothing.
        """
        parts = [(cell, _shared(cell.shown, box)) for cell in self.cells]
        largest = max((part.area for _, part in parts if part is not None), default=0.0)
        if not largest:
            named = [cell for cell in self.cells if cell.label and _shared(cell.label, box)]
            return tuple(Span(cell.frame, cell.seconds, cell.source) for cell in named)
        return tuple(
            Span(cell.frame, cell.seconds, cell.to_native(part))
            for cell, part in parts
            if part is not None and part.area >= _SLIVER * largest
        )

    def cell_of(self, frame: int) -> Cell | None:
        """The cell of a frame; None when it is not shown."""
        return next((cell for cell in self.cells if cell.frame == frame), None)

    def drawn(self, frame: int, box: Box) -> Box | None:
        """Where a native box of a frame is drawn, in pixels of the view; None when it is not."""
        cell = self.cell_of(frame)
        return None if cell is None else _shared(cell.shown, cell.to_view(box))


def frame_of(cell: Cell, native: tuple[int, int], size: tuple[int, int]) -> Frame:
    """The frame of a view `size` in which one cell is exact, continued over the whole picture."""
    source = cell.to_native(Box.of(0, 0, *size))
    return Frame(
        native_width=native[0],
        native_height=native[1],
        source=source,
        width=size[0],
        height=size[1],
    )


def _shared(one: Box, other: Box) -> Box | None:
    """What two boxes share; None when that has no area."""
    x0, y0 = max(one.x0, other.x0), max(one.y0, other.y0)
    x1, y1 = min(one.x1, other.x1), min(one.y1, other.y1)
    return Box.of(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None
