"""From single points to a surface without holes, in the picture and limited by depth.

Each point stands for a square as wide as the gaps around it. The squares are closed as a grey
morphological closing of the depth picture closes them: gaps narrower than a square are filled with
the surface around them, and outlines stay where the outermost points are, at the edge of the
picture's object as well as where a near part covers a far one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from gadet.media.pointcloud.needs import needed
from gadet.media.pointcloud.render.camera import Camera
from gadet.media.pointcloud.render.scene import Scene
from gadet.media.pointcloud.render.splat import NOTHING

__all__ = ["Filled", "fill"]

Singles = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]

MOST_REACH = 32  # pixels
# Neighbours are tried one by one while most pixels still want one, then more and more at once.
_BATCHES = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 64, 128, 256, 512, 1024, 2048)
_AT_ONCE = (4, 16, 64)
_NARROW = 20  # pixels up to which trying neighbours costs less than a tree of points
_SPREAD = 2.0  # points whose reach differs by less are closed together


@dataclass(frozen=True, eq=False)
class Filled:
    """The surface in each pixel.

    Attributes:
        depth: `(H, W)` float32, infinite where nothing is.
        ids: `(H, W)` int32, the point that a pixel shows or that is nearest to it; -1 for none.
        slack: `(H, W)` float32, by how much depth may vary from pixel to pixel on one surface.
        reach: Pixels by which gaps were closed, at most.
    """

    depth: Singles
    ids: Ids
    slack: Singles
    reach: int


def fill(scene: Scene, camera: Camera, depth: Singles, ids: Ids) -> Filled:
    """Close the gaps between points, and leave out what lies behind the surface.

    Args:
        scene: The cloud.
        camera: The view.
        depth: `(H, W)` of single points, infinite where there is none.
        ids: `(H, W)` the points, -1 for none.
    """
    shape = depth.shape
    whole_depth = np.full(shape, np.inf, np.float32)
    whole_ids = np.full(shape, NOTHING, np.int32)
    whole_slack = np.zeros(shape, np.float32)
    there = np.flatnonzero(ids >= 0)
    if len(there) == 0:
        return Filled(whole_depth, whole_ids, whole_slack, 0)
    shown, near = ids.ravel().take(there).astype(np.int64), depth.ravel().take(there)
    reach = scene.reach.take(shown)
    tilt, away = _tilt(scene, camera, shown, near)
    # A disc of this reach, seen under this tilt, lies within so much of its middle.
    slack = reach * (1 + tilt)
    width = np.asarray(reach * camera.pixels_per_unit(near), np.float32)
    steps = list(_classes(width))
    pad = steps[-1][1] + 1
    rows, columns = there // shape[1], there % shape[1]
    window = (
        slice(max(int(rows.min()) - pad, 0), int(rows.max()) + pad + 1),
        slice(max(int(columns.min()) - pad, 0), int(columns.max()) + pad + 1),
    )
    # A border on all sides, so that a neighbour is always a fixed step away.
    inner = depth[window].shape
    across = inner[1] + 2 * pad
    place = (rows - window[0].start + pad) * across + (columns - window[1].start + pad)
    grid = (inner[0] + 2 * pad, across)
    behind = near + reach * tilt
    front = np.full(grid, np.inf, np.float32)
    for least, step in steps:
        layer = np.full(grid[0] * grid[1], np.inf, np.float32)
        kept = slice(None) if least <= 0 else width >= least
        layer[place[kept]] = behind[kept]
        np.minimum(front, _closed(layer.reshape(grid), step), out=front)
    surface = front.ravel()
    # What faces away lies behind a surface that faces us, however thin the body is.
    visible = near + np.where(away, reach, 0) <= surface[place] + slack
    place = place[visible]
    out_ids = np.full(surface.shape, NOTHING, np.int32)
    out_depth = np.full(surface.shape, np.inf, np.float32)
    out_slack = np.zeros(surface.shape, np.float32)
    out_ids[place], out_depth[place] = shown[visible], near[visible]
    out_slack[place] = slack[visible]
    wanted = np.flatnonzero(np.isfinite(surface) & (out_ids < 0))
    allowed = 2 * _high(slack)
    if pad <= _NARROW:
        to, source = _sources(wanted, out_depth, surface, allowed, _steps(pad, across))
    else:
        to, source = _sources_far_off(wanted, out_depth, surface, allowed, pad, across)
    for out in (out_ids, out_depth, out_slack):
        out[to] = out.take(source)
    cut = (slice(pad, pad + inner[0]), slice(pad, pad + inner[1]))
    whole_ids[window] = out_ids.reshape(grid)[cut]
    whole_depth[window] = out_depth.reshape(grid)[cut]
    whole_slack[window] = out_slack.reshape(grid)[cut]
    return Filled(whole_depth, whole_ids, whole_slack, pad - 1)


def _high(values: Singles) -> float:
    """A value that at most a fiftieth of some is above."""
    some = values[:: len(values) // 4096 + 1]
    place = len(some) - 1 - len(some) // 50
    return float(np.partition(some, place)[place])


def _tilt(
    scene: Scene, camera: Camera, shown: Places, near: Singles
) -> tuple[Singles, npt.NDArray[np.bool_]]:
    """The sine of the angle between each normal and the line of sight, and what faces away."""
    normals = scene.normals.take(shown, axis=1)
    eye = camera.eye
    if eye is None:
        along = camera.rotation[2].astype(np.float32) @ normals
    else:
        sight = scene.points.take(shown, axis=1) + (scene.origin - eye).astype(np.float32)[:, None]
        length = np.maximum(np.sqrt((sight**2).sum(axis=0)), np.float32(1e-30))
        along = (normals * sight).sum(axis=0) / length
    return np.sqrt(np.maximum(1 - along**2, 0)), along > 0


def _classes(width: Singles) -> Iterator[tuple[float, int]]:
    """The least reach in pixels of the points to close together, and by how many pixels."""
    some = np.sort(width[:: max(len(width) // 4096, 1)])
    low, high = float(some[int(0.02 * len(some))]), float(some[int(0.98 * (len(some) - 1))])
    step = min(max(high, 1.0), float(MOST_REACH))
    edges = [step]
    while edges[-1] > _SPREAD * max(low, 0.5):
        edges.append(edges[-1] / _SPREAD)
    for index, edge in enumerate(reversed(edges)):
        # Those of the class below take part, so that no gap is left between two densities.
        yield (0.0 if index == 0 else edge / _SPREAD**2), math.ceil(edge - 0.25)


def _closed(layer: Singles, step: int) -> Singles:
    """The grey closing with a square of `2 * step + 1` pixels, near over far."""
    return _extreme(_extreme(layer, step, np.minimum), step, np.maximum)


def _extreme(layer: Singles, step: int, pick: np.ufunc) -> Singles:
    """The running extreme over a square, by doubling; infinite beyond the border."""
    for axis in (0, 1):
        size = layer.shape[axis]
        widths = [(step, step) if axis == each else (0, 0) for each in (0, 1)]
        run = np.pad(layer, widths, constant_values=np.inf)
        run = run if axis == 0 else run.T
        span = 1
        while 2 * span <= 2 * step + 1:
            run = pick(run[:-span], run[span:])
            span *= 2
        rest = 2 * step + 1 - span
        run = pick(run[:size], run[rest : rest + size])
        layer = run if axis == 0 else run.T
    return layer


def _sources(
    wanted: Places, depth: Singles, surface: Singles, slack: float, steps: Places
) -> tuple[Places, Places]:
    """For pixels of the surface without a point the nearest one that lies on it.

    Nearest in the picture; a pixel for which there is none is left out.

    Args:
        wanted: The pixels, as flat places.
        depth: Of the points, infinite where there is none.
        surface: The depth of the surface.
        slack: How far from the surface a point may lie.
        steps: To the neighbours, nearest first.

    Returns:
        The pixels that found one, and where it is.
    """
    level = surface.take(wanted)
    targets, sources = [wanted[:0]], [wanted[:0]]
    for batch in np.split(steps, _BATCHES):
        if wanted.size == 0 or batch.size == 0:
            break
        beside = wanted + batch[:, None]
        fits = np.abs(depth.take(beside) - level) <= slack  # never, where there is no point
        fitting = fits.any(axis=0) if len(batch) > 1 else fits[0]
        at, rest = np.flatnonzero(fitting), np.flatnonzero(~fitting)
        targets.append(wanted.take(at))
        first = fits.take(at, axis=1).argmax(axis=0) if len(batch) > 1 else 0
        sources.append(targets[-1] + batch[first])
        wanted, level = wanted.take(rest), level.take(rest)
    return np.concatenate(targets), np.concatenate(sources)


def _sources_far_off(
    wanted: Places, depth: Singles, surface: Singles, slack: float, reach: int, across: int
) -> tuple[Places, Places]:
    """The same where points are sparse, so that most neighbours hold none: by a tree of points."""
    there = np.flatnonzero(np.isfinite(depth))
    tree = needed("scipy.spatial", "Rendering sparse clouds").cKDTree(
        _rows_and_columns(there, across)
    )
    # A place of no point, for neighbours that there are not.
    padded = np.append(there, 0)
    targets, sources = [wanted[:0]], [wanted[:0]]
    for count in _AT_ONCE:
        if wanted.size == 0:
            break
        near = tree.query(
            _rows_and_columns(wanted, across),
            k=list(range(1, min(count, len(there)) + 1)),
            distance_upper_bound=math.sqrt(2) * reach,
        )[1]
        beside = padded[near]
        fits = np.abs(depth.take(beside) - surface.take(wanted)[:, None]) <= slack
        fits &= near < len(there)
        found = fits.any(axis=1)
        targets.append(wanted[found])
        sources.append(beside[found, fits[found].argmax(axis=1)])
        wanted = wanted[~found]
    return np.concatenate(targets), np.concatenate(sources)


def _rows_and_columns(places: Places, across: int) -> Places:
    return np.stack(np.divmod(places, across), axis=1)


@lru_cache(maxsize=64)
def _steps(reach: int, across: int) -> Places:
    """Steps to the pixels within `reach`, nearest first, in a picture `across` pixels wide."""
    side = np.arange(-reach, reach + 1)
    far = side[:, None] ** 2 + side**2
    order = np.argsort(far, axis=None, kind="stable")[1:]
    return np.asarray((side[:, None] * across + side).ravel()[order])
