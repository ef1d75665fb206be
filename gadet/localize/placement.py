"""Where labels go on a picture: near their region, off every other label and small region."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

__all__ = ["Plot", "Spot", "place_labels", "squared_distance"]

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

_GRID = 256  # cells on the long side: placing costs the same for every picture size
_INSIDE_SHARE = 0.10  # a label may lie inside a region when it hides at most this part of it
_HIDING = 400.0  # costs are in label heights of distance: 1 % of a region hidden is as bad as 4
_OUTLINES = 3.0


@dataclass(frozen=True, eq=False)
class Plot:
    """A label to place and the region it belongs to, in pixels of the picture.

    Attributes:
        width: Width of the label.
        height: Height of the label.
        left: Left edge of `region` and `outlined` in the picture.
        top: Top edge of `region` and `outlined` in the picture.
        region: `(H, W)` bool, what the label names.
        outlined: `(H, W)` bool, the region with the line around it.
    """

    width: int
    height: int
    left: int
    top: int
    region: BoolArray = field(repr=False)
    outlined: BoolArray = field(repr=False)


@dataclass(frozen=True)
class Spot:
    """The place of a label.

    Attributes:
        box: `x0, y0, x1, y1` in pixels of the picture, half-open.
        inside: Whether it lies within its region.
        anchor: `(x, y)` on the outline, when the label is too far off to be read as belonging to
            its region without a line to it.
    """

    box: tuple[int, int, int, int]
    inside: bool
    anchor: tuple[int, int] | None


def squared_distance(mask: BoolArray, limit: int) -> npt.NDArray[np.int32]:
    """Squared Euclidean distance `(H, W)` of each pixel to the nearest one in `mask`.

    Exact up to `limit` pixels; what is farther gets a value above `limit` squared. The two axes
    are separable, so it takes `4 * limit` passes over the array.
    """
    far = (limit + 1) ** 2
    along = np.where(mask, 0, far).astype(np.int32)
    for step in range(1, min(limit, mask.shape[1] - 1) + 1):
        np.minimum(along[:, step:], np.where(mask[:, :-step], step**2, far), out=along[:, step:])
        np.minimum(along[:, :-step], np.where(mask[:, step:], step**2, far), out=along[:, :-step])
    both = along.copy()
    for step in range(1, min(limit, mask.shape[0] - 1) + 1):
        np.minimum(both[step:], along[:-step] + step**2, out=both[step:])
        np.minimum(both[:-step], along[step:] + step**2, out=both[:-step])
    return both


class _Grid:
    """The picture in whole cells of `cell` pixels; cells cut by the far edges are left out."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.cell = max(1, math.ceil(max(size) / _GRID))
        self.columns, self.rows = max(1, size[0] // self.cell), max(1, size[1] // self.cell)

    def cells(self, pixels: int) -> int:
        return math.ceil(pixels / self.cell)

    def touched(self, plot: Plot, mask: BoolArray) -> BoolArray:
        """The cells that a mask of a plot touches."""
        grid = np.zeros((self.rows, self.columns), dtype=bool)
        rows, columns = np.nonzero(mask)
        rows, columns = (rows + plot.top) // self.cell, (columns + plot.left) // self.cell
        grid[np.minimum(rows, self.rows - 1), np.minimum(columns, self.columns - 1)] = True
        return grid


def _window_sums(values: npt.NDArray[np.generic], height: int, width: int) -> FloatArray:
    """The sum under a window at each of its positions `(top, left)` inside the array."""
    total = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    total[1:, 1:] = values.astype(np.float64).cumsum(axis=0).cumsum(axis=1)
    return (
        total[height:, width:]
        - total[:-height, width:]
        - total[height:, :-width]
        + total[:-height, :-width]
    )


def place_labels(
    size: tuple[int, int], plots: Sequence[Plot], *, inside: bool = True
) -> list[Spot]:
    """Place every label where it hides least and is nearest to its region.

    All positions on a grid are compared, small regions first since they have the least choice.
    Labels do not overlap as long as the picture has room for them.

    Args:
        size: `(width, height)` of the picture.
        plots: What to place.
        inside: Whether a label may lie within its own region when that is large.

    Returns:
        A spot for each plot, in their order.
    """
    grid = _Grid(size)
    regions = [grid.touched(plot, plot.region) for plot in plots]
    outlined = [grid.touched(plot, plot.outlined) for plot in plots]
    weights = np.zeros((grid.rows, grid.columns))
    lines = np.zeros((grid.rows, grid.columns))
    for region, outline in zip(regions, outlined, strict=True):
        weights += region / max(1, int(region.sum()))
        lines += outline & ~region
    taken = np.zeros((grid.rows, grid.columns), dtype=bool)
    spots: dict[int, Spot] = {}
    for i in sorted(range(len(plots)), key=lambda n: (int(regions[n].sum()), n)):
        allowed = _INSIDE_SHARE if inside else 0.0
        own = (regions[i], outlined[i])
        spots[i] = _place(grid, size, plots[i], own, weights, lines, taken, allowed)
    return [spots[i] for i in range(len(plots))]


def _place(
    grid: _Grid,
    size: tuple[int, int],
    plot: Plot,
    own: tuple[BoolArray, BoolArray],
    weights: FloatArray,
    lines: FloatArray,
    taken: BoolArray,
    inside_share: float,
) -> Spot:
    """Find the cheapest position of one label and mark it as taken."""
    region, outlined = own
    high = min(grid.cells(plot.height), grid.rows)
    wide = min(grid.cells(plot.width), grid.columns)
    area = int(region.sum())
    limit = 3 * high
    away = np.sqrt(squared_distance(outlined, limit))
    # Half a label less than the distance of its middle: zero when the label touches the outline.
    shape = (grid.rows - high + 1, grid.columns - wide + 1)
    middle = away[high // 2 :, wide // 2 :][: shape[0], : shape[1]]
    far = middle > limit
    distance = np.maximum(middle - high / 2, 0) / high
    distance = np.where(far, limit / high + _box_distance(region, high, wide, shape), distance)
    own_share = _window_sums(region, high, wide) / max(1, area)
    hidden = _window_sums(weights, high, wide)
    cost = distance + _HIDING * hidden
    cost += _OUTLINES * _window_sums(lines, high, wide) / (high * wide)
    within = _window_sums(region, high, wide) >= high * wide - 0.5
    if high * wide <= inside_share * area and within.any():
        # Inside, the label hides a part of its own region on purpose; deeper is better.
        depth = np.sqrt(squared_distance(~region, limit))[high // 2 :, wide // 2 :]
        depth = depth[: shape[0], : shape[1]]
        others = _HIDING * (hidden - own_share)
        cost = np.where(within, others - 1 - depth / high, cost)
    crowd = _window_sums(taken, high, wide)
    cost = np.where(crowd > 0.5, 1e6 + crowd, cost)
    top, left = (int(n) for n in np.unravel_index(int(np.argmin(cost)), cost.shape))
    taken[max(top - 1, 0) : top + high + 1, max(left - 1, 0) : left + wide + 1] = True
    x0 = min(left * grid.cell, max(0, size[0] - plot.width))
    y0 = min(top * grid.cell, max(0, size[1] - plot.height))
    box = (x0, y0, min(x0 + plot.width, size[0]), min(y0 + plot.height, size[1]))
    inside = bool(within[top, left])
    return Spot(box, inside, None if inside else _anchor(plot, box))


def _box_distance(region: BoolArray, high: int, wide: int, shape: tuple[int, int]) -> FloatArray:
    """Distance in label heights from each position of a label to the box around the region."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    tops, lefts = np.arange(shape[0])[:, None], np.arange(shape[1])[None, :]
    down = np.maximum(np.maximum(rows[0] - (tops + high), tops - rows[-1] - 1), 0)
    across = np.maximum(np.maximum(columns[0] - (lefts + wide), lefts - columns[-1] - 1), 0)
    return np.asarray(np.hypot(down, across) / high, dtype=np.float64)


def _anchor(plot: Plot, box: tuple[int, int, int, int]) -> tuple[int, int] | None:
    """The point of the outline nearest to a label, or None when they touch or nearly do."""
    rows, columns = np.nonzero(plot.outlined)
    x, y = columns + plot.left, rows + plot.top
    across = np.maximum(np.maximum(box[0] - x, x - box[2] + 1), 0)
    down = np.maximum(np.maximum(box[1] - y, y - box[3] + 1), 0)
    squared = across.astype(np.int64) ** 2 + down.astype(np.int64) ** 2
    nearest = int(np.argmin(squared))
    if squared[nearest] <= (0.2 * plot.height) ** 2:
        return None
    return int(x[nearest]), int(y[nearest])
