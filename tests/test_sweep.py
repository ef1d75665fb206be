"""Long items: a question for each window, scores smoothed over time, never a false all-clear."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gadet import BoxFormat, Profile, Prompt, Report, ScriptedBackend, ViewLimits
from gadet.backends.base import Completion
from gadet.case import Case, References
from gadet.drivers import drive
from gadet.findings import Region, SpanRegion
from gadet.geometry import Frame, Interval
from gadet.intake import request_of
from gadet.localize.base import Bracket, Closeup, Pointer, Scene, Window
from gadet.media.base import Sample
from gadet.prompts.domain import load_domain
from gadet.report import ItemInfo
from gadet.route import Route, travel
from gadet.sweep import smoothed
from gadet.view import View
from tests.doubles import answer

WINDOWS = ((0, 10), (8, 18), (16, 26), (24, 34))


class Tape:
    """An item of 34 steps, shown as grey pictures."""

    info = ItemInfo(name="tape", modality="series", sha256="0" * 64)
    pixels = np.zeros((8, 8, 3), np.uint8)
    moments = "steps"
    words = None

    def views(self, limits: ViewLimits, *, role: Any = "item") -> tuple[View, ...]:
        return (picture(0),)

    def preview(self, max_side: int = 1024) -> bytes:
        return b""


def picture(shade: int, kind: Any = "clean") -> View:
    return View(Image.new("RGB", (8, 8), (shade,) * 3), Frame.whole((8, 8)), kind=kind)


def region(start: float, end: float) -> SpanRegion:
    return SpanRegion(interval=Interval(start=start, end=end, unit="step"))


class TapeLocalizer:
    """Cuts the tape into windows, and knows that what happens on it is at 11 to 15."""

    def __init__(self, windows: Sequence[tuple[int, int]] = WINDOWS) -> None:
        self.cut = windows
        self.most = 0

    def windows(self, sample: Sample, limits: ViewLimits, *, most: int) -> tuple[Window, ...]:
        self.most = most
        return tuple(
            Window((picture(start),), region(a, b).interval, region(a, b), f"{a} to {b}")
            for start, (a, b) in enumerate(self.cut)
        )

    def propose(self, sample: Sample, evidence: Any, *, most: int) -> tuple[Any, ...]:
        return ()

    def mark(self, *_: Any) -> tuple[View, ...]:
        raise AssertionError("nothing was proposed")

    def locate(self, pointer: Pointer, scene: Scene) -> tuple[Region | None, tuple[str, ...]]:
        if pointer.start is None or pointer.end is None:
            return None, ()
        return region(float(pointer.start), float(pointer.end)), ()

    def region_of(self, suspect: Any, sample: Sample) -> Region:
        raise AssertionError("there are no suspects")

    def closeup(self, place: Region, scene: Scene, limits: ViewLimits) -> Closeup | None:
        return Closeup(scene.views[0], (picture(200, "zoom"),))

    def brackets(self, place: Region, scene: Scene) -> tuple[Bracket, Bracket] | None:
        assert isinstance(place, SpanRegion)
        start, end = int(place.interval.start), int(place.interval.end)
        return Bracket(start - 8, start + 1), Bracket(end + 7, end - 1)

    def probe(
        self, position: int, place: Region, scene: Scene, limits: ViewLimits
    ) -> tuple[View, View]:
        return picture(255), picture(position)

    def trimmed(self, place: Region, start: Bracket, end: Bracket, scene: Scene) -> Region:
        return region(start.inside, end.inside + 1)


def shade(view: View) -> int:
    return int(np.asarray(view.picture)[0, 0, 0])


def hold(
    answers: Sequence[Any] | Callable[[Prompt], Any],
    localizer: TapeLocalizer | None = None,
    **asked: Any,
) -> tuple[Report, ScriptedBackend]:
    """Inspect the tape; answers are given in the order of the windows."""
    backend = ScriptedBackend(answers, profile=Profile(boxes=BoxFormat(frame="pixels")))
    request = request_of(None, (), normality=None, domain="generic", **asked)
    case = Case(
        request, Tape(), References(), load_domain("generic"), backend.profile, "scripted", None,
        localizer or TapeLocalizer(),
    )  # fmt: skip
    return drive(travel(Route.to(backend), case)), backend


def found(start: int, end: int, label: str = "event") -> dict[str, Any]:
    blank = {"mark": None, "box": None, "description": "", "severity": None, "confidence": None}
    return {**blank, "start": str(start), "end": str(end), "label": label}


NORMAL = answer("normal", 0.1)
REFUSED = "I'm sorry, I can't help with that."


def test_every_window_is_asked_in_one_round_and_told_what_it_is() -> None:
    report, backend = hold([NORMAL] * 4)
    assert len(backend.prompts) == 4
    for prompt, (start, end) in zip(backend.prompts, WINDOWS, strict=True):
        assert f"one stretch of a longer item, {start} to {end}" in prompt.text
    assert (report.verdict, report.score) == ("normal", pytest.approx(0.1))
    assert [(s.interval.start, s.verdict) for s in report.stretches] == [
        (start, "normal") for start, _ in WINDOWS
    ]
    assert "looked at 4 stretches: 4 normal" in report.notes
    assert len(report.provenance.prompt_sha256) == len(report.provenance.views) == 4


def test_one_window_is_an_item_like_any_other() -> None:
    report, backend = hold([NORMAL], TapeLocalizer([(0, 34)]))
    assert (len(backend.prompts), report.stretches) == (1, ())
    assert not any("stretches" in note for note in report.notes)


def test_findings_of_all_windows_are_told_and_the_clearest_speaks() -> None:
    event = answer("anomalous", 0.9, findings=[found(11, 15)], explanation="It jumps.")
    report, _ = hold([NORMAL, event, NORMAL, answer("anomalous", 0.95, findings=[found(30, 31)])])
    assert report.verdict == "anomalous"
    assert report.score == pytest.approx(max(s.smoothed for s in report.stretches))
    assert [f.region.interval.start for f in report.findings] == [11, 30]
    assert "8 to 18: It jumps." in report.explanation
    assert "24 to 34: There is a spot." in report.explanation


@pytest.mark.parametrize("silent", [REFUSED, "??", Completion("", stop="truncated")])
@pytest.mark.parametrize("place", range(4))
def test_a_window_that_was_not_judged_keeps_the_item_from_normal(silent: Any, place: int) -> None:
    def answers(prompt: Prompt) -> Any:
        asked = f"longer item, {WINDOWS[place][0]} to {WINDOWS[place][1]}"
        return silent if asked in prompt.text else NORMAL

    report, _ = hold(answers)
    assert report.verdict == "uncertain"
    assert report.score == 0.5
    assert sum("nothing is known of it" in note for note in report.notes) == 1
    assert report.stretches[place].score is None
    assert report.stretches[place].smoothed is None


def test_nothing_judged_is_no_verdict() -> None:
    assert hold([REFUSED] * 4)[0].verdict == "refused"
    assert hold(["??"] * 8)[0].verdict == "unparsed"
    mixed, _ = hold(lambda p: REFUSED if "item, 0 to" in p.text else "??")
    assert (mixed.verdict, mixed.score) == ("refused", None)


def test_a_lone_doubtful_alarm_becomes_uncertain_never_normal() -> None:
    weak = answer("anomalous", 0.55, findings=[found(11, 15)])
    report, _ = hold([NORMAL, weak, NORMAL, NORMAL])
    assert (report.verdict, report.score) == ("uncertain", 0.5)
    assert len(report.findings) == 1
    assert any("smoothed over its neighbours" in note for note in report.notes)
    strong, _ = hold([NORMAL, answer("anomalous", 0.8), NORMAL, NORMAL])
    assert strong.verdict == "anomalous"


def test_votes_are_counted_for_each_window() -> None:
    said = {w: iter([NORMAL, answer("anomalous", 0.9), answer("anomalous", 0.9)]) for w in WINDOWS}

    def answers(prompt: Prompt) -> Any:
        window = next(w for w in WINDOWS if f"item, {w[0]} to {w[1]}" in prompt.text)
        return next(said[window]) if window == (8, 18) else NORMAL

    report, backend = hold(answers, samples=3)
    assert len(backend.prompts) == 12
    assert [s.verdict for s in report.stretches] == ["normal", "anomalous", "normal", "normal"]
    assert report.stretches[1].score == pytest.approx(2 / 3)
    assert report.score_source == "vote"


def test_brief_questions_are_asked_of_every_window() -> None:
    short = json.dumps({"explanation": "Fine.", "verdict": "normal", "score": 0.2})
    report, backend = hold([short] * 4, brief=True)
    assert (len(backend.prompts), report.verdict) == (4, "normal")


def test_references_and_marks_leave_half_of_the_pictures() -> None:
    whole, half = TapeLocalizer(), TapeLocalizer()
    hold([NORMAL] * 4, whole, marks=False)
    hold([NORMAL] * 4, half)
    assert (whole.most, half.most) == (16, 8)


def going_on(position: int) -> bool:
    return 11 <= position < 15


def with_probes(overview: Callable[[Prompt], Any], asked: list[int]) -> Callable[[Prompt], Any]:
    def answers(prompt: Prompt) -> Any:
        if "Picture 2, the moment in question:" in prompt.text:
            position = shade(prompt.views[1])
            asked.append(position)
            verdict = "anomalous" if going_on(position) else "normal"
            score = 0.9 if going_on(position) else 0.1
            return json.dumps({"explanation": "", "verdict": verdict, "score": score})
        if any(view.kind == "zoom" for view in prompt.views):
            return answer("anomalous", 0.9, findings=[found(12, 15, "fall")])
        return overview(prompt)

    return answers


def test_the_ends_of_a_finding_are_halved_to_the_step() -> None:
    asked: list[int] = []

    def overview(prompt: Prompt) -> Any:
        seen = "item, 8 to 18" in prompt.text
        return answer("anomalous", 0.9, findings=[found(10, 17)]) if seen else NORMAL

    report, backend = hold(with_probes(overview, asked), zoom=1)
    (event,) = report.findings
    assert event.label == "fall"
    assert (event.region.interval.start, event.region.interval.end) == (11, 15)
    assert len(asked) <= 8
    assert len(backend.prompts) == 4 + 1 + len(asked)
    probe = next(p for p in backend.prompts if "moment in question" in p.text)
    assert "In one clip this was found: fall." in probe.text


def test_an_end_that_cannot_be_told_stays_where_it_was() -> None:
    def answers(prompt: Prompt) -> Any:
        if "moment in question" in prompt.text:
            return REFUSED
        if any(view.kind == "zoom" for view in prompt.views):
            return answer("anomalous", 0.9, findings=[found(12, 15)])
        seen = "item, 8 to 18" in prompt.text
        return answer("anomalous", 0.9, findings=[found(10, 17)]) if seen else NORMAL

    report, backend = hold(answers, zoom=1)
    (event,) = report.findings
    assert len(backend.prompts) == 4 + 1 + 2  # one try for each end
    assert (event.region.interval.start, event.region.interval.end) == (13, 15)


def test_a_suspicious_window_without_a_place_is_looked_at() -> None:
    doubtful = answer("uncertain", 0.5, findings=[])

    def answers(prompt: Prompt) -> Any:
        if any(view.kind == "zoom" for view in prompt.views):
            return answer("normal", 0.1)
        return doubtful if "item, 16 to 26" in prompt.text else NORMAL

    report, backend = hold(answers, zoom=3)
    assert len(backend.prompts) == 5
    assert report.verdict == "uncertain"  # closer looks never clear


scores = st.lists(st.none() | st.floats(0, 1), min_size=1, max_size=12)


@given(scores, st.floats(0.1, 100))
def test_smoothing_is_the_weighted_mean_that_is_stated(
    values: list[float | None], step: float
) -> None:
    centres = [step * n for n in range(len(values))]
    spread = step / 2 if len(values) > 1 else 1.0
    for n, smooth in enumerate(smoothed(values, centres)):
        if values[n] is None:
            assert smooth is None
            continue
        total = weight = 0.0
        for m, value in enumerate(values):
            if value is not None:
                w = math.exp(-(((m - n) * step) ** 2) / (2 * spread**2))
                total, weight = total + w * value, weight + w
        assert smooth == pytest.approx(total / weight)
        assert -1e-9 <= smooth <= 1 + 1e-9


def test_a_direct_neighbour_weighs_as_documented() -> None:
    lone = smoothed([0.0, 1.0, 0.0], [0.0, 1.0, 2.0])[1]
    assert lone == pytest.approx(1 / (1 + 2 * math.exp(-2)))
    assert math.exp(-2) == pytest.approx(0.14, abs=0.005)
