"""A `PointCloudView`: a picture of a cloud for a model, with the way back from pixels to points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet._lazy import lazy
from gadet.geometry import Box, Frame
from gadet.media.pointcloud.render.lift import lift
from gadet.media.pointcloud.render.rendering import Rendering
from gadet.media.pointcloud.render.shade import Mode
from gadet.view import View

__all__ = ["Cell", "PointCloudView", "Sheet"]

Ids = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cell:
    """One rendering on a sheet.

    Attributes:
        rendering: What is shown, and the point of each of its pixels.
        mode: How it is coloured.
        left: Left edge on the sheet in pixels.
        top: Top edge on the sheet in pixels.
        rows: int64 `(S,)` the rows of the cloud that the points of the rendering are.
    """

    rendering: Rendering = field(repr=False)
    mode: Mode
    left: int
    top: int
    rows: Ids = field(repr=False)

    @property
    def box(self) -> Box:
        """Where it lies on the sheet, in pixels."""
        return Box.of(*self.edges)

    @property
    def edges(self) -> tuple[int, int, int, int]:
        """Its left, upper, right and lower edge on the sheet in pixels, half-open."""
        camera = self.rendering.camera
        return self.left, self.top, self.left + camera.width, self.top + camera.height

    @lazy
    def shown(self) -> Ids:
        """int64 `(h, w)` the row of the cloud that each pixel shows, -1 where there is none."""
        ids = self.rendering.surface.ids
        return np.where(ids >= 0, self.rows[np.maximum(ids, 0)], -1)

    def showing(self, chosen: Bools) -> Bools:
        """The pixels `(h, w)` that show points of a mask `(N,)` over the rows of the cloud."""
        return np.asarray((self.shown >= 0) & chosen[np.maximum(self.shown, 0)])

    def lifted(self, mask: Bools) -> Ids:
        """The rows of the cloud that a mask `(h, w)` stands for, ascending."""
        return np.asarray(self.rows[lift([self.rendering], [mask]).points])


@dataclass(frozen=True, eq=False)
class Sheet:
    """A picture of one or several renderings.

    Attributes:
        picture: RGB.
        cells: The renderings; none where the way back to the points is not needed.
    """

    picture: Image.Image = field(repr=False)
    cells: tuple[Cell, ...] = ()

    def drawn_on(self, picture: Image.Image) -> Sheet:
        """The same renderings with something drawn on them."""
        return replace(self, picture=picture)


@dataclass(frozen=True, eq=False)
class PointCloudView(View):
    """A picture of a cloud, rendered when it is first looked at.

    A cloud has no pixels of its own, so `frame` stands for the view itself; `cells` lead from its
    pixels to points.

    Attributes:
        picture: RGB picture.
        draw: Renders it.
    """

    picture: Image.Image = field(init=False, repr=False)
    draw: Callable[[], Sheet] = field(kw_only=True, repr=False)

    def __getattr__(self, name: str) -> Any:
        """The picture, which no instance holds."""
        if name != "picture":
            raise AttributeError(name)
        return self.sheet.picture

    @lazy
    def sheet(self) -> Sheet:
        """The picture and what is on it."""
        return self.draw()

    @property
    def cells(self) -> tuple[Cell, ...]:
        """The renderings in the picture."""
        return self.sheet.cells

    def cell_of(self, box: Box) -> Cell | None:
        """The rendering that most of a box in pixels of the view lies on; None beside all."""
        shared = [cell.box.intersection(box) for cell in self.cells]
        best = max(range(len(shared)), key=shared.__getitem__, default=0)
        return self.cells[best] if shared and shared[best] > 0 else None

    def redrawn(
        self,
        picture: Image.Image,
        frame: Frame,
        *,
        kind: Literal["marked", "zoom"],
        marks: tuple[int, ...] = (),
    ) -> Self:
        """A view of the same renderings with something drawn on them."""
        sheet = self.sheet.drawn_on(picture)
        return replace(
            self,
            frame=frame,
            kind=kind,
            marks=marks,
            draw=lambda: sheet,
            compressed=None,
            pixel_hash=None,
        )
