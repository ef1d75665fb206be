"""What a segmenter is, and the mask it returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from gadet.geometry import Box, Frame, Mask

__all__ = ["SegmentedMask", "Segmenter"]

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SegmentedMask:
    """A region that a segmenter found, kept small: only its own window, a bit for each pixel.

    Make one with `from_array`.

    Attributes:
        quality: The segmenter's own estimate of the mask's IoU with the true one, in [0, 1].
        stability: IoU of the mask with itself when it is cut a little higher and a little lower,
            in [0, 1].
    """

    quality: float
    stability: float
    _bits: npt.NDArray[np.uint8] = field(repr=False)
    _window: tuple[slice, slice] = field(repr=False)
    _frame: Frame = field(repr=False)

    @classmethod
    def from_array(
        cls,
        array: BoolArray,
        *,
        frame: Frame | None = None,
        quality: float = 1.0,
        stability: float = 1.0,
    ) -> Self:
        """Keep a mask.

        Args:
            array: `(h, w)` bool with at least one pixel set.
            frame: How the array lies in the native picture; None where it is the whole of it. A
                pixel of the array may stand for many native ones, never for a part of one.
            quality: In [0, 1].
            stability: In [0, 1].

        Raises:
            ValueError: The mask is empty, does not have the shape of its frame, or is finer than
                the native picture.
        """
        rows, columns = np.flatnonzero(array.any(axis=1)), np.flatnonzero(array.any(axis=0))
        if rows.size == 0:
            raise ValueError("a segmented mask needs at least one pixel; got none")
        frame = frame or Frame.whole((array.shape[1], array.shape[0]))
        if array.shape != (frame.height, frame.width) or min(frame.scale) < 1:
            raise ValueError(
                f"a mask of the frame's shape {(frame.height, frame.width)}, no finer than the "
                f"native picture, is needed; got {array.shape} at {frame.scale} native pixels each"
            )
        window = (
            slice(int(rows[0]), int(rows[-1]) + 1),
            slice(int(columns[0]), int(columns[-1]) + 1),
        )
        return cls(quality, stability, np.packbits(array[window]), window, frame)

    @property
    def mask(self) -> BoolArray:
        """The mask in native pixels, `(H, W)` bool; made anew each time."""
        array = np.zeros((self._frame.height, self._frame.width), dtype=bool)
        array[self._window] = self._cut
        return self._frame.mask_to_native(array)

    @property
    def rle(self) -> Mask:
        """The mask in native pixels as COCO run lengths."""
        return Mask.from_array(self.mask)

    @cached_property
    def box(self) -> Box:
        """The tight box around the mask, native pixels, half-open."""
        rows, columns = self._native_indices
        return Box.of(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)

    @cached_property
    def area(self) -> int:
        """Number of native pixels in the mask."""
        rows, columns = self._native_indices
        down, across = self._window
        tall = np.bincount(self._rows_of(rows) - down.start, minlength=down.stop - down.start)
        wide = np.bincount(self._columns_of(columns) - across.start)
        return int(tall @ self._cut.astype(np.int64) @ wide)

    @property
    def nbytes(self) -> int:
        """Bytes that the mask is kept in."""
        return self._bits.nbytes

    @property
    def _cut(self) -> BoolArray:
        shape = tuple(part.stop - part.start for part in self._window)
        size = shape[0] * shape[1]
        return np.unpackbits(self._bits, count=size).reshape(shape).astype(bool)

    @property
    def _native_indices(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Rows and columns of the native picture that fall into the window."""
        down, across = self._window
        rows = self._rows_of(np.arange(self._frame.native_height))
        columns = self._columns_of(np.arange(self._frame.native_width))
        return (
            np.flatnonzero((rows >= down.start) & (rows < down.stop)),
            np.flatnonzero((columns >= across.start) & (columns < across.stop)),
        )

    def _rows_of(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The rows of the array that native rows fall into, as `Frame.mask_to_native` has it."""
        return _cells(rows, self._frame.source.y0, self._frame.scale[1])

    def _columns_of(self, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return _cells(columns, self._frame.source.x0, self._frame.scale[0])


def _span(indices: npt.NDArray[np.int64]) -> slice:
    return slice(int(indices[0]), int(indices[-1]) + 1)


def _cells(places: npt.NDArray[np.int64], start: float, scale: float) -> npt.NDArray[np.int64]:
    cells: npt.NDArray[np.int64] = np.floor((places + 0.5 - start) / scale).astype(np.int64)
    return cells


class Segmenter(Protocol):
    """Cuts regions out of a picture; it may be called from many threads at once."""

    @property
    def name(self) -> str:
        """The engine and its model, for example `segment-anything:vit_b`."""

    @property
    def weights_sha256(self) -> str | None:
        """Hash of the weights it uses, None without weights."""

    def propose(self, pixels: npt.NDArray[np.uint8]) -> tuple[SegmentedMask, ...]:
        """Every region that it sees, the best quality first.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
        """

    def in_box(self, pixels: npt.NDArray[np.uint8], box: Box) -> SegmentedMask | None:
        """The region that a box means, None when there is none.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
            box: In native pixels, half-open; it may reach outside.
        """

    def at_points(
        self,
        pixels: npt.NDArray[np.uint8],
        points: Sequence[tuple[float, float]],
        labels: Sequence[int],
    ) -> SegmentedMask | None:
        """The region that points mean, None when there is none.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
            points: `(x, y)` each, in native pixels.
            labels: 1 for a point in the region, 0 for one outside; as many as points.
        """
