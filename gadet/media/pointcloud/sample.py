"""A `PointCloudSample`: a loaded point cloud, and pictures of it."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt

from gadet._lazy import lazy
from gadet._version import __version__
from gadet.errors import InputError
from gadet.findings import PointsRegion
from gadet.geometry import Box, Frame
from gadet.media.pointcloud.aims import GRID, Plan, cameras_of, holding, plan_of, sensor_of, upright
from gadet.media.pointcloud.cloud import Cloud, Indices
from gadet.media.pointcloud.extent import around_points, surface_area
from gadet.media.pointcloud.ground import standing
from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.pages import Page, pages
from gadet.media.pointcloud.render.camera import Camera
from gadet.media.pointcloud.render.rendering import render
from gadet.media.pointcloud.render.scene import Scene
from gadet.media.pointcloud.render.shade import Mode
from gadet.media.pointcloud.render.sheet import annotated
from gadet.media.pointcloud.stance import Stance
from gadet.media.pointcloud.view import Cell, PointCloudView, Sheet
from gadet.report import ItemInfo
from gadet.view import ViewLimits

__all__ = ["PointCloudSample"]

Role = Literal["item", "reference"]
Aim = tuple[Camera, Mode, str]
"""A camera, what it shows, and the caption of its picture."""

_MODE_WORDS: Final[dict[Mode, str]] = {
    "shaded": "",
    "curvature": ", curvature: red convex, blue concave",
    "rgb": ", own colours",
}
_PREVIEW: Final = 1024
_LEAST_OF_SCENE: Final = 0.03
_LEAST_OF_PART: Final = 0.25
"""Share of the points that must stand on a plane for it to be left out of the pictures: what a
depth camera sees is mostly table, but a cloud without a sensor may be a plate itself."""


@dataclass(frozen=True, eq=False)
class PointCloudSample:
    """A loaded point cloud.

    Native coordinates are rows of `cloud.points`; regions count points as the input does. Pictures
    are rendered when they are first looked at.

    Attributes:
        info: What it is and what was done to read it.
        cloud: The points.
        stance: The normal cloud that it is shown like; None shows it in a pose of its own.
    """

    info: ItemInfo
    cloud: Cloud = field(repr=False)
    stance: Stance | None = field(default=None, repr=False)

    @property
    def moments(self) -> str | None:
        """None: a cloud has no time."""
        return None

    @property
    def words(self) -> str:
        """How many points there are, and how large the whole is."""
        unit = self.cloud.units or "units"
        sides = " × ".join(f"{side:.4g}" for side in (self.cloud.high - self.cloud.low).tolist())
        return f"{len(self):,} points; extent along x, y, z {sides} {unit}"

    def __len__(self) -> int:
        """Number of points."""
        return len(self.cloud)

    def like(self, stance: Stance) -> Self:
        """The same cloud, shown from where another one is."""
        return replace(self, stance=stance)

    @lazy
    def plan(self) -> Plan:
        """How many pictures there are, and of what; known without rendering."""
        return plan_of(self.cloud) if self.stance is None else self.stance.like.plan

    @lazy
    def rows(self) -> Indices:
        """int64 `(S,)` the points that are shown: all but a plane that the rest lies on."""
        scene = self.cloud.grid is not None or self.cloud.sensor is not None
        return standing(self.cloud.points, _LEAST_OF_SCENE if scene else _LEAST_OF_PART)

    @lazy
    def scene(self) -> Scene:
        """The points that are shown, ready for being rendered."""
        cloud, rows = self.cloud, self.rows
        return Scene.of(
            cloud.points[rows],
            colours=None if cloud.colours is None else cloud.colours[rows],
            normals=None if cloud.normals is None else cloud.normals[rows],
            sensor=sensor_of(cloud),
            up=upright(cloud),
        )

    @lazy
    def cameras(self) -> tuple[Camera, ...]:
        """From where it is shown, in pictures of 512 × 512."""
        carried = self._carried()
        if carried is not None:
            return holding(carried, self.scene)
        return cameras_of(self.scene, self.cloud, self.plan.directions)

    @property
    def posed(self) -> bool:
        """Whether it is shown from where the cloud is that it is compared with."""
        return self.stance is not None and self.stance.transform is not None

    def _carried(self) -> tuple[Camera, ...] | None:
        """The cameras of the cloud that this one is shown like, moved along."""
        if self.stance is None or self.stance.transform is None:
            return None
        transform = self.stance.transform
        return tuple(camera.carried(transform) for camera in self.stance.like.cameras)

    @lazy
    def tree(self) -> Any:
        """The `cKDTree` of scipy over the points.

        Raises:
            MissingDependencyError: scipy is not installed.
        """
        return needed("scipy.spatial", "Measuring a point cloud").cKDTree(self.cloud.points)

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """Its first picture as `(H, W, 3)` uint8 RGB."""
        return np.asarray(self.views(ViewLimits())[0].picture)

    def views(self, limits: ViewLimits, *, role: Role = "item") -> tuple[PointCloudView, ...]:
        """Renderings from all around, or from the sensor of a scan, on as few pictures as do.

        All of one mode stand on one sheet where each has at least 320 pixels to a side, else fewer
        on each of several. An item and the reference that it is compared with are shown from the
        same directions.
        """
        shots = self.plan.shots
        sheet = GRID[0] * GRID[1]
        made: list[PointCloudView] = []
        for start in range(0, len(shots), sheet):
            part = range(start, min(start + sheet, len(shots)))
            for page in pages(len(part), limits, columns=GRID[0]):
                numbers = tuple(part[number] for number in page.numbers)
                made.append(self._view(page, numbers, limits, role))
        return tuple(made)

    def _view(
        self, page: Page, numbers: tuple[int, ...], limits: ViewLimits, role: Role
    ) -> PointCloudView:
        return PointCloudView(
            frame=Frame.whole(page.size),
            role=role,
            caption=self._caption(len(numbers)),
            encoding=limits.encoding or "image/png",
            quality=limits.quality,
            pixel_hash=self._recipe(page, numbers, role),
            draw=partial(self._drawn, page, numbers, role),
        )

    def _caption(self, count: int) -> str:
        several = f"{count} renderings" if count > 1 else "a rendering"
        unit = f"; the scale bars are in {self.cloud.units}" if self.cloud.units else ""
        return f"{several} of one point cloud{unit}"

    def _recipe(self, page: Page, numbers: tuple[int, ...], role: Role) -> str:
        """What decides the pixels, so that a prompt has a hash before anything is rendered."""
        like = None if self.stance is None else self.stance.like.info.sha256
        recipe = (__version__, self.info.sha256, like, self.plan, page, numbers, role)
        return hashlib.sha256(repr(recipe).encode()).hexdigest()

    def _drawn(self, page: Page, numbers: tuple[int, ...], role: Role) -> Sheet:
        own = self.stance is not None and not self.posed
        words = dict(_MODE_WORDS)
        if len(self.rows) < len(self):
            words["shaded"] = ", the plane behind left out"
        aims: list[Aim] = []
        for number in numbers:
            direction, mode = self.plan.shots[number]
            if mode == "rgb" and self.cloud.colours is None:
                mode = "shaded"
            title = f"view {direction + 1}{' (own pose)' if own else ''}{words[mode]}"
            aims.append((self.cameras[direction], mode, title))
        drawn = self.sheet(aims, page)
        # Nothing is ever lifted from a reference: its renderings need not be kept.
        return drawn if role == "item" else Sheet(drawn.picture)

    def sheet(self, aims: Sequence[Aim], page: Page) -> Sheet:
        """Renderings side by side, each with a scale bar and axes.

        Args:
            aims: From where, in which mode, and the caption, of each.
            page: Where they stand.
        """
        side = page.layout.cell[0]
        modes: dict[int, list[Mode]] = {}
        for camera, mode, _ in aims:
            modes.setdefault(id(camera), []).append(mode)
        rendered = {
            id(camera): render(self.scene, camera.at_size(side), modes[id(camera)])
            for camera in {id(aim[0]): aim[0] for aim in aims}.values()
        }
        cells = tuple(
            Cell(rendered[id(camera)], mode, left, top, self.rows)
            for (camera, mode, _), (left, top) in zip(aims, page.layout.places, strict=True)
        )
        pictures = [annotated(cell.rendering, cell.mode, units=self.cloud.units) for cell in cells]
        captions = [title for _, _, title in aims]
        return Sheet(page.layout.drawn(pictures, captions, page.size), cells)

    def zoom(self, box: Box, limits: ViewLimits) -> None:
        """None: a cloud has no pixels to enlarge; its localizer moves the camera closer."""

    def preview(self, max_side: int = _PREVIEW) -> bytes:
        """A JPEG file of its first picture, of at most `max_side` pixels, for people to look at."""
        buffer = io.BytesIO()
        limits = ViewLimits(max_side=max_side, max_pixels=max_side**2)
        self.views(limits)[0].picture.save(buffer, format="JPEG", quality=90, subsampling=0)
        return buffer.getvalue()

    def region(self, rows: npt.ArrayLike) -> PointsRegion:
        """The region of some of its points, which counts them as the input does.

        Args:
            rows: Rows of `cloud.points`, or a mask `(N,)` of them.

        Raises:
            InputError: No rows, or some that there are not.
            MissingDependencyError: scipy is not installed, which measures the area.
        """
        chosen = np.asarray(rows)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else np.unique(chosen)
        if not len(chosen) or chosen[0] < 0 or chosen[-1] >= len(self):
            raise InputError(f"expected rows from 0 to {len(self) - 1}, at least one of them")
        points = self.cloud.points[chosen]
        x, y, z = points.mean(axis=0).tolist()
        width, depth, height = np.ptp(points, axis=0).tolist()
        return PointsRegion(
            indices=tuple(self.cloud.in_input(chosen).tolist()),
            centroid=(x, y, z),
            extent=(width, depth, height),
            box=around_points(points),
            area=surface_area(points, self.tree),
            units=self.cloud.units,
        )

    def rows_of(self, region: PointsRegion) -> Indices:
        """The rows of `cloud.points` that a region of this cloud stands for, int64, ascending."""
        indices = np.asarray(region.indices, np.int64)
        if self.cloud.index is None:
            return indices[indices < len(self)]
        place = np.searchsorted(self.cloud.index, indices)
        place = np.minimum(place, len(self) - 1)
        return np.asarray(place[self.cloud.index[place] == indices])
