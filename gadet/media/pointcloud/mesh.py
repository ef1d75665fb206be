"""Meshes in STL, OFF and GLB files, by trimesh."""

from __future__ import annotations

import io
import json
import struct
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.bounds import check_points, check_unpacked, check_whole
from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.objects import geometry_reading
from gadet.media.pointcloud.reading import Reading

__all__ = ["MESHES", "looks_like_stl", "read_mesh"]

MESHES: Final = ("stl", "off", "glb")
_STL_HEAD: Final = 84
_STL_TRIANGLE: Final = 50
_JSON: Final = 0x4E4F534A
_VALUES: Final = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}


def looks_like_stl(data: bytes) -> bool:
    """Whether the bytes have the length that a binary STL of as many triangles must have."""
    if len(data) < _STL_HEAD:
        return False
    (triangles,) = struct.unpack_from("<I", data, 80)
    return bool(len(data) == _STL_HEAD + _STL_TRIANGLE * triangles)


def read_mesh(data: bytes, kind: str, limits: LoadLimits) -> Reading:
    """Read a mesh; its points are its vertices in the order of the file.

    Of STL, which has no vertices of its own, equal corners become one point.

    Args:
        data: The whole file.
        kind: One of `MESHES`.
        limits: The bounds.

    Raises:
        InputError: It is broken, or over the limits.
        MissingDependencyError: Without trimesh.
    """
    trimesh = needed("trimesh", f"Reading {kind.upper()}")
    if kind == "glb":
        _check_glb(data, limits)
    if kind == "stl" and not data.lstrip().startswith(b"solid"):
        check_whole(_STL_HEAD, len(data), "STL")
        (triangles,) = struct.unpack_from("<I", data, 80)
        check_whole(_STL_HEAD + _STL_TRIANGLE * triangles, len(data), "STL")
    loaded = trimesh.load(io.BytesIO(data), file_type=kind, process=False, skip_materials=True)
    reading = geometry_reading(loaded, limits)
    if kind == "stl":
        return _welded(reading)
    # glTF is in metres by its specification (3.4); no other mesh says what it is in.
    return replace(reading, units="m") if kind == "glb" else reading


def _welded(reading: Reading) -> Reading:
    if reading.faces is None:
        return reading
    points, inverse = np.unique(reading.points, axis=0, return_inverse=True)
    faces = inverse.reshape(-1)[np.asarray(reading.faces, np.int64)]
    return Reading(points, faces=faces, notes=("equal corners of triangles made one point",))


def _check_glb(data: bytes, limits: LoadLimits) -> None:
    """Refuse what a loader would follow: other files, a graph that is no tree, huge accessors."""
    check_whole(20, len(data), "GLB")
    length, kind = struct.unpack_from("<II", data, 12)
    if kind != _JSON:
        raise InputError("expected a GLB file of glTF 2.0; its first part is not its description")
    check_whole(20 + length, len(data), "GLB")
    tree = json.loads(data[20 : 20 + length])
    if any("uri" in buffer for buffer in _list(tree, "buffers")):
        raise InputError("expected a GLB file with its data inside; it refers to other files")
    for accessor in _list(tree, "accessors"):
        count = int(accessor.get("count", 0))
        check_points(count, limits, "values of a glTF accessor")
        check_unpacked(4 * count * _VALUES.get(accessor.get("type", ""), 16), limits)
    children = [child for node in _list(tree, "nodes") for child in node.get("children", ())]
    if len(set(children)) < len(children):
        raise InputError("expected the nodes of a GLB file to be trees; one has several parents")


def _list(tree: Any, name: str) -> list[Mapping[str, Any]]:
    found = tree.get(name, []) if isinstance(tree, Mapping) else None
    if not isinstance(found, list) or not all(isinstance(part, Mapping) for part in found):
        raise InputError(f"expected a GLB file with a list of {name}; it is broken")
    return found
