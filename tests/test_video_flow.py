"""Videos end to end: windows, refusals, marks, times, boxes and halving, with a scripted model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet import (
    AnomalyDetector,
    BoxFormat,
    Profile,
    Prompt,
    Report,
    ScriptedBackend,
    VideoInput,
    VideoRegion,
    ViewLimits,
    samples,
)
from gadet.media.video.view import VideoView
from tests.doubles import answer
from tests.localize.clips import SEEN, SIZE, SquareExpert, item, square

PROFILE = Profile(
    boxes=BoxFormat(frame="pixels"), views=ViewLimits(max_side=800, max_pixels=640_000)
)
NORMAL = answer("normal", 0.1)
REFUSED = "I'm sorry, I can't help with that."


def found(**changes: Any) -> dict[str, Any]:
    blank = {
        **dict.fromkeys(("mark", "start", "end", "picture", "box", "severity", "confidence")),
        "label": "moving square",
        "description": "It moves.",
    }
    return {**blank, **changes}


def detect(
    answers: Callable[[Prompt], Any], clip: Any = None, expert: Any = "square", **asked: Any
) -> tuple[Report, ScriptedBackend]:
    backend = ScriptedBackend(answers, profile=PROFILE)
    measuring = SquareExpert() if expert == "square" else expert
    detector = AnomalyDetector(backend, expert=measuring)
    return detector.detect(item() if clip is None else clip, **asked), backend


def seen(prompt: Prompt) -> set[int]:
    """The frames that a prompt shows of the item."""
    views = (view for view in prompt.views if isinstance(view, VideoView) and view.role == "item")
    return {cell.frame for view in views for cell in view.cells}


def region(report: Report) -> VideoRegion:
    (finding,) = report.findings
    assert isinstance(finding.region, VideoRegion)
    return finding.region


def test_a_mark_leads_to_the_frames_and_boxes_of_the_expert() -> None:
    report, backend = detect(lambda _: answer(findings=[found(mark=1)]), evidence=True)
    (prompt,) = backend.prompts
    assert "The video lasts 10.0 s" in prompt.text
    assert "Number 1: moving square" in prompt.text
    assert region(report).frames == (SEEN.start, SEEN.stop)
    assert region(report).track[0].box == square(SEEN.start)
    assert report.item.size == SIZE
    assert report.anomaly_map.shape == (100,)
    assert Report.model_validate_json(report.model_dump_json()) == report


def test_times_and_a_box_in_a_named_picture() -> None:
    def answers(prompt: Prompt) -> str:
        clean = [view for view in prompt.views if view.kind == "clean"]
        for number, view in enumerate(clean, start=1):
            frame = next((cell.frame for cell in view.cells if cell.frame in SEEN), None)
            if frame is not None:
                box = view.drawn(frame, square(frame)).as_tuple()
                return answer(findings=[found(start="0:04.0", end="6", picture=number, box=box)])
        raise AssertionError("the square is not shown")

    report, _ = detect(answers, expert=None)
    place = region(report)
    assert place.frames == (40, 60)
    assert (place.interval.start_label, place.interval.end_label) == ("0:04.0", "0:06.0")
    (point,) = place.track
    assert point.box.iou(square(point.frame)) > 0.8


def long_clip(start: int = 900) -> VideoInput:
    """Three minutes at 10 frames per second in which a square moves at one moment."""
    frames = np.full((1800, 48, 64, 3), 90, np.uint8)
    frames[start : start + 40, 10:30, 20:40] = 255
    return VideoInput(frames, rate=10.0)


def test_a_long_clip_is_asked_about_in_windows_and_its_findings_are_joined() -> None:
    def answers(prompt: Prompt) -> str:
        if not seen(prompt) & set(range(900, 940)):
            return NORMAL
        return answer(findings=[found(start="90.0", end="94.0")], explanation="It moves.")

    report, backend = detect(answers, long_clip(), expert=None)
    assert 4 < len(backend.prompts) <= 24
    assert all("one stretch of a longer item" in prompt.text for prompt in backend.prompts)
    assert report.verdict == "anomalous"
    assert region(report).frames == (900, 940)
    assert len(report.stretches) == len(backend.prompts)
    assert any(stretch.verdict == "normal" for stretch in report.stretches)
    assert report.score == max(stretch.smoothed for stretch in report.stretches)


def test_a_window_that_is_refused_keeps_the_clip_from_normal() -> None:
    def answers(prompt: Prompt) -> str:
        return REFUSED if 905 in range(min(seen(prompt)), max(seen(prompt))) else NORMAL

    report, _ = detect(answers, long_clip(), expert=None)
    assert (report.verdict, report.score) == ("uncertain", 0.5)
    silent = [stretch for stretch in report.stretches if stretch.verdict == "refused"]
    assert 1 <= len(silent) <= 2
    told = [note for note in report.notes if "nothing is known of it" in note]
    assert len(told) == len(silent)
    fine, _ = detect(lambda _: NORMAL, long_clip(), expert=None)
    assert fine.verdict == "normal"


def test_the_ends_are_halved_to_the_frame() -> None:
    probed: list[int] = []

    def answers(prompt: Prompt) -> str:
        if "the moment in question" in prompt.text:
            (cell,) = prompt.views[-1].cells
            probed.append(cell.frame)
            on = 900 <= cell.frame < 940
            said = "anomalous" if on else "normal"
            return json.dumps({"explanation": "", "verdict": said, "score": 0.9 if on else 0.1})
        inside = sorted(seen(prompt) & set(range(900, 940)))
        if not inside:
            return NORMAL
        times = {"start": f"#{inside[0]}", "end": f"#{inside[-1] + 1}"}
        return answer(findings=[found(**times)])

    report, backend = detect(answers, long_clip(), expert=None, zoom=1)
    start, stop = region(report).frames
    looks = [p for p in backend.prompts if any(view.kind == "zoom" for view in p.views)]
    assert len(looks) == 1
    assert 0 < len(probed) <= 8
    assert abs(start - 900) <= 1
    assert abs(stop - 940) <= 1


def test_a_closer_look_finds_the_place_in_the_key_frame() -> None:
    def answers(prompt: Prompt) -> str:
        if "the moment in question" in prompt.text:
            return "??"
        zoomed = [view for view in prompt.views if view.kind == "zoom"]
        if not zoomed:
            return answer(findings=[found(start="4.0", end="6.0")])
        key = zoomed[-1]
        frame = key.cells[0].frame
        box = key.drawn(frame, square(frame)).as_tuple()
        number = list(prompt.views).index(key) + 1
        return answer(findings=[found(start="4.0", end="6.0", picture=number, box=box)])

    report, _ = detect(answers, expert=None, zoom=1)
    (point,) = region(report).track
    assert point.box.iou(square(point.frame)) > 0.8


@pytest.mark.parametrize("most", [2, 4, 16])
def test_no_question_shows_more_pictures_than_the_model_takes(most: int) -> None:
    profile = PROFILE.model_copy(update={"max_images": most})
    backend = ScriptedBackend(lambda _: answer(findings=[found(mark=1)]), profile=profile)
    detector = AnomalyDetector(backend, expert=SquareExpert())
    for clip in (item(), long_clip()):
        detector.detect(clip, references=[item()], zoom=2)
    assert max(len(prompt.views) for prompt in backend.prompts) <= most
    assert any(view.kind == "zoom" for prompt in backend.prompts for view in prompt.views)


def test_every_way_of_running_drives_the_same_questions(tmp_path: Path) -> None:
    answers = lambda prompt: NORMAL  # noqa: E731
    clip = long_clip()
    single, backend = detect(answers, clip, expert=None)
    detector = AnomalyDetector(ScriptedBackend(answers, profile=PROFILE), expert=None)
    (many,) = detector.detect_many([clip], progress=False, resume=tmp_path / "j.jsonl")
    assert many.provenance.prompt_sha256 == single.provenance.prompt_sha256
    assert many.stretches == single.stretches
    foreseen = detector.forecast([clip])
    assert foreseen.requests.low == len(backend.prompts)
    closer = detector.forecast([clip], zoom=2)
    assert closer.requests.high >= len(backend.prompts) + 2 * 9


def test_a_normal_clip_has_a_picture_and_a_page(tmp_path: Path) -> None:
    report, _ = detect(lambda _: NORMAL)
    assert report.preview[:4] == b"\x89PNG"
    page = report.save(tmp_path / "r.html").read_text(encoding="utf-8")
    assert "how suspicious each frame was measured" in page
    assert "fragment" not in report._repr_html_()
    long, _ = detect(lambda _: NORMAL, long_clip(), expert=None)
    assert "Stretch by stretch" in long.save(tmp_path / "l.html").read_text(encoding="utf-8")


def test_the_offline_engine_finds_the_cyclist_of_the_samples() -> None:
    case = samples.load("walkway")
    report = AnomalyDetector().detect(
        case.item, references=case.references, domain=case.domain, normality=case.normality
    )
    assert report.verdict == "anomalous"
    (start, stop), (first, last) = case.spans[0], region_of_best(report).frames
    assert min(stop, last) - max(start, first) > 0.8 * (stop - start)
    shares = [
        point.box.intersection(truth) / truth.area
        for point in region_of_best(report).track
        if (truth := case.boxes[point.frame]) is not None
    ]
    assert min(shares) > 0
    assert np.median(shares) > 0.3


def region_of_best(report: Report) -> VideoRegion:
    place = report.findings[0].region
    assert isinstance(place, VideoRegion)
    return place


def test_real_clips_go_through_with_boxes_within_the_frame(real_data: Path) -> None:
    """A pedestrian clip against a normal one, and a traffic clip alone, both cut short."""
    place = real_data / "video/pedestrian/ucsd_ped2"
    walkers = VideoInput(folder_of(place, "test/02"), rate=5.0, end=8.0)
    normal = VideoInput(folder_of(place, "train/01"), rate=5.0, end=8.0)
    crash = VideoInput(folder_of(real_data / "video/traffic/cctv_accident", "test22"), rate=5.0)
    detector = AnomalyDetector()
    for report in (
        detector.detect(walkers, references=[normal], domain="pedestrian"),
        detector.detect(crash, domain="traffic"),
    ):
        assert report.judged
        assert report.anomaly_map is not None
        width, height = report.item.size
        for finding in report.findings:
            start, stop = finding.region.frames
            assert 0 <= start < stop <= len(report.anomaly_map)
            assert all(p.box.clipped(width, height) == p.box for p in finding.region.track)
        assert report.preview[:4] == b"\x89PNG"


def folder_of(root: Path, pattern: str) -> Path:
    """The first folder of frames that a pattern leads to."""
    found = [path for path in sorted(root.glob(pattern)) if path.is_dir()]
    deeper = [path / "frames" for path in found if (path / "frames").is_dir()]
    return (deeper or found)[0]


@pytest.mark.parametrize("wrong", [VideoInput(iter([])), "rtsp://127.0.0.1/x"])
def test_what_has_no_end_is_for_watching(wrong: Any) -> None:
    with pytest.raises(Exception, match=r"detector\.watch"):
        AnomalyDetector().detect(wrong)
