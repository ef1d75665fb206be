"""Point clouds from end to end: a model's answers, the offline engine, files and pages."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from gadet import AnomalyDetector, PointCloudInput, PointsRegion, Report, ScriptedBackend, samples
from gadet.cli.app import app
from gadet.errors import InputError
from gadet.experts.base import Evidence
from gadet.experts.pointcloud import PointsCandidate
from gadet.experts.pointcloud.candidate import oriented_box
from gadet.findings import Finding
from gadet.inspection import SMALL_MAP_SIDE, _small
from gadet.media.pointcloud import PointCloudAdapter
from gadet.media.pointcloud.view import PointCloudView
from gadet.prompts.prompt import Prompt
from gadet.render import HtmlPresenter
from gadet.view import View
from tests.doubles import answer

CASE = samples.load("bearing-block")
PART = PointCloudInput(np.asarray(CASE.item.item)[::2], units="mm")
GOOD = PointCloudInput(np.asarray(CASE.references[0].item)[::2], units="mm")
TRUTH = CASE.mask[::2]
Bools = npt.NDArray[np.bool_]


class Knowing:
    """An expert that knows the truth of the thinned sample."""

    modality = "pointcloud"

    def assess(self, sample: Any, references: Sequence[Any] = ()) -> Evidence:
        scores = np.where(TRUTH, 0.9, 0.05).astype(np.float32)
        rows = np.flatnonzero(TRUTH)
        points = sample.cloud.points[rows]
        hull = oriented_box(points)
        dent = PointsCandidate(rows, points.mean(axis=0), hull, 250.0, 0.9, "dent", "Dent 1.2 mm.")
        return Evidence(scores, 0.9, (dent,), ("1 region departs.",), "knowing")


def spoken(**finding: Any) -> str:
    """An answer with one finding."""
    said = {
        "mark": None,
        "box": None,
        "label": "dent",
        "description": "A round hollow.",
        "severity": "medium",
        "confidence": 0.8,
    }
    return answer(findings=[said | finding])


def found(report: Report, count: int, number: int = 0) -> Bools:
    region = report.findings[number].region
    assert isinstance(region, PointsRegion)
    mask = np.zeros(count, bool)
    mask[list(region.indices)] = True
    return mask


def recall(mask: Bools, truth: Bools) -> float:
    return float(np.count_nonzero(mask & truth) / np.count_nonzero(truth))


def clouds(prompt: Prompt, kind: str) -> list[PointCloudView]:
    """The pictures of the item of one kind."""
    views = (view for view in prompt.views if (view.role, view.kind) == ("item", kind))
    return [view for view in views if isinstance(view, PointCloudView)]


def box_around(view: View, truth: Bools) -> tuple[list[float], int]:
    """Where the patch shows best, in thousandths of the view as the scripted profile writes them.

    Returns:
        The box, and the number of its pixels.
    """
    assert isinstance(view, PointCloudView)
    best = max(view.cells, key=lambda cell: np.count_nonzero(cell.showing(truth)))
    mask = best.showing(truth)
    rows, columns = np.nonzero(mask)
    width, height = view.picture.size
    x0, x1 = columns.min() + best.left, columns.max() + best.left + 1
    y0, y1 = rows.min() + best.top, rows.max() + best.top + 1
    return [1000 * v for v in (x0 / width, y0 / height, x1 / width, y1 / height)], len(rows)


def test_a_mark_in_an_answer_leads_to_points() -> None:
    backend = ScriptedBackend([spoken(mark=1)])
    report = AnomalyDetector(backend, expert=Knowing()).detect(
        PART, references=[GOOD], domain="pointcloud"
    )
    np.testing.assert_array_equal(found(report, len(TRUTH)), TRUTH)
    (prompt,) = backend.prompts
    reference, item, marked = prompt.views
    assert (reference.role, item.kind, marked.kind) == ("reference", "clean", "marked")
    assert marked.marks[0] == 1
    assert "come from the rendering" in prompt.text
    assert "points; extent along x, y, z" in prompt.text
    apart = np.asarray(reference.picture, int) - np.asarray(item.picture)
    assert (np.abs(apart).max(axis=2) > 60).mean() < 0.05  # shown from the same directions


def test_a_box_then_a_closer_look() -> None:
    def reply(prompt: Prompt) -> str:
        closer = clouds(prompt, "zoom")
        view = closer[0] if closer else clouds(prompt, "clean")[0]
        box, size = box_around(view, TRUTH)
        sizes.append(size)
        return spoken(box=box)

    sizes: list[int] = []
    report = AnomalyDetector(ScriptedBackend(reply), expert=Knowing()).detect(PART, zoom=1)
    assert len(sizes) == 2
    assert sizes[1] > 2 * sizes[0]
    assert recall(found(report, len(TRUTH)), TRUTH) > 0.9
    assert "looked closer at 1 places" in " ".join(report.notes)


def test_without_an_expert_a_box_leads_to_what_it_shows() -> None:
    def reply(prompt: Prompt) -> str:
        return spoken(box=box_around(clouds(prompt, "clean")[0], TRUTH)[0])

    report = AnomalyDetector(ScriptedBackend(reply), expert=None).detect(PART, marks=False)
    mask = found(report, len(TRUTH))
    assert recall(mask, TRUTH) > 0.9
    assert np.count_nonzero(mask & ~TRUTH) < np.count_nonzero(TRUTH)


@pytest.fixture(scope="module")
def measured() -> Report:
    return AnomalyDetector().detect(
        CASE.item, references=CASE.references[:1], domain=CASE.domain, normality=CASE.normality
    )


def test_the_offline_engine_finds_the_dent(measured: Report) -> None:
    assert measured.verdict == "anomalous"
    assert recall(found(measured, len(CASE.mask)), CASE.mask) > 0.9
    first = measured.findings[0]
    assert first.label == "dent"
    assert "mm" in first.description
    assert isinstance(first.region, PointsRegion)
    assert first.region.units == "mm"
    assert first.region.box is not None
    assert first.region.area is not None
    again = Report.model_validate_json(measured.model_dump_json())
    assert again == measured


def test_a_report_is_saved_as_every_kind_of_file(measured: Report, tmp_path: Path) -> None:
    for ending in ("html", "png", "json", "csv", "ply"):
        assert measured.save(tmp_path / f"part.{ending}").stat().st_size > 200
    page = (tmp_path / "part.html").read_text()
    assert "mm²" in page
    assert "Findings (CSV)" in page
    assert page.count("data:image/") >= 2
    fragment = HtmlPresenter().fragment(measured)
    assert "mm²" in fragment
    assert "dent" in fragment
    header, first, *_ = (tmp_path / "part.csv").read_text().splitlines()
    row = dict(zip(header.split(","), first.replace('"', "").split(","), strict=False))
    assert row["label"] == "dent"
    assert int(first.split(",")[-9]) == int(np.count_nonzero(found(measured, len(CASE.mask))))
    assert first.split(",")[-1] == "mm"
    cloud = PointCloudAdapter().load(tmp_path / "part.ply").cloud
    np.testing.assert_allclose(cloud.points, CASE.item.item)


def test_other_tools_are_told_that_it_is_no_picture(measured: Report) -> None:
    left_out = measured.to_coco()["info"]["left_out"]
    assert left_out[0]["reason"] == "it is a pointcloud, not a picture"
    names = measured.to_dict()
    assert names["anomaly_map"].shape == CASE.mask.shape
    assert names["pred_mask"] is None


def test_a_saved_report_draws_its_file_again(tmp_path: Path) -> None:
    path = tmp_path / "part.ply"
    points = np.asarray(CASE.item.item)[::4]
    body = "".join(f"{x} {y} {z}\n" for x, y, z in points)
    head = "".join(f"property double {axis}\n" for axis in "xyz")
    path.write_text(
        f"ply\nformat ascii 1.0\nelement vertex {len(points)}\n{head}end_header\n{body}"
    )
    report = AnomalyDetector().detect(path)
    again = Report.model_validate_json(report.model_dump_json())
    assert again.preview is None
    assert HtmlPresenter().overlay_png(again)[:4] == b"\x89PNG"
    path.write_text(path.read_text().removesuffix(body) + body.replace("1", "2"))
    assert "changed since" in HtmlPresenter().html([again])


def test_an_organised_scan_with_holes(tmp_path: Path) -> None:
    side = 48
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side))
    bump = 0.1 * np.exp(-((x - 0.2) ** 2 + y**2) / 0.01)
    depth = np.stack([2 * x, 2 * y, 4 - bump], axis=2).astype(np.float32)
    depth[5:9, 5:40] = np.nan
    rows = depth.reshape(-1, 3)
    head = (
        "VERSION 0.7\nFIELDS x y z\nSIZE 4 4 4\nTYPE F F F\nCOUNT 1 1 1\n"
        f"WIDTH {side}\nHEIGHT {side}\nVIEWPOINT 0 0 0 1 0 0 0\nPOINTS {side * side}\nDATA ascii\n"
    )
    path = tmp_path / "scan.pcd"
    path.write_text(head + "".join(" ".join(map(str, row)) + "\n" for row in rows.tolist()))
    backend = ScriptedBackend([spoken(mark=1)])
    report = AnomalyDetector(backend).detect(path)
    region = report.findings[0].region
    assert isinstance(region, PointsRegion)
    there = np.isfinite(rows[:, 0])
    assert there[list(region.indices)].all()
    (view,) = clouds(backend.prompts[0], "clean")
    assert [cell.mode for cell in view.cells] == ["shaded"] * 3 + ["curvature"] * 3
    target = tmp_path / "scored.ply"
    report.save(target)
    assert f"element vertex {side * side}" in target.read_bytes()[:200].decode("latin-1")


def test_the_command_line_takes_files_and_folders(tmp_path: Path) -> None:
    runner = CliRunner()
    folder = tmp_path / "parts"
    folder.mkdir()
    for name, item in (("bad", CASE.item), ("good", CASE.references[0])):
        np.savetxt(folder / f"{name}.xyz", np.asarray(item.item)[::3])
    page = tmp_path / "out.html"
    arguments = ["detect", str(folder / "bad.xyz"), "--reference", str(folder / "good.xyz")]
    result = runner.invoke(app, [*arguments, "--report", str(page), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout.splitlines()[0])["item"]["modality"] == "pointcloud"
    assert page.stat().st_size > 50_000
    result = runner.invoke(app, ["detect", str(folder), "--json"])
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) == 2
    assert "point clouds and meshes" in runner.invoke(app, ["doctor"]).stdout


def test_a_picture_is_no_reference_of_a_cloud() -> None:
    picture = samples.load("bottle-top").item
    with pytest.raises(InputError, match="reference 1"):
        AnomalyDetector().detect(CASE.item, references=[picture])


def test_scores_of_many_points_are_not_kept_for_a_batch() -> None:
    few, many = np.zeros(10, np.float32), np.zeros(SMALL_MAP_SIDE**2 + 1, np.float32)
    assert _small(few, "pointcloud") is few
    assert _small(many, "pointcloud") is None
    kept = _small(many, "series")
    assert kept is not None
    assert len(kept) < len(many)


def test_a_region_of_many_points_is_written_in_good_time() -> None:
    region = PointsRegion(indices=tuple(range(100_000)), centroid=(0, 0, 0), extent=(1, 1, 1))
    text = Finding(label="all", region=region).model_dump_json()
    assert len(text) < 700_000
    assert Finding.model_validate_json(text).region == region


@pytest.mark.data
def test_a_real_scan_with_a_dent_against_itself_moved(real_data: Path) -> None:
    path = real_data / "pointcloud" / "pcl" / "milk.pcd"
    if not path.is_file():
        pytest.skip("milk.pcd is absent: set GADET_DATA to the folder of real data")
    points = PointCloudAdapter().load(path).cloud.points * 1000
    rng = np.random.default_rng(0)
    middle = points[np.argmin(np.linalg.norm(points - np.quantile(points, 0.4, axis=0), axis=1))]
    away = np.linalg.norm(points - middle, axis=1) / 22
    near = points[away < 1]
    normal = np.linalg.eigh((near - near.mean(axis=0)).T @ (near - near.mean(axis=0)))[1][:, 0]
    inwards = normal * np.sign(normal @ (points.mean(axis=0) - middle))
    depth = 9 * np.maximum(1 - away**2, 0) ** 2
    truth = depth > 0.9
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    turn *= np.linalg.det(turn)
    dented = (points + depth[:, None] * inwards) @ turn.T + (80, -20, 5)
    report = AnomalyDetector().detect(
        PointCloudInput(dented, units="mm"), references=[PointCloudInput(points, units="mm")]
    )
    assert report.verdict == "anomalous"
    assert recall(found(report, len(points)), truth) > 0.5
