"""Frames of clips: exact, in order, whatever the container."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.media.video import Clip, VideoAdapter, VideoInput
from gadet.media.video import container as container_module
from tests.media.video.clips import decoded, number_in, picture, write

pytest.importorskip("av")

X264 = {"g": "12"}
FAST = {"g": "12", "deadline": "realtime", "cpu-used": "8"}
KINDS: dict[str, dict[str, Any]] = {
    "a.mp4": {"options": X264},
    "open-gop.mp4": {"options": {**X264, "x264-params": "open-gop=1:bframes=3"}},
    "open-gop.mkv": {"options": {**X264, "x264-params": "open-gop=1:bframes=3"}},
    "refresh.mp4": {"options": {"g": "24", "x264-params": "intra-refresh=1"}},
    "a.mkv": {"options": X264},
    "a.ts": {"options": X264},
    "a.mov": {"codec": "mpeg4"},
    "a.mpg": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "b-frames.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "untimed.avi": {"codec": "libx264"},
    "untimed.h264": {"codec": "libx264", "kind": "h264"},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p"},
    "raw.avi": {"codec": "rawvideo"},
    "vp8.webm": {"codec": "libvpx", "options": {**FAST, "auto-alt-ref": "1"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": FAST},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "keyint=12:log-level=none"}},
}


def load(item: Any, **options: Any) -> Clip:
    return VideoAdapter().load(VideoInput(item, **options)).clip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(params=KINDS)
def path(request: pytest.FixtureRequest, folder: Path) -> Path:
    """A video of each kind, written once."""
    place = folder / request.param
    if not place.exists():
        write(place, **KINDS[request.param])
    return place


def test_frames_are_those_of_pyav(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip, expected = load(path), decoded(path)
    assert len(clip) == len(expected) == 60
    assert clip.size == (160, 96)
    assert np.allclose(clip.times, np.arange(60) / 25, atol=0.001)
    stills = list(clip.scan())
    assert [still.index for still in stills] == list(range(60))
    assert [number_in(still.pixels) for still in stills] == list(range(60))
    assert all((still.pixels == frame).all() for still, frame in zip(stills, expected, strict=True))
    # Whether a stretch is sought or decoded changes nothing, and neither do threads.
    random = np.random.default_rng(1)
    for worth, threaded in ((0, 1 << 40), (12, 1 << 40), (1000, 1 << 40), (0, 0)):
        monkeypatch.setattr(container_module, "_WORTH_A_SEEK", worth)
        monkeypatch.setattr(container_module, "_THREADED", threaded)
        wanted = random.integers(0, 60, 7).tolist()
        got = clip.frames(wanted)
        assert [still.index for still in got] == wanted
        assert all((still.pixels == expected[still.index]).all() for still in got)
        for still in clip.scan(5, 57, step=4):
            assert (still.pixels == expected[still.index]).all()


def test_arrays_are_clips() -> None:
    frames = np.stack([picture(n) for n in range(10)])
    clip = load(frames, rate=5)
    assert len(clip) == 10
    assert clip.duration == pytest.approx(2.0)
    assert clip.rate == pytest.approx(5.0)
    assert [number_in(still.pixels) for still in clip.scan(1, 9, step=3)] == [1, 4, 7]
    assert [still.index for still in clip.scan(rate=2.5)] == [0, 2, 4, 6, 8]
    assert clip.frames([3, 3, 0])[1].pixels.shape == (96, 160, 3)
    assert clip.frames([3], size=(40, 24))[0].size == (40, 24)


def test_a_cut_keeps_the_clock() -> None:
    clip = load(np.stack([picture(n) for n in range(20)]), rate=10, start=0.5, end=1.5)
    assert (clip.first, len(clip)) == (5, 10)
    assert clip.times[0] == pytest.approx(0.5)
    assert [number_in(still.pixels) for still in clip.frames([0, 9])] == [5, 14]
    assert (clip.start, clip.end) == pytest.approx((0.5, 1.5))


@pytest.mark.parametrize("wanted", [[-1], [10], [3, 99]])
def test_frames_that_there_are_not(wanted: list[int]) -> None:
    clip = load(np.stack([picture(n) for n in range(10)]))
    with pytest.raises(InputError, match="expected frames from 0 to 9"):
        clip.frames(wanted)


@pytest.mark.parametrize(
    "options", [{"start": -1}, {"stop": 11}, {"start": 5, "stop": 2}, {"step": 0}, {"rate": 0.0}]
)
def test_scans_that_make_no_sense(options: dict[str, Any]) -> None:
    clip = load(np.stack([picture(n) for n in range(10)]))
    with pytest.raises(InputError, match="expected"):
        clip.scan(**options)
    with pytest.raises(InputError, match="expected a size"):
        clip.scan(size=(0, 5))
