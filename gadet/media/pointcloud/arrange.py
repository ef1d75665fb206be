"""From a `Reading` to a `Cloud`: what is no point is left out, what cannot be looked at refused."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.pointcloud.cloud import Cloud, Floats, Indices
from gadet.media.pointcloud.reading import Reading

__all__ = ["LEAST", "arrange"]

LEAST: Final = 10
"""Fewest points of a cloud."""

_FARTHEST: Final = 1e18  # no unit of length makes a coordinate this large
_STRAY: Final = 1e4  # spreads of the middle half from the median: a value that stands for none
_LOOKED_AT: Final = 100_000
_THIN: Final = 1e-7  # of the length: what is thinner cannot be told from a line
_MIXED: Final = np.array([0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB], np.uint64)
Kept = npt.NDArray[np.bool_]


def arrange(reading: Reading, units: str | None = None) -> tuple[Cloud, tuple[str, ...]]:
    """Make a cloud.

    Points that are not finite, zeros of an organised cloud, and points far beyond all others, which
    stand for no measurement, are left out; the places of the others in the input are kept.

    Args:
        reading: What was read.
        units: Name of the unit of length; None takes that of the reading.

    Returns:
        The cloud, and notes on what was done.

    Raises:
        InputError: Fewer than `LEAST` points are left, or all lie in one place or on one line, or
            the parts do not belong together.
    """
    points = _points(reading)
    notes = list(reading.notes)
    kept = _there(points, reading, notes)
    whole = bool(kept.all())
    left = points if whole else points[kept]
    _check(left)
    if doubles := len(left) - _distinct(left):
        notes.append(f"{doubles:,} points stand in the place of another")
    # A point that was left out is -1 where it is named.
    place = np.where(kept, np.cumsum(kept) - 1, -1)
    cloud = Cloud(
        points=left,
        colours=_colours(reading.colours, kept, notes),
        normals=_normals(reading.normals, kept, notes),
        faces=_faces(reading.faces, place, notes),
        grid=None if reading.shape is None else place.reshape(reading.shape),
        index=None if whole else np.flatnonzero(kept),
        sensor=_sensor(reading.sensor),
        units=units or reading.units,
        count=len(points),
    )
    return cloud, tuple(notes)


def _points(reading: Reading) -> Floats:
    points = np.asarray(reading.points)
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "iuf":
        raise InputError(
            f"expected points (N, 3) of numbers; got shape {points.shape} of {points.dtype}"
        )
    if not len(points):
        raise InputError("expected a cloud with points; it has none")
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(points, np.float64, order="C")


def _there(points: Floats, reading: Reading, notes: list[str]) -> Kept:
    """Which rows are points."""
    with np.errstate(invalid="ignore"):
        # NaN is not smaller than anything.
        kept: Kept = np.asarray((np.abs(points) < _FARTHEST).all(axis=1))
    if reading.shape is not None:
        kept = kept & (points != 0).any(axis=1)
        if holes := len(points) - int(kept.sum()):
            notes.append(f"{holes:,} pixels of {len(points):,} are holes")
    elif missing := len(points) - int(kept.sum()):
        notes.append(f"{missing:,} points without finite coordinates left out")
    if not kept.any():
        raise InputError(
            f"expected points with finite coordinates; all {len(points):,} are NaN, infinite or "
            "holes"
        )
    strays = kept & _strays(points, kept)
    if count := int(strays.sum()):
        notes.append(f"{count:,} points left out that are {_STRAY:,.0f} times as far as the others")
    return np.asarray(kept & ~strays)


def _strays(points: Floats, kept: Kept) -> Kept:
    there = points if kept.all() else points[kept]
    low, middle, high = np.percentile(there[:: -(-len(there) // _LOOKED_AT)], (25, 50, 75), axis=0)
    spread = float((high - low).max())
    if spread == 0:  # more than half of them stand in one place
        return np.zeros(len(points), bool)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(points - middle) > _STRAY * spread).any(axis=1))


def _check(points: Floats) -> None:
    if len(points) < LEAST:
        raise InputError(
            f"expected at least {LEAST} points; got {len(points)}: draw points from the faces of a "
            "coarse mesh with PointCloudInput(item, sample=40_000)"
        )
    centred = points - points.mean(axis=0)
    size = float(np.abs(centred).max())
    # What rounding leaves of equal points far from the origin is no size.
    if size <= 4 * np.finfo(np.float64).eps * float(np.abs(points).max()):
        raise InputError(f"expected points in different places; all {len(points):,} stand in one")
    scatter = (centred / size).T @ (centred / size) / len(points)
    widths = np.sqrt(np.maximum(np.linalg.eigvalsh(scatter), 0.0))
    rounding = np.finfo(np.float64).eps * float(np.abs(points).max()) / size
    if widths[1] <= max(_THIN, 4 * rounding):
        raise InputError(
            f"expected points on a surface; all {len(points):,} lie on one line: is a column "
            "missing or repeated?"
        )


def _distinct(points: Floats) -> int:
    """How many different points there are, by a 64-bit mixture of their bits."""
    bits = (points + 0.0).view(np.uint64)  # so that -0 is 0
    mixed = np.zeros(len(points), np.uint64)
    for axis in range(3):
        mixed = (mixed ^ bits[:, axis]) * _MIXED[axis]
        mixed ^= mixed >> np.uint64(29)
    mixed.sort()
    return 1 + int(np.count_nonzero(mixed[1:] != mixed[:-1]))


def _alike(values: Any, name: str, count: int) -> npt.NDArray[Any]:
    """One row for each point; of colours with an alpha that is left out."""
    array = np.asarray(values)
    if array.ndim == 3:
        array = array.reshape(-1, array.shape[-1])
    widths = (3, 4) if name == "colours" else (3,)
    if array.ndim != 2 or array.shape[0] != count or array.shape[1] not in widths:
        raise InputError(
            f"expected {name} of shape ({count}, 3), a row for each point; got {array.shape}"
        )
    if array.dtype.kind not in "iuf":
        raise InputError(f"expected {name} to be numbers; got {array.dtype}")
    return array[:, :3]


def _colours(values: Any, kept: Kept, notes: list[str]) -> npt.NDArray[np.uint8] | None:
    """Colours as bytes, whether they were bytes, 16-bit numbers, or floats to 1 or to 255."""
    if values is None:
        return None
    array = _alike(values, "colours", len(kept))[kept]
    if array.dtype == np.uint8:
        return np.array(array)
    numbers = np.nan_to_num(array.astype(np.float64), nan=0.0)
    highest = float(numbers.max())
    full = next((f for f in (1.0, 255.0, 65535.0) if highest <= f), None)
    if array.dtype.kind != "f" and full == 1.0:
        full = 255.0
    if full is None or numbers.min() < 0:
        notes.append("colours left out: they are neither within 0 to 1, to 255 nor to 65,535")
        return None
    return np.asarray((numbers * (255.0 / full)).round().astype(np.uint8))


def _normals(values: Any, kept: Kept, notes: list[str]) -> Floats | None:
    if values is None:
        return None
    normals = _alike(values, "normals", len(kept))[kept].astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        length = np.linalg.norm(normals, axis=1)
    known = np.isfinite(length) & (length > 0)
    if not known.any():
        return None
    if unknown := len(normals) - int(known.sum()):
        notes.append(f"{unknown:,} points have no normal")
    normals[~known] = 0.0
    normals[known] /= length[known, None]
    return normals


def _faces(values: Any, place: Indices, notes: list[str]) -> Indices | None:
    if values is None or not len(values):
        return None
    faces = np.asarray(values)
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise InputError(
            f"expected faces (M, 3) of whole numbers; got shape {faces.shape} of {faces.dtype}"
        )
    if faces.min() < 0 or faces.max() >= len(place):
        raise InputError(
            f"expected faces that name points from 0 to {len(place) - 1}; got {int(faces.min())} "
            f"to {int(faces.max())}"
        )
    moved = place[faces.astype(np.int64)]
    whole = (moved >= 0).all(axis=1)
    if lost := len(moved) - int(whole.sum()):
        notes.append(f"{lost:,} faces left out with the points they named")
    return moved[whole] if whole.any() else None


def _sensor(values: Any) -> Floats | None:
    if values is None:
        return None
    place = np.array(values, np.float64)
    return place if place.shape == (3,) and np.isfinite(place).all() else None
