"""LAS and LAZ files, by laspy.

Source: ASPRS, LAS Specification 1.4 R15, https://www.asprs.org/divisions-committees/lidar-division
"""

from __future__ import annotations

import io
import struct
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.bounds import check_points, check_unpacked, check_whole
from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.reading import Reading

__all__ = ["read_las"]

_FEATURE: Final = "Reading LAS"
_HEADER, _EXTENDED_HEADER = 227, 375
_RECORD, _EXTENDED_RECORD = 54, 60  # bytes of a variable length record without its data


def read_las(data: bytes, limits: LoadLimits) -> Reading:
    """Read the points, and their colours when the format of the records has some.

    Raises:
        InputError: It is broken, or over the limits.
        MissingDependencyError: Without laspy, or for LAZ without lazrs.
    """
    laspy = needed("laspy", _FEATURE)
    _check_records(data)
    # Not the parallel one, which allocates what each chunk says of its size and aborts the process.
    backend = laspy.LazBackend.Lazrs
    with laspy.open(io.BytesIO(data), laz_backend=backend) as file:
        header = file.header
        size = header.point_count * header.point_format.size
        check_points(header.point_count, limits)
        check_unpacked(size, limits)
        if header.are_points_compressed:
            needed("lazrs", "Reading LAZ", "laspy[lazrs]")
            _check_chunks(data, header.offset_to_point_data, header.point_count)
        else:
            check_whole(size, len(data) - header.offset_to_point_data, "LAS")
        records = _points(file)
    names = set(records.point_format.dimension_names)
    points = np.column_stack([np.asarray(records[name], np.float64) for name in "xyz"])
    return Reading(points, colours=_colours(records) if {"red", "green", "blue"} <= names else None)


def _check_records(data: bytes) -> None:
    """Hold the records of the header, which laspy reads as many as announced of, to the file."""
    check_whole(_HEADER, len(data), "LAS")
    (records,) = struct.unpack_from("<I", data, 100)
    check_whole(records * _RECORD, len(data), "LAS")
    if data[25] >= 4:  # from version 1.4 there are some behind the points as well
        check_whole(_EXTENDED_HEADER, len(data), "LAS")
        (extended,) = struct.unpack_from("<I", data, 243)
        check_whole(extended * _EXTENDED_RECORD, len(data), "LAS")


def _points(file: Any) -> Any:
    try:
        return file.read()
    except Exception:
        raise
    except BaseException as error:
        # The decompressor, written in Rust, reports what it did not foresee past `Exception`.
        if type(error).__name__ != "PanicException":
            raise
        raise InputError("expected a whole LAZ file; it is broken within its points") from error


def _check_chunks(data: bytes, start: int, points: int) -> None:
    """Hold the table of chunks, which is allocated as it says, to the number of points."""
    check_whole(start + 8, len(data), "LAZ")
    (table,) = struct.unpack_from("<q", data, start)
    if table == -1:
        (table,) = struct.unpack_from("<q", data, len(data) - 8)
    if not start < table <= len(data) - 8:
        raise InputError("expected a whole LAZ file; its table of chunks is not in it")
    (chunks,) = struct.unpack_from("<I", data, table + 4)
    if chunks > points:
        raise InputError(f"expected at most a chunk a point in a LAZ file; it says {chunks:,}")


def _colours(records: Any) -> npt.NDArray[Any] | None:
    """The colours, unless all are 0, as writers without a camera leave them."""
    colours = np.column_stack([np.asarray(records[name]) for name in ("red", "green", "blue")])
    return colours if colours.any() else None
