"""Points in tables: XYZ, TXT, PTS and CSV texts, NPY and NPZ files, arrays."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.array import npy_array
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.bounds import check_points, check_unpacked
from gadet.media.pointcloud.reading import Reading, from_columns, from_rows
from gadet.media.pointcloud.textrows import text_rows

__all__ = ["array_reading", "read_npy", "read_npz", "read_text"]

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_SEPARATORS: Final = (";", ",", "\t", "|")
_COMMENTS: Final = ("#", "//")
_POINTS: Final = ("points", "xyz", "pos", "positions", "pcd", "vertices")
_COLOURS: Final = ("colours", "colors", "rgb")
_NORMALS: Final = ("normals",)
_FACES: Final = ("faces", "triangles")
_HIGHEST: Final = 3  # dimensions of an organised cloud


def read_text(data: bytes, columns: Sequence[str] | None, limits: LoadLimits) -> Reading:
    """Read a text with a point a line, its numbers parted by blanks, commas, semicolons or tabs.

    A first line of words names the columns. A first line with one whole number, the count that PTS
    files start with, is passed over, and so are lines that begin with `#` or `//`.

    Args:
        data: The text.
        columns: Names of the columns, instead of those in the text; None takes these.
        limits: The lines are held to `max_pixels`.

    Raises:
        InputError: It is no text, has no rows, or rows that are no numbers.
    """
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if b"\0" in data[:4096]:
        raise InputError("expected text with a point a line; got binary data")
    check_points(data.count(b"\n") + 1, limits, "lines")
    skip, first = _first_line(data)
    separator = next((mark for mark in _SEPARATORS if mark in first), None)
    cells = [cell.strip().strip('"') for cell in first.split(separator)]
    if len(cells) == 1 and cells[0].isdecimal():
        skip, names = skip + 1, None
        # The lines below a count are what tells how they are parted.
        _, second = _first_line(data.split(b"\n", skip)[-1])
        separator = next((mark for mark in _SEPARATORS if mark in second), None)
    elif all(map(_is_number, cells)):
        names = None
    else:
        skip, names = skip + 1, cells
    rows = text_rows(data, separator=separator, skip=skip)
    if not len(rows):
        raise InputError("expected rows of numbers, a point a line; the text holds none")
    if names is not None and rows.shape[1] != len(names):
        raise InputError(
            f"expected {len(names)} numbers in every row, as many as names; got {rows.shape[1]}"
        )
    if columns is None and names is not None:
        return from_columns({name: rows[:, number] for number, name in enumerate(names)})
    return from_rows(rows, columns)


def _first_line(data: bytes) -> tuple[int, str]:
    """The first line with content, and how many stand above it."""
    for number, line in enumerate(io.BytesIO(data)):
        text = line.decode("latin-1").strip()
        if text and not text.startswith(_COMMENTS):
            return number, text[:10_000]
    raise InputError("expected rows of numbers, a point a line; the text holds none")


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return True


def read_npy(data: bytes, columns: Sequence[str] | None, limits: LoadLimits) -> Reading:
    """Read an `.npy` file; see `array_reading`.

    Raises:
        InputError: It is broken, over the limits, or holds no points.
    """
    return array_reading(npy_array(data, limits), columns, limits)


def read_npz(
    data: bytes, columns: Sequence[str] | None, array: str | None, limits: LoadLimits
) -> Reading:
    """Read an `.npz` file: the array named, the only one, or that which is called like points.

    Beside an array that is called like points, those called like colours, normals and faces are
    taken too.

    Raises:
        InputError: It is broken, over the limits, or which array holds the points is not clear.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = [name for name in archive.namelist() if name.endswith(".npy")]
        check_unpacked(sum(part.file_size for part in archive.infolist()), limits)
        plain = {name.removesuffix(".npy"): name for name in names}
        if array is not None and array not in plain:
            raise InputError(f"expected array to be one of {_shown(plain)}; got {array!r}")
        chosen = array or _only(plain) or _called(plain, _POINTS)
        if chosen is None:
            raise InputError(
                f"expected one array, or one called points; got {_shown(plain)}: choose one with "
                "PointCloudInput(item, array=…)"
            )
        reading = array_reading(_member(archive, plain[chosen], limits), columns, limits)
        if array is not None or len(plain) == 1:
            return reading
        more = {
            field: _member(archive, plain[name], limits)
            for field, among in (("colours", _COLOURS), ("normals", _NORMALS), ("faces", _FACES))
            if (name := _called(plain, among)) is not None and getattr(reading, field) is None
        }
    return _joined(reading, more)


def _joined(reading: Reading, more: Mapping[str, npt.NDArray[Any]]) -> Reading:
    given = {name: getattr(reading, name) for name in ("colours", "normals", "faces")}
    given |= {name: part.reshape(-1, part.shape[-1]) for name, part in more.items() if part.ndim}
    return Reading(reading.points, shape=reading.shape, notes=reading.notes, **given)


def _only(names: Mapping[str, str]) -> str | None:
    return next(iter(names)) if len(names) == 1 else None


def _called(names: Mapping[str, str], among: Sequence[str]) -> str | None:
    return next((name for name in names if name.lower() in among), None)


def _shown(names: Mapping[str, str]) -> str:
    return ", ".join(repr(name[:40]) for name in list(names)[:8]) or "no arrays"


def _member(archive: zipfile.ZipFile, name: str, limits: LoadLimits) -> npt.NDArray[Any]:
    with archive.open(name) as file:
        # The directory may say less than there is, so the reading is bounded as well.
        data = file.read(8 * limits.max_bytes + 1)
    check_unpacked(len(data), limits)
    return npy_array(data, limits)


def array_reading(
    array: npt.NDArray[Any], columns: Sequence[str] | None, limits: LoadLimits
) -> Reading:
    """Points of an array.

    Args:
        array: `(N, C)`, see `from_rows`; `(H, W, C)` for an organised cloud; or an array `(N,)`
            with named fields.
        columns: Names of the C columns; None when they are not known.
        limits: The points are held to `max_pixels`.

    Raises:
        InputError: Another shape or type, or over the limits.
    """
    if isinstance(array, np.ma.MaskedArray) and array.dtype.kind in "iuf":
        array = np.ma.filled(np.ma.asarray(array, np.float64), np.nan)
    if array.dtype.names is not None:
        check_points(math.prod(array.shape), limits)
        flat = array.reshape(-1)
        return from_columns({name: flat[name] for name in array.dtype.names})
    if array.dtype.kind not in "iuf":
        raise InputError(f"expected an array of numbers; got {array.dtype}")
    if array.ndim not in (2, _HIGHEST) or array.shape[-1] < _HIGHEST:
        hint = ": give item.T" if array.ndim == 2 and array.shape[0] in (3, 6, 9) else ""
        raise InputError(
            f"expected an array (N, 3), (N, 6), (N, 9) or (H, W, 3); got shape {array.shape}{hint}"
        )
    check_points(math.prod(array.shape[:-1]), limits)
    shape = (array.shape[0], array.shape[1]) if array.ndim == _HIGHEST else None
    return from_rows(array.reshape(-1, array.shape[-1]), columns, shape=shape)
