"""Which cells of a frame belong to a place, kept small, and the same as a mask of native pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Self

import numpy as np
import numpy.typing as npt

from gadet.geometry import Mask

__all__ = ["Cells"]


@dataclass(frozen=True)
class Cells:
    """Cells of the small copy of a frame.

    Attributes:
        packed: The cells row by row, a bit each.
        shape: `(rows, columns)` of the cells.
        side: `(width, height)` of a cell in native pixels.
    """

    packed: bytes = field(repr=False)
    shape: tuple[int, int]
    side: tuple[float, float]

    @classmethod
    def of(cls, chosen: npt.NDArray[np.bool_], side: tuple[float, float]) -> Self:
        """Pack chosen cells `(rows, columns)` bool."""
        return cls(np.packbits(chosen).tobytes(), (chosen.shape[0], chosen.shape[1]), side)

    def __or__(self, other: Self) -> Self:
        """The cells of both, of one frame."""
        both = np.frombuffer(self.packed, np.uint8) | np.frombuffer(other.packed, np.uint8)
        return type(self)(both.tobytes(), self.shape, self.side)

    def mask(self, size: tuple[int, int]) -> Mask:
        """The native pixels whose middle lies in one of the cells.

        Args:
            size: `(width, height)` of the frame in native pixels.
        """
        rows, columns = self.shape
        bits = np.unpackbits(np.frombuffer(self.packed, np.uint8), count=rows * columns)
        across, down = (
            np.minimum(((np.arange(length) + 0.5) / side).astype(int), last - 1)
            for length, side, last in zip(size, self.side, (columns, rows), strict=True)
        )
        return Mask.from_array(bits.reshape(rows, columns).astype(bool)[down[:, None], across])
