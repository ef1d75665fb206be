from __future__ import annotations

import pytest

from gadet.findings import SpanRegion
from gadet.geometry import Interval


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2024-01-01 00:00:00", "2024-01-02 00:00:01", 86_401.0),
        ("2024-01-01", "2024-01-03", 172_800.0),
        ("2024-03-31 01:00:00+01:00", "2024-03-31 03:00:00+02:00", 3600.0),
        ("2024-01-01 00:00:00.25", "2024-01-01 00:00:00.5", 0.25),
        ("-1.5 s", "12 s", 13.5),
        ("Mon", "Tue", None),
        (None, None, None),
        ("2024-01-01", None, None),
    ],
)
def test_how_long_a_span_lasts(start: str | None, end: str | None, seconds: float | None) -> None:
    interval = Interval(start=3, end=5, unit="step", start_label=start, end_label=end)
    assert SpanRegion(interval=interval).seconds == seconds
