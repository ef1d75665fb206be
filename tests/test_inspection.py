"""The conversation, driven by a scripted model."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from gadet import (
    AnomalyDetector,
    Box,
    Candidate,
    Completion,
    ConfigurationError,
    Evidence,
    ImageRegion,
    InputError,
    Normality,
    Profile,
    Report,
    ScriptedBackend,
    SeriesInput,
    Usage,
)
from gadet.backends.facts.profile import Prices
from tests.doubles import StubExpert, answer, picture


def detector(
    *answers: Any, expert: Any = None, **profile: Any
) -> tuple[AnomalyDetector, ScriptedBackend]:
    backend = ScriptedBackend(list(answers))
    return (
        AnomalyDetector(backend, expert=expert or StubExpert(), profile=Profile(**profile)),
        backend,
    )


def test_a_mark_leads_to_the_exact_mask() -> None:
    made, backend = detector(answer())
    report = made.detect(picture(spot=True))
    assert (report.verdict, report.score, report.score_source) == ("anomalous", 0.9, "stated")
    region = report.findings[0].region
    assert isinstance(region, ImageRegion)
    assert region.mark == 1
    assert region.mask is not None
    bright = np.asarray(picture(spot=True)).min(axis=2) > 200
    assert np.array_equal(region.mask.to_array(), bright)
    kinds = [(view.role, view.kind) for view in backend.prompts[0].views]
    assert kinds == [("item", "clean"), ("item", "marked")]


def test_the_total_holds_what_measuring_took() -> None:
    class Slow(StubExpert):
        def assess(self, sample: Any, references: Any = ()) -> Evidence:
            time.sleep(0.05)
            return super().assess(sample, references)

    made, _ = detector(answer("normal", 0.1), expert=Slow())
    seconds = made.detect(picture()).timings
    assert seconds["total"] >= seconds["expert"] >= 0.05


def test_a_box_is_converted_through_the_profile_and_the_frame() -> None:
    finding = {"mark": None, "box": [100, 100, 600, 500], "label": "spot", "description": "",
               "severity": None, "confidence": None}  # fmt: skip
    made, _ = detector(answer(findings=[finding]), expert=StubExpert())
    region = made.detect(picture(200, 100)).findings[0].region
    assert isinstance(region, ImageRegion)
    assert region.box.as_tuple() == pytest.approx((20, 10, 120, 50))


def test_a_mark_that_was_not_drawn_is_reported() -> None:
    finding = {"mark": 99, "box": None, "label": "spot", "description": "", "severity": None,
               "confidence": None}  # fmt: skip
    made, _ = detector(answer(findings=[finding]))
    report = made.detect(picture(spot=True))
    assert report.findings[0].region is None
    assert any("mark 99" in note for note in report.notes)


def test_an_unreadable_answer_is_asked_about_once() -> None:
    made, backend = detector("??", answer("normal", 0.1))
    report = made.detect(picture())
    assert report.verdict == "normal"
    assert len(backend.prompts) == 2
    assert backend.prompts[1].messages[-1].role == "user"
    assert len(backend.prompts[1].messages) == 3
    assert [raw.verdict for raw in report.raw] == ["unparsed", "normal"]
    assert report.usage.requests == 2
    assert any("asked again" in note for note in report.notes)
    assert len(set(report.provenance.prompt_sha256)) == 2


def test_two_unreadable_answers_are_unparsed() -> None:
    made, backend = detector("??", "!!")
    report = made.detect(picture())
    assert (report.verdict, report.score, report.score_source) == ("unparsed", None, None)
    assert [raw.text for raw in report.raw] == ["??", "!!"]
    assert "could not be read" in report.explanation
    assert len(backend.prompts) == 2


@pytest.mark.parametrize(
    "completion",
    [
        Completion("I'm sorry, I can't help with that."),
        Completion("", stop="refused", refusal="I can't look at this."),
        Completion("", stop="blocked"),
    ],
)
def test_a_refusal_is_a_verdict_and_is_not_asked_about(completion: Completion) -> None:
    made, backend = detector(completion)
    report = made.detect(picture())
    assert report.verdict == "refused"
    assert report.score is None
    assert len(backend.prompts) == 1
    assert report.raw[0].text == (completion.text or completion.refusal or "")


def test_a_cut_off_answer_is_never_normal() -> None:
    text = answer("normal", 0.1)
    cut = Completion(text[: text.index('"verdict"')], stop="truncated")
    made, _ = detector(cut, cut)
    assert made.detect(picture()).verdict == "unparsed"


def test_votes_are_asked_for_one_by_one_and_counted() -> None:
    made, backend = detector(answer(), answer("normal", 0.1), answer())
    report = made.detect(picture(spot=True), samples=3)
    assert (report.verdict, report.score_source) == ("anomalous", "vote")
    assert report.score == pytest.approx(2 / 3)
    assert [prompt.sample for prompt in backend.prompts] == [0, 1, 2]
    assert len({prompt.sha256 for prompt in backend.prompts}) == 3
    assert report.findings[0].confidence == pytest.approx(2 / 3)


def test_refusals_among_unreadable_votes_are_explained_as_refusals() -> None:
    made, _ = detector(Completion("", stop="refused"), "??", "??")
    report = made.detect(picture(), samples=2)
    assert report.verdict == "refused"
    assert "declined" in report.explanation


def test_fusion_shows_both_scores() -> None:
    made, _ = detector(answer("anomalous", 0.7))
    report = made.detect(picture(spot=True), fusion="mean")
    assert report.score_source == "fused"
    assert report.score is not None
    assert report.evidence is not None
    assert 0.7 < report.score < 0.9
    assert report.evidence.score == 0.9


def test_usage_is_priced_by_the_profile() -> None:
    prices = Prices(input=2.0, cached=1.0, output=10.0, as_of="2026-11-01")
    usage = Usage(requests=1, input_tokens=1_000_000, cached_tokens=500_000, output_tokens=100_000)
    made, _ = detector(Completion(answer("normal", 0.1), usage=usage), prices=prices)
    cost = made.detect(picture()).cost
    assert cost is not None
    assert cost.amount == pytest.approx(0.5 * 2 + 0.5 * 1 + 0.1 * 10)
    assert cost.as_of == "2026-11-01"


def test_cost_is_unknown_without_prices() -> None:
    made, _ = detector(answer("normal", 0.1))
    assert made.detect(picture()).cost is None


def test_references_come_first_and_too_many_are_left_out_with_a_note() -> None:
    made, backend = detector(answer("normal", 0.1), max_images=3)
    report = made.detect(picture(), references=[picture(shade=s) for s in (100, 110, 130)])
    roles = [view.role for view in backend.prompts[0].views]
    assert roles[-1] == "item"
    assert roles.count("reference") == 3 - roles.count("item")
    assert any("not shown" in note for note in report.notes)
    assert len(report.provenance.references) == 3


def test_evidence_is_told_only_when_asked() -> None:
    made, backend = detector(answer(), answer())
    made.detect(picture(spot=True))
    made.detect(picture(spot=True), evidence=True)
    silent, told = (prompt.text for prompt in backend.prompts)
    assert "A bright square of 100 px." not in silent
    assert "A bright square of 100 px." in told


def test_a_model_gets_no_more_marks_than_it_can_read_and_offline_reports_all() -> None:
    class Busy(StubExpert):
        def assess(self, sample: Any, references: Any = ()) -> Evidence:
            score_map = np.full(sample.pixels.shape[:2], 0.1, dtype=np.float32)
            found = []
            for x in range(0, 200, 10):
                mask = np.zeros(score_map.shape, dtype=bool)
                mask[5:10, x : x + 5] = True
                found.append(Candidate(mask, Box.of(x, 5, x + 5, 10), 0.8, "dot", "it is dark."))
            return Evidence(score_map, 0.8, tuple(found), (), "busy")

    made, backend = detector(answer(), expert=Busy(), max_marks=7)
    made.detect(picture(200, 40))
    assert backend.prompts[0].views[1].marks == (1, 2, 3, 4, 5, 6, 7)
    assert len(AnomalyDetector(expert=Busy()).detect(picture(200, 40)).findings) == 20


def test_the_marked_view_keeps_the_limits_of_a_model_that_takes_little() -> None:
    made, backend = detector(answer(), views={"max_side": 128})
    made.detect(picture(spot=True))
    clean, marked = backend.prompts[0].views
    assert clean.picture.size == (64, 48)
    assert marked.picture.size == (128, 96)


def test_no_marks_when_not_wanted() -> None:
    made, backend = detector(answer("normal", 0.1))
    made.detect(picture(spot=True), marks=False)
    assert [view.kind for view in backend.prompts[0].views] == ["clean"]


def test_evidence_needs_an_expert() -> None:
    made = AnomalyDetector(ScriptedBackend([]), expert=None)
    with pytest.raises(ConfigurationError, match="need an expert"):
        made.detect(picture(), evidence=True)
    with pytest.raises(ConfigurationError, match="need an expert"):
        made.detect(picture(), fusion="mean")


def test_offline_answers_from_the_evidence() -> None:
    made = AnomalyDetector(expert=StubExpert())
    normals = [picture(shade=110)]
    bad = made.detect(picture(spot=True), references=normals)
    good = made.detect(picture(), references=normals)
    assert (bad.verdict, bad.score, bad.score_source) == ("anomalous", 0.9, "expert")
    assert (good.verdict, good.score) == ("normal", 0.1)
    assert bad.cost is not None
    assert bad.cost.amount == 0
    assert "No language model was involved" in bad.explanation
    region = bad.findings[0].region
    assert isinstance(region, ImageRegion)
    assert region.box.as_tuple() == (20, 10, 30, 20)


def test_offline_without_references_never_says_normal() -> None:
    report = AnomalyDetector(expert=StubExpert()).detect(picture())
    assert (report.verdict, report.score, report.score_source) == ("uncertain", 0.1, "expert")
    assert "give references" in report.explanation


def test_offline_without_marks_points_by_box() -> None:
    report = AnomalyDetector(expert=StubExpert()).detect(picture(spot=True), marks=False)
    region = report.findings[0].region
    assert isinstance(region, ImageRegion)
    assert region.mark is None
    assert region.box.as_tuple() == pytest.approx((20, 10, 30, 20))


def test_offline_without_an_expert_is_uncertain_never_normal() -> None:
    report = AnomalyDetector(expert=None).detect(picture())
    assert (report.verdict, report.score) == ("uncertain", 0.5)


def test_a_model_that_sees_a_smaller_picture_still_gives_native_regions() -> None:
    finding = {"mark": None, "box": [50, 50, 100, 100], "label": "spot", "description": "",
               "severity": None, "confidence": None}  # fmt: skip
    made, backend = detector(
        answer(findings=[finding]), views={"max_side": 200}, boxes={"frame": "pixels"}
    )
    report = made.detect(picture(800, 400))
    assert backend.prompts[0].views[0].picture.size == (200, 100)
    region = report.findings[0].region
    assert isinstance(region, ImageRegion)
    assert region.box.as_tuple() == pytest.approx((200, 200, 400, 400))


def test_the_same_answers_give_the_same_report() -> None:
    def run() -> Report:
        made, _ = detector(answer())
        report = made.detect(picture(spot=True), normality=Normality(subject="plate"))
        return report.model_copy(update={"timings": {}})

    assert run() == run()


def test_provenance_says_what_was_done() -> None:
    made, _ = detector(answer())
    found = made.detect(picture(spot=True), domain="industrial", level="class").provenance
    assert (found.backend, found.domain, found.level, found.expert) == (
        "scripted", "industrial", "class", "stub",
    )  # fmt: skip
    assert found.views[0] == "item clean 64x48"
    assert found.views[1].startswith("item marked ")


def test_a_bad_reference_is_named() -> None:
    made, _ = detector(answer())
    with pytest.raises(InputError, match="reference 2: "):
        made.detect(picture(), references=[picture(), b"no picture"])


def test_prompt_sends_nothing() -> None:
    made, backend = detector()
    prompt = made.prompt(picture(spot=True), normality=Normality(subject="steel plate"))
    assert "steel plate" in prompt.text
    assert len(prompt.sha256) == 64
    assert backend.prompts == []


def test_what_two_windows_report_is_told_once() -> None:
    pytest.importorskip("matplotlib")
    spans = [
        {"mark": None, "start": start, "end": end, "label": "shift", "description": "",
         "severity": None, "confidence": confidence}
        for start, end, confidence in (
            ("100", "180", 0.6), ("104", "182", 0.8), ("400", "420", 0.5)
        )
    ]  # fmt: skip
    backend = ScriptedBackend([answer(findings=spans)])
    report = AnomalyDetector(backend).detect([float(n % 24) for n in range(600)])
    found = [(f.region.interval.start, f.region.interval.end) for f in report.findings]
    assert found == [(104, 182), (400, 420)]


def test_a_series_with_a_normal_beginning_can_be_normal_offline() -> None:
    pytest.importorskip("matplotlib")
    values = np.sin(np.arange(1500) / 9) + np.random.default_rng(0).normal(0, 0.1, 1500)
    alone = AnomalyDetector().detect(values)
    compared = AnomalyDetector().detect(SeriesInput(values, normal_until=700))
    assert (alone.verdict, compared.verdict) == ("uncertain", "normal")
