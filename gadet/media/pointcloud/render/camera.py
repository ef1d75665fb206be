"""A `Camera`: from where a cloud is looked at, and where its points fall in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError

__all__ = ["Camera", "Floats", "Projection"]

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Projection = tuple[Singles, Singles, Singles]
"""Columns, rows (pixels, float32) and depths (the cloud's units) of points."""

MAX_SIDE = 8192
_NEAR = 1e-3  # of the distance: what lies closer to the eye is not seen


@dataclass(frozen=True, eq=False)
class Camera:
    """A pose and a projection, orthographic or perspective.

    Depth counts along the view direction from the plane through `centre`, so it is negative in
    front of that plane. Pixel `(column, row)` covers `column <= u < column + 1`.

    Attributes:
        rotation: float64 `(3, 3)`, rows right, down and away from the viewer; world to camera.
        centre: float64 `(3,)` the place in the cloud's frame that is shown in the picture's middle.
        scale: Pixels per unit of length, in the plane through `centre`.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
        distance: From the eye to `centre` in the cloud's units; None for an orthographic picture,
            in which one scale holds everywhere.

    Raises:
        ConfigurationError: The rotation is none, a number is not finite or not positive.
    """

    rotation: Floats
    centre: Floats
    scale: float
    width: int = 512
    height: int = 512
    distance: float | None = None

    def __post_init__(self) -> None:
        """Refuse what shows nothing."""
        turn = np.asarray(self.rotation, np.float64)
        if turn.shape != (3, 3) or not np.allclose(turn @ turn.T, np.eye(3), atol=1e-6):
            raise ConfigurationError(
                f"expected a rotation of 3 orthonormal rows; got {np.asarray(turn).tolist()}"
            )
        if np.linalg.det(turn) < 0:
            raise ConfigurationError(
                "expected a right-handed rotation (right, down, forward); got a mirrored one: "
                "turn one of its rows around"
            )
        middle = np.asarray(self.centre, np.float64)
        if middle.shape != (3,) or not np.isfinite(middle).all():
            raise ConfigurationError(f"expected a centre of 3 finite numbers; got {self.centre}")
        for name, value in (("scale", self.scale), ("distance", self.distance)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ConfigurationError(f"expected a positive {name}; got {value}")
        if not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE):
            raise ConfigurationError(
                f"expected sides from 1 to {MAX_SIDE} pixels; got {self.width} × {self.height}"
            )

    @classmethod
    def towards(
        cls,
        forward: npt.ArrayLike,
        up: npt.ArrayLike,
        *,
        centre: Floats,
        radius: float,
        size: int = 512,
        margin: float = 0.06,
    ) -> Self:
        """An orthographic camera that shows a ball of `radius` around `centre`.

        Args:
            forward: `(3,)` the direction of sight.
            up: `(3,)` what is up in the picture; where it lies along `forward`, another is taken.
            centre: `(3,)` the middle of the ball.
            radius: Its radius in the cloud's units.
            size: Width and height in pixels.
            margin: Share of the picture that stays free on every side.
        """
        scale = size * (0.5 - margin) / radius
        return cls(facing(forward, up), np.asarray(centre, np.float64), scale, size, size)

    @property
    def eye(self) -> Floats | None:
        """float64 `(3,)` where the viewer stands; None at infinity (orthographic)."""
        return None if self.distance is None else self.centre - self.distance * self.rotation[2]

    def at_size(self, size: int) -> Self:
        """The same view with a longest side of `size` pixels."""
        share = size / max(self.width, self.height)
        width, height = round(self.width * share), round(self.height * share)
        return replace(self, scale=self.scale * share, width=width, height=height)

    def carried(self, transform: Floats) -> Self:
        """The camera that shows a cloud as this one shows it after a rigid transform `(4, 4)`."""
        turn, shift = transform[:3, :3], transform[:3, 3]
        return replace(self, rotation=self.rotation @ turn, centre=turn.T @ (self.centre - shift))

    def closer(self, centre: npt.ArrayLike, factor: float) -> Self:
        """The view in the same direction that shows another place so many times larger."""
        return replace(
            self, centre=np.asarray(centre, np.float64), scale=self.scale * factor, distance=None
        )

    def pixels_per_unit(self, depth: Any) -> Any:
        """Pixels per unit of length at some depths."""
        if self.distance is None:
            return self.scale
        return self.scale * self.distance / np.maximum(self.distance + depth, self.near)

    @property
    def near(self) -> float:
        """The least distance from the eye at which something is seen."""
        return 0.0 if self.distance is None else _NEAR * self.distance

    def project(self, points: Singles, origin: Floats) -> Projection:
        """Where points fall.

        Args:
            points: float32 `(3, N)`, relative to `origin`.
            origin: float64 `(3,)` in the cloud's frame; near the points, for float32 to be enough.

        Returns:
            Columns and rows in pixels (float32, also outside of the picture), and depths in the
            cloud's units; NaN columns for what lies behind the viewer.
        """
        turn = self.rotation.astype(np.float32)
        shift = (self.rotation @ (origin - self.centre)).astype(np.float32)
        u, v, depth = turn @ points
        depth += shift[2]
        middle = np.float32(self.width / 2), np.float32(self.height / 2)
        if self.distance is None:
            zoom: Any = np.float32(self.scale)
        else:
            away = depth + np.float32(self.distance)
            with np.errstate(divide="ignore", invalid="ignore"):
                zoom = np.float32(self.scale * self.distance) / away
            zoom[away <= self.near] = np.nan
        u += shift[0]
        u *= zoom
        u += middle[0]
        v += shift[1]
        v *= zoom
        v += middle[1]
        return u, v, depth


def facing(forward: npt.ArrayLike, up: npt.ArrayLike) -> Floats:
    """The rotation `(3, 3)` (right, down, forward) of a viewer who looks along `forward`.

    Raises:
        ConfigurationError: The direction has no length.
    """
    ahead = np.asarray(forward, np.float64)
    length = float(np.linalg.norm(ahead))
    if ahead.shape != (3,) or not (math.isfinite(length) and length > 0):
        raise ConfigurationError(
            f"expected a direction of 3 numbers, not all 0; got {np.asarray(forward)}"
        )
    ahead = ahead / length
    above = np.asarray(up, np.float64)
    above = above - (above @ ahead) * ahead
    if np.linalg.norm(above) < 1e-6:
        # Looking along "up": any direction across will do, as long as it is always the same.
        above = np.eye(3)[int(np.argmin(np.abs(ahead)))]
        above = above - (above @ ahead) * ahead
    down = -above / np.linalg.norm(above)
    return np.stack([np.cross(down, ahead), down, ahead])
