"""A place of a cloud shown again with the camera moved closer."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.geometry import Frame
from gadet.media.pointcloud import PointCloudSample
from gadet.media.pointcloud.pages import pages
from gadet.media.pointcloud.render import Camera, Rendering, render
from gadet.media.pointcloud.render.camera import facing
from gadet.media.pointcloud.render.scene import REACH
from gadet.media.pointcloud.view import PointCloudView, Sheet
from gadet.view import ViewLimits

__all__ = ["close_cameras", "close_view"]

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_SHARE: Final = 1 / 3  # of a picture's side that the place takes, to be seen in its surroundings
_FINEST: Final = 32.0  # spacings to a side of a picture, under which only splats would be seen
_WORTH: Final = 1.3  # times larger than before
_GLANCE: Final = 160
_TILT: Final = np.radians(35.0)


def close_cameras(sample: PointCloudSample, rows: Ids, *, size: int = 512) -> tuple[Camera, ...]:
    """Two cameras that show a place large, from where most of it is seen.

    Straight onto the surface and from all sides of that, and from where the whole was shown: what
    stands in the way of one leaves another free.

    Returns:
        The best two; none where a place is not shown, or would be shown no larger than before.
    """
    place = np.searchsorted(sample.rows, rows)
    place = place[sample.rows[np.minimum(place, len(sample.rows) - 1)] == rows]
    if not len(place):
        return ()
    scene = sample.scene
    points = scene.points[:, place].T.astype(np.float64) + scene.origin
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    wide = 2 * float(np.linalg.norm(points - centre, axis=1).max()) / _SHARE
    spacing = float(np.median(scene.reach[place])) / REACH
    scale = size / max(wide, _FINEST * spacing)
    cameras = sample.cameras
    if scale < _WORTH * max(camera.at_size(size).scale for camera in cameras):
        return ()
    turns = [*_onto(sample, place), *(camera.rotation for camera in cameras)]
    close = [Camera(turn, centre, scale, size, size) for turn in turns]
    mine = np.zeros(len(scene), bool)
    mine[place] = True
    seen = [_seen(render(scene, camera.at_size(_GLANCE), ()), mine) for camera in close]
    first = int(np.argmax(seen))
    # The second differs from the first, or it would show nothing more.
    apart = [float(turn[2] @ turns[first][2]) < np.cos(_TILT / 2) for turn in turns]
    second = int(np.argmax(np.where(apart, seen, -1)))
    return close[first], close[second]


def close_view(sample: PointCloudSample, rows: Ids, limits: ViewLimits) -> PointCloudView | None:
    """A place shaded from two sides, and by its curvature; None where that shows nothing new."""
    cameras = close_cameras(sample, rows)
    if not cameras:
        return None
    page = pages(3, limits, columns=3)[0]
    aims = (
        (cameras[0], "shaded", "closer"),
        (cameras[0], "curvature", "closer, curvature: red convex, blue concave"),
        (cameras[1], "shaded", "closer, from another side"),
    )[: page.layout.count]

    def drawn() -> Sheet:
        return sample.sheet(aims, page)  # type: ignore[arg-type]

    return PointCloudView(
        frame=Frame.whole(page.size),
        kind="zoom",
        caption="the camera moved closer to one place",
        encoding=limits.encoding or "image/png",
        quality=limits.quality,
        draw=drawn,
    )


def _onto(sample: PointCloudSample, place: Ids) -> list[Floats]:
    """Rotations that look straight onto a surface, and tilted to four sides."""
    normal = sample.scene.normals[:, place].mean(axis=1).astype(np.float64)
    if np.linalg.norm(normal) < 1e-3:
        return []
    straight = facing(-normal, sample.scene.up)
    right, down, ahead = straight
    ways = [np.cos(_TILT) * ahead + np.sin(_TILT) * side for side in (right, -right, down, -down)]
    return [straight, *(facing(way, sample.scene.up) for way in ways)]


def _seen(rendering: Rendering, mine: npt.NDArray[np.bool_]) -> int:
    ids = rendering.surface.ids
    return int(np.count_nonzero(mine[ids[ids >= 0]]))
