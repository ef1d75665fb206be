"""What is shown of a series: its plot with the spans, a table of them, the same as CSV."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

from PIL import Image

from gadet import AnomalyDetector, Report
from gadet.export import to_csv
from gadet.findings import Finding, SpanRegion
from gadet.geometry import Interval
from gadet.render import overlay, thumbnail
from gadet.render.picture import find_picture

MEANT = (600, 640)


def table(path: Path, rows: int = 1200) -> Path:
    """A file with a cycle of 48 rows, an hour each, and one value held for 40 of them."""
    values = np.sin(np.arange(rows) * np.pi / 24) + np.random.default_rng(1).normal(0, 0.05, rows)
    values[slice(*MEANT)] = 2.5
    times = np.datetime64("2024-03-01T00:00") + np.arange(rows) * np.timedelta64(1, "h")
    lines = [f"{t},{v:.4f}" for t, v in zip(times, values, strict=True)]
    path.write_text("time,flow [l/s]\n" + "\n".join(lines) + "\n")
    return path


def shaded(picture: npt.NDArray[np.uint8]) -> float:
    """Where the middle of what is shaded lies, from 0 at the left to 1."""
    red, blue = picture[:, :, 0].astype(int), picture[:, :, 2].astype(int)
    pale_orange = (red - blue > 25) & (red > 230)
    return float(np.flatnonzero(pale_orange.sum(axis=0) > 60).mean()) / picture.shape[1]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return table(tmp_path_factory.mktemp("series") / "flow.csv")


@pytest.fixture(scope="module")
def report(file: Path) -> Report:
    return AnomalyDetector().detect(file)


def test_the_report_names_the_span(report: Report) -> None:
    assert report.verdict == "anomalous"
    assert report.anomaly_map is not None
    assert report.anomaly_map.shape == (1200,)
    region = report.findings[0].region
    assert isinstance(region, SpanRegion)
    assert (region.interval.start, region.interval.end) == MEANT
    assert region.interval.start_label == "2024-03-26 00:00:00"
    assert region.interval.end_label == "2024-03-27 16:00:00"
    assert region.channels == ("flow [l/s]",)
    assert region.seconds == 40 * 3600


def test_the_picture_is_a_plot_with_the_span_shaded(report: Report) -> None:
    assert report.preview is not None
    with Image.open(io.BytesIO(report.preview)) as opened:
        assert opened.size[0] == 1024
        pixels = np.asarray(opened.convert("RGB"))
    assert 0.5 < shaded(pixels) < 0.57  # row 620 of 1200, with the labels left of the axes
    shown = overlay(report)
    np.testing.assert_array_equal(np.asarray(shown)[: len(pixels)], pixels)
    assert shown.height > len(pixels)
    assert max(thumbnail(report, side=128).size) == 128


def test_the_page_has_a_table_of_spans(report: Report, tmp_path: Path) -> None:
    page = report.save(tmp_path / "r.html").read_text(encoding="utf-8")
    heads = re.findall(r'<th scope="col">([^<]*)</th>', page)
    assert heads[-4:] == ["Start", "End", "Duration", "Channels"]
    for cell in ("2024-03-26 00:00:00", "2024-03-27 16:00:00", "40 rows, 1 d 16 h", "flow [l/s]"):
        assert f">{cell}</td>" in page
    assert "Where (original pixels)" not in page
    assert "data:image/png;base64," in page
    assert 'download="flow-csv.spans.csv"' in page
    assert "Label Studio" not in page


def test_a_notebook_shows_plot_and_span(report: Report) -> None:
    assert "max-width:min(960px" in report._repr_html_()
    assert "2024-03-26 00:00:00 – 2024-03-27 16:00:00" in report._repr_html_()
    assert report._repr_png_().startswith(b"\x89PNG")


def test_the_spans_as_csv(report: Report, tmp_path: Path) -> None:
    text = report.save(tmp_path / "spans.csv").read_text(encoding="utf-8")
    assert text == to_csv([report])
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["verdict"] == "anomalous"
    assert float(row["item_score"]) == report.score
    assert (row["start"], row["end"]) == ("2024-03-26 00:00:00", "2024-03-27 16:00:00")
    assert (int(row["start_row"]), int(row["end_row"])) == MEANT
    assert float(row["seconds"]) == 40 * 3600
    assert row["label"] == report.findings[0].label
    assert float(row["score"]) == report.findings[0].confidence
    assert row["channels"] == "flow [l/s]"


def test_what_has_no_span_has_a_row_and_no_formula_runs(report: Report) -> None:
    interval = Interval(start=1, end=2, unit="step")
    evil = Finding(label="=1+2", description="@x", region=SpanRegion(interval=interval))
    lost = Finding(label="spike, somewhere", description='He said "no"\nand left.')
    changed = report.model_copy(update={"findings": (evil, lost)})
    silent = report.model_copy(
        update={"verdict": "refused", "score": None, "score_source": None, "findings": ()}
    )
    rows = list(csv.DictReader(io.StringIO(to_csv([changed, silent]))))
    assert [row["label"] for row in rows] == ["'=1+2", "spike, somewhere", ""]
    assert rows[0]["description"] == "'@x"
    assert rows[0]["seconds"] == rows[0]["start"] == ""
    assert rows[1]["description"] == 'He said "no"\nand left.'
    assert rows[1]["start_row"] == ""
    assert [row["verdict"] for row in rows] == ["anomalous", "anomalous", "refused"]
    assert rows[2]["item_score"] == ""


def test_a_report_from_json_is_plotted_anew(report: Report, file: Path) -> None:
    again = Report.model_validate_json(report.model_dump_json())
    assert again == report
    assert again.preview is None
    picture = find_picture(again).picture
    assert picture is not None
    assert shaded(np.asarray(picture)) == pytest.approx(shaded(np.asarray(overlay(report))))


def test_a_file_that_changed_is_not_plotted(report: Report, tmp_path: Path) -> None:
    path = table(tmp_path / "flow.csv", 1100)
    info = report.item.model_copy(update={"source": str(path)})
    assert "changed" in find_picture(Report(**(dict(report) | {"item": info}))).why
    path.write_text("nothing\n")
    assert "read again" in find_picture(Report(**(dict(report) | {"item": info}))).why


def test_positions_and_spans_without_a_place(tmp_path: Path) -> None:
    values = np.random.default_rng(3).normal(size=400)
    values[200] = 30.0
    made = AnomalyDetector().detect(values)
    assert "at row 200" in made.findings[0].description
    lost = Finding(label="drift", description="Somewhere.")
    page = (
        made.model_copy(update={"findings": (lost, *made.findings)})
        .with_pictures(made.preview, made.anomaly_map)
        .save(tmp_path / "r.html")
        .read_text(encoding="utf-8")
    )
    for cell in ("not located", "row 200", "row 201", "1 row"):
        assert f">{cell}</td>" in page


def test_a_batch_keeps_plots_and_small_scores() -> None:
    rows = 256 * 256 + 1
    values = np.random.default_rng(4).normal(size=rows)
    values[50_000] = 60.0
    report = AnomalyDetector().detect_many([values], progress=False)[0]
    assert isinstance(report, Report)
    assert report.preview is not None
    assert report.anomaly_map is not None
    assert report.anomaly_map.shape == (rows // 2 + 1,)
    assert report.anomaly_map[25_000] >= 0.5
