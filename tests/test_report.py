from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

import gadet
from gadet import (
    AnomalyDetector,
    Box,
    ConfigurationError,
    Failure,
    Finding,
    ImageRegion,
    InputError,
    Interval,
    Mask,
    Normality,
    PointsRegion,
    Report,
    SpanRegion,
    TrackPoint,
    Usage,
    VideoRegion,
)
from gadet.findings import Region
from gadet.report import ItemInfo, Provenance
from tests.doubles import StubExpert, picture

BOX = Box.of(1, 2, 3, 4)
REGIONS: list[Any] = [
    ImageRegion(box=BOX, mask=Mask.from_array(np.eye(5)), mark=3),
    VideoRegion(
        interval=Interval(start=0, end=2, unit="second"),
        track=(TrackPoint(frame=3, seconds=0.1, box=BOX),),
    ),
    PointsRegion(indices=(1, 5), centroid=(0, 0, 1), extent=(1, 1, 1), units="mm"),
    SpanRegion(
        interval=Interval(start=4, end=9, unit="step", start_label="2014-04-10"), channels=("a",)
    ),
]


def report(**changes: Any) -> Report:
    fields: dict[str, Any] = {
        "verdict": "anomalous",
        "score": 0.9,
        "score_source": "stated",
        "findings": [Finding(label="x", region=region) for region in REGIONS],
        "item": ItemInfo(name="part.png", modality="image", sha256="0" * 64, size=(5, 5)),
        "provenance": Provenance(
            gadet_version="0", backend="offline", domain="generic", level="naive"
        ),
    }
    return Report(**{**fields, **changes})


@pytest.mark.parametrize("region", REGIONS, ids=lambda region: region.kind)
def test_regions_are_told_apart_by_their_kind(region: Any) -> None:
    adapter: TypeAdapter[Any] = TypeAdapter(Region)
    assert adapter.validate_json(adapter.dump_json(region)) == region


def test_report_round_trips_through_json() -> None:
    original = report()
    assert Report.model_validate_json(original.model_dump_json()) == original


def test_a_real_report_round_trips_through_json() -> None:
    original = gadet.AnomalyDetector(expert=StubExpert()).detect(picture(spot=True))
    assert Report.model_validate_json(original.model_dump_json()) == original


@pytest.mark.parametrize(
    ("verdict", "score", "source"),
    [
        ("refused", 0.5, "stated"),
        ("unparsed", 0.1, None),
        ("normal", None, None),
        ("normal", 0.1, None),
    ],
)
def test_score_goes_with_the_verdict(verdict: str, score: Any, source: Any) -> None:
    with pytest.raises(ValidationError, match="has a score"):
        report(verdict=verdict, score=score, score_source=source)


@pytest.mark.parametrize(
    "changes", [{"score": 1.2}, {"score": float("nan")}, {"verdict": "fine"}, {"unknown": 1}]
)
def test_report_rejects(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        report(**changes)


def test_reports_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        report().score = 0.1


def test_refused_and_failed_are_not_judged() -> None:
    assert not report(verdict="refused", score=None, score_source=None).judged
    assert not Failure.from_error(InputError("no"), name="a").judged
    assert report().judged


def test_pictures_stay_with_the_object_and_out_of_the_json() -> None:
    shown = report().with_pictures(b"jpeg", np.zeros((5, 5), dtype=np.float32))
    assert shown.preview == b"jpeg"
    assert shown.anomaly_map is not None
    assert "jpeg" not in shown.model_dump_json()
    assert report().preview is None
    assert shown == report().with_pictures(b"jpeg", shown.anomaly_map)


def test_usage_adds_up() -> None:
    total = Usage(requests=1, input_tokens=5) + Usage(requests=2, output_tokens=7)
    assert total == Usage(requests=3, input_tokens=5, output_tokens=7)


def test_save_rejects_other_endings(tmp_path: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"\.html, \.json, \.png or \.csv; got '\.docx'"):
        report().save(tmp_path / "report.docx")


def test_save_writes_json(tmp_path: Any) -> None:
    path = report().save(tmp_path / "report.json")
    assert Report.model_validate_json(path.read_text()) == report()


def test_normality_takes_one_for_a_list_and_rejects_what_it_does_not_know() -> None:
    assert Normality(defects="crack").defects == ("crack",)
    with pytest.raises(ValidationError):
        Normality(colour="red")
    with pytest.raises(ValidationError):
        Normality(standards="x" * 20_001)


def test_what_the_item_s_kind_can_be_written_as_is_saved_by_its_ending(tmp_path: Path) -> None:
    def write(path: Path) -> None:
        path.write_text("ply")

    made = AnomalyDetector().detect(picture()).with_exports({".ply": write})
    assert made.save(tmp_path / "cloud.ply").read_text() == "ply"
    with pytest.raises(ConfigurationError, match=r"saved as \.html, \.json, \.png, \.ply or \.csv"):
        made.save(tmp_path / "cloud.pcd")
