"""Watch a camera: every frame measured, only what is suspicious inspected.

The camera here is a clip that is drawn by a program and read as if it were live; yours may be
"rtsp://…", a file, or any iterator of frames. Put a model in place of the offline engine, and it is
asked about each event, with the last seconds before it.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gadet import AnomalyDetector, Limits, VideoWatch, samples


def camera() -> Iterator[tuple[float, np.ndarray]]:
    """Frames with their times: a normal clip over and over, then the one with a cyclist."""
    case = samples.load("walkway")
    clips = [case.references[0].item] * 2 + [case.item.item]
    for number, frame in enumerate(frame for clip in clips for frame in clip):
        yield number / 10, frame


budget = Limits(max_requests=20, hourly=True)
for event in AnomalyDetector().watch(camera(), VideoWatch(), domain="pedestrian", budget=budget):
    start, end = event.seconds or (0.0, 0.0)
    print(f"{event.kind:<7} event {event.number}: {start:.1f} s to {end:.1f} s, {event.score:.2f}")
    for finding in event.findings:
        print(f"  {finding.label}: {finding.description}")
print("the camera was switched off")
