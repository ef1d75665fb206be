"""What is measured of a frame before anything is known of what is usual."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.experts.backbone import Backbone
from gadet.experts.filters import FloatArray, luminance
from gadet.experts.video.camera import Camera, View
from gadet.experts.video.looks import CELL, cells_of, describe
from gadet.experts.video.points import Moving, PointTracker
from gadet.experts.video.staying import Dwell

__all__ = ["LONGEST", "Glimpse", "Watcher", "small_size"]

Pixels = npt.NDArray[np.uint8]

LONGEST = 320
"""Longest side in pixels of the copies that are measured."""
SHORTEST = 16
"""Shortest side of these copies: a patch must fit."""
STEADY = 4
"""Steps for which a point must have been followed for its motion to count."""
SIGHTED = 2
"""Steps after which a point shows that something moves there."""


def small_size(size: tuple[int, int]) -> tuple[int, int]:
    """The `(width, height)` that frames of `size` are measured in."""
    scale = min(1.0, LONGEST / max(size))
    return max(SHORTEST, round(size[0] * scale)), max(SHORTEST, round(size[1] * scale))


@dataclass(frozen=True, eq=False)
class Glimpse:
    """What is measured of a frame.

    Attributes:
        seconds: When it was taken.
        shape: `(height, width)` of the copy that was measured; all pixels here are its pixels.
        moving: The points on whatever moves.
        settled: Whether enough frames came before to tell what moves.
        half_looks: `(h, w, C)` float16, what its cells look like; half as large as it is used.
        dwell: `(h, w)` float32, seconds for which something has stayed around each cell.
        watched: Seconds since the first frame, the last cut or the last motion of the camera.
        view: What the camera did since the frame before.
        anew: Whether there was a cut or a motion of the camera before.
    """

    seconds: float
    shape: tuple[int, int]
    moving: Moving = field(repr=False)
    settled: bool
    half_looks: npt.NDArray[np.float16] = field(repr=False)
    dwell: FloatArray = field(repr=False)
    watched: float = 0.0
    view: View = View.STILL
    anew: bool = False

    @property
    def looks(self) -> FloatArray:
        """`(h, w, C)` float32 descriptors of length 1."""
        return self.half_looks.astype(np.float32)

    @property
    def steady(self) -> Moving:
        """The points that were followed for long enough."""
        return self.moving.older(STEADY)

    @property
    def stirred(self) -> npt.NDArray[np.bool_]:
        """`(h, w)`: the cells in which something moves."""
        return self._cells(self.moving.older(SIGHTED))

    @property
    def crossed(self) -> npt.NDArray[np.bool_]:
        """`(h, w)`: the cells with points that were followed for long enough."""
        return self._cells(self.steady)

    def _cells(self, moving: Moving) -> npt.NDArray[np.bool_]:
        found = np.zeros(self.half_looks.shape[:2], np.bool_)
        cells = (moving.places / CELL).astype(np.int64)
        found[cells[:, 1], cells[:, 0]] = True
        return found


class Watcher:
    """Measures frames one after the other, in memory that does not grow.

    Args:
        backbone: The network that describes cells, or None.
        size: `(width, height)` that frames of any size are measured in.
    """

    def __init__(self, backbone: Backbone | None, size: tuple[int, int]) -> None:
        """Start with no frame."""
        self._backbone = backbone
        self._size = size
        self._camera = Camera()
        self._anew = False
        self._restart(0.0)

    def _restart(self, seconds: float) -> None:
        """Forget what moved: after a cut nothing goes on, and what the camera does is no motion."""
        self._points = PointTracker()
        self._dwell = Dwell(cells_of((self._size[1], self._size[0])))
        self._seen, self._since = 0, seconds

    def look(self, seconds: float, pixels: Pixels) -> Glimpse:
        """Take in a frame.

        Args:
            seconds: When it was taken, later than the one before.
            pixels: `(H, W, 3)` uint8 RGB of any size.
        """
        size = self._size
        if size != (pixels.shape[1], pixels.shape[0]):
            picture = Image.fromarray(np.ascontiguousarray(pixels))
            pixels = np.asarray(picture.resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0))
        levels = luminance(pixels)
        view = self._camera.step(levels)
        if view is not View.STILL or not self._seen:
            self._anew = self._anew or view is not View.STILL
            self._restart(seconds)
        moving = self._points.step(seconds, levels)
        sighted = moving.older(SIGHTED)
        dwell = self._dwell.step(seconds, sighted.places, sighted.velocities)
        looks = describe(pixels, self._backbone).astype(np.float16)
        self._seen += 1
        return Glimpse(
            seconds,
            (size[1], size[0]),
            moving,
            self._seen > SIGHTED,
            looks,
            dwell,
            seconds - self._since,
            view,
            self._anew,
        )

    def look_through(self, frames: Iterable[tuple[float, Pixels]]) -> Iterator[Glimpse]:
        """Take in frames, one at a time."""
        for seconds, pixels in frames:
            yield self.look(seconds, pixels)
