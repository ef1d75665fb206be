"""A `Reading`: what a file or an object holds, as it holds it, before it is made a `Cloud`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError

__all__ = ["Reading", "from_columns", "from_rows"]

Array = npt.NDArray[Any]

_ALIASES: Final = {
    "x": ("x", "px", "x_coord", "coord_x", "pos_x"),
    "y": ("y", "py", "y_coord", "coord_y", "pos_y"),
    "z": ("z", "pz", "z_coord", "coord_z", "pos_z"),
    "red": ("red", "r", "diffuse_red", "color_r"),
    "green": ("green", "g", "diffuse_green", "color_g"),
    "blue": ("blue", "b", "diffuse_blue", "color_b"),
    "nx": ("nx", "normal_x", "normalx"),
    "ny": ("ny", "normal_y", "normaly"),
    "nz": ("nz", "normal_z", "normalz"),
}
_NAMES: Final = {alias: name for name, aliases in _ALIASES.items() for alias in aliases}
_POINT: Final = ("x", "y", "z")
_COLOUR: Final = ("red", "green", "blue")
_NORMAL: Final = ("nx", "ny", "nz")
_UNIT: Final = re.compile(r"\s*[\[(]([^\])]{1,20})[\])]\s*$")
_LOOKED_AT: Final = 10_000
_UNIT_LENGTH: Final = 0.02  # how far from 1 the length of a normal may be, by rounding in a text
_MOST_UNLIKE: Final = 0.01


@dataclass(frozen=True, eq=False)
class Reading:
    """What a file or an object holds, as it holds it.

    Attributes:
        points: `(N, 3)` of any type; rows that are not finite are no points.
        colours: `(N, 3)` RGB: bytes, 16-bit numbers, or floats up to 1 or up to 255.
        normals: `(N, 3)` of any length.
        faces: `(M, 3)` corners of triangles, from 0.
        shape: `(H, W)` when the points are the pixels of a sensor, row by row; zeros are holes.
        sensor: `(3,)` where the sensor stood.
        units: Name of the unit of length.
        notes: What was done to get here.
    """

    points: Array = field(repr=False)
    colours: Array | None = field(default=None, repr=False)
    normals: Array | None = field(default=None, repr=False)
    faces: Array | None = field(default=None, repr=False)
    shape: tuple[int, int] | None = None
    sensor: Array | None = None
    units: str | None = None
    notes: tuple[str, ...] = ()


def from_columns(columns: Mapping[str, Array], **more: Any) -> Reading:
    """Columns with names, whatever their writer calls them (`nx`, `normal_x`, `r`, `red` …).

    Args:
        columns: Arrays `(N,)` by name; names without a meaning here are passed over. A unit in
            brackets behind the name of a coordinate, `x [mm]`, becomes the unit.
        more: Further fields of the reading.

    Raises:
        InputError: There is no x, y or z.
    """
    found: dict[str, Array] = {}
    units: set[str] = set()
    for name, values in columns.items():
        unit = _UNIT.search(name)
        plain = _UNIT.sub("", name).strip().strip("/").lower()
        if plain in _NAMES:
            found.setdefault(_NAMES[plain], values)
            if unit and _NAMES[plain] in _POINT:
                units.add(unit.group(1).strip())
    if missing := [name for name in _POINT if name not in found]:
        shown = ", ".join(repr(name[:40]) for name in list(columns)[:12]) or "none"
        raise InputError(
            f"expected columns x, y and z; {' and '.join(missing)} not among {shown}: name them "
            "with PointCloudInput(item, columns=('x', 'y', 'z', …))"
        )
    if len(units) == 1:
        more.setdefault("units", units.pop())
    return Reading(
        np.column_stack([found[name] for name in _POINT]),
        colours=_triple(found, _COLOUR, more.pop("colours", None)),
        normals=_triple(found, _NORMAL, None),
        **more,
    )


def from_rows(rows: Array, names: Sequence[str] | None, **more: Any) -> Reading:
    """Rows of numbers: x, y, z and, without names for them, what the others look like.

    Args:
        rows: `(N, C)`; with C = 3 points alone, 4 a value that is left out, 6 and 9 normals of
            length 1 and colours in any order.
        names: Names of the columns, which `"_"` leaves out; None when they are not known.
        more: Further fields of the reading.

    Raises:
        InputError: The names do not fit, or cannot be told from the numbers.
    """
    width = rows.shape[1]
    if names is not None:
        if len(names) != width:
            raise InputError(
                f"expected a name for each of {width} columns; columns= has {len(names)}: name "
                "those that mean nothing '_'"
            )
        return from_columns({name: rows[:, number] for number, name in enumerate(names)}, **more)
    if width not in (3, 4, 6, 9):
        raise InputError(
            f"expected 3, 6 or 9 columns (points, colours, normals); got {width}: say what they "
            "are with PointCloudInput(item, columns=('x', 'y', 'z', '_', …))"
        )
    if width == 4:
        notes = (*more.pop("notes", ()), "the fourth column, which has no name, was left out")
        return Reading(rows[:, :3], notes=notes, **more)
    for start in range(3, width, 3):
        part = rows[:, start : start + 3]
        kind = _kind(part)
        if kind is None or kind in more:
            raise InputError(
                f"expected colours or normals in columns {start} to {start + 2}; the numbers can "
                "be neither or both: say what they are with PointCloudInput(item, columns=('x', "
                "'y', 'z', 'nx', 'ny', 'nz')) or ('x', 'y', 'z', 'r', 'g', 'b')"
            )
        more[kind] = part
    return Reading(rows[:, :3], **more)


def _triple(found: Mapping[str, Array], names: Sequence[str], given: Any) -> Any:
    if not all(name in found for name in names):
        return given
    return np.column_stack([found[name] for name in names])


def _kind(part: Array) -> str | None:
    """What three columns look like: normals have length 1, colours are never negative."""
    rows = part[:: max(1, len(part) // _LOOKED_AT)].astype(np.float64)
    rows = rows[np.isfinite(rows).all(axis=1)]
    there = rows[(rows != 0).any(axis=1)]
    if not len(there):
        return None
    with np.errstate(over="ignore"):
        unlike = np.abs(np.linalg.norm(there, axis=1) - 1) > _UNIT_LENGTH
    if np.mean(unlike) <= _MOST_UNLIKE:
        # One colour for all, as pure red, is of length 1 as well.
        return "normals" if (there < 0).any() or (np.ptp(there, axis=0) > 0).any() else None
    return "colours" if there.min() >= 0 and there.max() <= 255 else None
