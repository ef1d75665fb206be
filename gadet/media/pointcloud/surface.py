"""Points drawn from the surface of a mesh."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.pointcloud.reading import Reading

__all__ = ["sampled"]

_SEED: Final = 0


def sampled(reading: Reading, count: int) -> Reading:
    """Draw points evenly by area: the same for the same mesh.

    The total area is cut into `count` equal stretches, one point falls into each, which is more
    even than drawing triangles independently. Within a triangle the place is uniform, after Osada
    et al. 2002, Shape Distributions, https://doi.org/10.1145/571647.571648 (section 3.2).

    Args:
        reading: A mesh.
        count: How many points.

    Returns:
        Points with the normals of their triangles, and colours between those of the corners.

    Raises:
        InputError: No faces, faces that name no vertices, or none with an area.
    """
    if reading.faces is None or not len(reading.faces):
        raise InputError(
            f"expected a mesh for sample={count}; got points without faces: leave it out"
        )
    points = np.asarray(reading.points, np.float64)
    faces = _checked(np.asarray(reading.faces), len(points))
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    with np.errstate(over="ignore", invalid="ignore"):
        across = np.cross(b - a, c - a)
        area = np.linalg.norm(across, axis=1)
    area[~np.isfinite(area)] = 0.0
    if not area.any():
        raise InputError(f"expected a mesh with an area for sample={count}; all faces have none")
    random = np.random.default_rng(_SEED)
    edges = np.cumsum(area / area.max())
    chosen = np.searchsorted(
        edges / edges[-1], (np.arange(count) + random.random(count)) / count, side="right"
    ).clip(max=len(faces) - 1)
    along, aside = np.sqrt(random.random(count)), random.random(count)
    weights = np.column_stack([1 - along, along * (1 - aside), along * aside])
    normals = across[chosen] / np.where(area[chosen] > 0, area[chosen], 1.0)[:, None]
    return Reading(
        _between(points, faces[chosen], weights),
        colours=_mixed(reading.colours, faces[chosen], weights),
        normals=normals,
        units=reading.units,
        notes=(*reading.notes, f"{count:,} points drawn from {len(faces):,} faces"),
    )


def _checked(faces: npt.NDArray[Any], points: int) -> npt.NDArray[np.int64]:
    if faces.min() < 0 or faces.max() >= points:
        raise InputError(
            f"expected faces that name vertices from 0 to {points - 1}; got {int(faces.min())} to "
            f"{int(faces.max())}"
        )
    return faces.astype(np.int64)


def _between(
    values: npt.NDArray[Any], faces: npt.NDArray[np.int64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    return np.asarray(np.einsum("nkc,nk->nc", values[faces].astype(np.float64), weights))


def _mixed(
    colours: npt.NDArray[Any] | None,
    faces: npt.NDArray[np.int64],
    weights: npt.NDArray[np.float64],
) -> npt.NDArray[Any] | None:
    if colours is None:
        return None
    mixed = _between(colours, faces, weights)
    return mixed if colours.dtype.kind == "f" else mixed.round().astype(colours.dtype)
