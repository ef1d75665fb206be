"""Meshes in FBX files, by Open3D."""

from __future__ import annotations

import struct
import tempfile
from pathlib import Path
from typing import Any, Final

from gadet.errors import InputError, MissingDependencyError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.bounds import check_unpacked
from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.objects import geometry_reading
from gadet.media.pointcloud.reading import Reading

__all__ = ["read_fbx"]

_BINARY: Final = b"Kaydara FBX Binary  \0"
_FIRST: Final = 27  # where the nodes begin
_LONG: Final = 7500  # the version from which offsets have 64 bits
_SCALARS: Final = {b"Y": 2, b"C": 1, b"I": 4, b"F": 4, b"D": 8, b"L": 8}
_ARRAYS: Final = {b"f": 4, b"d": 8, b"l": 8, b"i": 4, b"b": 1}
_FEATURE: Final = "Reading FBX"


def read_fbx(data: bytes, limits: LoadLimits) -> Reading:
    """Read the meshes of an FBX file as one; its points are in the order of Open3D's reading.

    Raises:
        InputError: It is broken, holds no mesh, or is over the limits.
        MissingDependencyError: Without Open3D, or a library of the system that it loads.
    """
    if data.startswith(_BINARY):
        check_unpacked(unpacked(data), limits)
    open3d = _open3d()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.fbx"
        path.write_bytes(data)
        with open3d.utility.VerbosityContextManager(open3d.utility.VerbosityLevel.Error):
            mesh = open3d.io.read_triangle_mesh(str(path))
    if not len(mesh.vertices):
        raise InputError("expected an FBX file with a mesh; Open3D reads none from it")
    return geometry_reading(mesh, limits)


def unpacked(data: bytes) -> int:
    """How many bytes the arrays of a binary FBX file say that they hold, unpacked.

    Source: the description of the format by the Blender developers,
    https://code.blender.org/2013/08/fbx-binary-file-format-specification/
    """
    (version,) = struct.unpack_from("<I", data, 23)
    head = struct.Struct("<QQQB" if version >= _LONG else "<IIIB")
    place, total, open_ends = _FIRST, 0, [len(data)]
    while place < len(data):
        end, count, size, name = head.unpack_from(data, place)
        while len(open_ends) > 1 and place >= open_ends[-1]:
            open_ends.pop()
        place += head.size
        if end == 0:  # the end of a list of nodes; after the outermost there are none
            if len(open_ends) == 1:
                break
            continue
        place += name
        total += sum(_array_sizes(data, place, count))
        open_ends.append(end)
        place += size
    return total


def _array_sizes(data: bytes, place: int, count: int) -> list[int]:
    """The bytes that each array among the properties of a node says that it holds."""
    sizes = []
    for _ in range(count):
        kind = data[place : place + 1]
        place += 1
        if kind in _SCALARS:
            place += _SCALARS[kind]
        elif kind in _ARRAYS:
            length, packed, stored = struct.unpack_from("<III", data, place)
            sizes.append(length * _ARRAYS[kind])
            place += 12 + (stored if packed else sizes[-1])
        else:
            (length,) = struct.unpack_from("<I", data, place)
            place += 4 + length
    return sizes


def _open3d() -> Any:
    try:
        return needed("open3d", _FEATURE, extra="open3d")
    except OSError as error:
        # Its own import loads libraries of the system, and fails like this where one is missing.
        missing = MissingDependencyError(_FEATURE, package="open3d", extra="open3d")
        missing.args = (
            f"{_FEATURE} needs `open3d`, which is installed but finds no library of the system "
            f"that it loads ({error}): on Debian and Ubuntu, apt-get install libusb-1.0-0 libgl1 "
            "libgomp1",
        )
        raise missing from error
