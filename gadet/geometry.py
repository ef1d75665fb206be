"""Where things are: boxes, masks, intervals, and the frame that ties a view to its source.

Conventions, everywhere in gadet: pixels of the original input after its EXIF orientation was
applied, origin at the top left corner, x to the right, y down, boxes `x0, y0, x1, y1` half-open
(a box covers the pixels `x0 <= x < x1`), arrays indexed `[y, x]`.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Box", "BoxFormat", "Frame", "Interval", "Mask", "Pointing"]

Pointing = Literal["box", "point", "place"]
"""How a model says where: by boxes, by points, or only in words."""

BoolArray = npt.NDArray[np.bool_]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Geometry(BaseModel):
    """A frozen value: equal when its fields are equal, hashable, JSON round-trips."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Box(Geometry):
    """A half-open rectangle with a positive area, in pixels.

    Attributes:
        x0: Left edge, included.
        y0: Top edge, included.
        x1: Right edge, excluded.
        y1: Bottom edge, excluded.
    """

    x0: Finite
    y0: Finite
    x1: Finite
    y1: Finite

    @model_validator(mode="after")
    def _positive_area(self) -> Self:
        if not (self.x1 > self.x0 and self.y1 > self.y0):
            raise ValueError(
                f"a box needs x1 > x0 and y1 > y0 (half-open, x0, y0, x1, y1); got "
                f"({self.x0:g}, {self.y0:g}, {self.x1:g}, {self.y1:g})"
            )
        return self

    @classmethod
    def of(cls, x0: float, y0: float, x1: float, y1: float) -> Self:
        """Make a box from four numbers in the order `x0, y0, x1, y1`."""
        return cls(x0=x0, y0=y0, x1=x1, y1=y1)

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y1 - self.y0

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    @property
    def centre(self) -> tuple[float, float]:
        """The centre `(x, y)` in pixels."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2

    def as_tuple(self) -> tuple[float, float, float, float]:
        """The corners as `(x0, y0, x1, y1)`."""
        return self.x0, self.y0, self.x1, self.y1

    def rounded_out(self) -> tuple[int, int, int, int]:
        """The smallest box of whole pixels `(x0, y0, x1, y1)` that contains this one."""
        return (
            math.floor(self.x0),
            math.floor(self.y0),
            math.ceil(self.x1),
            math.ceil(self.y1),
        )

    def clipped(self, width: float, height: float) -> Box | None:
        """The part of the box inside a picture of `width` × `height`, None when there is none."""
        x0, y0 = max(self.x0, 0.0), max(self.y0, 0.0)
        x1, y1 = min(self.x1, width), min(self.y1, height)
        return Box.of(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None

    def padded(self, margin: float) -> Box:
        """The box grown by `margin` pixels on every side."""
        return Box.of(self.x0 - margin, self.y0 - margin, self.x1 + margin, self.y1 + margin)

    def intersection(self, other: Box) -> float:
        """Area shared with `other`, in square pixels."""
        width = min(self.x1, other.x1) - max(self.x0, other.x0)
        height = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(width, 0.0) * max(height, 0.0)

    def iou(self, other: Box) -> float:
        """Intersection over union with `other`, in [0, 1]."""
        shared = self.intersection(other)
        return shared / (self.area + other.area - shared)


class Mask(Geometry):
    """A binary mask as COCO run lengths: column-major counts that start with the zeros.

    The encoding is exact in both directions, also for empty and full masks, and equals the
    uncompressed RLE of COCO.

    Attributes:
        size: `(height, width)` in pixels, the order that COCO uses.
        counts: Lengths of the runs of zeros and ones in turn, down the columns, zeros first.

    Source: COCO mask API, https://cocodataset.org/#format-data
    """

    size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
    counts: tuple[Annotated[int, Field(ge=0)], ...]

    @model_validator(mode="after")
    def _counts_fill_the_picture(self) -> Self:
        height, width = self.size
        if sum(self.counts) != height * width:
            raise ValueError(
                f"the run lengths of a mask must add up to height * width = {height * width} "
                f"for size {self.size}; they add up to {sum(self.counts)}"
            )
        return self

    @classmethod
    def from_array(cls, array: npt.NDArray[Any]) -> Self:
        """Encode an array `(H, W)`; every value that is not zero belongs to the mask.

        Raises:
            ValueError: The array is not two-dimensional or has no pixels.
        """
        if array.ndim != 2 or array.size == 0:
            raise ValueError(f"a mask needs an array of shape (H, W); got {array.shape}")
        columns = np.flatnonzero(array.any(axis=0))
        # Most masks are small: only the columns that hold something are looked at.
        first, last = (int(columns[0]), int(columns[-1]) + 1) if columns.size else (0, 0)
        inside = np.pad((array[:, first:last] != 0).ravel(order="F"), 1)
        edges = np.flatnonzero(inside[1:] != inside[:-1]) + first * array.shape[0]
        bounds = np.concatenate(([0], edges, [array.size] if array.size not in edges[-1:] else []))
        counts = tuple(np.diff(bounds.astype(np.int64)).tolist())
        return cls(size=array.shape, counts=counts)

    @classmethod
    def from_box(cls, box: Box, size: tuple[int, int]) -> Self:
        """Fill the whole pixels that `box` touches in a picture of `size = (height, width)`."""
        array = np.zeros(size, dtype=bool)
        x0, y0, x1, y1 = box.rounded_out()
        array[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)] = True
        return cls.from_array(array)

    def to_array(self) -> BoolArray:
        """Decode to an array `(H, W)` of bool."""
        values = np.arange(len(self.counts)) % 2 == 1
        return np.repeat(values, self.counts).reshape(self.size, order="F")

    @property
    def area(self) -> int:
        """Number of pixels in the mask."""
        return sum(self.counts[1::2])

    @property
    def box(self) -> Box | None:
        """The tight box around the mask, or None when the mask is empty."""
        if self.area == 0:
            return None
        array = self.to_array()
        rows, columns = np.flatnonzero(array.any(axis=1)), np.flatnonzero(array.any(axis=0))
        return Box.of(columns[0], rows[0], columns[-1] + 1, rows[-1] + 1)

    def iou(self, other: Mask) -> float:
        """Intersection over union with a mask of the same size, in [0, 1]; 0 when both are empty.

        Raises:
            ValueError: The sizes differ.
        """
        if self.size != other.size:
            raise ValueError(f"masks of one size are needed; got {self.size} and {other.size}")
        mine, theirs = self.to_array(), other.to_array()
        union = int(np.count_nonzero(mine | theirs))
        return int(np.count_nonzero(mine & theirs)) / union if union else 0.0


class Interval(Geometry):
    """A half-open stretch of time or of positions.

    Attributes:
        start: Start, included.
        end: End, excluded; greater than `start`.
        unit: What the numbers count: frames of a video, seconds, or steps of a series.
        start_label: The start as the source writes it (a timestamp), when it has one.
        end_label: The end as the source writes it, when it has one.
    """

    start: Finite
    end: Finite
    unit: Literal["frame", "second", "step"]
    start_label: str | None = None
    end_label: str | None = None

    @model_validator(mode="after")
    def _positive_length(self) -> Self:
        if not self.end > self.start:
            raise ValueError(f"an interval needs end > start; got {self.start:g} to {self.end:g}")
        return self


class Frame(Geometry):
    """How the pixels of a view lie in the picture it was made from.

    A view shows the rectangle `source` of a native picture, resized to `width` × `height`. The two
    axes are scaled on their own, so that resizing to whole pixels loses nothing.

    Attributes:
        native_width: Width of the native picture in pixels.
        native_height: Height of the native picture in pixels.
        source: The part of the native picture that the view shows, in native pixels.
        width: Width of the view in pixels.
        height: Height of the view in pixels.
    """

    native_width: Annotated[int, Field(gt=0)]
    native_height: Annotated[int, Field(gt=0)]
    source: Box
    width: Annotated[int, Field(gt=0)]
    height: Annotated[int, Field(gt=0)]

    @classmethod
    def whole(cls, native: tuple[int, int], view: tuple[int, int] | None = None) -> Self:
        """The frame of a `view` that shows a whole `native` picture, both `(width, height)`."""
        width, height = view or native
        return cls(
            native_width=native[0],
            native_height=native[1],
            source=Box.of(0, 0, *native),
            width=width,
            height=height,
        )

    @property
    def scale(self) -> tuple[float, float]:
        """Native pixels per view pixel, `(x, y)`."""
        return self.source.width / self.width, self.source.height / self.height

    def to_native(self, box: Box) -> Box:
        """Map a box from view pixels to native pixels (not clipped)."""
        sx, sy = self.scale
        left, top = self.source.x0, self.source.y0
        return Box.of(left + box.x0 * sx, top + box.y0 * sy, left + box.x1 * sx, top + box.y1 * sy)

    def to_view(self, box: Box) -> Box:
        """Map a box from native pixels to view pixels (not clipped)."""
        sx, sy = self.scale
        left, top = self.source.x0, self.source.y0
        return Box.of(
            (box.x0 - left) / sx, (box.y0 - top) / sy, (box.x1 - left) / sx, (box.y1 - top) / sy
        )

    def mask_to_native(self, mask: BoolArray) -> BoolArray:
        """Lift a mask `(height, width)` of the view to one `(native_height, native_width)`.

        Each native pixel takes the value of the view pixel that its centre falls into; pixels
        outside `source` are False.

        Raises:
            ValueError: The mask does not have the shape of the view.
        """
        if mask.shape != (self.height, self.width):
            raise ValueError(
                f"a mask of the view's shape {(self.height, self.width)} is needed; "
                f"got {mask.shape}"
            )
        sx, sy = self.scale
        columns = np.floor((np.arange(self.native_width) + 0.5 - self.source.x0) / sx).astype(int)
        rows = np.floor((np.arange(self.native_height) + 0.5 - self.source.y0) / sy).astype(int)
        inside_x = (columns >= 0) & (columns < self.width)
        inside_y = (rows >= 0) & (rows < self.height)
        native = np.zeros((self.native_height, self.native_width), dtype=bool)
        native[np.ix_(inside_y, inside_x)] = mask[np.ix_(rows[inside_y], columns[inside_x])]
        return native


class BoxFormat(Geometry):
    """How a family of models writes a box.

    Attributes:
        order: `xyxy` for `x0, y0, x1, y1`, `yxyx` for `y0, x0, y1, x1`.
        frame: `pixels` of the picture as sent, or `relative` to its width and height.
        scale: The number that stands for the whole width or height when `relative`.
    """

    order: Literal["xyxy", "yxyx"] = "xyxy"
    frame: Literal["pixels", "relative"] = "relative"
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1000.0

    def describe(self, width: int | None, height: int | None) -> str:
        """Say in words how a box of a picture of `width` × `height` is to be written.

        None stands for pictures of several sizes.
        """
        names = "x0, y0, x1, y1" if self.order == "xyxy" else "y0, x0, y1, x1"
        return self._form(names, width, height)

    def describe_point(self, width: int | None, height: int | None) -> str:
        """Say in words how a point is to be written; arguments as in `describe`."""
        return self._form("x, y" if self.order == "xyxy" else "y, x", width, height)

    def ordered(self, x: float, y: float) -> tuple[float, float]:
        """A point in the order in which this family writes the corners of its boxes."""
        return (x, y) if self.order == "xyxy" else (y, x)

    def _form(self, names: str, width: int | None, height: int | None) -> str:
        if self.frame == "pixels" and width is None:
            return f"[{names}] in pixels of that picture"
        if self.frame == "pixels":
            return f"[{names}] in pixels of a picture {width} wide and {height} high"
        # A coarse scale needs the digits behind the point to say more than a hundred places.
        kind = "integers" if self.scale >= 1000 else "numbers"
        return f"[{names}] as {kind} from 0 to {self.scale:g} relative to width and height"

    def decode(
        self, values: tuple[float, float, float, float], width: int, height: int
    ) -> tuple[Box | None, tuple[str, ...]]:
        """Convert what a model wrote to view pixels, and say what had to be mended.

        The frame is never guessed from the numbers. Inverted corners are swapped, the box is
        clipped to the picture, and a box without area is dropped; each is noted.

        Args:
            values: Four numbers in this format.
            width: Width of the view in pixels.
            height: Height of the view in pixels.

        Returns:
            The box in view pixels, or None when nothing is left of it; and the notes.
        """
        if not all(math.isfinite(value) for value in values):
            return None, (f"box {list(values)} was dropped: it holds a number that is not finite",)
        if self.order == "yxyx":
            values = (values[1], values[0], values[3], values[2])
        sx, sy = (1.0, 1.0) if self.frame == "pixels" else (width / self.scale, height / self.scale)
        x0, y0, x1, y1 = values[0] * sx, values[1] * sy, values[2] * sx, values[3] * sy
        notes: list[str] = []
        if x1 < x0 or y1 < y0:
            x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
            notes.append(f"box {list(values)} had inverted corners: they were swapped")
        if not (x1 > x0 and y1 > y0):
            return None, (*notes, f"box {list(values)} was dropped: it has no area")
        whole = Box.of(x0, y0, x1, y1)
        box = whole.clipped(width, height)
        if box is None:
            return None, (*notes, f"box {list(values)} was dropped: it lies outside the picture")
        if box != whole:
            notes.append(f"box {list(values)} reached outside the picture: it was clipped")
        return box, tuple(notes)
