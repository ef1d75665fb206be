"""From a score map to regions: threshold, join what is close, label."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gadet.experts.filters import FloatArray, local_max
from gadet.geometry import Box

__all__ = ["bounding_box", "label_components", "regions"]

BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]


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
