"""Findings of windows that overlap: one where it is one event, two where there are two."""

from __future__ import annotations

from gadet.findings import Finding, SpanRegion, TrackPoint, VideoRegion
from gadet.geometry import Box, Interval
from gadet.localize.continued import continued


def finding(
    start: float,
    end: float,
    label: str = "cyclist",
    boxes: dict[int, Box] | None = None,
    **more: float,
) -> Finding:
    track = [TrackPoint(frame=n, seconds=n / 10, box=box) for n, box in (boxes or {}).items()]
    interval = Interval(
        start=start, end=end, unit="second", start_label=f"{start:g}", end_label=f"{end:g}"
    )
    region = VideoRegion(
        interval=interval, frames=(round(10 * start), round(10 * end)), track=tuple(track)
    )
    return Finding(label=label, region=region, **more)


HERE, THERE = Box.of(0, 0, 10, 10), Box.of(50, 50, 60, 60)


def test_what_goes_on_in_the_next_window_is_one() -> None:
    one = finding(3, 8, boxes={40: HERE}, confidence=0.6)
    other = finding(6, 12, "Cyclist ", boxes={70: HERE, 100: HERE}, confidence=0.8)
    (joined,) = continued([(1, one), (2, other)])
    assert (joined.label, joined.confidence) == ("cyclist", 0.8)
    assert joined.region.frames == (30, 120)
    assert (joined.region.interval.start_label, joined.region.interval.end_label) == ("3", "12")
    assert [point.frame for point in joined.region.track] == [40, 70, 100]


def test_a_chain_of_windows_is_one() -> None:
    chain = [(n, finding(4 * n, 4 * n + 5)) for n in range(5)]
    (joined,) = continued(chain)
    assert joined.region.frames == (0, 210)
    assert joined.confidence is None


def test_two_things_stay_two() -> None:
    same = finding(3, 8)
    for other in (
        (1, finding(3, 8)),  # two of one answer
        (2, finding(3, 8, "skater")),
        (2, finding(9, 12)),
        (2, Finding(label="cyclist")),
        (2, Finding(label="cyclist", region=span())),
    ):
        assert len(continued([(1, same), other])) == 2
    left, right = finding(3, 8, boxes={50: HERE}), finding(3, 8, boxes={50: THERE})
    assert len(continued([(1, left), (2, right)])) == 2


def span() -> SpanRegion:
    return SpanRegion(interval=Interval(start=3, end=8, unit="step"))


def test_what_is_no_video_stays_as_it_is() -> None:
    found = [Finding(label="a"), Finding(label="a", region=span())]
    assert continued([(1, found[0]), (2, found[1])]) == tuple(found)
    assert continued([]) == ()
