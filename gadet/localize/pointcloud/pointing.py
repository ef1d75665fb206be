"""From boxes, points and words in the pictures of a cloud to its points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.experts.base import Evidence
from gadet.geometry import Box
from gadet.localize.base import Pointer, Scene
from gadet.localize.pointcloud.segments import Patch, connected
from gadet.localize.points import decode_point
from gadet.localize.words import box_of_words
from gadet.media.pointcloud import PointCloudSample
from gadet.media.pointcloud.view import Cell, PointCloudView

__all__ = ["rows_of_box", "rows_of_point", "rows_of_words"]

Ids = npt.NDArray[np.int64]
Found = tuple[Ids | None, tuple[str, ...]]

BOUNDARY: Final = 0.5
_LEAST_HOT: Final = 5
_BESIDE: Final = 8  # pixels beside a surface at which a point still means it
_REACH: Final = 0.04  # of the diagonal: what a point stands for where nothing says more
_SPANS: Final = 0.2  # of a box on another rendering that is worth a note


def rows_of_box(pointer: Pointer, scene: Scene, sample: PointCloudSample) -> Found:
    """The points that a box in a picture stands for: one piece of surface, sharpened by scores."""
    if pointer.box is None:
        return None, ()
    view, notes = scene.view_of(pointer)
    box, mended = scene.boxes.decode(pointer.box, view.frame.width, view.frame.height)
    notes += mended
    if box is None or not isinstance(view, PointCloudView):
        return None, notes
    cell = view.cell_of(box)
    if cell is None:
        return None, (*notes, f"box {list(pointer.box)} lies beside the renderings")
    beyond = sum(c.box.intersection(box) for c in view.cells if c is not cell)
    if beyond > _SPANS * box.area:
        notes += (
            f"box {list(pointer.box)} spans several renderings: the one most of it is on counts",
        )
    rows = _within(cell, box, sample)
    if rows is None:
        return None, (*notes, f"no surface shows in box {list(pointer.box)}")
    return _sharpened(rows, scene.evidence), notes


def rows_of_point(pointer: Pointer, scene: Scene, sample: PointCloudSample) -> Found:
    """The numbered region, the suspicious piece or the surroundings that a point lies in."""
    if pointer.point is None:
        return None, ()
    view, notes = scene.view_of(pointer)
    frame = view.frame
    point, mended = decode_point(pointer.point, scene.boxes, frame.width, frame.height)
    notes += mended
    if point is None or not isinstance(view, PointCloudView):
        return None, notes
    row = _row_at(view, point)
    if row is None:
        return None, (*notes, f"no surface shows at point {list(pointer.point)}")
    holding = [one for one in _known(scene) if np.isin(row, one.rows)]
    if holding:
        return min(holding, key=lambda one: len(one.rows)).rows, notes
    reach = _REACH * sample.cloud.diagonal
    around = np.asarray(sample.tree.query_ball_point(sample.cloud.points[row], reach), np.int64)
    around = np.sort(around)
    return _sharpened(connected(sample, around, np.array([row])), scene.evidence), notes


def rows_of_words(pointer: Pointer, scene: Scene, sample: PointCloudSample) -> Found:
    """The most suspicious region in the part of a rendering that words name, else all in it."""
    if pointer.place is None:
        return None, ()
    view, notes = scene.view_of(pointer)
    if not isinstance(view, PointCloudView) or not view.cells:
        return None, notes
    cell = view.cells[0]
    camera = cell.rendering.camera
    part = box_of_words(pointer.place, camera.width, camera.height)
    if part is None:
        return None, (*notes, f"the place {pointer.place[:80]!r} is no part of a picture")
    notes += (f"only the words {pointer.place[:80]!r} told where: the region is a guess",)
    box = Box.of(part.x0 + cell.left, part.y0 + cell.top, part.x1 + cell.left, part.y1 + cell.top)
    rows = _within(cell, box, sample)
    if rows is None:
        return None, (*notes, "no surface shows there")
    for one in scene.evidence.candidates if scene.evidence else ():
        if isinstance(one, Patch) and 2 * np.isin(one.rows, rows).sum() > len(one.rows):
            return one.rows, notes
    return rows, notes


def _within(cell: Cell, box: Box, sample: PointCloudSample) -> Ids | None:
    """The piece of surface that a box on a sheet shows in a rendering."""
    mask = _cut(cell, box)
    rows = cell.lifted(mask)
    if not len(rows):
        return None
    middle = cell.shown[_cut(cell, _halved(box))]
    return connected(sample, rows, np.unique(middle[middle >= 0]))


def _cut(cell: Cell, box: Box) -> npt.NDArray[np.bool_]:
    mask = np.zeros(cell.shown.shape, bool)
    x0, y0, x1, y1 = box.rounded_out()
    rows = slice(max(y0 - cell.top, 0), max(y1 - cell.top, 0))
    mask[rows, max(x0 - cell.left, 0) : max(x1 - cell.left, 0)] = True
    return mask


def _halved(box: Box) -> Box:
    x, y = box.centre
    return Box.of(x - box.width / 4, y - box.height / 4, x + box.width / 4, y + box.height / 4)


def _row_at(view: PointCloudView, point: tuple[float, float]) -> int | None:
    """The row that shows at a pixel of a view, or nearest to it."""
    x, y = int(point[0]), int(point[1])
    cell = view.cell_of(Box.of(x, y, x + 1, y + 1))
    if cell is None:
        return None
    down, right = y - cell.top, x - cell.left
    top, left = max(down - _BESIDE, 0), max(right - _BESIDE, 0)
    part = cell.shown[top : down + _BESIDE + 1, left : right + _BESIDE + 1]
    rows, columns = np.nonzero(part >= 0)
    if not len(rows):
        return None
    nearest = int(np.argmin((rows + top - down) ** 2 + (columns + left - right) ** 2))
    return int(part[rows[nearest], columns[nearest]])


def _known(scene: Scene) -> Sequence[Patch]:
    suspects = (*scene.candidates, *(scene.evidence.candidates if scene.evidence else ()))
    return [one for one in suspects if isinstance(one, Patch)]


def _sharpened(rows: Ids, evidence: Evidence | None) -> Ids:
    """Those of some rows that an expert scores above the boundary, where there are some."""
    if evidence is None:
        return rows
    hot = rows[evidence.score_map[rows] >= BOUNDARY]
    return hot if len(hot) >= _LEAST_HOT else rows
