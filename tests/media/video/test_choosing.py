"""What is taken for a video without being told, by whom, and what the errors advise."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.choice import adapter_for
from gadet.media.image import ImageAdapter, ImageInput
from gadet.media.pointcloud import PointCloudAdapter
from gadet.media.series import SeriesAdapter
from gadet.media.video import VideoAdapter, VideoInput
from tests.media.video.clips import number_in, picture, write

VIDEO = VideoAdapter()
ALL: dict[Any, Any] = {
    "image": ImageAdapter(),
    "series": SeriesAdapter(),
    "pointcloud": PointCloudAdapter(),
    "video": VIDEO,
}
FRAMES = np.stack([picture(n) for n in range(6)])


class FakeTensor:
    """What a torch tensor looks like from outside."""

    def __init__(self, array: Any) -> None:
        self.array, self.shape, self.dtype = array, array.shape, "torch.uint8"

    def detach(self) -> FakeTensor:
        return self

    def cpu(self) -> FakeTensor:
        return self

    def numpy(self) -> Any:
        return self.array

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Any:
        return map(FakeTensor, self.array)


def gif() -> bytes:
    pictures, file = [Image.fromarray(frame) for frame in FRAMES], io.BytesIO()
    pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=100)
    return file.getvalue()


TAKEN: dict[str, Any] = {
    **{suffix: f"missing.{suffix}" for suffix in ("mp4", "MKV", "avi", "mov", "webm", "mpg", "ts")},
    "path": Path("missing.m4v"),
    "url": "https://host/a.mp4?x=1",
    "data url": "data:video/mp4;base64,xx",
    "camera": "rtsp://camera/1",
    "mp4": b"\x00\x00\x00\x20ftypisom" + bytes(64),
    "mkv": bytearray(b"\x1aE\xdf\xa3" + bytes(64)),
    "avi": memoryview(b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(64)),
    "file": io.BytesIO(b"\x00\x00\x00\x20ftypmp42" + bytes(64)),
    "array": FRAMES,
    "grey": FRAMES[:, :, :, :1],
    "floats": FRAMES / 255,
    "tensor": FakeTensor(FRAMES.transpose(0, 3, 1, 2)),
    "arrays": list(FRAMES),
    "pictures": tuple(map(Image.fromarray, FRAMES)),
    "generator": (frame for frame in FRAMES),
    "wrapped": VideoInput("folder"),
}


@pytest.mark.parametrize("name", TAKEN)
def test_taken(name: str) -> None:
    assert adapter_for(TAKEN[name], ALL) is VIDEO


NOT_TAKEN: dict[str, Any] = {
    "gif": gif(),
    "picture": FRAMES[0],
    "grey picture": FRAMES[0, :, :, 0],
    "still": b"\x00\x00\x00\x20ftypavif" + bytes(64),
    "sound": b"RIFF\x00\x00\x00\x00WAVEfmt " + bytes(64),
    "song": b"\x00\x00\x00\x20ftypM4A " + bytes(64),
    "numbers": [1.0, 2.0],
    "paths": ["a.png", "b.png"],
    "empty": [],
    "rows": np.zeros((50, 3)),
    "cube": np.zeros((9, 9, 9)),
    "many channels": np.zeros((2, 9, 9, 7)),
    "words": np.zeros((2, 9, 9, 3), "U3"),
    "document": "notes.txt",
    "null": "a\0b.png",
    "text file": io.StringIO("abc"),
    "number": 5,
    "nothing": None,
    "wrapped picture": ImageInput("a.mp4"),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_not_taken(name: str) -> None:
    assert not VIDEO.accepts(NOT_TAKEN[name])


def test_source_code_is_no_transport_stream(tmp_path: Path) -> None:
    code, stream = tmp_path / "code.ts", tmp_path / "stream.ts"
    code.write_text("import { x } from './x';")
    stream.write_bytes(b"G\x40\x11\x10" + bytes(184))
    assert not VIDEO.accepts(code)
    assert VIDEO.accepts(str(stream))


def test_an_animated_picture_says_how_to_be_a_video() -> None:
    with pytest.raises(InputError, match=r"take them as a video with VideoInput\(item\)"):
        adapter_for(gif(), ALL).load(gif(), LoadLimits())
    with pytest.raises(InputError, match=r"take them as a video with VideoInput\(item\)"):
        ImageAdapter().load(ImageInput(FRAMES))
    pytest.importorskip("av")
    clip = VIDEO.load(VideoInput(gif())).clip
    assert np.allclose(clip.times, np.arange(6) / 10)
    assert [number_in(still.pixels) for still in clip.scan()] == list(range(6))


def test_folders_need_wrapping(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a folder, which may .*VideoInput\(item\)"):
        adapter_for(tmp_path, ALL)


def test_errors_name_every_wrapping() -> None:
    with pytest.raises(
        InputError, match=r"ImageInput\(item\) or SeriesInput.*PointCloudInput.*VideoInput"
    ):
        adapter_for(np.zeros((2, 2, 2, 2, 2)), ALL)


def test_frames_work_without_pyav(tmp_path: Path) -> None:
    """Files need PyAV and say so; frames do not."""
    write(tmp_path / "a.mp4", count=3)
    np.save(tmp_path / "frames.npy", FRAMES)
    code = """
import sys
sys.modules["av"] = None
import numpy as np
from gadet.errors import MissingDependencyError
from gadet.media.video import VideoAdapter, VideoInput
from gadet.media.video.live import live_stills
folder = sys.argv[1]
sample = VideoAdapter().load(folder + "/frames.npy")
stills = list(live_stills(list(np.load(folder + "/frames.npy"))))
print(len(sample.clip), sample.views.__name__, len(stills))
for call in (lambda: VideoAdapter().load(folder + "/a.mp4"),
             lambda: next(live_stills("http://127.0.0.1:9/x"))):
    try:
        call()
    except Exception as error:
        print(type(error).__name__, error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    first, second, third = done.stdout.splitlines()
    assert first == "6 views 6"
    assert second == (
        "MissingDependencyError Reading a video file needs the `av` package: "
        "pip install 'gadet[video]'"
    )
    assert "private or reserved address" in third


def test_nothing_is_imported_before_it_is_needed() -> None:
    code = "import sys, gadet.media.video; print([m for m in ('av', 'httpx') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
