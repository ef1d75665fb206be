"""OBJ files: the vertices and faces of all their objects, in the order of the file.

A reader of our own for these two kinds of lines: trimesh splits vertices at the seams of textures
and materials, so that points could no longer be named as the file counts them.

Source: https://paulbourke.net/dataformats/obj/
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.bounds import check_points
from gadet.media.pointcloud.cloud import Floats, Indices
from gadet.media.pointcloud.fan import fan, fans
from gadet.media.pointcloud.reading import Reading
from gadet.media.pointcloud.textrows import text_rows

__all__ = ["read_obj"]

_CONTINUED: Final = re.compile(rb"\\\r?\n")
_POINT: Final = re.compile(rb"(?m)^[ \t]*v[ \t]+([^\r\n]*)")
_NORMAL: Final = re.compile(rb"(?m)^[ \t]*vn[ \t]+([^\r\n]*)")
_FACE: Final = re.compile(rb"(?m)^[ \t]*f[ \t]+([^\r\n#]*)")
_BEHIND: Final = re.compile(rb"/\S*")  # texture and normal of a corner
_OTHER_NORMAL: Final = re.compile(rb"(?<!\S)(-?\d+)/[^/\s]*/(?!\1(?!\S))")


def read_obj(data: bytes, limits: LoadLimits) -> Reading:
    """Read an OBJ file.

    Colours are those behind the coordinates of a vertex. Normals are taken when each vertex has one
    of the same number, as writers of scans do it. Textures, materials and curves are passed over.

    Raises:
        InputError: No vertices, one that is no point, faces of no corners, or over the limits.
    """
    if b"\\" in data:
        data = _CONTINUED.sub(b" ", data)
    check_points(data.count(b"\n") + 1, limits, "lines")
    points = _POINT.findall(data)
    rows = text_rows(b"\n".join(points))
    if not len(rows) or rows.shape[1] not in (3, 4, 6, 7):
        raise InputError(
            "expected an OBJ file with vertices of 3 coordinates, or of 3 and a colour; got "
            f"{len(rows):,} of {rows.shape[1]} numbers"
        )
    return Reading(
        rows[:, :3],
        colours=rows[:, 3:6] if rows.shape[1] >= 6 else None,
        normals=_normals(data, len(rows)),
        faces=_faces(data),
    )


def _normals(data: bytes, points: int) -> Floats | None:
    lines = _NORMAL.findall(data)
    if len(lines) != points or any(_OTHER_NORMAL.search(face) for face in _FACE.findall(data)):
        return None
    return text_rows(b"\n".join(lines), width=3)


def _faces(data: bytes) -> Indices | None:
    lines = [_BEHIND.sub(b"", line).split() for line in _FACE.findall(data)]
    if not lines:
        return None
    counts = np.array([len(line) for line in lines])
    try:
        corners = np.array([corner for line in lines for corner in line]).astype(np.int64)
    except (ValueError, OverflowError) as error:
        raise InputError("expected whole numbers in every OBJ face; got words") from error
    if (corners == 0).any():
        raise InputError("expected OBJ faces that name vertices from 1; one names 0")
    # Negative numbers count back from the last vertex above the face.
    starts = [match.start() for match in _POINT.finditer(data)]
    above = np.searchsorted(starts, [match.start() for match in _FACE.finditer(data)])
    corners = np.where(corners < 0, corners + np.repeat(above, counts), corners - 1)
    if (counts == counts[0]).all():
        return fan(corners.reshape(len(counts), -1))
    return fans(np.split(corners, np.cumsum(counts)[:-1]))
