"""The command that watches: JSON lines, exit codes, and the domain packs for videos."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("typer")
pytest.importorskip("av")

from typer.testing import CliRunner

from gadet import AnomalyDetector, Event
from gadet.cli.app import app
from gadet.media.video.encode import write_mp4

runner = CliRunner()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    frames = np.full((60, 64, 96, 3), 90, np.uint8)
    for number in range(60):
        frames[number, 20:30, number : number + 10] = 200
    write_mp4(tmp_path / "clip.mp4", frames, 10.0)
    return tmp_path / "clip.mp4"


def run(*arguments: Any, input: str | None = None) -> Any:
    return runner.invoke(app, [str(a) for a in arguments], input=input)


def test_a_quiet_clip_gives_no_lines(clip: Path) -> None:
    result = run("watch", clip, "--domain", "traffic")
    assert (result.exit_code, result.stdout) == (0, "")


def test_numbers_on_stdin_give_a_line_for_whatever_happens() -> None:
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(2400) / 8) + rng.normal(0, 0.05, 2400)
    values[1800:1830] += 6
    result = run("watch", "-", "--no-judge", input="\n".join(f"{v:.4f}" for v in values))
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert {"began", "ended"} == {event["kind"] for event in events}
    assert any(1795 < event["start"] < 1840 for event in events)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("no-such.mp4",), "no-such.mp4"),
        (("{clip}", "--quiet", "99"), "quiet needs to be less"),
        (("{clip}", "--rate", "0"), "rate needs a number above 0"),
        (("{clip}", "--max-cost", "-1"), "--max-cost cannot be used"),
        (("{clip}", "--domain", "nowhere"), "nowhere"),
        (("{clip}", "-b", "nobody:x"), "nobody"),
    ],
)
def test_errors_are_messages(clip: Path, arguments: tuple[str, ...], message: str) -> None:
    result = run("watch", *(part.format(clip=clip) for part in arguments))
    assert result.exit_code == 1
    assert message in result.stderr


def test_a_clip_is_inspected_and_reported(clip: Path) -> None:
    page = clip.with_suffix(".html")
    result = run("detect", clip, "--domain", "traffic", "--report", page, "--json")
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report["item"]["modality"] == "video"
    assert page.read_text(encoding="utf-8").startswith("<!")


def test_an_interruption_ends_without_a_traceback(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> Iterator[Event]:
        yield Event(kind="began", number=1, start=3, stop=4, score=0.7)
        raise KeyboardInterrupt

    monkeypatch.setattr(AnomalyDetector, "watch", interrupted)
    result = run("watch", clip)
    assert result.exit_code == 130
    assert json.loads(result.stdout) == {
        "kind": "began", "number": 1, "start": 3, "stop": 4, "score": 0.7
    }  # fmt: skip


def test_a_stream_that_breaks_is_a_failure(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[Event]:
        yield Event(kind="broken", number=0, start=3, stop=4, problem="the camera is gone")

    monkeypatch.setattr(AnomalyDetector, "watch", broken)
    assert run("watch", "rtsp://camera/1").exit_code == 1
