"""Point clouds: whatever holds points in space becomes a `Cloud`."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from dataclasses import replace
from pathlib import PurePath
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import InputError
from gadet.media.array import NPY_MAGIC, is_tensor, tensor_array
from gadet.media.base import LoadLimits
from gadet.media.image import ImageAdapter
from gadet.media.pointcloud.arrange import arrange
from gadet.media.pointcloud.bounds import check_points
from gadet.media.pointcloud.cloud import Cloud
from gadet.media.pointcloud.depth import depth_of_file, depth_reading
from gadet.media.pointcloud.files import CLOUD_SUFFIXES, read_file, sniff_cloud
from gadet.media.pointcloud.objects import geometry_reading, is_geometry
from gadet.media.pointcloud.options import PointCloudInput
from gadet.media.pointcloud.reading import Reading
from gadet.media.pointcloud.sample import PointCloudSample
from gadet.media.pointcloud.surface import sampled
from gadet.media.pointcloud.tables import array_reading
from gadet.media.pointcloud.tiff import colours_beside
from gadet.media.source import Source, is_data_url, is_url
from gadet.media.xyz_tiff import is_xyz_tiff
from gadet.report import ItemInfo, Modality

__all__ = ["PointCloudAdapter"]

_NAME: Final = "point cloud"
_WIDTHS: Final = (3, 6, 9)
_TIFF: Final = (".tif", ".tiff")
_NAMED_LIKE_POINTS: Final = frozenset(("points.npy", "xyz.npy"))


class PointCloudAdapter:
    """Reads point clouds and meshes.

    Taken as clouds without being told: a path or URL that ends in one of `CLOUD_SUFFIXES`, a TIFF
    of three channels of floats, an `.npy` file or an array or tensor of floats `(N, 3)`, `(N, 6)`
    or `(N, 9)`, an `.npz` with an array called points or xyz, bytes and file objects that start
    like PLY, PCD, LAS, GLB, FBX or OFF, and the geometries of Open3D and trimesh. Any other text,
    array, or a depth map is a cloud only in a `PointCloudInput`. It keeps nothing, so one adapter
    serves all threads.
    """

    modality: Modality = "pointcloud"

    def accepts(self, item: Any) -> bool:
        """Whether the item is a cloud: by its type, ending, first bytes or shape."""
        if isinstance(item, PointCloudInput):
            return True
        if isinstance(item, str | os.PathLike):
            return _path_looks_like_cloud(os.fsdecode(os.fspath(item)))
        if isinstance(item, bytes | bytearray | memoryview):
            return sniff_cloud(bytes(item[:256])) is not None
        if isinstance(item, np.ndarray) or is_tensor(item):
            return _shape_looks_like_cloud(item)
        if is_geometry(item):
            return True
        return callable(getattr(item, "read", None)) and _file_looks_like_cloud(item)

    def load(self, item: Any, limits: LoadLimits | None = None) -> PointCloudSample:
        """Read the item.

        Args:
            item: Anything the adapter takes.
            limits: The bounds; None takes the defaults. A point counts as a pixel.

        Raises:
            InputError: It cannot be read as a cloud, or is over the limits.
            MissingDependencyError: The file needs a package of the `pointcloud` extra.
        """
        limits = limits or LoadLimits()
        options = item if isinstance(item, PointCloudInput) else PointCloudInput(item)
        if not _is_source(options.item):
            return _sample(_of_object(options, limits), options, limits, _NAME, None)
        source = Source.read(options.item, limits)
        # Data in memory has no name of its own.
        name = source.name if source.origin else _NAME
        try:
            reading, options = _of_source(source, options, limits)
            return _sample(reading, options, limits, name, source.origin)
        except InputError as error:
            if source.origin is None:
                raise
            raise InputError(f"{source.origin}: {error}") from error


def _of_source(
    source: Source, options: PointCloudInput, limits: LoadLimits
) -> tuple[Reading, PointCloudInput]:
    if options.intrinsics is not None:
        return _of_depth(depth_of_file(source.data, limits), options, limits), options
    suffix = PurePath(source.origin or "").suffix
    reading = read_file(source.data, suffix, options, limits)
    if options.colours is None and suffix.lower() in _TIFF and not is_url(source.origin or ""):
        picture = colours_beside(source.origin or "")
        if picture is not None:
            notes = (*reading.notes, "colours taken from the picture beside it")
            return replace(reading, notes=notes), replace(options, colours=picture)
    return reading, options


def _of_object(options: PointCloudInput, limits: LoadLimits) -> Reading:
    item = options.item
    if is_tensor(item):
        item, _, _ = tensor_array(item, "hwc")
    elif isinstance(item, list | tuple) or (
        options.intrinsics is not None and not isinstance(item, np.ndarray)
    ):
        item = _plain(item)
    if options.intrinsics is not None:
        return _of_depth(item, options, limits)
    if isinstance(item, np.ndarray):
        return array_reading(item, options.columns, limits)
    return geometry_reading(item, limits)


def _plain(item: Any) -> npt.NDArray[Any]:
    """An array of what behaves like one: a nested list, an image of Pillow or Open3D."""
    try:
        return np.asarray(item)
    except Exception as error:
        raise InputError(
            f"expected an array of numbers; {type(item).__name__} cannot be made one "
            f"({type(error).__name__})"
        ) from error


def _of_depth(depth: npt.NDArray[Any], options: PointCloudInput, limits: LoadLimits) -> Reading:
    return depth_reading(depth, options.intrinsics, options.depth_scale, limits)


def _sample(
    reading: Reading,
    options: PointCloudInput,
    limits: LoadLimits,
    name: str,
    source: str | None,
) -> PointCloudSample:
    if options.colours is not None:
        reading = replace(reading, colours=_given_colours(options.colours, reading, limits))
    if options.sample is not None:
        check_points(options.sample, limits, "points to draw")
        reading = sampled(reading, options.sample)
    cloud, notes = arrange(reading, options.units)
    info = ItemInfo(
        name=name, source=source, modality="pointcloud", sha256=_hash(cloud), notes=notes
    )
    return PointCloudSample(info, cloud)


def _given_colours(colours: Any, reading: Reading, limits: LoadLimits) -> npt.NDArray[Any]:
    """Colours of an array with a row for each point, or of a picture with a pixel for each."""
    if isinstance(colours, np.ndarray) and colours.ndim == 2:
        return colours
    pixels = ImageAdapter().load(colours, limits).pixels
    if reading.shape != pixels.shape[:2]:
        of = "points" if reading.shape is None else f"points of shape {reading.shape}"
        raise InputError(
            f"expected a picture for colours= with a pixel for each point; got {pixels.shape[:2]} "
            f"pixels and {of}: give an array (N, 3), or a picture of the same size"
        )
    return pixels


def _hash(cloud: Cloud) -> str:
    """SHA-256 over the shapes, the unit and the arrays, in hexadecimal."""
    parts = (cloud.points, cloud.colours, cloud.normals, cloud.faces, cloud.grid)
    shapes = tuple(None if part is None else part.shape for part in parts)
    digest = hashlib.sha256(f"{(shapes, cloud.units)!r}\n".encode())
    for part in parts:
        if part is not None:
            order = part.dtype.newbyteorder("<")
            digest.update(np.ascontiguousarray(part, order).data.cast("B"))
    return digest.hexdigest()


def _is_source(item: Any) -> bool:
    if isinstance(item, str | os.PathLike | bytes | bytearray | memoryview):
        return True
    return callable(getattr(item, "read", None)) and not isinstance(item, Image.Image)


def _path_looks_like_cloud(text: str) -> bool:
    if is_data_url(text):
        return False
    if is_url(text):
        try:
            return PurePath(urlsplit(text).path).suffix.lower() in CLOUD_SUFFIXES
        except ValueError:
            return False
    suffix = PurePath(text).suffix.lower()
    if suffix in CLOUD_SUFFIXES:
        return True
    looks = _LOOKS.get(suffix)
    return looks is not None and looks(text)


def _npy_looks_like_cloud(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            head = io.BytesIO(file.read(256))
        if not head.getvalue().startswith(NPY_MAGIC):
            return False
        np.lib.format.read_magic(head)
        shape, _, dtype = np.lib.format.read_array_header_1_0(head)
    except (OSError, ValueError, EOFError):
        return False
    return _plausible(shape, dtype.kind)


def _npz_looks_like_cloud(path: str) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return bool(_NAMED_LIKE_POINTS & set(archive.namelist()))
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


_LOOKS: Final = {
    ".npy": _npy_looks_like_cloud,
    ".npz": _npz_looks_like_cloud,
    **dict.fromkeys(_TIFF, is_xyz_tiff),
}


def _file_looks_like_cloud(file: Any) -> bool:
    try:
        if not file.seekable():
            return False
        position = file.tell()
        try:
            head = file.read(256)
        finally:
            file.seek(position)
    except (AttributeError, OSError, ValueError):
        return False
    return isinstance(head, bytes) and sniff_cloud(head) is not None


def _shape_looks_like_cloud(item: Any) -> bool:
    try:
        shape = tuple(int(side) for side in item.shape)
    except (AttributeError, TypeError):
        return False
    kind = item.dtype.kind if isinstance(item, np.ndarray) else str(getattr(item, "dtype", ""))
    return _plausible(shape, "f" if "float" in kind else kind)


def _plausible(shape: tuple[int, ...], kind: str) -> bool:
    return kind == "f" and len(shape) == 2 and shape[1] in _WIDTHS
