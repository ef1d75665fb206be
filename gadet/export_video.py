"""Findings of a video as a Label Studio task."""

from __future__ import annotations

from typing import Any

from gadet.exportable import Exportable
from gadet.findings import Finding, VideoRegion

__all__ = ["label_studio_video"]


def label_studio_video(report: Exportable, video: str | None = None) -> dict[str, Any]:
    """Write a report about a video as a Label Studio task, its findings as a prediction to correct.

    A finding becomes a range of the timeline; one with boxes becomes a rectangle that moves, in
    percent of the frame, with a key frame for each box and switched off after its last frame. Label
    Studio counts frames from 1. It fits `<Video name="video" value="$video"/>` with
    `<TimelineLabels name="time" toName="video">`, `<VideoRectangle name="box" toName="video"/>` and
    `<Labels name="label" toName="video">`.

    Args:
        report: What to export.
        video: URL under which Label Studio finds the video; the item's source, else its name.

    Returns:
        One task, ready for `json.dump` in a list.

    Source: Label Studio, https://labelstud.io/tags/videorectangle and
    https://labelstud.io/tags/timelinelabels
    """
    results = [
        result
        for number, finding in enumerate(report.findings, start=1)
        for result in _results(number, finding, report.item.size)
    ]
    prediction: dict[str, Any] = {"model_version": "gadet", "result": results}
    if report.score is not None:
        prediction["score"] = report.score
    return {
        "data": {
            "video": video or report.item.source or report.item.name,
            "name": report.item.name,
            "verdict": report.verdict,
            "score": report.score,
        },
        "predictions": [prediction],
    }


def _results(number: int, finding: Finding, size: tuple[int, int] | None) -> list[dict[str, Any]]:
    region = finding.region
    if not isinstance(region, VideoRegion) or region.frames is None:
        return []
    start, stop = region.frames
    sure = {} if finding.confidence is None else {"score": finding.confidence}
    time = {
        **sure,
        "id": f"finding-{number}-time",
        "from_name": "time",
        "to_name": "video",
        "type": "timelinelabels",
        "value": {
            "ranges": [{"start": start + 1, "end": stop}],
            "timelinelabels": [finding.label],
        },
    }
    if not region.track or size is None:
        return [time]
    sequence = [
        {
            "frame": point.frame + 1,
            "time": point.seconds,
            "enabled": point.frame < region.track[-1].frame,
            "rotation": 0,
            "x": 100 * point.box.x0 / size[0],
            "y": 100 * point.box.y0 / size[1],
            "width": 100 * point.box.width / size[0],
            "height": 100 * point.box.height / size[1],
        }
        for point in region.track
    ]
    box = {
        **sure,
        "id": f"finding-{number}-box",
        "from_name": "box",
        "to_name": "video",
        "type": "videorectangle",
        "value": {"sequence": sequence, "labels": [finding.label]},
    }
    return [time, box]
