"""From a score map to regions: threshold, join what is close, label."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray, local_max
from gadet.geometry import Box

__all__ = [
    "Windowed",
    "bounding_box",
    "filled",
    "label_components",
    "regions",
    "windowed_regions",
]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Windowed:
    """A region, kept as the window around it.

    Attributes:
        mask: `(h, w)` bool, tight around the region, never empty.
        left: Left edge of `mask`.
        top: Top edge of `mask`.
        score: The highest value of the map in it.
    """

    mask: BoolArray = field(repr=False)
    left: int
    top: int
    score: float

    @property
    def window(self) -> tuple[slice, slice]:
        """Where `mask` lies, rows and columns."""
        height, width = self.mask.shape
        return np.s_[self.top : self.top + height, self.left : self.left + width]

    @property
    def box(self) -> Box:
        """The tight box around it, half-open."""
        height, width = self.mask.shape
        return Box.of(self.left, self.top, self.left + width, self.top + height)

    def whole(self, shape: tuple[int, int]) -> BoolArray:
        """The region as a mask `(H, W)`; the memory of untouched pages is never claimed."""
        mask = np.zeros(shape, dtype=bool)
        mask[self.window] = self.mask
        return mask


def _label_runs(mask: BoolArray) -> IntArray:
    """Label 8-connected components from the runs of each row, with union-find."""
    height, width = mask.shape
    padded = np.zeros((height, width + 2), dtype=np.int8)
    padded[:, 1:-1] = mask
    steps = np.diff(padded, axis=1)
    rows, starts = np.nonzero(steps == 1)
    ends = np.nonzero(steps == -1)[1]
    parent = list(range(len(rows)))

    def root(index: int) -> int:
        while parent[index] != index:
            parent[index] = parent[parent[index]]
            index = parent[index]
        return index

    first = np.searchsorted(rows, np.arange(height + 1))
    for row in range(1, height):
        above, here = int(first[row - 1]), int(first[row])
        while above < first[row] and here < first[row + 1]:
            # Half-open runs touch, diagonals included, when neither ends before the other starts.
            if starts[above] <= ends[here] and starts[here] <= ends[above]:
                a, b = root(above), root(here)
                parent[max(a, b)] = min(a, b)
            if ends[above] < ends[here]:
                above += 1
            else:
                here += 1
    roots = [root(index) for index in range(len(rows))]
    names = {name: number for number, name in enumerate(sorted(set(roots)), start=1)}
    labels = np.zeros(mask.shape, dtype=np.int64)
    for index, name in enumerate(roots):
        labels[rows[index], starts[index] : ends[index]] = names[name]
    return labels


def label_components(mask: BoolArray) -> IntArray:
    """Number the 8-connected components of `mask` `(H, W)` from 1 in reading order, 0 outside.

    scikit-image does it when it is installed; the fallback gives the same labels.
    """
    try:
        from skimage import measure
    except ImportError:
        return _label_runs(mask)
    label: Any = measure.label  # its types are incomplete
    return np.asarray(label(mask, connectivity=2), dtype=np.int64)


def bounding_box(mask: BoolArray) -> tuple[int, int, int, int]:
    """The tight half-open box `x0, y0, x1, y1` of a mask that is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def filled(mask: BoolArray) -> BoolArray:
    """A mask `(H, W)` without holes: what it surrounds belongs to it."""
    labels = label_components(np.pad(~mask, 1, constant_values=True))
    return np.asarray(labels != labels[0, 0])[1:-1, 1:-1]


def regions(
    score_map: FloatArray, threshold: float, *, join: int = 0, least: int = 1, most: int = 24
) -> list[tuple[BoolArray, Box, float]]:
    """The regions of a map that reach a threshold.

    Args:
        score_map: `(H, W)` float32.
        threshold: Pixels at or above it belong to a region.
        join: Regions whose gap is at most twice this many pixels count as one.
        least: Smallest number of pixels of a region.
        most: Largest number of regions.

    Returns:
        Mask, box and highest score of each region, the highest score first, then the largest.
    """
    above = score_map >= threshold
    if not above.any():
        return []
    grown = local_max(above.astype(np.float32), join) > 0 if join else above
    labels = np.where(above, label_components(grown), 0)
    count = int(labels.max())
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    peaks = np.zeros(count + 1, dtype=np.float32)
    np.maximum.at(peaks, labels.ravel(), score_map.ravel())
    order = [name for name in range(1, count + 1) if sizes[name] >= max(least, 1)]
    order.sort(key=lambda name: (-float(peaks[name]), -int(sizes[name]), name))
    found = []
    for name in order[:most]:
        mask = labels == name
        found.append((mask, Box.of(*bounding_box(mask)), float(peaks[name])))
    return found


def windowed_regions(
    score_map: FloatArray, threshold: float, *, cell: int, least: int = 1, most: int = 24
) -> list[Windowed]:
    """The regions of a large map that reach a threshold, found without an array of its size.

    Args:
        score_map: `(H, W)` float32.
        threshold: Pixels at or above it belong to a region.
        cell: Cells of so many pixels a side are looked at; those that touch are one region.
        least: Smallest number of pixels of a region.
        most: Largest number of regions.

    Returns:
        The regions, the highest score first, then the largest.
    """
    labels = label_components(_reached(score_map, threshold, cell))
    found = []
    for name, (x0, y0, x1, y1) in enumerate(_boxes_of(labels), start=1):
        top, left = y0 * cell, x0 * cell
        part = score_map[top : y1 * cell, left : x1 * cell]
        cells = labels[y0:y1, x0:x1] == name
        mine = cells.repeat(cell, axis=0).repeat(cell, axis=1)[: part.shape[0], : part.shape[1]]
        mask = mine & (part >= threshold)
        if np.count_nonzero(mask) >= least:
            low_x, low_y, high_x, high_y = bounding_box(mask)
            tight = mask[low_y:high_y, low_x:high_x]
            score = float(part[mask].max())
            found.append(Windowed(tight, left + low_x, top + low_y, score))
    found.sort(key=lambda one: (-one.score, -int(np.count_nonzero(one.mask)), one.top, one.left))
    return found[:most]


def _reached(score_map: FloatArray, threshold: float, cell: int) -> BoolArray:
    """Which cells of a map hold a pixel at or above a threshold."""
    rows = []
    columns = np.arange(0, score_map.shape[1], cell)
    for top in range(0, score_map.shape[0], cell):
        above = (score_map[top : top + cell] >= threshold).any(axis=0)
        rows.append(np.logical_or.reduceat(above, columns))
    return np.array(rows)


def _boxes_of(labels: IntArray) -> list[tuple[int, int, int, int]]:
    """The tight box `x0, y0, x1, y1` of each label from 1 on."""
    count = int(labels.max(initial=0))
    rows, columns = np.nonzero(labels)
    names = labels[rows, columns] - 1
    boxes = []
    for places in (columns, rows):
        low, high = np.full(count, np.iinfo(np.int64).max), np.zeros(count, dtype=np.int64)
        np.minimum.at(low, names, places)
        np.maximum.at(high, names, places + 1)
        boxes += [low.tolist(), high.tolist()]
    return list(zip(boxes[0], boxes[2], boxes[1], boxes[3], strict=True))
