"""Other training-free detectors of point clouds, beside which gadet is measured.

Each is made of normal clouds `(Ni, 3)` that share a frame, and then scores a cloud `(N, 3)` in any
pose, higher for more anomalous. Registration is gadet's for all that need one, so that they differ
in how they compare alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from gadet.experts.pointcloud import register
from gadet.experts.pointcloud.descriptors import descriptors
from gadet.experts.pointcloud.registration import moved
from gadet.media.pointcloud import Cloud
from gadet.media.pointcloud.render.normals import relief

__all__ = ["PEERS", "FeatureBank", "NearestPlane", "NearestPoint"]

Floats = npt.NDArray[np.float64]
SMOOTHED = 16
"""Neighbours over which scores are averaged."""
FEATURE = 32
"""Neighbours of a histogram."""
BANK = 4_000
"""Histograms that are kept of all references together."""


def smoothed(points: Floats, scores: Floats) -> Floats:
    """Scores averaged over neighbours."""
    near = cKDTree(points).query(points, k=min(SMOOTHED, len(points)))[1]
    return np.asarray(scores[near].mean(axis=1))


class NearestPoint:
    """Registration, then the distance to the nearest point of any reference."""

    def __init__(self, references: Sequence[Floats]) -> None:
        self.first = Cloud(references[0].copy())
        self.points = np.concatenate(references)
        self.tree = cKDTree(self.points)

    def placed(self, points: Floats) -> Floats:
        """The points in the frame of the references."""
        return moved(points, register(Cloud(points.copy()), self.first).transform)

    def __call__(self, points: Floats) -> Floats:
        return np.asarray(self.tree.query(self.placed(points))[0])


class NearestPlane(NearestPoint):
    """Registration, then the smoothed distance to the plane at the nearest reference point."""

    def __init__(self, references: Sequence[Floats]) -> None:
        super().__init__(references)
        self.normals = relief(self.points, most=len(self.points)).normals.astype(np.float64)

    def __call__(self, points: Floats) -> Floats:
        here = self.placed(points)
        near = self.tree.query(here)[1]
        off = np.abs(((here - self.points[near]) * self.normals[near]).sum(axis=1))
        return smoothed(here, off)


class FeatureBank:
    """Fast point feature histograms and the distance to the nearest one of the references.

    Source: Horwitz and Hoshen 2023, Back to the Feature, arXiv:2203.05550 (the part on points).
    """

    def __init__(self, references: Sequence[Floats]) -> None:
        found = np.concatenate([self.features(one) for one in references])
        rows = np.random.default_rng(0).permutation(len(found))[:BANK]
        self.bank = found[rows].astype(np.float32)

    @staticmethod
    def features(points: Floats) -> Floats:
        """A histogram `(N, 33)` for each point."""
        normals = relief(points, most=len(points)).normals.astype(np.float64)
        reach, near = cKDTree(points).query(points, k=min(FEATURE, len(points)))
        return descriptors(points, normals, near, reach)

    def __call__(self, points: Floats) -> Floats:
        found = self.features(points).astype(np.float32)
        length = (self.bank**2).sum(axis=1)
        apart = np.empty(len(found))
        for start in range(0, len(found), 4096):
            part = found[start : start + 4096]
            square = (length - 2 * part @ self.bank.T).min(axis=1) + (part**2).sum(axis=1)
            apart[start : start + 4096] = np.sqrt(np.maximum(square, 0.0))
        return smoothed(points, apart)


PEERS = {
    "FPFH memory bank": FeatureBank,
    "registration + nearest point": NearestPoint,
    "registration + smoothed plane": NearestPlane,
}
