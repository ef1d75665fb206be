"""A `Finding`: one thing that is wrong, and the region of the input it lies in."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from gadet.geometry import Box, Interval, Mask
from gadet.outlines import outlines

__all__ = [
    "Finding",
    "ImageRegion",
    "OrientedBox",
    "PointsRegion",
    "Region",
    "Severity",
    "SpanRegion",
    "TrackPoint",
    "VideoRegion",
]

Severity = Literal["low", "medium", "high", "critical"]
Unit = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Place = tuple[float, float, float]


class Record(BaseModel):
    """A frozen result: unknown fields are refused, JSON round-trips."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ImageRegion(Record):
    """A region of an image, in pixels of the original after its EXIF orientation.

    Attributes:
        box: The rectangle around it, `x0, y0, x1, y1`, half-open.
        mask: Its exact pixels, when they are known.
        mark: The number drawn on it in the marked view, when there was one.
    """

    kind: Literal["image"] = "image"
    box: Box
    mask: Mask | None = None
    mark: int | None = None

    @property
    def area(self) -> float:
        """Square pixels: of the mask, else of the box."""
        return self.box.area if self.mask is None else float(self.mask.area)

    @property
    def polygons(self) -> tuple[tuple[tuple[float, float], ...], ...]:
        """Its outlines, rings of corners `(x, y)`, exact by the even-odd rule: see `outlines`."""
        if self.mask is not None:
            return outlines(self.mask)
        x0, y0, x1, y1 = self.box.as_tuple()
        return (((x0, y0), (x1, y0), (x1, y1), (x0, y1)),)


class TrackPoint(Record):
    """Where a region is in one frame of a video.

    Attributes:
        frame: Number of the frame, from 0.
        seconds: Its time from the start of the clip.
        box: The rectangle in pixels of that frame.
        mask: Its exact pixels, when they are known.
    """

    frame: Count
    seconds: float
    box: Box
    mask: Mask | None = None


class VideoRegion(Record):
    """A stretch of a video, with the places it is seen at.

    Attributes:
        interval: From when to when, in seconds of the clip; its labels are written as `0:12.3`.
        frames: The same as frames `(start, stop)` from 0, half-open, when they are known.
        track: Boxes in single frames, in the order of time; may be empty.
        mark: The number drawn on it in the marked view, when there was one.
    """

    kind: Literal["video"] = "video"
    interval: Interval
    frames: tuple[Count, Count] | None = None
    track: tuple[TrackPoint, ...] = ()
    mark: int | None = None


class OrientedBox(Record):
    """A box that is turned to lie close around points.

    Attributes:
        centre: `(x, y, z)` of its middle, in the cloud's own frame and units.
        axes: The directions of its sides, each of length 1, the longest side of the surface first
            and what stands out of the surface last; right-handed.
        sides: The lengths of its sides along these directions.
    """

    centre: Place
    axes: tuple[Place, Place, Place]
    sides: Place


class PointsRegion(Record):
    """Part of a point cloud.

    Attributes:
        indices: Indices of the points in the order of the input.
        centroid: `(x, y, z)` in the cloud's own units.
        extent: Side lengths of its box along x, y, z in the cloud's own units.
        box: A box that is turned to lie close around it, when it was measured.
        area: The area of surface that it covers, in the cloud's own units squared.
        units: Name of the unit, when the caller gave one.
    """

    kind: Literal["points"] = "points"
    indices: tuple[Count, ...]
    centroid: Place
    extent: Place
    box: OrientedBox | None = None
    area: Annotated[float, Field(ge=0.0, allow_inf_nan=False)] | None = None
    units: str | None = None


class SpanRegion(Record):
    """A stretch of a time series.

    Attributes:
        interval: From when to when; its labels are the timestamps.
        channels: Names of the channels that take part.
    """

    kind: Literal["span"] = "span"
    interval: Interval
    channels: tuple[str, ...] = ()

    @property
    def seconds(self) -> float | None:
        """How long it lasts, by its labels; None where it has none or they are no times."""
        start, end = (_seconds(one) for one in (self.interval.start_label, self.interval.end_label))
        return None if start is None or end is None else end - start


def _seconds(label: str | None) -> float | None:
    """A time from some start: a timestamp of ISO 8601, or seconds elapsed as `12.5 s`."""
    try:
        if label is None or label.endswith(" s"):
            return None if label is None else float(label[:-2])
        stamp = datetime.fromisoformat(label)
    except ValueError:
        return None
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()


Region = Annotated[
    ImageRegion | VideoRegion | PointsRegion | SpanRegion, Field(discriminator="kind")
]


class Finding(Record):
    """One thing that is wrong.

    Attributes:
        label: A short noun: "scratch", "missing screw".
        description: What is seen, and how it departs from normal.
        severity: How bad, when it was stated.
        confidence: How sure, in [0, 1], when it was stated.
        region: Where, when it is known.
    """

    label: str
    description: str = ""
    severity: Severity | None = None
    confidence: Unit | None = None
    region: Region | None = None
