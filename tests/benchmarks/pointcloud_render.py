"""Pictures of point clouds: milliseconds per view, holes, and the way from masks back to points.

    python -m tests.benchmarks.pointcloud_render [--out PATH]

CPU time of one 512 × 512 view, best of several, after the scene was prepared once. Beside it a
plain z-buffer of 3 × 3 pixels per point, and Open3D's RaycastingScene on the mesh where installed.
The meshes come from GADET_DATA, else `../shared/data` beside the repository; without them a ball is
used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud.render import (
    MODES,
    Camera,
    Rendering,
    Scene,
    around,
    covering,
    lift,
    render,
    sphere,
)
from tests.benchmarks.results import arguments, write

Floats = npt.NDArray[np.float64]
Mesh = tuple[Floats, npt.NDArray[np.int64]]
SIZES = (50_000, 500_000, 2_000_000)
SPARSE = (300, 1_000, 5_000)
LIMITS = {50_000: 15, 500_000: 45, 2_000_000: 150}
NOISE = 0.001
SHAPES = ("stanford-bunny", "spot", "fandisk")
ROUNDS = 9


def data_root() -> Path:
    """Where the data sets lie."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("GADET_DATA", beside))


def mesh(name: str) -> Mesh:
    """A triangle mesh whose diagonal is 1."""
    corners, faces = [], []
    for line in (data_root() / "pointcloud" / "meshes" / f"{name}.obj").read_text().splitlines():
        kind, *parts = line.split() or [""]
        if kind == "v":
            corners.append([float(part) for part in parts[:3]])
        elif kind == "f":
            ring = [int(part.split("/")[0]) - 1 for part in parts]
            faces += [[ring[0], *pair] for pair in pairwise(ring[1:])]
    points = np.array(corners)
    return points / np.linalg.norm(np.ptp(points, axis=0)), np.array(faces)


def sampled(shape: Mesh, count: int, noise: float) -> tuple[Floats, Floats]:
    """Points spread evenly over a mesh, with noise, and the normals of their triangles."""
    rng = np.random.default_rng(0)
    first, second, third = shape[0][shape[1]].transpose(1, 0, 2)
    across = np.cross(second - first, third - first)
    area = np.linalg.norm(across, axis=1)
    face = rng.choice(len(area), count, p=area / area.sum())
    u, v = rng.random((2, count))
    u, v = np.where(u + v > 1, (1 - u, 1 - v), (u, v))
    points = first[face] + u[:, None] * (second - first)[face] + v[:, None] * (third - first)[face]
    return points + rng.normal(0, noise, points.shape), across[face] / area[face, None]


def ball(count: int) -> Floats:
    """Points on a ball of radius 1."""
    points = np.random.default_rng(0).normal(size=(count, 3))
    return points / np.linalg.norm(points, axis=1, keepdims=True)


def plain(points: Floats, camera: Camera) -> Floats:
    """A z-buffer that splats 3 × 3 pixels: depth alone."""
    right, down, depth = camera.rotation @ (points - camera.centre).T
    columns = np.floor(right * camera.scale + camera.width / 2).astype(np.int64)
    rows = np.floor(down * camera.scale + camera.height / 2).astype(np.int64)
    front = np.full(camera.width * camera.height, np.inf)
    for row in (-1, 0, 1):
        for column in (-1, 0, 1):
            y = np.clip(rows + row, 0, camera.height - 1)
            x = np.clip(columns + column, 0, camera.width - 1)
            np.minimum.at(front, y * camera.width + x, depth)
    return front


def raycast(shape: Mesh, camera: Camera) -> Callable[[], object] | None:
    """One picture by Open3D's RaycastingScene; None where Open3D is not installed."""
    try:
        import open3d as o3d
    except (ImportError, OSError):  # not installed, or a library of the system that it loads is not
        return None

    world = o3d.t.geometry.RaycastingScene()
    world.add_triangles(shape[0].astype(np.float32), shape[1].astype(np.uint32))
    rows, columns = np.mgrid[: camera.height, : camera.width] + 0.5
    flat = np.stack([columns - camera.width / 2, rows - camera.height / 2], axis=-1) / camera.scale
    start = camera.centre + flat @ camera.rotation[:2] - 2 * camera.rotation[2]
    rays = np.concatenate([start, np.broadcast_to(camera.rotation[2], start.shape)], axis=-1)
    tensor = o3d.core.Tensor(rays.astype(np.float32))
    return lambda: world.cast_rays(tensor)["t_hit"].numpy()


def milliseconds(work: Callable[[], object]) -> float:
    """CPU time of the best of several runs: what else runs on the machine only adds to it."""
    work()
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return 1000 * min(taken)


def speed(count: int) -> dict[str, float | int | str]:
    """One line of the table of speeds."""
    real = (data_root() / "pointcloud" / "meshes").is_dir()
    shape = mesh(SHAPES[0]) if real else None
    points = ball(count) if shape is None else sampled(shape, count, NOISE)[0]
    started = time.process_time()
    scene = Scene.of(points, colours=np.full(points.shape, 128, np.uint8), up=(0, 1, 0))
    prepared = time.process_time() - started
    camera = around(scene, [[0.5, -0.4, -0.8]])[0]
    row: dict[str, float | int | str] = {"points": count, "limit": LIMITS.get(count, "")}
    row |= {mode: milliseconds(lambda mode=mode: render(scene, camera, [mode])) for mode in MODES}
    row["plain 3 × 3"] = milliseconds(lambda: plain(points, camera))
    cast = None if shape is None else raycast(shape, camera)
    row["open3d raycast"] = "not installed" if cast is None else milliseconds(cast)
    return row | {"prepare once, s": prepared}


def enclosed(shown: npt.NDArray[np.bool_]) -> float:
    """The share of pixels inside an outline that show nothing."""
    from scipy import ndimage

    filled = ndimage.binary_fill_holes(shown)
    return float(np.count_nonzero(filled & ~shown) / np.count_nonzero(filled))


def closed(count: int) -> dict[str, float | int]:
    """Holes, and pixels that show the far side, on a clean ball: the worst of eight views."""
    points = ball(count)
    scene = Scene.of(points)
    views = [render(scene, camera) for camera in around(scene, sphere(8))]
    splats = [plain(points, camera).reshape(512, 512) for camera in around(scene, sphere(8))]
    far = []
    for view in views:
        ids = view.surface.ids
        ahead = points[ids[ids >= 0]] @ view.camera.rotation[2]
        far.append(float((ahead > 0.1).mean()))
    return {
        "points": count,
        "holes %": 100 * max(enclosed(view.surface.ids >= 0) for view in views),
        "far side %": 100 * max(far),
        "holes %, plain": 100 * max(enclosed(np.isfinite(splat)) for splat in splats),
        "far side %, plain": 100 * max(float((s[np.isfinite(s)] > 0.1).mean()) for s in splats),
    }


def round_trip(name: str) -> dict[str, float | int | str]:
    """Patches of a mesh: rendered, masked and lifted, over 20 patches and 8 chosen views."""
    points, normals = sampled(mesh(name), 40_000, NOISE)
    scene = Scene.of(points, up=(0, 1, 0))
    right = float(((scene.normals.T * normals).sum(axis=1) > 0).mean())
    views = [render(scene, camera) for camera in covering(scene, 8)]
    ious = []
    for middle in np.random.default_rng(1).integers(0, len(points), 20):
        patch = np.linalg.norm(points - points[middle], axis=1) < 0.05
        patch &= normals @ normals[middle] > 0
        found = lift(views, [masked(view, patch) for view in views])
        chosen = np.zeros(len(points), bool)
        chosen[found.points] = True
        seen = found.weight > 0
        ious.append(
            np.count_nonzero(chosen & patch) / max(np.count_nonzero((chosen | patch) & seen), 1)
        )
    return {
        "shape": name,
        "IoU, mean": float(np.mean(ious)),
        "IoU, least": float(np.min(ious)),
        "points seen": float(seen.mean()),
        "normals outwards": right,
    }


def masked(view: Rendering, patch: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """The pixels that show points of a patch."""
    ids = view.surface.ids
    return np.asarray((ids >= 0) & patch[np.maximum(ids, 0)])


def main() -> None:
    out = arguments(__doc__, "pointcloud_render").out
    title = "CPU milliseconds per view of 512 × 512"
    write(out, title, [speed(count) for count in (*SPARSE, *SIZES)])
    holes = [closed(count) for count in (5_000, *SIZES)]
    write(out.with_stem(f"{out.stem}_holes"), "A clean ball, worst of eight views", holes)
    if (data_root() / "pointcloud" / "meshes").is_dir():
        trips = [round_trip(name) for name in SHAPES]
        write(out.with_stem(f"{out.stem}_lift"), "Patches lifted from 8 views", trips)


if __name__ == "__main__":
    main()
