"""Look through a video: the frames where something happens on a sheet, and what moved as a trail.

Run it with a file of your own, or without one for a scene that is drawn here:

    python examples/look_through_video.py [VIDEO]
"""

import sys

import numpy as np

from gadet import ViewLimits
from gadet.media.video import VideoAdapter, VideoInput


def scene() -> VideoInput:
    """Ten seconds of an empty yard; a ball rolls through it from second 6 to 8."""
    yard = np.random.default_rng(0).integers(90, 110, (180, 320, 3)).astype(np.uint8)
    frames = np.repeat(yard[None], 100, axis=0)
    y, x = np.mgrid[:180, :320]
    for number in range(60, 80):
        frames[number, (x - 16 * (number - 60)) ** 2 + (y - 90) ** 2 < 300] = (220, 120, 30)
    return VideoInput(frames, rate=10)


sample = VideoAdapter().load(sys.argv[1] if len(sys.argv) > 1 else scene())
print(sample.words)

limits = ViewLimits()
for number, view in enumerate(sample.views(limits), start=1):
    view.picture.save(f"sheet-{number}.png")
    print(f"sheet-{number}.png:", view.caption)
    print("  frames", ", ".join(str(cell.frame) for cell in view.cells))

busiest = int(sample.activity.looked[sample.activity.moved.argmax()])
around = range(len(sample))[max(busiest - 15, 0) : busiest + 15]
trail = sample.trail(around.start, around.stop, limits)
trail.picture.save("trail.png")
print("trail.png:", trail.caption)
