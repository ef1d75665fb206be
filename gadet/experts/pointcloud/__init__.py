"""The point-cloud expert: measures clouds in space, without a model and without training."""

from gadet.experts.pointcloud.candidate import OrientedBox, PointsCandidate
from gadet.experts.pointcloud.expert import PointCloudExpert
from gadet.experts.pointcloud.registration import Registration, register

__all__ = ["OrientedBox", "PointCloudExpert", "PointsCandidate", "Registration", "register"]
