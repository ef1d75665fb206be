from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")

from typer.testing import CliRunner

from gadet import Report, SpanRegion, __version__
from gadet.cli.app import app
from gadet.cli.inputs import expand
from gadet.cli.summary import summarise
from gadet.errors import InputError
from tests.doubles import picture

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "deep").mkdir()
    picture(96, 96).save(tmp_path / "b.png")
    picture(96, 96, spot=True).save(tmp_path / "deep" / "a.jpg")
    (tmp_path / "notes.txt").write_text("no picture")
    return tmp_path


def run(*arguments: Any, input: bytes | None = None) -> Any:
    return runner.invoke(app, [str(a) for a in arguments], input=input)


def test_results_are_json_lines_on_stdout(folder: Path) -> None:
    result = run("detect", folder, "--reference", folder / "b.png", "--backend", "offline")
    assert result.exit_code == 0, result.output
    reports = [Report.model_validate_json(line) for line in result.stdout.splitlines()]
    assert [report.item.name for report in reports] == ["b.png", "a.jpg"]
    assert [report.verdict for report in reports] == ["normal", "anomalous"]


def test_a_picture_on_stdin(folder: Path) -> None:
    result = run("detect", "-", input=(folder / "b.png").read_bytes())
    assert result.exit_code == 0, result.output
    assert Report.model_validate_json(result.stdout).item.size == (96, 96)


def test_a_bad_file_fails_the_command_and_the_others_are_there(folder: Path) -> None:
    (folder / "broken.png").write_bytes(b"\x89PNG nothing")
    result = run("detect", folder / "broken.png", folder / "b.png", "--json")
    assert result.exit_code == 1
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert lines[0]["error"] == "InputError"
    assert lines[1]["verdict"] == "uncertain"


def test_fail_on_anomaly_clears_only_what_was_judged_normal(folder: Path) -> None:
    reference = ("--reference", folder / "b.png", "--fail-on-anomaly")
    assert run("detect", folder / "b.png", *reference).exit_code == 0
    assert run("detect", folder / "deep" / "a.jpg", *reference).exit_code == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no-such-file.png",), "there is nothing at"),
        (("*.nothing[x]",), "gives no picture, series, video or point cloud"),
        (("{folder}/b.png", "--domain", "industrail"), "industrial"),
        (("{folder}/b.png", "--backend", "opnai:x"), "openai"),
    ],
)
def test_errors_are_messages_not_tracebacks(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run("detect", *(a.format(folder=folder) for a in arguments))
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_page_is_written_for_all_results(folder: Path) -> None:
    pytest.importorskip("jinja2")
    page = folder / "out" / "page.html"
    result = run("detect", folder, "--report", page)
    assert result.exit_code == 0, result.output
    assert str(page) in result.stderr
    assert "a.jpg" in page.read_text(encoding="utf-8")


def test_a_series_is_told_by_its_spans(folder: Path) -> None:
    values = np.random.default_rng(2).normal(size=(500, 2))
    values[300:310, 1] += 25
    times = np.datetime64("2024-05-01T00:00") + np.arange(500) * np.timedelta64(1, "h")
    rows = [f"{t},{a:.3f},{b:.3f}" for t, (a, b) in zip(times, values, strict=True)]
    (folder / "deep" / "pump.csv").write_text("time,flow,pressure\n" + "\n".join(rows) + "\n")
    table = run("detect", folder / "deep" / "pump.csv")
    assert table.exit_code == 0, table.output
    report = Report.model_validate_json(table.stdout)
    assert report.item.modality == "series"
    span = report.findings[0].region
    assert isinstance(span, SpanRegion)
    assert span.interval.start <= 300 < 310 <= span.interval.end
    told = f"from {span.interval.start_label} to {span.interval.end_label} in pressure: "
    assert told in " ".join(summarise(report).split())
    assert [Path(str(p)).name for p in expand([str(folder)])] == ["b.png", "a.jpg", "pump.csv"]


def test_resume_takes_finished_items_from_the_journal(folder: Path) -> None:
    journal = folder / "run.jsonl"
    first = run("detect", folder, "--resume", journal)
    second = run("detect", folder, "--resume", journal)
    assert first.stdout == second.stdout


def test_demo_inspects_the_samples_and_a_picture_of_ones_own(folder: Path) -> None:
    pytest.importorskip("jinja2")
    page = folder / "demo.html"
    result = run("demo", folder / "b.png", "--report", page)
    assert result.exit_code == 0, result.output
    assert "ANOMALOUS" in result.stdout
    assert "NORMAL" in result.stdout
    assert "b.png" in result.stdout
    assert "from 2024-03-13" in result.stdout
    assert page.stat().st_size > 10_000


def test_doctor_backends_and_version() -> None:
    doctor = run("doctor")
    assert doctor.exit_code == 0
    assert "image expert on learned features" in doctor.stdout
    assert "industrial" in doctor.stdout
    assert "offline" in run("backends").stdout
    assert run("--version").stdout == f"gadet {__version__}\n"


def test_the_command_says_what_to_install_when_typer_is_missing() -> None:
    code = "import sys; sys.modules['typer'] = None; from gadet.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'gadet[cli]'" in done.stderr


def test_the_package_runs_as_the_command() -> None:
    told = [sys.executable, "-m", "gadet", "--version"]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert __version__ in done.stdout


def test_expand_is_ordered_and_takes_patterns(folder: Path) -> None:
    assert [Path(str(p)).name for p in expand([str(folder)])] == ["b.png", "a.jpg"]
    assert expand([str(folder / "*.png")]) == [str(folder / "b.png")]
    assert expand(["https://host/x.png"]) == ["https://host/x.png"]
    with pytest.raises(InputError, match="nothing at"):
        expand(["missing.png"])
