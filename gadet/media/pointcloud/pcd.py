"""PCD files: ascii, binary and binary_compressed, organised or not.

A reader of our own: the packages that read PCD either bring the whole of Open3D, or are small, not
kept up, and trust the sizes in the header. The format is short, and here every size is checked
before anything is allocated.

Source: https://pcl.readthedocs.io/projects/tutorials/en/latest/pcd_file_format.html
"""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.bounds import check_points, check_unpacked, check_whole
from gadet.media.pointcloud.cloud import Floats
from gadet.media.pointcloud.lzf import lzf_unpacked
from gadet.media.pointcloud.reading import Reading, from_columns
from gadet.media.pointcloud.textrows import text_rows

__all__ = ["read_pcd"]

_HEADER: Final = 65_536
_LAST: Final = re.compile(rb"(?m)^DATA[ \t]+(\w+)[ \t]*\r?\n")
_KINDS: Final = {
    (letter, size): f"<{letter.lower()}{size}"
    for letter, sizes in (("F", (4, 8)), ("I", (1, 2, 4, 8)), ("U", (1, 2, 4, 8)))
    for size in sizes
}
_MOST_VALUES: Final = 65_536  # of one point, in all its fields
_PACKED: Final = ("rgb", "rgba")
_UNMOVED: Final = (0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class _Field:
    name: str
    kind: str
    count: int

    @property
    def size(self) -> int:
        """Bytes of one point."""
        return np.dtype(self.kind).itemsize * self.count


@dataclass(frozen=True)
class _Header:
    fields: tuple[_Field, ...]
    width: int
    height: int
    viewpoint: tuple[float, ...]

    @property
    def points(self) -> int:
        return self.width * self.height

    @property
    def stride(self) -> int:
        """Bytes of one point."""
        return sum(field.size for field in self.fields)


def read_pcd(data: bytes, limits: LoadLimits) -> Reading:
    """Read a PCD file.

    The colours are those that PCL packs into the field `rgb` or `rgba`. The sensor's place is taken
    from `VIEWPOINT`, unless the cloud is not organised and it says what every writer puts there.

    Raises:
        InputError: A header that is broken or over the limits, or less data than it announces.
    """
    end = _LAST.search(data[:_HEADER])
    if end is None:
        raise InputError("expected a PCD file; its header has no line DATA")
    header = _header(data[: end.start()].decode("latin-1"))
    check_points(header.points, limits)
    check_unpacked(header.points * header.stride, limits)
    storage, body = end.group(1).decode("latin-1").lower(), data[end.end() :]
    if storage == "ascii":
        columns = _from_text(body, header)
    elif storage == "binary":
        columns = _from_records(body, header)
    elif storage == "binary_compressed":
        columns = _from_blocks(body, header)
    else:
        raise InputError(
            f"expected DATA to be ascii, binary or binary_compressed; got {storage[:40]!r}"
        )
    organised = header.height > 1
    moved = header.viewpoint != _UNMOVED
    return from_columns(
        columns,
        colours=_unpacked_colours(columns),
        shape=(header.height, header.width) if organised else None,
        sensor=np.array(header.viewpoint[:3]) if organised or moved else None,
    )


def _header(text: str) -> _Header:
    entries: dict[str, list[str]] = {}
    for line in text.splitlines():
        words = line.split()
        if words and not words[0].startswith("#"):
            entries[words[0].upper()] = words[1:]
    names = entries.get("FIELDS") or entries.get("COLUMNS") or []
    kinds = entries.get("TYPE", ["F"] * len(names))
    sizes = _whole(entries, "SIZE", ["4"] * len(names))
    counts = _whole(entries, "COUNT", ["1"] * len(names))
    if not names or not len(names) == len(kinds) == len(sizes) == len(counts):
        raise InputError(
            "expected a PCD header with as many of FIELDS, SIZE, TYPE and COUNT; got "
            f"{len(names)}, {len(sizes)}, {len(kinds)} and {len(counts)}"
        )
    if min(counts) < 0 or sum(counts) > _MOST_VALUES:
        raise InputError(f"expected COUNT of 0 to {_MOST_VALUES:,} values a point; got {counts}")
    for kind, size in zip(kinds, sizes, strict=True):
        if (kind.upper(), size) not in _KINDS:
            raise InputError(
                f"expected TYPE and SIZE of a PCD field to be F 4, F 8, or I or U with 1, 2, 4 or "
                f"8; got {kind[:20]} {size}"
            )
    fields = tuple(
        _Field(name, _KINDS[kind.upper(), size], count)
        for name, kind, size, count in zip(names, kinds, sizes, counts, strict=True)
    )
    points = _whole(entries, "POINTS", [])
    width, height = _whole(entries, "WIDTH", []) or points, _whole(entries, "HEIGHT", ["1"])
    if len(width) != 1 or len(height) != 1 or width[0] < 0 or height[0] < 0:
        raise InputError("expected a PCD header with WIDTH and HEIGHT, one number each from 0")
    if points and points != [width[0] * height[0]]:
        raise InputError(
            f"expected POINTS to be WIDTH × HEIGHT; got {points[0]:,} and {width[0]:,} × "
            f"{height[0]:,}: the header is broken"
        )
    return _Header(fields, width[0], height[0], _viewpoint(entries.get("VIEWPOINT")))


def _whole(entries: dict[str, list[str]], name: str, default: list[str]) -> list[int]:
    words = entries.get(name, default)
    if not all(re.fullmatch(r"[+-]?\d{1,18}", word) for word in words):
        raise InputError(
            f"expected whole numbers for {name} in the PCD header; got {' '.join(words)[:60]!r}"
        )
    return [int(word) for word in words]


def _viewpoint(words: list[str] | None) -> tuple[float, ...]:
    try:
        values = tuple(float(word) for word in words or _UNMOVED)
    except ValueError:
        values = ()
    return values if len(values) == 7 and all(map(math.isfinite, values)) else _UNMOVED


def _from_text(body: bytes, header: _Header) -> dict[str, npt.NDArray[Any]]:
    width = sum(field.count for field in header.fields)
    rows = text_rows(body, width=width)
    if len(rows) != header.points:
        raise InputError(
            f"expected {header.points:,} points as POINTS says; {len(rows):,} lines of numbers "
            "follow the header"
        )
    columns, start = {}, 0
    for field in header.fields:
        if field.count == 1:
            columns[field.name] = _as_written(rows[:, start], field)
        start += field.count
    return columns


def _as_written(column: Floats, field: _Field) -> npt.NDArray[Any]:
    """A column of a text; of packed colours the type matters, since they are its bits."""
    if field.name not in _PACKED:
        return column
    with np.errstate(over="ignore", invalid="ignore"):
        return column.astype(field.kind)


def _from_records(body: bytes, header: _Header) -> dict[str, npt.NDArray[Any]]:
    check_whole(header.points * header.stride, len(body), "PCD")
    # Names may repeat: padding is always called "_".
    layout = np.dtype([(f"f{n}", f.kind, (f.count,)) for n, f in enumerate(header.fields)])
    rows = np.frombuffer(body, layout, header.points) if layout.itemsize else np.empty(0, layout)
    return {
        field.name: rows[f"f{number}"][:, 0]
        for number, field in enumerate(header.fields)
        if field.count == 1
    }


def _from_blocks(body: bytes, header: _Header) -> dict[str, npt.NDArray[Any]]:
    check_whole(8, len(body), "PCD")
    packed, size = struct.unpack_from("<II", body)
    check_whole(packed, len(body) - 8, "PCD")
    if size != header.points * header.stride:
        raise InputError(
            f"expected {header.points:,} points of {header.stride} bytes each, as the PCD header "
            f"says; they unpack to {size:,} bytes together"
        )
    block = lzf_unpacked(body[8 : 8 + packed], size)
    columns, start = {}, 0
    for field in header.fields:
        if field.count == 1:
            columns[field.name] = np.frombuffer(block, field.kind, header.points, start)
        start += field.size * header.points
    return columns


def _unpacked_colours(columns: dict[str, npt.NDArray[Any]]) -> npt.NDArray[np.uint8] | None:
    """Colours of the field `rgb` or `rgba`: 0xAARRGGBB in the bits of 4 bytes of any type."""
    packed = next((columns[name] for name in _PACKED if name in columns), None)
    if packed is None or packed.dtype.itemsize != 4:
        return None
    bits = np.ascontiguousarray(packed).view(np.uint32)
    shifts = np.array([16, 8, 0], np.uint32)
    return ((bits[:, None] >> shifts) & 255).astype(np.uint8)
