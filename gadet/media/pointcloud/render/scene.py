"""A `Scene`: a cloud made ready for being rendered, once for all its views."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gadet._lazy import lazy
from gadet.errors import ConfigurationError, InputError
from gadet.media.pointcloud.render.normals import relief

__all__ = ["Scene"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

REACH = 1.3  # spacings: a gap between random points is as good as never wider than twice this


@dataclass(frozen=True, eq=False)
class Scene:
    """Points with what their pictures need.

    Attributes:
        origin: float64 `(3,)` the middle of the box around the points, in the cloud's frame.
        points: float32 `(3, N)` relative to `origin`.
        normals: float32 `(3, N)` of length 1, consistent in direction.
        curvature: float32 `(N,)` mean curvature, positive where convex, in 1 / unit.
        reach: float32 `(N,)` half the width of the gap that a point closes, in the cloud's units.
        colours: uint8 `(N, 3)` RGB, or None.
        up: float64 `(3,)` of length 1, the direction that heights are measured along.
        radius: Of the ball around `origin` that holds all points, in the cloud's units.
    """

    origin: Floats
    points: Singles = field(repr=False)
    normals: Singles = field(repr=False)
    curvature: Singles = field(repr=False)
    reach: Singles = field(repr=False)
    colours: npt.NDArray[np.uint8] | None = field(repr=False)
    up: Floats
    radius: float

    @classmethod
    def of(
        cls,
        points: npt.NDArray[Any],
        *,
        colours: npt.NDArray[np.uint8] | None = None,
        normals: npt.NDArray[Any] | None = None,
        sensor: npt.NDArray[Any] | None = None,
        up: npt.ArrayLike = (0.0, 0.0, 1.0),
    ) -> Self:
        """Prepare a cloud.

        Args:
            points: `(N, 3)` finite, in any unit; N >= 1.
            colours: uint8 `(N, 3)` RGB.
            normals: `(N, 3)`; rows of zeros are estimated, as are all without it.
            sensor: `(3,)` where the sensor stood; estimated normals are turned towards it.
            up: `(3,)` the direction that heights are measured along.

        Raises:
            InputError: The arrays do not fit each other, or hold what is not finite.
            MissingDependencyError: scipy is not installed.
        """
        given = np.asarray(points, np.float64)
        if given.ndim != 2 or given.shape[1] != 3 or len(given) == 0:
            raise InputError(f"expected points of shape (N, 3), N >= 1; got {np.shape(points)}")
        for name, array in (("colours", colours), ("normals", normals)):
            if array is not None and np.shape(array) != given.shape:
                raise InputError(
                    f"expected {name} of the shape of the points, {given.shape}; got "
                    f"{np.shape(array)}"
                )
        for name, array in (("points", given), ("normals", normals), ("sensor", sensor)):
            if array is not None and not np.isfinite(array).all():
                raise InputError(f"expected finite {name}; got NaN or infinity: leave them out")
        low, high = given.min(axis=0), given.max(axis=0)
        origin = low / 2 + high / 2
        local = given - origin
        radius = float(np.sqrt((local**2).sum(axis=1).max()))
        if not np.isfinite(radius):
            raise InputError(
                f"expected points within a range that can be squared; they span {low} to {high}: "
                "scale them down"
            )
        # Where all points are one, a ball of any size shows them.
        unit = radius if radius > 0 else 1.0
        axis = np.asarray(up, np.float64)
        if axis.shape != (3,) or not 0 < np.linalg.norm(axis) < np.inf:
            raise ConfigurationError(f"expected up as 3 numbers, not all 0; got {axis}")
        known = None if normals is None else np.asarray(normals, np.float64)
        stand = None if sensor is None else (np.asarray(sensor, np.float64) - origin) / unit
        found = relief(local / unit, normals=known, sensor=stand)
        return cls(
            origin=origin,
            points=np.ascontiguousarray(local.T.astype(np.float32)),
            normals=np.ascontiguousarray(found.normals.T),
            curvature=found.curvature / np.float32(unit),
            reach=found.spacing * np.float32(REACH * unit),
            colours=None if colours is None else np.asarray(colours, np.uint8),
            up=axis / np.linalg.norm(axis),
            radius=unit,
        )

    def __len__(self) -> int:
        """Number of points, N."""
        return int(self.points.shape[1])

    @lazy
    def heights(self) -> tuple[float, float]:
        """The lowest and the highest point along `up`, relative to `origin`."""
        level = self.up.astype(np.float32) @ self.points
        return float(level.min()), float(level.max())

    @lazy
    def planes(self) -> Singles | None:
        """float32 `(3, N)` the colours, red, green and blue apart; None without any."""
        if self.colours is None:
            return None
        return np.ascontiguousarray(self.colours.T).astype(np.float32)

    @lazy
    def bend(self) -> float:
        """The curvature that is shown in the strongest colour: 98 % of the points bend less."""
        return float(np.quantile(np.abs(self.curvature[:: len(self) // 100_000 + 1]), 0.98)) or 1.0
