"""Writing MP4s, read back by PyAV and by the clip."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gadet.errors import ConfigurationError, InputError
from gadet.media.video import VideoAdapter
from gadet.media.video.encode import encode_mp4, write_mp4
from tests.media.video.clips import number_in, picture

av = pytest.importorskip("av")


@pytest.mark.parametrize("size", [(160, 96), (161, 97), (80, 45)])
@pytest.mark.parametrize("rate", [25, 29.97, 7.5])
def test_frames_come_back(size: tuple[int, int], rate: float) -> None:
    frames = [picture(n, *size) for n in range(20)]
    data = encode_mp4(iter(frames), rate)
    with av.open(io.BytesIO(data)) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    clip = VideoAdapter().load(data).clip
    assert clip.size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert np.allclose(clip.times, np.arange(20) / rate, atol=1e-4)
    for still, expected in zip(clip.scan(), frames, strict=True):
        assert number_in(still.pixels) == still.index
        shown = still.pixels[: size[1], : size[0]].astype(int)
        assert np.abs(shown - expected).mean() < 12  # of colours with half the resolution


def test_times_are_kept(tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.5, 0.55, 3.0]
    write_mp4(tmp_path / "a.mp4", [picture(n) for n in range(5)], 10, times=times)
    assert np.allclose(VideoAdapter().load(tmp_path / "a.mp4").clip.times, times, atol=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


@pytest.mark.parametrize(
    ("frames", "options", "words"),
    [
        ([], {}, "at least one frame"),
        ([np.zeros((4, 4), np.uint8)], {}, r"frames \(H, W, 3\) of uint8"),
        ([np.zeros((4, 4, 3))], {}, r"frames \(H, W, 3\) of uint8"),
        ([picture(0), picture(1, 80, 60)], {}, "frame 1 has 80 x 60 pixels"),
        ([picture(0), picture(1)], {"times": [1.0, 1.0]}, "times that increase"),
        ([picture(0), picture(1)], {"times": [1.0]}, "a time for each frame"),
    ],
)
def test_frames_that_cannot_be_written(
    tmp_path: Path, frames: list[Any], options: dict[str, Any], words: str
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"what was there")
    with pytest.raises(InputError, match=words):
        write_mp4(path, frames, 10, **options)
    assert [file.name for file in tmp_path.iterdir()] == ["a.mp4"]
    assert path.read_bytes() == b"what was there"


def test_a_rate_and_a_place_that_make_no_sense(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="a rate of frames per second above 0"):
        encode_mp4([picture(0)], 0)
    with pytest.raises(ConfigurationError, match="a path that can be written"):
        write_mp4(tmp_path / "missing" / "a.mp4", [picture(0)], 10)
