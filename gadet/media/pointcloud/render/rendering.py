"""A `Rendering`: a picture of a cloud in which every pixel knows its point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.media.pointcloud.render.camera import Camera
from gadet.media.pointcloud.render.fill import Filled, fill
from gadet.media.pointcloud.render.scene import Scene
from gadet.media.pointcloud.render.shade import Mode, shade
from gadet.media.pointcloud.render.splat import nearest

__all__ = ["Rendering", "render"]


@dataclass(frozen=True, eq=False)
class Rendering:
    """One view of a scene.

    Attributes:
        scene: What is shown.
        camera: From where.
        surface: Depth and point of each pixel; `surface.ids` is the way back to the points.
        pictures: uint8 `(H, W, 3)` RGB for each mode.
    """

    scene: Scene = field(repr=False)
    camera: Camera
    surface: Filled = field(repr=False)
    pictures: dict[Mode, npt.NDArray[np.uint8]] = field(repr=False)

    def picture(self, mode: Mode = "shaded") -> Image.Image:
        """The picture in one of the modes it was rendered in."""
        return Image.fromarray(self.pictures[mode])


def render(scene: Scene, camera: Camera, modes: Sequence[Mode] = ("shaded",)) -> Rendering:
    """Render a view in one or several modes; the same input gives the same bytes.

    Raises:
        ConfigurationError: A mode is unknown, or needs colours that the cloud does not have.
    """
    surface = fill(scene, camera, *nearest(scene, camera))
    return Rendering(
        scene, camera, surface, {mode: shade(scene, camera, surface, mode) for mode in modes}
    )
