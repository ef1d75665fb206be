"""Real videos: frames are those of PyAV, and every clip can be looked through."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gadet.media.video import VideoAdapter, VideoInput
from gadet.view import ViewLimits

pytestmark = pytest.mark.data
CLIPS = ("industrial/intel/bottle-detection.mp4", "traffic/intel/car-detection.mp4")


@pytest.mark.parametrize("name", CLIPS)
def test_frames_are_exact(real_data: Path, name: str) -> None:
    av = pytest.importorskip("av")
    path = real_data / "video" / name
    clip = VideoAdapter().load(path).clip
    wanted = np.random.default_rng(0).integers(0, len(clip), 16).tolist()
    stills = {still.index: still for still in (*clip.frames(wanted), *clip.scan(step=31))}
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number in stills:
                assert (stills[number].pixels == frame.to_ndarray(format="rgb24")).all()
    assert number == len(clip) - 1


@pytest.mark.parametrize("name", ["pedestrian/ucsd_ped2/test/02", "traffic/cctv_accident/test18"])
def test_folders_of_frames(real_data: Path, name: str) -> None:
    folder = real_data / "video" / name / "frames"
    sample = VideoAdapter().load(VideoInput(folder, rate=5))
    assert len(sample.clip) == len(list(folder.glob("*.jpg")))
    views = sample.views(ViewLimits())
    frames = [cell.frame for view in views for cell in view.cells]
    assert frames == sorted(set(frames))
    assert all(ViewLimits().fit(*view.picture.size) == view.picture.size for view in views)
