"""TIFF files whose three channels are x, y and z, one pixel a point, as in MVTec 3D-AD.

Source: https://www.mvtec.com/company/research/datasets/mvtec-3d-ad
"""

from __future__ import annotations

import io
import math
from pathlib import Path
from typing import Final

import numpy as np

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.bounds import check_points, check_unpacked
from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.reading import Reading

__all__ = ["TIFF_SIGNATURES", "colours_beside", "read_tiff"]

TIFF_SIGNATURES: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def read_tiff(data: bytes, limits: LoadLimits) -> Reading:
    """Read x, y and z of each pixel; zeros are holes.

    Raises:
        InputError: Not three channels of floats, over the limits, or broken.
        MissingDependencyError: Without tifffile.
    """
    tifffile = needed("tifffile", "Reading a point cloud from TIFF")
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        # What was written as one array may be many pages, each a row of points.
        whole = file.series[0]
        shape, kind = tuple(whole.shape), np.dtype(whole.dtype or "V")
        planes = len(shape) == 3 and shape[0] == 3 and shape[2] != 3
        if len(shape) != 3 or kind.kind != "f" or 3 not in (shape[0], shape[2]):
            raise InputError(
                f"expected a TIFF of shape (H, W, 3) and floats, x, y and z; got {shape} of {kind}"
            )
        check_points(math.prod(shape) // 3, limits)
        check_unpacked(math.prod(shape) * kind.itemsize, limits)
        pixels = whole.asarray()
    pixels = np.moveaxis(pixels, 0, -1) if planes else pixels
    height, width = pixels.shape[:2]
    return Reading(pixels.reshape(-1, 3), shape=(height, width), sensor=np.zeros(3))


def colours_beside(path: str) -> str | None:
    """The picture that belongs to `…/xyz/NAME.tiff`: `…/rgb/NAME.png`, when there is one."""
    place = Path(path)
    picture = place.parent.with_name("rgb") / f"{place.stem}.png"
    return str(picture) if place.parent.name == "xyz" and picture.is_file() else None
