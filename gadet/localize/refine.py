"""From a rough place to a mask: the expert's map, snapped to the borders in the picture."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from gadet.geometry import Box

__all__ = ["mask_in_box", "snap_to_superpixels"]

BoolArray = npt.NDArray[np.bool_]
# A snapped region must still be the same region: below this overlap the rough mask is better.
SAME_REGION_IOU = 0.5
SEGMENT_SIDE = 8
MAX_CROP_PIXELS = 512 * 512


def mask_in_box(score_map: npt.NDArray[np.float32], box: Box) -> BoolArray | None:
    """The suspicious pixels inside a box: those above the middle of the map's range in it.

    Args:
        score_map: `(H, W)` in [0, 1].
        box: In pixels of the map, half-open; it may reach outside.

    Returns:
        `(H, W)` bool, or None when the box holds no pixel or the map is flat inside it.
    """
    height, width = score_map.shape
    x0, y0, x1, y1 = box.rounded_out()
    window = np.s_[max(y0, 0) : min(y1, height), max(x0, 0) : min(x1, width)]
    inside = score_map[window]
    if inside.size == 0 or float(np.ptp(inside)) < 0.05:
        return None
    mask = np.zeros(score_map.shape, dtype=bool)
    mask[window] = inside >= (float(inside.min()) + float(inside.max())) / 2
    return mask


def snap_to_superpixels(pixels: npt.NDArray[np.uint8], mask: BoolArray) -> BoolArray:
    """Move the border of a mask to the borders in the picture.

    Superpixels are computed around the mask only; those that the mask covers by half or more form
    the new mask. The rough mask is kept when scikit-image is not installed, when the region is
    smaller than a few superpixels, or when snapping would turn it into another region.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        mask: `(H, W)` bool.

    Returns:
        `(H, W)` bool.

    Source: Achanta et al., SLIC Superpixels, https://doi.org/10.1109/TPAMI.2012.120
    """
    area = int(np.count_nonzero(mask))
    if area < 4 * SEGMENT_SIDE**2:
        return mask
    try:
        from skimage.segmentation import slic
    except ImportError:
        return mask
    window = _window(mask, margin=2 * SEGMENT_SIDE)
    crop, rough = pixels[window], mask[window]
    step = max(1, math.ceil(math.sqrt(rough.size / MAX_CROP_PIXELS)))
    small = crop[::step, ::step]
    count = max(2, small.shape[0] * small.shape[1] // SEGMENT_SIDE**2)
    segments = cast(Any, slic)(
        small, n_segments=count, compactness=8.0, max_num_iter=5, start_label=0, channel_axis=-1
    )
    labels = np.kron(segments, np.ones((step, step), dtype=segments.dtype))
    labels = labels[: rough.shape[0], : rough.shape[1]]
    sizes = np.bincount(labels.ravel())
    covered = np.bincount(labels.ravel(), weights=rough.ravel())
    snapped = (covered >= 0.5 * sizes)[labels]
    union = int(np.count_nonzero(snapped | rough))
    if np.count_nonzero(snapped & rough) < SAME_REGION_IOU * union:
        return mask
    refined = np.zeros_like(mask)
    refined[window] = snapped
    return refined


def _window(mask: BoolArray, margin: int) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, left = max(int(rows[0]) - margin, 0), max(int(columns[0]) - margin, 0)
    return slice(top, int(rows[-1]) + 1 + margin), slice(left, int(columns[-1]) + 1 + margin)
