"""Every modality goes through the same conversation with its own tools."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from gadet import (
    AnomalyDetector,
    Evidence,
    InputError,
    Report,
    ScriptedBackend,
    SeriesInput,
    SpanRegion,
    samples,
)
from gadet.errors import ConfigurationError
from gadet.toolkit import default_toolkits
from tests.doubles import answer, picture

CASE = samples.load("server-load")


def spoken(**place: Any) -> str:
    """An answer with one finding at a place."""
    found = {
        "mark": None,
        "start": None,
        "end": None,
        "label": "busy day",
        "description": "It is far busier than usual.",
        "severity": "high",
        "confidence": 0.9,
    }
    return answer(findings=[found | place])


def test_each_toolkit_reads_its_own_modality() -> None:
    for name, kit in default_toolkits().items():
        assert kit.adapter.modality == name


def test_a_model_points_at_a_series_by_times() -> None:
    backend = ScriptedBackend([spoken(start="Mar 13 10:00", end="2024-03-13 21:00")])
    report = AnomalyDetector(backend).detect(CASE.item, domain="series")
    region = report.findings[0].region
    assert isinstance(region, SpanRegion)
    assert (region.interval.start, region.interval.end) == CASE.spans[1]
    assert region.interval.start_label == "2024-03-13 10:00:00"
    assert region.channels == ("load [%]",)
    text = backend.prompts[0].text
    assert "as timestamps like 2024-03-04 00:00:00" in text
    assert "`box`" not in text
    # The whole, its windows, and the marked one, each within what the model takes.
    kinds = [view.kind for view in backend.prompts[0].views]
    assert kinds == ["clean"] * 4 + ["marked"]
    finding = backend.prompts[0].schema["$defs"]["AnswerFinding"]["properties"]
    assert {"start", "end"} <= set(finding)
    assert not {"box", "picture"} & set(finding)


def test_a_mark_on_a_series_is_the_expert_s_span() -> None:
    report = AnomalyDetector(ScriptedBackend([spoken(mark=1)])).detect(CASE.item)
    region = report.findings[0].region
    assert isinstance(region, SpanRegion)
    assert report.evidence is not None
    box = report.evidence.candidates[0].box
    assert (region.interval.start, region.interval.end) == (box.x0, box.x1)


def test_a_place_that_cannot_be_read_is_in_the_notes() -> None:
    report = AnomalyDetector(ScriptedBackend([spoken(start="some day")])).detect(CASE.item)
    assert report.findings[0].region is None
    assert any("'some day' could not be read" in note for note in report.notes)


def test_no_expert_measures_nothing_of_any_modality() -> None:
    detector = AnomalyDetector(expert=None)
    for item in (CASE.item, picture()):
        report = detector.detect(item)
        assert report.evidence is None
        assert report.anomaly_map is None
        assert report.verdict == "uncertain"
        with pytest.raises(ConfigurationError, match="need an expert"):
            detector.detect(item, evidence=True)


class Half:
    """Scores every row with a half."""

    modality = "series"

    def assess(self, sample: Any, references: Sequence[Any] = ()) -> Evidence:
        return Evidence(np.full(len(sample.values), 0.5, np.float32), 0.5, expert="half")


def test_an_expert_of_ones_own_takes_the_place_of_its_modality() -> None:
    detector = AnomalyDetector(expert=Half())
    report = detector.detect(CASE.item)
    assert report.evidence is not None
    assert report.evidence.expert == "half"
    assert report.score == 0.5
    shown = detector.detect(picture()).evidence
    assert shown is not None
    assert shown.expert != "half"


def test_an_answer_about_a_series_survives_json() -> None:
    report = AnomalyDetector().detect(CASE.item, references=CASE.references, domain="series")
    again = type(report).model_validate(json.loads(report.model_dump_json()))
    assert again == report
    assert report.to_dict()["anomaly_map"].shape == CASE.mask.shape
    assert report.to_dict()["pred_mask"] is None
    assert report.to_coco()["info"]["left_out"][0]["reason"] == "it is a series, not a picture"


def test_a_picture_is_no_reference_of_a_series() -> None:
    with pytest.raises(InputError, match="expected reference 1 to be a series"):
        AnomalyDetector().detect(CASE.item, references=[picture()])
    with pytest.raises(InputError, match="wrap it in ImageInput"):
        AnomalyDetector().detect(np.zeros((500, 1)))
    assert AnomalyDetector().detect(SeriesInput(np.zeros((500, 1)))).verdict == "uncertain"


def test_a_closer_look_at_a_series_moves_the_span() -> None:
    first = spoken(start="2024-03-13 08:00", end="2024-03-13 22:00")
    closer = spoken(start="2024-03-13 10:00", end="2024-03-13 21:00")
    backend = ScriptedBackend([first, closer])
    report = AnomalyDetector(backend).detect(CASE.item, domain="series", zoom=1)
    region = report.findings[0].region
    assert isinstance(region, SpanRegion)
    assert (region.interval.start, region.interval.end) == CASE.spans[1]
    zoomed = backend.prompts[1].views[-1]
    assert zoomed.kind == "zoom"
    assert zoomed.frame.source.width < 0.5 * len(CASE.mask)


def test_a_span_told_twice_is_one_finding() -> None:
    one = json.loads(spoken(start="2024-03-13 10:00", end="2024-03-13 21:00"))
    again = one["findings"][0] | {"start": "2024-03-13 09:30", "confidence": 0.95}
    one["findings"].append(again)
    report = AnomalyDetector(ScriptedBackend([json.dumps(one)])).detect(CASE.item)
    assert [finding.confidence for finding in report.findings] == [0.95]


def test_plots_are_the_same_however_many_are_drawn_at_once() -> None:
    items = [samples.load(name).item for name in ("server-load", "vibration", "cold-store")]
    alone, together = (
        AnomalyDetector().detect_many(items, concurrency=number, progress=False)
        for number in (1, 3)
    )
    for mine, theirs in zip(alone, together, strict=True):
        assert isinstance(mine, Report)
        assert isinstance(theirs, Report)
        assert mine.preview == theirs.preview
        assert mine.provenance.prompt_sha256 == theirs.provenance.prompt_sha256
