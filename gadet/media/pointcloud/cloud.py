"""A `Cloud`: points in space, and what is known of each of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gadet._lazy import lazy

__all__ = ["Cloud", "Floats", "Indices"]

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Cloud:
    """Points in space, all of them finite; its arrays are read-only.

    Attributes:
        points: float64 `(N, 3)`, x, y, z in the cloud's own units and frame.
        colours: uint8 `(N, 3)` RGB, or None.
        normals: float64 `(N, 3)` of length 1, or 0 where one is unknown; None without any.
        faces: int64 `(M, 3)` corners of triangles, as rows of `points`; None for points alone.
        grid: int64 `(H, W)` of an organised cloud: which point each pixel of the sensor saw, -1
            where it saw none.
        index: int64 `(N,)` the place of each point in the input, where points of it were left out;
            None when each is where it was.
        sensor: float64 `(3,)` where the sensor stood, when the input says so.
        units: Name of the unit of length, when it is known.
        count: How many points the input has, those left out included; None means N.
    """

    points: Floats = field(repr=False)
    colours: npt.NDArray[np.uint8] | None = field(default=None, repr=False)
    normals: Floats | None = field(default=None, repr=False)
    faces: Indices | None = field(default=None, repr=False)
    grid: Indices | None = field(default=None, repr=False)
    index: Indices | None = field(default=None, repr=False)
    sensor: Floats | None = None
    units: str | None = None
    count: int | None = None

    def __post_init__(self) -> None:
        """Keep what is shared from being changed."""
        for array in self.arrays():
            array.flags.writeable = False

    def __len__(self) -> int:
        """Number of points, N."""
        return len(self.points)

    @property
    def given(self) -> int:
        """How many points the input has, those left out included."""
        return len(self) if self.count is None else self.count

    def arrays(self) -> tuple[npt.NDArray[Any], ...]:
        """Those of its arrays that are there."""
        parts = (self.points, self.colours, self.normals, self.faces, self.grid, self.index)
        return tuple(part for part in (*parts, self.sensor) if part is not None)

    @lazy
    def low(self) -> Floats:
        """float64 `(3,)` the smallest x, y and z."""
        return np.asarray(self.points.min(axis=0))

    @lazy
    def high(self) -> Floats:
        """float64 `(3,)` the largest x, y and z."""
        return np.asarray(self.points.max(axis=0))

    @lazy
    def diagonal(self) -> float:
        """Length of the diagonal of the box around the points, in their units."""
        return float(np.linalg.norm(self.high - self.low))

    def in_input(self, rows: npt.ArrayLike) -> Indices:
        """The places in the input of some rows of `points`: int64, of the shape of `rows`."""
        rows = np.asarray(rows, np.int64)
        return rows if self.index is None else np.asarray(self.index[rows])
