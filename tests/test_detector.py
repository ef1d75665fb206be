"""The drivers: blocking, awaiting, many at once, interrupted and resumed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet import (
    AnomalyDetector,
    Completion,
    ConfigurationError,
    DetectRequest,
    Failure,
    InputError,
    Prompt,
    Report,
    ScriptedBackend,
    TransportError,
)
from tests.doubles import StubExpert, answer, picture


def detector(script: Any, **options: Any) -> AnomalyDetector:
    return AnomalyDetector(ScriptedBackend(script), expert=StubExpert(), **options)


def save_pictures(folder: Path, count: int) -> list[Path]:
    paths = []
    for number in range(count):
        paths.append(folder / f"{number:03}.png")
        picture(spot=number % 2 == 0, shade=50 + number).save(paths[-1])
    return paths


def test_detect_works_inside_a_running_event_loop() -> None:
    async def inside() -> Report:
        return detector([answer()]).detect(picture(spot=True))

    assert asyncio.run(inside()).verdict == "anomalous"


def test_adetect_gives_what_detect_gives() -> None:
    blocking = detector([answer()]).detect(picture(spot=True))
    awaited = asyncio.run(detector([answer()]).adetect(picture(spot=True)))
    assert awaited.model_copy(update={"timings": {}}) == blocking.model_copy(update={"timings": {}})


def test_adetect_does_not_block_the_loop() -> None:
    class Slow(StubExpert):
        def assess(self, sample: Any, references: Any = ()) -> Any:
            time.sleep(0.2)
            return super().assess(sample, references)

    async def main() -> int:
        made = AnomalyDetector(ScriptedBackend([answer()]), expert=Slow())
        task, ticks = asyncio.create_task(made.adetect(picture(spot=True))), 0
        while not task.done():
            await asyncio.sleep(0.01)
            ticks += 1
        await task
        return ticks

    assert asyncio.run(main()) >= 5


def test_many_keep_their_order() -> None:
    def slow_first(prompt: Prompt) -> str:
        shade = np.asarray(prompt.views[0].picture)[0, 0, 0]
        time.sleep(0.05 if shade < 55 else 0)
        return answer("normal", float(shade) / 255)

    results = detector(slow_first).detect_many(
        [picture(shade=s) for s in range(50, 70)], concurrency=8, progress=False
    )
    scores = [result.score for result in results if isinstance(result, Report)]
    assert scores == [s / 255 for s in range(50, 70)]


def test_concurrency_is_bounded() -> None:
    lock, now, most = threading.Lock(), 0, 0

    def watched(prompt: Prompt) -> str:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with lock:
            now -= 1
        return answer("normal", 0.1)

    detector(watched).detect_many([picture()] * 20, concurrency=3)
    assert most <= 3


def test_a_bad_item_is_recorded_and_the_others_finish(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff nothing")
    items = [picture(), tmp_path / "broken.jpg", b"?", np.zeros((0, 3)), picture()]
    results = detector(lambda prompt: answer("normal", 0.1)).detect_many(items, on_error="record")
    kinds = [type(result) for result in results]
    assert kinds == [Report, Failure, Failure, Failure, Report]
    failure = results[1]
    assert isinstance(failure, Failure)
    assert (failure.name, failure.error) == ("broken.jpg", "InputError")
    assert failure.message


def test_a_failure_names_its_item_without_secrets() -> None:
    items = [
        "http://user:hunter2@127.0.0.1:9/x.png?sig=s3cret",
        "data:image/png;base64,AAAA",
        "gone.png",
    ]
    results = detector([]).detect_many(items, on_error="record")
    failures = [result for result in results if isinstance(result, Failure)]
    assert [failure.name for failure in failures] == ["x.png", "item 1", "gone.png"]
    assert failures[1].source is None
    assert not any("hunter2" in str(f) or "s3cret" in str(f) for f in failures)


def test_a_failing_model_is_recorded_per_item() -> None:
    script = [
        answer("normal", 0.1),
        TransportError("no connection"),
        ValueError("a bug of a plugin"),
    ]
    results = detector(script).detect_many([picture()] * 3, concurrency=1, on_error="record")
    errors = [result.error for result in results if isinstance(result, Failure)]
    assert errors == ["TransportError", "ValueError"]


def test_the_first_error_is_raised_when_not_recorded() -> None:
    with pytest.raises(InputError):
        detector(lambda prompt: answer()).detect_many([picture(), b"?"] + [picture()] * 50)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"concurrency": 0}, "at least 1"),
        ({"on_error": "ignore"}, "'raise' or 'record'"),
        ({"references": "good.png"}, "list of normal samples"),
        ({"samples": 0}, "samples"),
        ({"level": "all"}, "level"),
        ({"fusion": "max"}, "fusion"),
    ],
)
def test_arguments_that_cannot_be_used(arguments: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        detector([answer()]).detect_many([picture()], **arguments)


def test_an_unknown_domain_or_backend_is_told_with_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match="industrial"):
        detector([answer()]).detect(picture(), domain="industrail")
    with pytest.raises(ConfigurationError):
        AnomalyDetector("no-such-provider:model")


def test_items_may_bring_their_own_settings() -> None:
    backend = ScriptedBackend(lambda prompt: answer("normal", 0.1))
    made = AnomalyDetector(backend, expert=StubExpert())
    made.detect_many(
        [picture(), DetectRequest(item=picture(), references=(picture(),), domain="medical")],
        domain="industrial",
        concurrency=1,
    )
    assert [len(prompt.views) for prompt in backend.prompts] == [1, 2]
    assert backend.prompts[0].system != backend.prompts[1].system or (
        backend.prompts[0].text != backend.prompts[1].text
    )


def test_references_of_a_batch_are_encoded_once() -> None:
    backend = ScriptedBackend(lambda prompt: answer("normal", 0.1))
    made = AnomalyDetector(backend, expert=StubExpert())
    made.detect_many([picture(shade=s) for s in range(9)], references=[picture()], concurrency=4)
    views = {id(prompt.views[0]) for prompt in backend.prompts}
    assert len(views) == 1


def test_progress_is_shown_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    detector(lambda prompt: answer("normal", 0.1)).detect_many([picture()] * 3, progress=True)
    captured = capsys.readouterr()
    assert "3/3" in captured.err
    assert captured.out == ""


def test_batches_keep_small_maps_and_no_copy_of_files(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    picture(800, 600, spot=True).save(path)
    made = AnomalyDetector(expert=StubExpert())
    in_memory, on_disk = made.detect_many([picture(800, 600, spot=True), path])
    assert isinstance(in_memory, Report)
    assert isinstance(on_disk, Report)
    assert in_memory.preview is not None
    assert on_disk.preview is None
    assert on_disk.anomaly_map is not None
    assert on_disk.anomaly_map.shape == (192, 256)
    single = made.detect(path).anomaly_map
    assert single is not None
    assert single.shape == (600, 800)


def test_a_resumed_run_asks_nothing_again(tmp_path: Path) -> None:
    paths, journal = save_pictures(tmp_path, 6), tmp_path / "run.jsonl"
    backend = ScriptedBackend(lambda prompt: answer("normal", 0.2))
    made = AnomalyDetector(backend, expert=StubExpert())
    first = made.detect_many(paths, resume=journal)
    second = made.detect_many(paths, resume=journal)
    assert len(backend.prompts) == 6
    assert first == second


def test_a_changed_setting_is_asked_anew(tmp_path: Path) -> None:
    backend = ScriptedBackend(lambda prompt: answer("normal", 0.2))
    made = AnomalyDetector(backend, expert=StubExpert())
    for domain in ("industrial", "medical", "industrial"):
        made.detect_many([picture()], domain=domain, resume=tmp_path / "run.jsonl")
    assert len(backend.prompts) == 2


def test_equal_items_are_each_inspected_once(tmp_path: Path) -> None:
    backend = ScriptedBackend(lambda prompt: answer("normal", 0.2))
    made = AnomalyDetector(backend, expert=StubExpert())
    for _ in range(2):
        assert len(made.detect_many([picture()] * 3, resume=tmp_path / "run.jsonl")) == 3
    assert len(backend.prompts) == 3


def test_answers_that_had_arrived_are_replayed(tmp_path: Path) -> None:
    """The process ends between the first answer and the second: only the second is asked for."""
    journal = tmp_path / "run.jsonl"
    with pytest.raises(TransportError):
        detector(["??", TransportError("gone")]).detect_many([picture()], resume=journal)
    backend = ScriptedBackend([answer("normal", 0.1)])
    made = AnomalyDetector(backend, expert=StubExpert())
    (report,) = made.detect_many([picture()], resume=journal)
    assert isinstance(report, Report)
    assert report.verdict == "normal"
    assert report.raw[0].text == "??"
    assert len(backend.prompts) == 1


def test_failures_are_tried_again(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"
    script = [TransportError("gone"), answer("normal", 0.1)]
    made = detector(script)
    (first,) = made.detect_many([picture()], resume=journal, on_error="record")
    (second,) = made.detect_many([picture()], resume=journal, on_error="record")
    assert isinstance(first, Failure)
    assert isinstance(second, Report)


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_a_line_that_was_cut_short_is_dropped(tmp_path: Path, cut: int) -> None:
    paths, journal = save_pictures(tmp_path, 3), tmp_path / "run.jsonl"
    backend = ScriptedBackend(lambda prompt: answer("normal", 0.2))
    made = AnomalyDetector(backend, expert=StubExpert())
    made.detect_many(paths, resume=journal, concurrency=1)
    content = journal.read_bytes()
    journal.write_bytes(content[:-cut])
    made.detect_many(paths, resume=journal, concurrency=1)
    assert len(backend.prompts) == 3, "the answer was in the journal, so nothing is asked again"
    assert journal.read_bytes().endswith(b"\n")
    lines = [json.loads(line) for line in journal.read_bytes().splitlines()]
    assert sum("report" in line for line in lines) == 3


@pytest.mark.parametrize(
    "content", [b"hello\n", b"{}\n", b"[1]\n", b'{"gadet_journal": 99}\n', b"x" * 99]
)
def test_a_file_that_is_no_journal_is_left_alone(tmp_path: Path, content: bytes) -> None:
    journal = tmp_path / "notes.txt"
    journal.write_bytes(content)
    with pytest.raises(ConfigurationError, match="journal that gadet wrote"):
        detector([answer()]).detect_many([picture()], resume=journal)
    assert journal.read_bytes() == content


def test_damaged_lines_in_the_middle_cost_only_their_item(tmp_path: Path) -> None:
    paths, journal = save_pictures(tmp_path, 3), tmp_path / "run.jsonl"
    backend = ScriptedBackend(lambda prompt: answer("normal", 0.2))
    made = AnomalyDetector(backend, expert=StubExpert())
    made.detect_many(paths, resume=journal, concurrency=1)
    lines = journal.read_bytes().splitlines(keepends=True)
    lines[1], lines[2] = b"\x00\xff garbage\n", b'{"key": 1, "report": {"verdict": "normal"}}\n'
    journal.write_bytes(b"".join(lines))
    results = made.detect_many(paths, resume=journal, concurrency=1)
    assert len(backend.prompts) == 4
    assert all(isinstance(result, Report) for result in results)


def test_a_journal_in_use_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    journal = tmp_path / "run.jsonl"

    def nested(prompt: Prompt) -> str:
        with pytest.raises(ConfigurationError, match="in use"):
            detector([answer()]).detect_many([picture()], resume=journal)
        return answer("normal", 0.1)

    detector(nested).detect_many([picture()], resume=journal)


KILLED = """
import os, signal, sys, threading
from gadet import AnomalyDetector, Completion, ScriptedBackend
from tests.doubles import StubExpert, answer

log, journal, die_at, paths = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
asked, lock = 0, threading.Lock()

def model(prompt):
    global asked
    with lock:
        asked += 1
        if asked == die_at:
            os.kill(os.getpid(), signal.SIGKILL)
        with open(log, "a") as file:
            file.write(prompt.sha256 + "\\n")
    return answer("normal", 0.2)

made = AnomalyDetector(ScriptedBackend(model), expert=StubExpert())
results = made.detect_many(paths, resume=journal, concurrency=2)
print(len(results), sum(r.verdict == "normal" for r in results))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_a_killed_run_is_resumed_and_no_answer_is_asked_for_twice(tmp_path: Path) -> None:
    paths = [str(path) for path in save_pictures(tmp_path, 12)]
    log, journal = tmp_path / "asked.txt", tmp_path / "run.jsonl"

    def run(die_at: int) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", KILLED, str(log), str(journal), str(die_at), *paths],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            check=False,
        )

    assert run(die_at=5).returncode == -signal.SIGKILL
    assert run(die_at=4).returncode == -signal.SIGKILL
    last = run(die_at=0)
    assert last.stdout.split() == ["12", "12"], last.stderr
    asked = log.read_text().split()
    # At most the one request beside the fatal one may have been under way at each death.
    assert len(set(asked)) == 12
    assert len(asked) <= 12 + 2


def test_interrupting_keeps_what_was_finished(tmp_path: Path) -> None:
    journal = tmp_path / "run.jsonl"

    def interrupted(prompt: Prompt) -> Completion | str:
        if np.asarray(prompt.views[0].picture)[0, 0, 0] == 53:
            raise KeyboardInterrupt
        return answer("normal", 0.2)

    items = [picture(shade=s) for s in range(50, 60)]
    with pytest.raises(KeyboardInterrupt):
        detector(interrupted).detect_many(items, resume=journal, concurrency=1)
    backend = ScriptedBackend(lambda prompt: answer("normal", 0.2))
    made = AnomalyDetector(backend, expert=StubExpert())
    assert len(made.detect_many(items, resume=journal)) == 10
    assert len(backend.prompts) <= 7


def test_the_detector_closes_its_backend() -> None:
    closed = []

    class Closing(ScriptedBackend):
        def close(self) -> None:
            closed.append(True)

    with AnomalyDetector(Closing([answer()]), expert=StubExpert()) as made:
        made.detect(picture())
    assert closed == [True]


def test_repr_names_the_backend() -> None:
    assert repr(AnomalyDetector()) == "AnomalyDetector('offline')"


def test_marks_are_filled_where_that_is_wanted_and_the_clean_picture_never_is() -> None:
    shown = []
    for fill in (0.0, 0.3):
        backend = ScriptedBackend([answer()])
        AnomalyDetector(backend, expert=StubExpert(), mark_fill=fill).detect(picture(spot=True))
        clean, marked = backend.prompts[0].views
        assert np.array_equal(np.asarray(clean.picture), np.asarray(picture(spot=True)))
        shown.append(np.asarray(marked.picture).astype(int))
    height, width, _ = shown[0].shape
    bare, filled = (one[height * 15 // 48, width * 25 // 64] for one in shown)
    assert bare == pytest.approx(255, abs=3)
    assert filled.min() < 240
    with pytest.raises(ConfigurationError, match="from 0 to 1; got 1\\.5"):
        AnomalyDetector(mark_fill=1.5)


def test_a_segmenter_cuts_out_what_a_box_means() -> None:
    from gadet import Box
    from gadet.localize.sam import SegmentedMask

    class Half:
        """Says that a box means its left half."""

        name, weights_sha256 = "half", None

        def propose(self, pixels: Any) -> tuple[SegmentedMask, ...]:
            return ()

        def in_box(self, pixels: Any, box: Box) -> SegmentedMask | None:
            mask = np.zeros(pixels.shape[:2], bool)
            x0, y0, x1, y1 = box.rounded_out()
            mask[y0:y1, x0 : (x0 + x1) // 2] = True
            return SegmentedMask.from_array(mask)

        def at_points(self, pixels: Any, points: Any, labels: Any) -> SegmentedMask | None:
            return None

    finding = {"mark": None, "box": [250, 250, 750, 750], "label": "spot", "description": "",
               "severity": None, "confidence": None}  # fmt: skip
    report = detector([answer(findings=[finding])], segmenter=Half()).detect(picture(spot=True))
    region = report.findings[0].region
    assert region is not None
    assert region.mask.area == pytest.approx(16 * 24, rel=0.1)
