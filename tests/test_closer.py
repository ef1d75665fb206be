"""Closer looks: what is shown again, where their findings lie, and what becomes of the verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gadet import (
    AnomalyDetector,
    Box,
    BoxFormat,
    Evidence,
    ImageRegion,
    Mask,
    Profile,
    Prompt,
    Report,
    ScriptedBackend,
    SeriesInput,
    ViewLimits,
)
from gadet.case import Case, References
from gadet.drivers import drive
from gadet.findings import Region
from gadet.intake import request_of
from gadet.localize.base import Closeup, Scene
from gadet.localize.image import ImageLocalizer
from gadet.localize.marks import mark_view
from gadet.media.image import ImageAdapter
from gadet.prompts.answer import Answer, AnswerFinding
from gadet.prompts.domain import load_domain
from gadet.route import travel
from gadet.verdict import Judgement, Look, confirm
from tests.doubles import StubExpert, answer

PIXELS = BoxFormat(frame="pixels")


def scene() -> Image.Image:
    """A large grey picture with a white square at x 20-30, y 10-20, as `StubExpert` expects."""
    image = Image.new("RGB", (1200, 900), (120, 120, 120))
    ImageDraw.Draw(image).rectangle((20, 10, 29, 19), fill=(255, 255, 255))
    return image


def zoomed(prompt: Prompt) -> bool:
    return any(view.kind == "zoom" for view in prompt.views)


def inspect(
    overview: str, look: Any, *, zoom: int = 2, expert: Any = "stub", **options: Any
) -> tuple[Report, list[Prompt]]:
    def answers(prompt: Prompt) -> str:
        if not zoomed(prompt):
            return overview
        return look(prompt) if callable(look) else look

    backend = ScriptedBackend(answers, profile=Profile(boxes=PIXELS))
    detector = AnomalyDetector(backend, expert=StubExpert() if expert == "stub" else expert)
    return detector.detect(scene(), zoom=zoom, **options), backend.prompts


def finding(**changes: Any) -> dict[str, Any]:
    blank = {"mark": None, "box": None, "label": "spot", "description": "", "severity": None}
    return {**blank, "confidence": None, **changes}


def test_what_the_expert_suspects_is_shown_again() -> None:
    report, prompts = inspect(answer("normal", 0.2), answer("anomalous", 0.8, findings=[]))
    assert [zoomed(prompt) for prompt in prompts] == [False, True]
    assert (report.verdict, report.score) == ("anomalous", 0.8)
    assert any("looked closer at 1 places: 1 anomalous" in note for note in report.notes)


def test_a_box_in_the_enlarged_picture_comes_back_to_the_pixels_of_the_item() -> None:
    def look(prompt: Prompt) -> str:
        view = next(view for view in prompt.views if view.kind == "zoom")
        box = view.frame.to_view(view.frame.source.of(20, 10, 30, 20))
        return answer(findings=[finding(box=box.as_tuple())])

    report, _ = inspect(answer("normal", 0.2), look)
    (found,) = report.findings
    assert found.region is not None
    assert found.region.box.iou(found.region.box.of(20, 10, 30, 20)) > 0.8


def test_a_finding_that_is_refuted_is_taken_back_and_never_cleared() -> None:
    report, _ = inspect(answer("anomalous", 0.9), answer("normal", 0.1))
    assert report.verdict == "uncertain"
    assert report.score == pytest.approx(0.5)
    assert report.findings == ()


def test_a_finding_that_is_confirmed_is_told_as_seen_from_close() -> None:
    seen = answer("anomalous", 0.7, findings=[finding(label="crack", box=(0, 0, 60, 60))])
    report, _ = inspect(answer("anomalous", 0.9), seen)
    assert [found.label for found in report.findings] == ["crack"]
    assert (report.verdict, report.score) == ("anomalous", 0.7)
    assert report.explanation == "There is a spot."


@pytest.mark.parametrize(
    "look", ["??", "I'm sorry, I can't help with that.", answer("uncertain", 0.5)]
)
def test_a_look_that_says_nothing_changes_nothing(look: str) -> None:
    report, _ = inspect(answer("anomalous", 0.9), look)
    assert (report.verdict, report.score) == ("anomalous", 0.9)
    assert len(report.findings) == 1


def test_no_more_looks_than_asked_for_and_none_twice() -> None:
    far = [finding(box=(x, 600, x + 20, 620)) for x in (100, 300, 500, 700)]
    for zoom, looks in ((0, 0), (1, 1), (3, 3), (9, 4)):
        _, prompts = inspect(answer(findings=far), answer(), zoom=zoom, expert=None)
        assert sum(map(zoomed, prompts)) == looks
    twice = [finding(box=(100, 600, 120, 620)), finding(box=(102, 602, 121, 621))]
    _, prompts = inspect(answer(findings=twice), answer(), zoom=5, expert=None)
    assert sum(map(zoomed, prompts)) == 1


def test_without_an_answer_and_offline_nothing_is_looked_at() -> None:
    report, prompts = inspect("I'm sorry, I can't help with that.", answer())
    assert (report.verdict, len(prompts)) == ("refused", 1)
    assert AnomalyDetector(expert=StubExpert()).detect(scene(), zoom=3).verdict == "anomalous"
    _, prompts = inspect(answer(), answer(), brief=True)
    assert len(prompts) == 1


def test_the_question_is_about_the_enlarged_part_alone() -> None:
    _, prompts = inspect(answer("normal", 0.2), answer())
    text = prompts[1].text
    assert "about the enlarged part alone" in text
    assert "measured in the enlarged picture" in text
    assert [view.kind for view in prompts[1].views] == ["clean", "zoom"]


class TwoCloseups(ImageLocalizer):
    """Shows a place in two enlarged pictures, with the place itself as number 1 in the first."""

    def closeup(self, region: Region, scene: Scene, limits: ViewLimits) -> Closeup | None:
        closeup = super().closeup(region, scene, limits)
        assert closeup is not None
        suspects = scene.evidence.candidates if scene.evidence else ()
        (view,) = closeup.views
        marked = mark_view(view, suspects, limits)
        return Closeup(closeup.within, (view, view), (marked,), suspects)


def looked_at(pointer: dict[str, Any]) -> tuple[Report, Prompt]:
    expert = StubExpert()
    sample = ImageAdapter().load(scene())
    backend = ScriptedBackend(
        [answer("normal", 0.2), answer(findings=[finding(**pointer)])],
        profile=Profile(boxes=PIXELS),
    )
    detector = AnomalyDetector(backend)
    leg = detector.route.legs[0]
    request = request_of(scene(), (), normality=None, domain="generic", zoom=1)
    case = Case(
        request, sample, References(), load_domain("generic"), leg.profile, "scripted", expert,
        TwoCloseups(),
    )  # fmt: skip
    return drive(travel(detector.route, case)), backend.prompts[1]


def test_numbers_and_pictures_of_a_closer_look_lead_back_to_the_item() -> None:
    report, prompt = looked_at({"mark": 1})
    assert [view.kind for view in prompt.views] == ["clean", "zoom", "zoom", "marked"]
    assert "the enlarged part is repeated with the numbered outlines 1" in prompt.text
    assert "the enlarged picture of the item whose number you give in `picture`" in prompt.text
    assert report.findings[0].region == ImageRegion(
        box=Box.of(20, 10, 30, 20),
        mask=Mask.from_array(StubExpert().assess(ImageAdapter().load(scene())).score_map > 0.5),
        mark=1,
    )
    frame = prompt.views[1].frame
    box = frame.to_view(Box.of(20, 10, 30, 20)).as_tuple()
    second, _ = looked_at({"picture": 3, "box": box})
    assert second.findings[0].region.box.iou(Box.of(20, 10, 30, 20)) > 0.8
    beyond, _ = looked_at({"picture": 4, "box": box})
    assert "picture 4 was named, but those to point in are 2 to 3" in beyond.notes


# --- coarse marks ---------------------------------------------------------------------------------


class Speckled:
    """An expert that finds nothing suspicious, on a picture of many specks."""

    modality = "image"

    def assess(self, sample: Any, references: Any = ()) -> Evidence:
        score_map = np.zeros(sample.pixels.shape[:2], dtype=np.float32)
        score_map[:40, :40] = 0.3
        return Evidence(score_map, 0.3, expert="speckled", compared=True)


def specks() -> Image.Image:
    image = Image.new("RGB", (400, 300), (120, 120, 120))
    draw = ImageDraw.Draw(image)
    for x in range(20, 400, 40):
        for y in range(20, 300, 40):
            draw.ellipse((x, y, x + 9, y + 7), fill=(240, 240, 240))
    return image


def coarse_marks() -> tuple[int, ...]:
    """The numbers that stand for several regions in `specks`."""
    sample = ImageAdapter().load(specks())
    localizer = ImageLocalizer()
    marks = localizer.propose_nested(sample, Speckled().assess(sample), most=12)
    return tuple(n for n, one in enumerate(marks, start=1) if localizer.parts_of(one))


def told_inside(
    *marks: int, look: Any, zoom: int = 3, **profile: Any
) -> tuple[Report, list[Prompt]]:
    overview = answer("anomalous", 0.9, findings=[finding(mark=mark) for mark in marks])
    backend = ScriptedBackend(
        lambda prompt: look if zoomed(prompt) else overview, profile=Profile(**profile)
    )
    detector = AnomalyDetector(backend, expert=Speckled())
    return detector.detect(specks(), zoom=zoom), backend.prompts


def test_a_coarse_mark_is_asked_about_with_its_regions_numbered() -> None:
    coarse = coarse_marks()[0]
    seen = answer("anomalous", 0.8, findings=[finding(mark=2)])
    report, prompts = told_inside(coarse, look=seen)
    first, second = prompts
    assert max(mark for view in first.views for mark in view.marks) == 12
    assert "one number may stand for several outlines" in first.text
    assert [view.kind for view in second.views] == ["clean", "zoom", "marked"]
    (marked,) = (view for view in second.views if view.marks)
    assert len(marked.marks) >= 2
    (found,) = report.findings
    whole, _ = told_inside(coarse, look=answer("uncertain", 0.5))
    (kept,) = whole.findings
    assert 0 < found.region.mask.area < kept.region.mask.area
    assert not (found.region.mask.to_array() & ~kept.region.mask.to_array()).any()


def test_a_coarse_mark_that_is_not_told_apart_stays_and_says_so() -> None:
    coarse = coarse_marks()[0]
    for look in ("??", answer("uncertain", 0.5)):
        report, _ = told_inside(coarse, look=look)
        assert [found.region.mark for found in report.findings] == [coarse]
        assert any(f"mark {coarse} stands for" in note for note in report.notes)
    report, _ = told_inside(coarse, look=answer("anomalous", 0.8, findings=[finding()]))
    assert report.findings[0].region.box.area > 0
    assert any("a closer look named no region" in note for note in report.notes)


def test_an_unknown_number_in_a_closer_look_is_reported_and_its_place_stands() -> None:
    report, _ = told_inside(
        coarse_marks()[0], look=answer("anomalous", 0.8, findings=[finding(mark=99)])
    )
    assert any("mark 99 was named, but the marks drawn are 1 to" in n for n in report.notes)
    assert report.findings[0].region is not None


def test_a_refuted_coarse_mark_is_taken_back_and_never_cleared() -> None:
    report, _ = told_inside(coarse_marks()[0], look=answer("normal", 0.1))
    assert (report.verdict, report.findings) == ("uncertain", ())


def test_questions_about_coarse_marks_are_bounded_by_zoom() -> None:
    coarse = coarse_marks()
    assert len(coarse) >= 3
    report, prompts = told_inside(*coarse, look=answer("uncertain", 0.5), zoom=2)
    assert sum(map(zoomed, prompts)) == 2
    assert len(report.findings) == len(coarse)
    assert sum("no closer look told them apart" in note for note in report.notes) == len(coarse)


def test_a_journal_goes_on_with_coarse_marks(tmp_path: Path) -> None:
    coarse = coarse_marks()[0]
    overview = answer("anomalous", 0.9, findings=[finding(mark=coarse)])
    look = answer("anomalous", 0.8, findings=[finding(mark=2)])
    backend = ScriptedBackend(lambda prompt: look if zoomed(prompt) else overview)
    detector = AnomalyDetector(backend, expert=Speckled())
    run = {"zoom": 2, "resume": tmp_path / "run.jsonl"}
    (first,) = detector.detect_many([specks()], **run)
    asked = len(backend.prompts)
    (second,) = detector.detect_many([specks()], **run)
    assert asked == len(backend.prompts) == 2
    assert second == first
    assert first.findings[0].region.mark == 2


def test_without_closer_looks_marks_are_single_regions() -> None:
    _, prompts = told_inside(1, look=answer(), zoom=0)
    assert "one number may stand" not in prompts[0].text
    _, prompts = told_inside(1, look=answer(), max_images=2)
    assert "one number may stand" not in prompts[0].text


def judged(verdict: str, score: float, findings: int = 0) -> Judgement:
    stated = AnswerFinding(
        mark=None, box=None, label="x", description="", severity=None, confidence=None
    )
    told = Answer(observations=(), findings=(), explanation="", verdict=verdict, score=score)
    return Judgement(verdict, score, "stated", told, (stated,) * findings)  # type: ignore[arg-type]


@pytest.mark.parametrize("overview", [("normal", 0.1), ("uncertain", 0.5), ("anomalous", 0.9)])
@pytest.mark.parametrize("looks", [[], ["normal"], ["normal", "anomalous"], ["uncertain"]])
def test_looks_never_clear(overview: tuple[str, float], looks: list[str]) -> None:
    scores = {"normal": 0.05, "uncertain": 0.5, "anomalous": 0.8}
    whole = judged(*overview, findings=overview[0] == "anomalous")
    joined = confirm(
        whole,
        [
            Look(judged(v, scores[v], v == "anomalous"), tuple(range(len(whole.findings))))
            for v in looks
        ],
    ).judgement
    if overview[0] != "normal":
        assert joined.verdict != "normal"
        assert joined.score >= 0.5
    if "anomalous" in looks:
        assert joined.verdict == "anomalous"


def test_of_a_series_one_stretch_is_one_place_in_whatever_channel() -> None:
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(0)
    values = np.stack([np.sin(np.arange(2000) / 9), np.cos(np.arange(2000) / 9)], axis=1)
    values += rng.normal(0, 0.05, values.shape)
    values[1200:1230, 1] += 5.0
    spans = finding(start="1200", end="1230", label="burst")

    def answers(prompt: Prompt) -> str:
        return answer(findings=[spans])

    backend = ScriptedBackend(answers)
    report = AnomalyDetector(backend).detect(SeriesInput(values), zoom=4)
    looks = [prompt for prompt in backend.prompts if zoomed(prompt)]
    assert len(looks) == 1
    assert "the box" not in looks[0].text
    assert report.findings[0].region.interval.start == 1200


def test_a_way_of_pointing_that_leads_nowhere_is_noted() -> None:
    pytest.importorskip("matplotlib")
    values = np.sin(np.arange(400) / 9)
    said = answer(findings=[finding(place="at the end"), finding(point=(10, 20), label="peak")])
    report = AnomalyDetector(ScriptedBackend([said])).detect(SeriesInput(values))
    assert [found.region for found in report.findings] == [None, None]
    assert sum("neither leads to a place" in note for note in report.notes) >= 1
