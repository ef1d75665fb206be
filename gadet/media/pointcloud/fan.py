"""Triangles of polygons: each becomes the fan around its first corner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud.cloud import Indices

__all__ = ["fan", "fans"]


def fan(polygons: npt.NDArray[Any]) -> Indices | None:
    """Triangles `(M · (K - 2), 3)` of polygons `(M, K)`; None without any."""
    corners = polygons.shape[1]
    if corners < 3 or not len(polygons):
        return None
    with np.errstate(invalid="ignore"):
        whole = polygons.astype(np.int64)  # what is no number names no point, which shows later
    parts = [whole[:, (0, number, number + 1)] for number in range(1, corners - 1)]
    return np.stack(parts, axis=1).reshape(-1, 3)


def fans(polygons: Sequence[Sequence[float] | npt.NDArray[Any]]) -> Indices | None:
    """Triangles of polygons of different numbers of corners, in their order; None without any."""
    lengths = np.array([len(polygon) for polygon in polygons], np.int64)
    parts, places = [], []
    for corners in np.unique(lengths[lengths >= 3]).tolist():
        at = np.flatnonzero(lengths == corners)
        parts.append(fan(np.array([polygons[number] for number in at.tolist()])))
        places.append(np.repeat(at, corners - 2))
    if not parts:
        return None
    order = np.argsort(np.concatenate(places), kind="stable")
    return np.concatenate([part for part in parts if part is not None])[order]
