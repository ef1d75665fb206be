"""The localizer for point clouds: numbers in every picture, and from pictures back to points."""

from gadet.localize.pointcloud.localizer import PointCloudLocalizer

__all__ = ["PointCloudLocalizer"]
