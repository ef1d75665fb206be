"""Parts of clouds proposed, marked on renderings, and found again from what an answer says."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from gadet import PointsRegion
from gadet.errors import LocalizationError
from gadet.experts.base import Evidence
from gadet.experts.pointcloud import PointsCandidate
from gadet.experts.pointcloud.candidate import oriented_box
from gadet.findings import Finding, ImageRegion
from gadet.geometry import Box, BoxFormat
from gadet.localize.base import Exporter, Illustrator, Pointer, Poser, Scene
from gadet.localize.pointcloud import PointCloudLocalizer
from gadet.localize.pointcloud.segments import BELOW, connected, surface_segments
from gadet.media.image import ImageAdapter
from gadet.media.pointcloud import PointCloudAdapter, PointCloudInput, PointCloudSample
from gadet.media.pointcloud.view import Cell, PointCloudView
from gadet.view import ViewLimits
from tests.media.pointcloud.render.shapes import ball, box
from tests.media.pointcloud.support import load

LOCALIZER = PointCloudLocalizer()
LIMITS = ViewLimits(max_side=1100, max_pixels=1100**2)
PIXELS = BoxFormat(frame="pixels")
SIDES = (30.0, 20.0, 8.0)
Bools = npt.NDArray[np.bool_]


@pytest.fixture(scope="module")
def block() -> PointCloudSample:
    return load(box(6000, SIDES)[0], units="mm")


@pytest.fixture(scope="module")
def spot(block: PointCloudSample) -> Bools:
    """A patch in the middle of the upper side."""
    points = block.cloud.points
    return np.asarray((np.hypot(points[:, 0], points[:, 1]) < 3) & (points[:, 2] == 4))


def evidence(block: PointCloudSample, spot: Bools, score: float = 0.9) -> Evidence:
    scores = np.full(len(block), 0.05, np.float32)
    scores[spot] = score
    rows = np.flatnonzero(spot)
    points = block.cloud.points[rows]
    candidate = PointsCandidate(
        rows, points.mean(axis=0), oriented_box(points), 28.0, score, "dent", "Dent 1 mm deep."
    )
    return Evidence(scores, score, (candidate,) if score >= 0.5 else ())


def scene(block: PointCloudSample, measured: Evidence | None = None) -> Scene:
    numbered = LOCALIZER.propose(block, measured, most=10)
    return Scene(block, block.views(LIMITS), PIXELS, numbered, measured)


def shown(view: PointCloudView, spot: Bools) -> tuple[Cell, Bools]:
    """The rendering that shows most of a patch, and its pixels there."""
    best = max(view.cells, key=lambda cell: np.count_nonzero(cell.showing(spot)))
    return best, best.showing(spot)


def around(cell: Cell, mask: Bools) -> tuple[float, float, float, float]:
    rows, columns = np.nonzero(mask)
    return (
        float(columns.min() + cell.left),
        float(rows.min() + cell.top),
        float(columns.max() + 1 + cell.left),
        float(rows.max() + 1 + cell.top),
    )


def iou(region: PointsRegion | None, truth: Bools) -> float:
    assert region is not None
    found = np.zeros(len(truth), bool)
    found[list(region.indices)] = True
    return float(np.count_nonzero(found & truth) / np.count_nonzero(found | truth))


def test_the_candidate_comes_first_then_parts_of_the_surface(
    block: PointCloudSample, spot: Bools
) -> None:
    found = LOCALIZER.propose(block, evidence(block, spot), most=10)
    assert found[0].label == "dent"
    assert len(found) == 10
    assert all(one.score <= BELOW for one in found[1:])
    assert all(one.box is None for one in found)
    assert "mm along x, y, z" in found[-1].sentence


def test_a_weak_peak_gets_a_number_of_its_own(block: PointCloudSample, spot: Bools) -> None:
    found = LOCALIZER.propose(block, evidence(block, spot, 0.4), most=10)
    peak = found[0]
    assert (peak.label, peak.score) == ("weak peak", pytest.approx(0.4))
    assert spot[peak.rows].all()  # type: ignore[attr-defined]


def test_who_reads_no_pictures_gets_the_candidates_alone(
    block: PointCloudSample, spot: Bools
) -> None:
    assert len(LOCALIZER.propose(block, evidence(block, spot), most=1000)) == 1
    assert LOCALIZER.propose(block, None, most=1000) == ()


def test_parts_of_the_surface_share_it_and_end_at_creases(block: PointCloudSample) -> None:
    parts = surface_segments(block, 6)
    assert len(parts) == 6
    rows = np.concatenate([part.rows for part in parts])
    assert len(np.unique(rows)) == len(rows) == len(block)
    top = block.cloud.points[:, 2] == 4
    most = max(top[part.rows].mean() for part in parts)
    assert most > 0.85
    again = surface_segments(block, 6)
    assert all(np.array_equal(a.rows, b.rows) for a, b in zip(parts, again, strict=True))


def test_parts_can_be_asked_for_within_some_rows(block: PointCloudSample) -> None:
    top = np.flatnonzero(block.cloud.points[:, 2] == 4)
    parts = surface_segments(block, 3, within=top)
    assert np.array_equal(np.sort(np.concatenate([part.rows for part in parts])), top)
    assert surface_segments(block, 3, within=top[:4]) == []
    assert surface_segments(block, 0) == []


def test_every_view_has_the_same_numbers(block: PointCloudSample, spot: Bools) -> None:
    whole = scene(block, evidence(block, spot))
    small = ViewLimits(max_side=700, max_pixels=700**2)
    views = block.views(small)
    marked = LOCALIZER.mark(block, views, whole.candidates, small)
    assert len(marked) == len(views) == 3
    assert {n for view in marked for n in view.marks} == set(range(1, 11))
    for clean, drawn in zip(views, marked, strict=True):
        assert isinstance(drawn, PointCloudView)
        assert drawn.kind == "marked"
        assert drawn.picture.size == clean.picture.size
        changed = (np.asarray(drawn.picture) != np.asarray(clean.picture)).any(axis=2)
        beside = np.ones_like(changed)
        for cell in clean.cells:
            x0, y0, x1, y1 = cell.edges
            beside[y0:y1, x0:x1] = False
        assert not changed[beside].any()
        assert changed.any()


def test_a_mark_is_exact(block: PointCloudSample, spot: Bools) -> None:
    whole = scene(block, evidence(block, spot))
    region, notes = LOCALIZER.locate(Pointer(mark=1), whole)
    assert iou(region, spot) == 1
    assert notes == ()
    assert region is not None
    assert region.area == 28.0  # as the expert measured it
    assert region.units == "mm"
    region, notes = LOCALIZER.locate(Pointer(mark=99), whole)
    assert region is None
    assert "mark 99 was named" in notes[0]


def test_a_box_in_any_rendering_leads_to_the_points_it_shows(
    block: PointCloudSample, spot: Bools
) -> None:
    whole = scene(block, evidence(block, spot))
    view = block.views(LIMITS)[0]
    tried = 0
    for cell in view.cells:
        mask = cell.showing(spot)
        if np.count_nonzero(mask) < 200:
            continue
        region, notes = LOCALIZER.locate(Pointer(box=around(cell, mask)), whole)
        assert notes == ()
        assert iou(region, spot) > 0.9  # sharpened by the scores
        tried += 1
    assert tried >= 2


def test_a_box_without_scores_holds_what_it_shows(block: PointCloudSample, spot: Bools) -> None:
    view = block.views(LIMITS)[0]
    cell, mask = shown(view, spot)
    region, _ = LOCALIZER.locate(Pointer(box=around(cell, mask)), scene(block))
    assert iou(region, spot) > 0.5
    assert region is not None
    found = np.isin(np.arange(len(block)), region.indices)
    assert (block.cloud.points[found, 2] == 4).mean() > 0.9  # the near side alone


def test_only_the_connected_surface_counts() -> None:
    """Behind a small plate stands a large one: a box around the small one means the small one."""
    rng = np.random.default_rng(0)
    near = np.column_stack([rng.uniform(-1, 1, (1500, 2)), np.full(1500, 2.0)])
    far = np.column_stack([rng.uniform(-4, 4, (8000, 2)), np.full(8000, 6.0)])
    depth = np.vstack([near, far])
    sample = load(depth)
    rows = connected(sample, np.arange(len(depth)), np.arange(20))
    assert rows.tolist() == list(range(1500))
    assert connected(sample, np.array([3]), np.array([3])).tolist() == [3]


def test_pointing_at_nothing_is_said(block: PointCloudSample) -> None:
    whole = scene(block)
    view = block.views(LIMITS)[0]
    first = view.cells[0]
    corner = (first.left + 1.0, first.top + 1.0, first.left + 6.0, first.top + 6.0)
    for pointer, words in (
        (Pointer(box=corner), "no surface shows in box"),
        (Pointer(box=(0.0, 0.0, 5.0, 5.0)), "lies beside the renderings"),
        (Pointer(point=(first.left + 3.0, first.top + 3.0)), "no surface shows at point"),
        (Pointer(point=(2.0, 2.0)), "no surface shows at point"),
        (Pointer(place="somewhere"), "is no part of a picture"),
        (Pointer(box=corner, picture=7), "picture 7 was named"),
    ):
        region, notes = LOCALIZER.locate(pointer, whole)
        assert region is None
        assert words in " ".join(notes)
    assert LOCALIZER.locate(Pointer(), whole) == (None, ())


def test_a_box_over_several_renderings_is_noted(block: PointCloudSample) -> None:
    view = block.views(LIMITS)[0]
    first, second = view.cells[:2]
    wide = (first.box.x0, first.box.y0, second.box.x1 - 100, first.box.y1)
    region, notes = LOCALIZER.locate(Pointer(box=wide), scene(block))
    assert region is not None
    assert "spans several renderings" in notes[0]


def test_a_point_means_the_region_it_lies_in(block: PointCloudSample, spot: Bools) -> None:
    view = block.views(LIMITS)[0]
    cell, mask = shown(view, spot)
    x0, y0, x1, y1 = around(cell, mask)
    pointer = Pointer(point=((x0 + x1) / 2, (y0 + y1) / 2))
    region, notes = LOCALIZER.locate(pointer, scene(block, evidence(block, spot)))
    assert iou(region, spot) == 1
    assert notes == ()
    alone = Scene(block, block.views(LIMITS), PIXELS)
    region, _ = LOCALIZER.locate(pointer, alone)
    assert region is not None
    assert max(region.extent) < 0.09 * block.cloud.diagonal


def test_words_lead_to_what_is_suspicious_there(block: PointCloudSample, spot: Bools) -> None:
    view = block.views(LIMITS)[0]
    measured = evidence(block, spot)
    assert np.count_nonzero(view.cells[0].showing(spot)) > 100
    region, notes = LOCALIZER.locate(Pointer(place="centre"), scene(block, measured))
    assert iou(region, spot) == 1
    assert "a guess" in notes[0]
    region, _ = LOCALIZER.locate(Pointer(place="centre"), scene(block))
    assert region is not None
    assert iou(region, spot) < 1


def test_a_closer_look_shows_the_place_larger(block: PointCloudSample, spot: Bools) -> None:
    whole = scene(block, evidence(block, spot))
    closer = LOCALIZER.closeup(block.region(spot), whole, LIMITS)
    assert closer is not None
    (view,) = closer.views
    assert isinstance(view, PointCloudView)
    assert closer.within is whole.views[0]
    assert [cell.mode for cell in view.cells] == ["shaded", "curvature", "shaded"]
    before = max(np.count_nonzero(c.showing(spot)) for c in block.views(LIMITS)[0].cells)
    assert np.count_nonzero(view.cells[0].showing(spot)) > 2 * before
    assert np.count_nonzero(view.cells[2].showing(spot)) > before / 2
    assert view.cells[0].rendering.camera.rotation[2] @ view.cells[2].rendering.camera.rotation[
        2
    ] < np.cos(np.radians(15))
    (marked,) = closer.marked
    assert marked.kind == "marked"
    assert marked.marks[0] == 1
    assert closer.candidates[0].label == "dent"
    assert len(closer.candidates) > 2
    inside = Scene(block, closer.views, PIXELS, closer.candidates, whole.evidence, first=2)
    x0, y0, x1, y1 = around(view.cells[2], view.cells[2].showing(spot))
    region, _ = LOCALIZER.locate(Pointer(box=(x0, y0, x1, y1), picture=2), inside)
    assert iou(region, spot) > 0.9


def test_a_closer_look_at_everything_shows_nothing_new(block: PointCloudSample) -> None:
    everything = block.region(np.arange(len(block)))
    assert LOCALIZER.closeup(everything, scene(block), LIMITS) is None
    foreign = ImageRegion(box=Box.of(0, 0, 1, 1))
    assert LOCALIZER.closeup(foreign, scene(block), LIMITS) is None


def test_other_kinds_are_refused(block: PointCloudSample) -> None:
    picture = ImageAdapter().load(Image.new("RGB", (20, 20)))
    with pytest.raises(LocalizationError, match="a point cloud is needed"):
        LOCALIZER.propose(picture, None, most=4)
    stranger = type("Stranger", (), {"box": None, "score": 0.1, "label": "a", "sentence": "b"})()
    with pytest.raises(LocalizationError, match="a part of a cloud is needed"):
        LOCALIZER.region_of(stranger, block)


def test_the_picture_of_a_report(block: PointCloudSample, spot: Bools) -> None:
    assert isinstance(LOCALIZER, Illustrator)
    measured = evidence(block, spot)
    found = (Finding(label="dent", region=block.region(spot)), Finding(label="elsewhere"))
    plain = np.asarray(Image.open(io.BytesIO(LOCALIZER.illustrate(block, (), measured))))
    drawn = np.asarray(Image.open(io.BytesIO(LOCALIZER.illustrate(block, found, measured))))
    unmeasured = np.asarray(Image.open(io.BytesIO(LOCALIZER.illustrate(block, found, None))))
    assert plain.shape == drawn.shape

    def red(picture: npt.NDArray[np.uint8]) -> int:
        return int(np.count_nonzero((picture == (224, 36, 60)).all(axis=2)))

    def tinted(picture: npt.NDArray[np.uint8]) -> int:
        return int(np.count_nonzero(picture[..., 0].astype(int) - picture[..., 1] > 30))

    assert red(plain) == 0
    assert red(drawn) > 500
    assert tinted(drawn) > tinted(plain) + 2000
    assert tinted(unmeasured) > tinted(plain) + 2000


def vertices(path: Path) -> npt.NDArray[np.void]:
    plyfile = pytest.importorskip("plyfile")
    return np.asarray(plyfile.PlyData.read(path)["vertex"].data)


def test_the_scored_cloud_keeps_the_order_of_the_input(tmp_path: Path) -> None:
    points = box(600, SIDES)[0]
    points[5::50] = np.nan
    sample = load(points)
    scores = np.linspace(0, 1, len(sample)).astype(np.float32)
    measured = Evidence(scores, 1.0)
    found = (
        Finding(label="a", region=sample.region(np.arange(10, 20))),
        Finding(label="b", region=sample.region(np.arange(15, 30))),
        Finding(label="nowhere"),
    )
    assert isinstance(LOCALIZER, Exporter)
    path = tmp_path / "part.ply"
    LOCALIZER.exports(sample, found, measured)[".ply"](path)
    table = vertices(path)
    np.testing.assert_array_equal(np.stack([table[a] for a in "xyz"], axis=1), points)
    kept = np.isfinite(points[:, 0])
    np.testing.assert_array_equal(table["score"][kept], scores)
    assert np.isnan(table["score"][~kept]).all()
    labels = table["finding"][kept]
    assert (labels[10:20] == 1).all()
    assert (labels[20:30] == 2).all()
    assert np.count_nonzero(table["finding"]) == 20
    low = kept & (np.nan_to_num(table["score"]) <= 0.5)
    assert (table["red"][low] == table["green"][low]).all()
    assert table["red"][kept][-1] == 150
    again = PointCloudAdapter().load(path)
    np.testing.assert_array_equal(again.cloud.points, sample.cloud.points)


def test_a_mesh_keeps_its_faces_and_findings_are_red_without_scores(tmp_path: Path) -> None:
    plyfile = pytest.importorskip("plyfile")
    corners = ball(60)
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    text = "".join(f"v {x} {y} {z}\n" for x, y, z in corners)
    text += "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in faces)
    sample = load(PointCloudInput(text.encode(), format="obj"))
    path = tmp_path / "mesh.ply"
    found = (Finding(label="a", region=sample.region([7])),)
    LOCALIZER.exports(sample, found, None)[".ply"](path)
    data = plyfile.PlyData.read(path)
    np.testing.assert_array_equal(np.vstack(data["face"]["vertex_indices"]), faces)
    assert np.isnan(data["vertex"]["score"]).all()
    assert data["vertex"]["red"][7] > data["vertex"]["green"][7]
    assert data["vertex"]["red"][8] == data["vertex"]["green"][8]


def test_an_item_is_shown_like_its_reference() -> None:
    assert isinstance(LOCALIZER, Poser)
    rng = np.random.default_rng(2)
    points = np.vstack([box(5000, SIDES)[0], ball(800) * 3 + (9, 5, 6)])
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    first, item = load(points), load(points[rng.permutation(len(points))] @ turn.T + 3)
    posed = LOCALIZER.posed(item, first)
    assert posed.posed
    for mine, theirs in zip(
        posed.views(LIMITS)[0].cells, first.views(LIMITS)[0].cells, strict=True
    ):
        assert ((mine.shown >= 0) == (theirs.shown >= 0)).mean() > 0.98
    assert not LOCALIZER.posed(load(ball(2000)), first).posed
