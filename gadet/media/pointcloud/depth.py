"""Depth maps: a distance along the optical axis for each pixel, and the camera that saw it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.array import NPY_MAGIC, npy_array
from gadet.media.base import LoadLimits
from gadet.media.decode import decode
from gadet.media.pointcloud.bounds import check_points
from gadet.media.pointcloud.reading import Reading

__all__ = ["depth_of_file", "depth_reading"]


def depth_reading(
    depth: npt.NDArray[Any],
    intrinsics: tuple[float, float, float, float],
    scale: float,
    limits: LoadLimits,
) -> Reading:
    """Points of a depth map, in the frame of its camera: x right, y down, z forward.

    Args:
        depth: `(H, W)` distances along z; zero, negative and not finite ones are holes.
        intrinsics: fx, fy, cx, cy in pixels; pixel centres are whole numbers.
        scale: By what the distances are divided.
        limits: The pixels are held to `max_pixels`.

    Raises:
        InputError: Another shape or type, or over the limits.
    """
    if depth.ndim == 3 and depth.shape[2] == 1:
        depth = depth[:, :, 0]
    if depth.ndim != 2 or depth.dtype.kind not in "iuf":
        raise InputError(
            f"expected a depth map (H, W) of numbers for intrinsics=…; got shape {depth.shape} of "
            f"{depth.dtype}"
        )
    height, width = depth.shape
    check_points(height * width, limits)
    fx, fy, cx, cy = intrinsics
    z = depth.astype(np.float64) / scale
    z[~(np.isfinite(z) & (z > 0))] = np.nan
    x = (np.arange(width) - cx)[None, :] / fx * z
    y = (np.arange(height) - cy)[:, None] / fy * z
    points = np.stack([x, y, z], axis=2).reshape(-1, 3)
    return Reading(points, shape=(height, width), sensor=np.zeros(3))


def depth_of_file(data: bytes, limits: LoadLimits) -> npt.NDArray[Any]:
    """The distances in a picture of one channel (16-bit PNG, float TIFF) or an `.npy` file.

    Raises:
        InputError: Another file, or a picture in colours.
    """
    if data.startswith(NPY_MAGIC):
        return npy_array(data, limits)
    picture, _ = decode(data, limits, None)
    if len(picture.getbands()) != 1 or picture.mode in ("P", "1"):
        raise InputError(
            f"expected a depth map of one channel for intrinsics=…; got a picture of mode "
            f"{picture.mode}: give the depth, and the picture as colours=…"
        )
    return np.asarray(picture)
