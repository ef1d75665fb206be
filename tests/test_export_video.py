"""Findings of videos for other tools: a table, a Label Studio task, and no picture for COCO."""

from __future__ import annotations

import csv
import io
from typing import Any

from gadet.export import to_coco, to_csv, to_label_studio
from gadet.findings import Finding, TrackPoint, VideoRegion
from gadet.geometry import Box, Interval
from gadet.report import ItemInfo, Report
from tests.render.reports import report

INTERVAL = Interval(start=4.0, end=6.0, unit="second", start_label="0:04.0", end_label="0:06.0")
TRACK = (
    TrackPoint(frame=40, seconds=4.0, box=Box.of(10, 20, 30, 40)),
    TrackPoint(frame=45, seconds=4.5, box=Box.of(20, 20, 50, 50)),
)
ITEM = ItemInfo(
    name="clip.mp4", source="/data/clip.mp4", modality="video", sha256="", size=(200, 100)
)


def made(*regions: VideoRegion | None) -> Report:
    found = tuple(Finding(label="=fast", confidence=0.8, region=region) for region in regions)
    return report(item=ITEM, findings=found, preview=False)


def rows(*regions: VideoRegion | None) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(to_csv([made(*regions)]))))


def test_a_row_says_when_and_where_it_is_seen_best() -> None:
    (row,) = rows(VideoRegion(interval=INTERVAL, frames=(40, 60), track=TRACK))
    assert (row["start"], row["end"], row["seconds"]) == ("0:04.0", "0:06.0", "2.0")
    assert (row["start_row"], row["end_row"], row["frame"]) == ("40", "60", "45")
    assert [row[name] for name in ("x0", "y0", "x1", "y1")] == ["20.0", "20.0", "50.0", "50.0"]
    assert row["label"] == "'=fast"


def test_what_is_not_known_stays_empty() -> None:
    bare = Interval(start=4.0, end=6.0, unit="second")
    timed, nowhere = rows(VideoRegion(interval=bare), None)
    assert (timed["start"], timed["end"], timed["start_row"], timed["x0"]) == ("4.0", "6.0", "", "")
    assert nowhere["start"] == ""


def test_a_label_studio_task_has_a_range_and_a_moving_rectangle() -> None:
    task = to_label_studio(made(VideoRegion(interval=INTERVAL, frames=(40, 60), track=TRACK)))
    assert task["data"]["video"] == "/data/clip.mp4"
    time, box = task["predictions"][0]["result"]
    assert time["value"]["ranges"] == [{"start": 41, "end": 60}]
    first, last = box["value"]["sequence"]
    assert (first["frame"], first["x"], first["y"]) == (41, 5.0, 20.0)
    assert (first["width"], first["height"]) == (10.0, 20.0)
    assert (first["enabled"], last["enabled"]) == (True, False)
    assert to_label_studio(made(None))["predictions"][0]["result"] == []
    address = to_label_studio(made(), image="https://host/clip.mp4")["data"]["video"]
    assert address == "https://host/clip.mp4"


def test_a_video_is_no_picture_for_coco() -> None:
    data = to_coco([made()])
    assert data["images"] == []
    assert data["info"]["left_out"][0]["reason"] == "it is a video, not a picture"
