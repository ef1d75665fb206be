"""Pictures of point clouds, headless and in NumPy, in which every pixel knows its point."""

from gadet.media.pointcloud.render.camera import Camera
from gadet.media.pointcloud.render.lift import Lifted, lift
from gadet.media.pointcloud.render.plane import Plane, background
from gadet.media.pointcloud.render.poses import around, canonical, covering, from_sensor, sphere
from gadet.media.pointcloud.render.rendering import Rendering, render
from gadet.media.pointcloud.render.scene import Scene
from gadet.media.pointcloud.render.shade import MODES, Mode
from gadet.media.pointcloud.render.sheet import Layout, annotated, contact_sheet

__all__ = [
    "MODES",
    "Camera",
    "Layout",
    "Lifted",
    "Mode",
    "Plane",
    "Rendering",
    "Scene",
    "annotated",
    "around",
    "background",
    "canonical",
    "contact_sheet",
    "covering",
    "from_sensor",
    "lift",
    "render",
    "sphere",
]
