"""The command line where a run costs something: forecasts, limits, chains, the cache."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("typer")

from typer.testing import CliRunner

from gadet import AnomalyDetector, ScriptedBackend
from gadet.cli.app import app
from tests.doubles import answer, picture

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        picture(64, 64, shade=50 + number).save(tmp_path / f"{number}.png")
    return tmp_path


def run(*arguments: Any) -> Any:
    return runner.invoke(app, [str(argument) for argument in arguments])


def test_a_dry_run_says_what_it_would_take_and_sends_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    result = run("detect", folder, "--backend", "openai:gpt-5.6-sol", "--votes", 2, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "requests  6" in result.stdout
    assert "tokens" in result.stdout


def test_a_limit_stops_the_run_and_keeps_what_is_finished(folder: Path) -> None:
    result = run("detect", folder, "--max-requests", 2, "--concurrency", 1)
    assert result.exit_code == 1
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert ["verdict" in line for line in lines] == [True, True, False]
    assert lines[2]["error"] == "BudgetExceededError"


def test_a_limit_that_limits_nothing_is_refused(folder: Path) -> None:
    result = run("detect", folder, "--max-cost", -1)
    assert result.exit_code == 1
    assert "--max-cost cannot be used" in result.stderr


def test_the_next_backend_is_asked_when_one_cannot_be(folder: Path) -> None:
    nobody = "http://127.0.0.1:9/v1#m"
    result = run("detect", folder / "0.png", "-b", nobody, "-b", "offline", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["provenance"]["backend"] == "offline"


def test_a_batch_api_needs_a_provider_that_has_one(folder: Path) -> None:
    result = run("detect", folder, "--batch-api", "--resume", folder / "run.jsonl")
    assert result.exit_code == 1
    assert "has a batch API" in result.stderr


def test_the_cache_is_told_pruned_and_cleared(tmp_path: Path) -> None:
    file = tmp_path / "answers.sqlite3"
    detector = AnomalyDetector(ScriptedBackend([answer()]), expert=None, cache=file)
    detector.detect(picture())
    detector.close()
    assert "1 answers" in run("cache", "info", "--file", file).stdout
    assert "scripted: 1" in run("cache", "info", "--file", file).stdout
    assert "removed 0" in run("cache", "prune", "--file", file).stdout
    assert "removed 1" in run("cache", "clear", "--file", file).stdout
    assert "0 answers" in run("cache", "info", "--file", file).stdout


def test_a_file_that_is_no_cache_is_a_message(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no cache, only notes" * 100)
    result = run("cache", "info", "--file", file)
    assert result.exit_code == 1
    assert "gadet:" in result.stderr
