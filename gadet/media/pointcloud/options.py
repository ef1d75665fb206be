"""A `PointCloudInput`: an item together with what only the caller knows about how to read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from gadet.errors import InputError

__all__ = ["Format", "PointCloudInput"]

Format = Literal[
    "ply", "pcd", "obj", "stl", "off", "glb", "fbx", "text", "npy", "npz", "tiff", "las"
]


@dataclass(frozen=True, eq=False)
class PointCloudInput:
    """An item together with what only the caller knows about how to read it.

    It may be given wherever an item or a reference is:
    `detector.detect(PointCloudInput("scan.txt", units="mm", columns=("x", "y", "z", "_")))`.

    Attributes:
        item: Anything that `PointCloudAdapter` accepts, and a `.txt`, `.csv` or `.npz` file, bytes,
            a file object, an array `(H, W, 3)`, or a depth map, which would be ambiguous without
            this wrapping.
        units: Name of the unit of length, `"mm"`; None takes what the file says, if it does.
        columns: Names of the columns of an array or a text, in their order: `x`, `y`, `z`,
            `nx`, `ny`, `nz`, `r`, `g`, `b`, and `_` for what is to be left out.
        format: What a file is, where neither its content nor its ending says so.
        array: Name of the array in an `.npz`, where there are several.
        colours: The colours: an array `(N, 3)`, or a picture of the same size as an organised
            cloud or a depth map, by path or in any other form that an image may have.
        intrinsics: Of a depth map: `(fx, fy, cx, cy)` in pixels, pixel centres at whole numbers; a
            camera matrix 3 × 3, or an Open3D `PinholeCameraIntrinsic`, are taken too.
        depth_scale: By what the values of a depth map are divided: 1000 makes metres of
            millimetres.
        sample: How many points to draw from the surface of a mesh, evenly by area; None takes its
            vertices.

    Raises:
        InputError: An option is not of a kind that can be meant.
    """

    item: Any = field(repr=False)
    units: str | None = None
    columns: Sequence[str] | None = None
    format: Format | None = None
    array: str | None = None
    colours: Any = field(default=None, repr=False)
    intrinsics: Any = None
    depth_scale: float = 1.0
    sample: int | None = None

    def __post_init__(self) -> None:
        """Check the options where they are written."""
        if isinstance(self.item, PointCloudInput):
            raise InputError(
                "expected an item inside PointCloudInput; got another PointCloudInput: use one"
            )
        for name in ("units", "array"):
            value = getattr(self, name)
            if value is not None and not (isinstance(value, str) and value.strip()):
                raise InputError(f"expected {name} to be a name; got {value!r}")
        if self.format not in (None, *get_args(Format)):
            words = ", ".join(map(repr, get_args(Format)))
            raise InputError(f"expected format to be one of {words}; got {self.format!r}")
        if self.columns is not None:
            object.__setattr__(self, "columns", _checked_columns(self.columns))
        if self.intrinsics is not None:
            object.__setattr__(self, "intrinsics", _checked_intrinsics(self.intrinsics))
        if not _is_number(self.depth_scale) or not 0 < self.depth_scale < float("inf"):
            raise InputError(
                f"expected depth_scale to be a number above 0; got {self.depth_scale!r}"
            )
        if self.sample is not None and not (
            isinstance(self.sample, int | np.integer) and self.sample > 0
        ):
            raise InputError(f"expected sample to be a count of points; got {self.sample!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _checked_columns(columns: object) -> tuple[str, ...]:
    if not isinstance(columns, list | tuple) or not all(isinstance(c, str) for c in columns):
        raise InputError(
            "expected columns to be a tuple of names, ('x', 'y', 'z', 'nx', 'ny', 'nz'); got "
            f"{columns!r}"
        )
    names = [name for name in columns if name != "_"]
    if len(set(names)) < len(names):
        raise InputError(f"expected each name in columns once; got {columns!r}")
    return tuple(columns)


def _checked_intrinsics(given: Any) -> tuple[float, float, float, float]:
    try:
        values = np.asarray(getattr(given, "intrinsic_matrix", given), np.float64)
    except (TypeError, ValueError):
        values = np.empty(0)
    if values.shape == (3, 3):
        values = values[(0, 1, 0, 1), (0, 1, 2, 2)]
    if values.shape != (4,) or not np.isfinite(values).all() or not (values[:2] > 0).all():
        raise InputError(
            "expected intrinsics to be (fx, fy, cx, cy) in pixels with fx and fy above 0, or a "
            f"camera matrix 3 × 3; got {given!r}"
        )
    fx, fy, cx, cy = values.tolist()
    return fx, fy, cx, cy
