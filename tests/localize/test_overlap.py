"""What two regions share, against counting cells one by one."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gadet import Box, Interval
from gadet.findings import ImageRegion, PointsRegion, Region, SpanRegion, TrackPoint, VideoRegion
from gadet.localize.overlap import Overlap, overlap

Unit = Literal["frame", "second", "step"]
stretches = st.tuples(st.integers(0, 20), st.integers(1, 10)).map(lambda s: (s[0], s[0] + s[1]))


def counted(one: set[object], other: set[object]) -> Overlap:
    shared = len(one & other)
    return Overlap(shared / len(one | other), shared / min(len(one), len(other)))


def span(start: int, stop: int, unit: Unit = "step") -> SpanRegion:
    return SpanRegion(interval=Interval(start=start, end=stop, unit=unit))


def points(rows: set[int]) -> PointsRegion:
    return PointsRegion(indices=tuple(sorted(rows)), centroid=(0, 0, 0), extent=(1, 1, 1))


def seen(start: int, stop: int, *boxes: tuple[int, Box]) -> VideoRegion:
    track = tuple(TrackPoint(frame=frame, seconds=frame / 10, box=box) for frame, box in boxes)
    return VideoRegion(interval=Interval(start=start, end=stop, unit="frame"), track=track)


@given(stretches, stretches, stretches, stretches)
def test_boxes_share_the_pixels_that_are_in_both(a, b, c, d) -> None:
    grid = np.zeros((2, 31, 31), bool)
    grid[0, a[0] : a[1], b[0] : b[1]] = True
    grid[1, c[0] : c[1], d[0] : d[1]] = True
    cells = [set(map(tuple, np.argwhere(layer))) for layer in grid]
    one = ImageRegion(box=Box.of(b[0], a[0], b[1], a[1]))
    other = ImageRegion(box=Box.of(d[0], c[0], d[1], c[1]))
    found, expected = overlap(one, other), counted(*cells)
    assert found.iou == pytest.approx(expected.iou)
    assert found.of_smaller == pytest.approx(expected.of_smaller)


@given(stretches, stretches)
def test_spans_share_the_rows_that_are_in_both(a, b) -> None:
    found, expected = overlap(span(*a), span(*b)), counted(set(range(*a)), set(range(*b)))
    assert found.iou == pytest.approx(expected.iou)
    assert found.of_smaller == pytest.approx(expected.of_smaller)


@given(st.sets(st.integers(0, 30), min_size=1), st.sets(st.integers(0, 30), min_size=1))
def test_clouds_share_points(a, b) -> None:
    assert overlap(points(a), points(b)) == counted(a, b)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (span(0, 5), ImageRegion(box=Box.of(0, 0, 5, 1))),
        (span(0, 5), span(0, 5, "second")),
        (points({1, 2}), seen(0, 5)),
    ],
)
def test_what_cannot_be_compared_shares_nothing(one: Region, other: Region) -> None:
    assert overlap(one, other) == Overlap()


def test_in_a_video_two_things_at_once_are_one_only_at_the_same_place() -> None:
    left, right = Box.of(0, 0, 10, 10), Box.of(50, 0, 60, 10)
    here = seen(0, 10, (0, left), (5, left))
    assert overlap(here, seen(0, 10, (4, left))) == Overlap(1.0, 1.0)
    assert overlap(here, seen(0, 10, (4, right))) == Overlap(0.0, 0.0)
    # Only the box of the nearest moment counts.
    moved = seen(0, 10, (0, left), (9, right))
    assert overlap(seen(0, 10, (8, left)), moved) == Overlap(0.0, 0.0)
    assert overlap(here, seen(5, 10)).of_smaller == 1.0
