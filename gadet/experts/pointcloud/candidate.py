"""Part of a cloud that departs from normal, and the box along its own axes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gadet.experts.pointcloud.cells import Floats, Indices

__all__ = ["OrientedBox", "PointsCandidate", "oriented_box"]


@dataclass(frozen=True, eq=False)
class OrientedBox:
    """A box along the axes of what it holds.

    Attributes:
        centre: float64 `(3,)`, in the frame of the cloud.
        axes: float64 `(3, 3)`, a direction per row, of length 1: where it is longest, across, and
            thinnest; right-handed.
        sides: float64 `(3,)` full lengths along the axes, in the unit of the cloud.
    """

    centre: Floats
    axes: Floats
    sides: Floats


def oriented_box(points: Floats) -> OrientedBox:
    """The box along the principal axes of points `(N, 3)`, N ≥ 1."""
    middle = points.mean(axis=0)
    axes = np.linalg.eigh((points - middle).T @ (points - middle))[1].T[::-1].copy()
    # A sign that does not depend on the library: the largest component points forwards.
    largest = np.abs(axes).argmax(axis=1)
    axes *= np.where(axes[np.arange(3), largest] < 0, -1.0, 1.0)[:, None]
    axes[2] = np.cross(axes[0], axes[1])
    along = (points - middle) @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    return OrientedBox(middle + (low + high) / 2 @ axes, axes, high - low)


@dataclass(frozen=True, eq=False)
class PointsCandidate:
    """Part of a cloud that departs from normal: the `Suspect` of point clouds.

    Attributes:
        rows: int64 `(n,)` rows of `cloud.points`, rising.
        centroid: float64 `(3,)` the mean of its points.
        oriented: The box around it along its own axes.
        area: Of the surface that it takes, in units of the cloud squared. That of a hole or of a
            missing part is the area of the gap.
        score: How suspicious, in [0, 1]; 0.5 is the decision boundary.
        label: A short noun: "dent", "bump", "hole", "missing part", "extra part", "scratch",
            "waviness", "unusual shape".
        fact: How it differs, in words and numbers, and where.
        measures: The numbers behind the sentence, by name, in units of the cloud.
        units: Name of the unit of length, when it is known.
    """

    rows: Indices = field(repr=False)
    centroid: Floats
    oriented: OrientedBox
    area: float
    score: float
    label: str
    fact: str
    measures: dict[str, float] = field(default_factory=dict)
    units: str | None = None

    @property
    def box(self) -> None:
        """None: a part of a cloud has no box in a plane; `oriented` is its box in space."""
        return

    @property
    def sentence(self) -> str:
        """The fact, which says where and how large."""
        return self.fact
