"""The picture of a report about a video."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from gadet import Box, Interval, Mask, VideoInput
from gadet.findings import Finding, TrackPoint, VideoRegion
from gadet.localize.filmstrip import filmstrip
from gadet.media.video import VideoAdapter


def drawn(mask: Mask | None) -> np.ndarray:
    clip = VideoAdapter().load(VideoInput(np.full((20, 90, 160, 3), 128, np.uint8), rate=10))
    point = TrackPoint(frame=10, seconds=1.0, box=Box.of(40, 20, 100, 70), mask=mask)
    interval = Interval(start=0.8, end=1.2, unit="second")
    region = VideoRegion(interval=interval, frames=(8, 12), track=(point,))
    picture = filmstrip(clip, [Finding(label="spot", region=region)], None)
    return np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"), np.int64)


def test_known_pixels_are_tinted_in_the_key_frame_and_only_there() -> None:
    inside = np.zeros((90, 160), bool)
    inside[30:60, 50:90] = True
    plain, tinted = drawn(None), drawn(Mask.from_array(inside))
    changed = (plain != tinted).any(axis=2)
    share = inside.sum() / inside.size
    cell = 250 * round(250 * 90 / 160)
    assert abs(changed.sum() / cell - share) < 0.02
    # What is there can still be seen: a part of the colour at most.
    assert np.abs(plain - tinted).max() < 128
