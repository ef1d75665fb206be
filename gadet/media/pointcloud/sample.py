"""A `PointCloudSample`: a loaded point cloud."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.findings import PointsRegion
from gadet.media.pointcloud.cloud import Cloud
from gadet.report import ItemInfo

__all__ = ["PointCloudSample"]


@dataclass(frozen=True, eq=False)
class PointCloudSample:
    """A loaded point cloud.

    Attributes:
        info: What it is and what was done to read it.
        cloud: The points.
    """

    info: ItemInfo
    cloud: Cloud = field(repr=False)

    @property
    def moments(self) -> str | None:
        """None: a cloud has no time."""
        return None

    def __len__(self) -> int:
        """Number of points."""
        return len(self.cloud)

    def region(self, rows: npt.ArrayLike) -> PointsRegion:
        """The region of some of its points, which counts them as the input does.

        Args:
            rows: Rows of `cloud.points`, or a mask `(N,)` of them.

        Raises:
            InputError: No rows, or some that there are not.
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
            units=self.cloud.units,
        )
