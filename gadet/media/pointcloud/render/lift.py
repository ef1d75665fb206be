"""From masks in pictures to points: each view that sees a point has a vote on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gadet.errors import LocalizationError
from gadet.media.pointcloud.render.rendering import Rendering
from gadet.media.pointcloud.render.splat import places

__all__ = ["Lifted", "lift"]

Singles = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

HALF = 0.5
_LEAST = 0.1  # of a full vote that a view has on a point it sees under a grazing angle


@dataclass(frozen=True, eq=False)
class Lifted:
    """What masks say of each point.

    Attributes:
        share: float32 `(N,)` the share of the votes that a point got, in [0, 1]; 0 where unseen.
        weight: float32 `(N,)` the sum of the votes on it; 0 where no view sees it.
    """

    share: Singles
    weight: Singles

    @property
    def points(self) -> npt.NDArray[np.int64]:
        """The points in at least half of their votes, as rows of the cloud, ascending."""
        return np.flatnonzero((self.share >= HALF) & (self.weight > 0))


def lift(renderings: Sequence[Rendering], masks: Sequence[npt.NDArray[np.bool_]]) -> Lifted:
    """Find the points that masks in several views stand for.

    A view sees a point when nothing lies in front of it in its pixel by more than the surface may
    vary there, also where another point of the same surface is the one that is drawn. Its vote is
    the cosine under which it sees it.

    Args:
        renderings: Views of one scene.
        masks: `(H, W)` bool for each of them.

    Raises:
        LocalizationError: Masks and views do not fit each other.
    """
    if len(renderings) == 0 or len(renderings) != len(masks):
        raise LocalizationError(
            f"expected one mask for each view; got {len(masks)} masks for {len(renderings)} views"
        )
    scene = renderings[0].scene
    votes, weights = np.zeros(len(scene), np.float32), np.zeros(len(scene), np.float32)
    for rendering, mask in zip(renderings, masks, strict=True):
        if rendering.scene is not scene:
            raise LocalizationError("expected views of one scene; these show several")
        if np.shape(mask) != rendering.surface.ids.shape:
            raise LocalizationError(
                f"expected a mask of the view's shape {rendering.surface.ids.shape}; got "
                f"{np.shape(mask)}"
            )
        seen, place, vote = _votes(rendering)
        weights[seen] += vote
        votes[seen] += vote * np.asarray(mask, bool).ravel()[place]
    share = np.asarray(votes / np.maximum(weights, 1e-12), np.float32)
    return Lifted(share, weights)


def _votes(
    rendering: Rendering,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Singles]:
    """The points that a view sees, the pixel of each, and its vote on it."""
    scene, camera, surface = rendering.scene, rendering.camera, rendering.surface
    projected = camera.project(scene.points, scene.origin)
    place = places(projected, camera)
    inside = np.flatnonzero(place >= 0)
    place = place[inside]
    limit = surface.depth.ravel()[place] + surface.slack.ravel()[place]
    normals = scene.normals.take(inside, axis=1)
    eye = camera.eye
    if eye is None:
        square = -(camera.rotation[2].astype(np.float32) @ normals)
    else:
        sight = scene.points.take(inside, axis=1) + (scene.origin - eye).astype(np.float32)[:, None]
        square = -(normals * sight).sum(axis=0) / np.sqrt((sight**2).sum(axis=0))
    # The far side of a thin body lies within the slack of the near one: it faces away.
    facing = surface.ids.ravel()[place]
    front = square > -0.4
    visible = (facing >= 0) & (projected[2][inside] <= limit) & (front | (facing == inside))
    kept = np.flatnonzero(visible)
    vote = np.maximum(np.abs(square[kept]), np.float32(_LEAST))
    return inside[kept], place[kept], vote
