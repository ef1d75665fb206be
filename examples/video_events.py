"""What departs from normal in a video, measured without a model: first whole, then as it arrives.

The street here is made; yours may be a file, a folder of frames in `VideoInput(…, rate=…)`, or a
camera. The references are normal videos of the same camera.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gadet.experts.video import VideoExpert, VideoStream
from gadet.media.video import VideoAdapter, VideoInput, VideoSample


def street(runner: bool) -> npt.NDArray[np.uint8]:
    """Ten seconds of people who walk at 20 pixels per second, and one who runs at 60."""
    rng = np.random.default_rng(0)
    ground, cloth = rng.normal(150, 8, (96, 160, 1)), rng.normal(70, 15, (16, 10, 1))
    frames = np.repeat(ground[None], 100, axis=0)
    for number, frame in enumerate(frames):
        lefts = [(top, 2 * number - 40 * k + top) for k in range(-3, 6) for top in (18, 58)]
        if runner:
            lefts.append((38, 6 * (number - 60)))
        for top, left in lefts:
            if 0 <= left <= 150:
                frame[top : top + 16, left : left + 10] = cloth
    return np.repeat(np.clip(frames, 0, 255).astype(np.uint8), 3, axis=3)


def load(frames: npt.NDArray[np.uint8]) -> VideoSample:
    """The frames as a video of ten frames per second."""
    return VideoAdapter().load(VideoInput(frames, rate=10))


normal, item = street(runner=False), street(runner=True)

evidence = VideoExpert(features=False).assess(load(item), [load(normal)])
print(f"score {evidence.score:.2f}")
for event in evidence.candidates:
    print(f"{event.label}: {event.sentence}")

stream = VideoStream([load(normal)], features=False)
for number, pixels in enumerate(item):
    stream.push(number / 10, pixels)
    for event in stream.ended:
        print(f"over at {number / 10:.1f} s: {event.sentence}")
