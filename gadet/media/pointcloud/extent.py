"""How large part of a surface is: the box that lies close around it, and its area."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.findings import OrientedBox

__all__ = ["around_points", "surface_area"]

Floats = npt.NDArray[np.float64]

_NEIGHBOURS: Final = 12
_MOST: Final = 20_000
_TURNS: Final = 90


def around_points(points: Floats) -> OrientedBox:
    """The box around points `(N, 3)`: flat along their least spread, its base as small as turns go.

    The base is the smallest of 90 turned by a degree each, since principal axes turn at will where
    a patch is about as long as wide.
    """
    middle = points.mean(axis=0)
    local = points - middle
    axes = np.linalg.eigh(local.T @ local)[1][:, ::-1].T
    flat = local @ axes[:2].T
    turns = np.radians(np.arange(_TURNS) * 90 / _TURNS)
    ways = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    across = np.stack([-ways[:, 1], ways[:, 0]], axis=1)
    wide, high = np.ptp(flat @ ways.T, axis=0), np.ptp(flat @ across.T, axis=0)
    best = int(np.argmin(wide * high))
    turned = np.stack([ways[best], across[best]] if wide[best] >= high[best] else
                      [across[best], -ways[best]])  # fmt: skip
    first, second = turned @ axes[:2]
    sides = np.stack([first, second, np.cross(first, second)])
    along = local @ sides.T
    low, high_ = along.min(axis=0), along.max(axis=0)
    centre = middle + ((low + high_) / 2) @ sides
    return OrientedBox(
        centre=_three(centre),
        axes=(_three(sides[0]), _three(sides[1]), _three(sides[2])),
        sides=_three(high_ - low),
    )


def surface_area(points: Floats, tree: Any) -> float:
    """The area of surface that points `(M, 3)` of a cloud stand for.

    Each stands for the share of the disc through its twelfth neighbour that one of twelve has.

    Args:
        points: Some points of the cloud.
        tree: The `cKDTree` of all of them.
    """
    some = points[:: -(-len(points) // _MOST)]
    count = min(_NEIGHBOURS, tree.n - 1)
    reach = tree.query(some, k=[count + 1])[0].ravel()
    return float(math.pi * (reach**2).mean() / count * len(points))


def _three(values: npt.NDArray[Any]) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z
