"""Geometries of Open3D and trimesh, told by the module of their class; neither is imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import GadetError, InputError
from gadet.media.base import LoadLimits
from gadet.media.pointcloud.bounds import check_points
from gadet.media.pointcloud.reading import Reading

__all__ = ["geometry_reading", "is_geometry"]

Array = npt.NDArray[Any]


def is_geometry(item: Any) -> bool:
    """Whether the item is a point cloud, mesh or scene of Open3D or trimesh."""
    return _reader(item) is not None


def geometry_reading(item: Any, limits: LoadLimits) -> Reading:
    """Read a geometry.

    Args:
        item: Of Open3D a `PointCloud` or `TriangleMesh`, also of its tensor part; of trimesh a
            `PointCloud`, `Trimesh` or `Scene`, whose parts are joined where they stand.
        limits: The points and the faces are each held to `max_pixels` before they are copied.

    Raises:
        InputError: Another object, one that cannot be read, or over the limits.
    """
    reader = _reader(item)
    if reader is None:
        raise InputError(
            "expected a point cloud or mesh of Open3D or trimesh, an array, or a file; got "
            f"{type(item).__name__}"
        )
    try:
        return reader(item, limits)
    except GadetError:
        raise
    except Exception as error:
        # Each library raises its own errors, which are not known here.
        raise InputError(
            f"expected a geometry that can be read; {type(item).__name__} cannot "
            f"({type(error).__name__}): give its points as an array (N, 3)"
        ) from error


def _reader(item: Any) -> Callable[[Any, LoadLimits], Reading] | None:
    for kind in type(item).__mro__:
        library = kind.__module__.partition(".")[0]
        if (library, kind.__name__) in _READERS:
            return _READERS[library, kind.__name__]
    return None


def _open3d(item: Any, limits: LoadLimits) -> Reading:
    if hasattr(item, "point") or hasattr(item, "vertex"):
        return _open3d_tensor(item, limits)
    is_mesh = hasattr(item, "triangles")
    points, prefix = (item.vertices, "vertex_") if is_mesh else (item.points, "")
    faces = item.triangles if is_mesh else None
    _check(points, faces, limits)
    return Reading(
        np.asarray(points),
        colours=_some(getattr(item, f"{prefix}colors")),
        normals=_some(getattr(item, f"{prefix}normals")),
        faces=_some(faces),
    )


def _open3d_tensor(item: Any, limits: LoadLimits) -> Reading:
    parts = _tensors(item.point if hasattr(item, "point") else item.vertex)
    parts |= _tensors(getattr(item, "triangle", {}), names=("indices",))
    _check(parts["positions"], parts.get("indices"), limits)
    host = {name: np.asarray(part.cpu().numpy()) for name, part in parts.items()}
    return Reading(
        host["positions"],
        colours=host.get("colors"),
        normals=host.get("normals"),
        faces=host.get("indices"),
    )


def _tensors(
    given: Mapping[str, Any], names: Sequence[str] = ("positions", "colors", "normals")
) -> dict[str, Any]:
    """Those that are there; what Open3D has for a dict can only be asked for its keys."""
    return {name: given[name] for name in names if name in given}


def _trimesh(item: Any, limits: LoadLimits) -> Reading:
    faces = getattr(item, "faces", None)
    _check(item.vertices, faces, limits)
    colours = getattr(item, "colors", None)
    if getattr(getattr(item, "visual", None), "kind", None) == "vertex":
        colours = item.visual.vertex_colors
    # Normals that nobody gave would be computed when they are asked for.
    cached = getattr(item, "_cache", {})
    normals = item.vertex_normals if "vertex_normals" in cached else None
    return Reading(
        np.asarray(item.vertices),
        colours=_some(colours),
        normals=_some(normals),
        faces=_some(faces),
        units=getattr(item, "units", None),
    )


def _trimesh_scene(item: Any, limits: LoadLimits) -> Reading:
    placed = [item.graph[node] for node in item.graph.nodes_geometry]
    parts_placed = [(matrix, item.geometry[name]) for matrix, name in placed]
    known = [(matrix, part) for matrix, part in parts_placed if is_geometry(part)]
    check_points(sum(len(part.vertices) for _, part in known), limits)
    parts = [_moved(_trimesh(part, limits), np.asarray(matrix)) for matrix, part in known]
    if not parts:
        raise InputError("expected a scene with points or meshes; it has none")
    return _together(parts, getattr(item, "units", None))


def _moved(part: Reading, matrix: Array) -> Reading:
    turn, shift = matrix[:3, :3], matrix[:3, 3]
    if np.array_equal(matrix, np.eye(4)):
        return part
    normals = part.normals
    if normals is not None:
        # Normals stay upright on a surface that is stretched; a mirrored one keeps its outside.
        normals = normals @ np.linalg.pinv(turn)
    faces = part.faces
    if faces is not None and np.linalg.det(turn) < 0:
        faces = faces[:, ::-1]
    return Reading(part.points @ turn.T + shift, part.colours, normals, faces)


def _together(parts: list[Reading], units: str | None) -> Reading:
    if len(parts) == 1:
        (only,) = parts
        return Reading(only.points, only.colours, only.normals, only.faces, units=units)
    starts = np.cumsum([0, *(len(part.points) for part in parts)])
    faces = [p.faces + s for p, s in zip(parts, starts, strict=False) if p.faces is not None]
    notes = (f"{len(parts)} parts of a scene joined",)
    colours = [part.colours for part in parts if part.colours is not None]
    normals = [part.normals for part in parts if part.normals is not None]
    return Reading(
        np.concatenate([part.points for part in parts]),
        colours=np.concatenate(colours) if len(colours) == len(parts) else None,
        normals=np.concatenate(normals) if len(normals) == len(parts) else None,
        faces=np.concatenate(faces) if faces else None,
        units=units,
        notes=notes,
    )


def _check(points: Any, faces: Any, limits: LoadLimits) -> None:
    check_points(len(points), limits)
    check_points(0 if faces is None else len(faces), limits, "faces")


def _some(values: Any) -> Array | None:
    """The array, unless it is empty, by which Open3D says that there is none."""
    return None if values is None or len(values) == 0 else np.asarray(values)


_READERS: Final[dict[tuple[str, str], Callable[[Any, LoadLimits], Reading]]] = {
    ("open3d", "PointCloud"): _open3d,
    ("open3d", "TriangleMesh"): _open3d,
    ("trimesh", "PointCloud"): _trimesh,
    ("trimesh", "Trimesh"): _trimesh,
    ("trimesh", "Scene"): _trimesh_scene,
}
