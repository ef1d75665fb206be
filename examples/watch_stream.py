"""Watch a time series while it arrives: every row scored, only what is suspicious inspected.

The stream here is made; yours may be a socket, a queue, or a file that grows. Put a model in place
of the offline engine, and it is asked about each event, with a plot of the rows in memory.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gadet import AnomalyDetector, Watch


def readings() -> Iterator[tuple[str, float]]:
    """A pressure that breathes, with one burst and one stuck sensor; with the time of each row."""
    rng = np.random.default_rng(0)
    for number in range(3000):
        value = np.sin(number / 8) + rng.normal(0, 0.05)
        value += 5.0 if 1500 <= number < 1530 else 0.0
        value = 0.4 if 2300 <= number < 2420 else value
        yield f"2026-11-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}", value


detector = AnomalyDetector()
settings = Watch(channels=("pressure [bar]",), memory=1200, quiet=40, judge_after=150, timed=True)

for event in detector.watch(readings(), settings):
    if event.kind == "began":
        print(f"{event.started}  event {event.number} begins (score {event.score:.2f})")
    elif event.kind == "judged":
        for finding in event.findings:
            print(f"  {finding.label}: {finding.description}")
    elif event.kind == "ended":
        print(f"  over after {event.stop - event.start} rows, score up to {event.score:.2f}")
