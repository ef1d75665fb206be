from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.findings import (
    Finding,
    ImageRegion,
    PointsRegion,
    SpanRegion,
    TrackPoint,
    VideoRegion,
)
from gadet.geometry import Box, Interval
from gadet.localize.duplicates import merged


def span(start: float, end: float, *channels: str, sure: float | None = None) -> Finding:
    region = SpanRegion(interval=Interval(start=start, end=end, unit="step"), channels=channels)
    return Finding(label=f"{start:g}", region=region, confidence=sure)


def part(*indices: int, sure: float | None = None) -> Finding:
    region = PointsRegion(indices=indices, centroid=(0, 0, 0), extent=(1, 1, 1))
    return Finding(label="dent", region=region, confidence=sure)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (span(0, 10, "a", sure=0.4), span(2, 11, "a", sure=0.9), [1]),
        (span(0, 10, "a", sure=0.9), span(2, 11, "a", sure=0.4), [0]),
        (span(0, 10, "a", sure=0.4), span(0, 10, "a", sure=0.4), [0]),
        (span(0, 10, "a"), span(0, 10, "b", "a", sure=0.1), [1]),
        (span(0, 10, "a"), span(0, 10), [0]),
        (span(0, 10, "a"), span(0, 10, "b"), [0, 1]),
        (span(0, 10, "a"), span(5, 15, "a"), [0, 1]),
        (span(0, 10, "a"), span(0, 5, "a"), [0, 1]),
        (span(0, 10, "a"), span(0, 6, "a"), [0]),
        (span(0, 10, "a"), span(20, 30, "a"), [0, 1]),
        (part(1, 2, 3), part(1, 2, 3, 4, sure=0.2), [1]),
        (part(1, 2, 3), part(2, 3, 4), [0, 1]),
        (part(1, 2), span(0, 10, "a"), [0, 1]),
        (Finding(label="x"), Finding(label="x"), [0, 1]),
    ],
)
def test_two_findings(first: Finding, second: Finding, kept: list[int]) -> None:
    both = (first, second)
    assert merged(both) == tuple(both[number] for number in kept)


def test_other_regions_and_units_stay() -> None:
    image = Finding(label="x", region=ImageRegion(box=Box.of(0, 0, 9, 9)))
    seconds = SpanRegion(interval=Interval(start=0, end=10, unit="second"))
    both = (image, image, span(0, 10), Finding(label="y", region=seconds))
    assert merged(both) == both


def event(start: float, end: float, left: float | None = 0, label: str = "fast") -> Finding:
    track = ()
    if left is not None:
        box = Box.of(left, 0, left + 10, 10)
        track = (TrackPoint(frame=round(10 * start), seconds=start, box=box),)
    interval = Interval(start=start, end=end, unit="second")
    return Finding(label=label, region=VideoRegion(interval=interval, track=track))


@pytest.mark.parametrize(
    ("other", "kept"),
    [
        (event(1, 10, 1), 1),
        (event(0, 10, 8), 2),  # beside it
        (event(8, 20), 2),  # after it
        (event(0, 10, label="wrong way"), 2),
        (event(0, 10, None), 2),  # nothing says that it is at the same place
    ],
)
def test_events_of_a_video_are_one_at_one_time_and_place(other: Finding, kept: int) -> None:
    assert len(merged([event(0, 10), other])) == kept


@given(
    st.lists(
        st.builds(
            lambda start, length, sure, name: span(start, start + length, name, sure=sure),
            st.integers(0, 30),
            st.integers(1, 20),
            st.none() | st.sampled_from([0.1, 0.5, 0.9]),
            st.sampled_from("ab"),
        ),
        max_size=12,
    )
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_left_out_has_a_surer_twin_that_stays(findings: list[Finding]) -> None:
    kept = list(merged(findings))
    assert merged(kept) == tuple(kept)
    left = list(findings)
    for one in kept:
        left.remove(one)
    for one in left:
        rows, sure = rows_of(one), one.confidence or 0.0
        twins = [
            other
            for other in kept
            if (other.confidence or 0.0) >= sure
            and 2 * len(rows & rows_of(other)) > len(rows | rows_of(other))
        ]
        assert twins


def rows_of(finding: Finding) -> set[tuple[str, int]]:
    assert isinstance(finding.region, SpanRegion)
    interval = finding.region.interval
    return {
        (name, row)
        for name in finding.region.channels
        for row in range(int(interval.start), int(interval.end))
    }
