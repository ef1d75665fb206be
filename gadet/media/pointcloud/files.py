"""From the bytes of a file to a `Reading`; its content decides how, before its ending."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from gadet.errors import GadetError, InputError
from gadet.media.array import NPY_MAGIC
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.fbx import read_fbx
from gadet.media.pointcloud.las import read_las
from gadet.media.pointcloud.mesh import MESHES, looks_like_stl, read_mesh
from gadet.media.pointcloud.obj import read_obj
from gadet.media.pointcloud.options import Format, PointCloudInput
from gadet.media.pointcloud.pcd import read_pcd
from gadet.media.pointcloud.ply import read_ply
from gadet.media.pointcloud.reading import Reading
from gadet.media.pointcloud.tables import read_npy, read_npz, read_text
from gadet.media.pointcloud.tiff import TIFF_SIGNATURES, read_tiff

__all__ = ["CLOUD_SUFFIXES", "read_file", "sniff_cloud"]

CLOUD_SUFFIXES: Final[dict[str, Format]] = {
    ".ply": "ply",
    ".pcd": "pcd",
    ".obj": "obj",
    ".stl": "stl",
    ".off": "off",
    ".glb": "glb",
    ".fbx": "fbx",
    ".las": "las",
    ".laz": "las",
    ".xyz": "text",
    ".xyzn": "text",
    ".xyzrgb": "text",
    ".pts": "text",
}
"""Endings of files that are clouds by their name alone."""

_SIGNATURES: Final[tuple[tuple[re.Pattern[bytes], Format], ...]] = (
    (re.compile(rb"ply[ \t]*[\r\n]"), "ply"),
    (re.compile(rb"(#.*\.PCD|VERSION[ \t]+\.?\d)"), "pcd"),
    (re.compile(rb"LASF"), "las"),
    (re.compile(rb"glTF"), "glb"),
    (re.compile(rb"Kaydara FBX Binary|; FBX \d"), "fbx"),
    (re.compile(rb"C?OFF\s"), "off"),
)
_MORE: Final[tuple[tuple[re.Pattern[bytes], Format], ...]] = (
    (re.compile(re.escape(NPY_MAGIC)), "npy"),
    (re.compile(rb"PK\x03\x04"), "npz"),
    *((re.compile(re.escape(mark)), "tiff") for mark in TIFF_SIGNATURES),
)
_LIKELY: Final[tuple[tuple[re.Pattern[bytes], Format], ...]] = (
    (re.compile(rb"solid\b[^\0]*?\bfacet\b"), "stl"),
    (re.compile(rb"(?:[^\0]*\n)?[ \t]*(?:v|vn)[ \t]+[-+.\d][^\0\n]*\n"), "obj"),
)
_FOREIGN: Final = (
    (b"\x1f\x8b", "gzip data: unpack it first"),
    (b"\x89PNG", "a PNG picture: a depth map needs PointCloudInput(item, intrinsics=…)"),
    (b"\xff\xd8\xff", "a JPEG picture: a cloud is read from its points, not from a picture"),
    (b"\x89HDF", "an HDF5 file: read the points yourself and give the array"),
    (b"%PDF", "a PDF document"),
    (b"{", "JSON: save glTF as GLB, or read it yourself and give an array (N, 3)"),
    (b"<", "markup such as XML or HTML, often the error page of a download"),
)
_LOOKED_AT: Final = 4096


def sniff_cloud(head: bytes) -> Format | None:
    """The format that the first bytes announce, when nothing but a cloud starts like that."""
    return _announced(head, _SIGNATURES)


def read_file(data: bytes, suffix: str, options: PointCloudInput, limits: LoadLimits) -> Reading:
    """Read a file of any of the formats.

    Args:
        data: The whole file.
        suffix: The ending of its name, with the dot; it decides where the content does not.
        options: What the caller knows of it.
        limits: The bounds.

    Raises:
        InputError: Another kind of file, a broken one, or over the limits.
        MissingDependencyError: The format needs a package that is not installed.
    """
    kind = options.format or _kind(data, suffix)
    try:
        return _READERS[kind](data, options, limits)
    except GadetError:
        raise
    except Exception as error:
        # A broken file leads the decoders into errors of any kind.
        raise InputError(
            f"expected a whole file of the format {kind}; this one cannot be read "
            f"({type(error).__name__}): save or transfer it again"
        ) from error


def _kind(data: bytes, suffix: str) -> Format:
    head = data[:_LOOKED_AT]
    announced = _announced(head, (*_SIGNATURES, *_MORE))
    if announced is not None:
        return announced
    for signature, words in _FOREIGN:
        if head.lstrip().startswith(signature):
            raise InputError(f"expected a point cloud or a mesh; got {words}")
    if suffix.lower() in CLOUD_SUFFIXES:
        return CLOUD_SUFFIXES[suffix.lower()]
    return "stl" if looks_like_stl(data) else _announced(head, _LIKELY) or "text"


def _announced(
    head: bytes, patterns: tuple[tuple[re.Pattern[bytes], Format], ...]
) -> Format | None:
    return next((kind for pattern, kind in patterns if pattern.match(head)), None)


Reader = Callable[[bytes, PointCloudInput, LoadLimits], Reading]


def _mesh_reader(kind: str) -> Reader:
    return lambda data, _, limits: read_mesh(data, kind, limits)


_READERS: Final[dict[str, Reader]] = {
    "ply": lambda data, _, limits: read_ply(data, limits),
    "pcd": lambda data, _, limits: read_pcd(data, limits),
    "obj": lambda data, _, limits: read_obj(data, limits),
    "text": lambda data, options, limits: read_text(data, options.columns, limits),
    "npy": lambda data, options, limits: read_npy(data, options.columns, limits),
    "npz": lambda data, options, limits: read_npz(data, options.columns, options.array, limits),
    "tiff": lambda data, _, limits: read_tiff(data, limits),
    "las": lambda data, _, limits: read_las(data, limits),
    "fbx": lambda data, _, limits: read_fbx(data, limits),
    **{kind: _mesh_reader(kind) for kind in MESHES},
}
