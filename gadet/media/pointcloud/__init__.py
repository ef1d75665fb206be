"""Point clouds and meshes: read from files, arrays and the geometries of other libraries."""

from gadet.media.pointcloud.adapter import PointCloudAdapter
from gadet.media.pointcloud.cloud import Cloud
from gadet.media.pointcloud.options import PointCloudInput
from gadet.media.pointcloud.sample import PointCloudSample

__all__ = ["Cloud", "PointCloudAdapter", "PointCloudInput", "PointCloudSample"]
