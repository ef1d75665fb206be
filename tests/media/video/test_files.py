"""Files as they come from cameras, phones and broken transfers."""

from __future__ import annotations

import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from gadet.errors import GadetError, InputError
from gadet.media.base import LoadLimits
from gadet.media.video import VideoAdapter, VideoInput, VideoSample
from gadet.media.video.container import Converter
from gadet.media.video.packets import PacketIndex
from tests.media.video.clips import decoded, number_in, picture, write, write_sound

av = pytest.importorskip("av")


def load(item: Any, limits: LoadLimits | None = None, **options: Any) -> VideoSample:
    return VideoAdapter().load(VideoInput(item, **options), limits)


def numbers(sample: VideoSample) -> list[int]:
    return [number_in(still.pixels) for still in sample.clip.scan()]


def test_a_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    stamps = np.cumsum([0, 40, 40, 200, 33, 500, 10, 40, 40, 1000]).tolist()
    sample = load(write(tmp_path / "a.mp4", count=10, stamps=stamps))
    clip = sample.clip
    assert np.allclose(clip.times, np.array(stamps) / 1000, atol=2e-3)
    assert numbers(sample) == list(range(10))
    assert [clip.index_of(t) for t in (-1, 0, 0.079, 0.3, 0.9, 99)] == [0, 0, 1, 3, 7, 9]
    # Evenly in time, whatever the rate is.
    assert [still.index for still in clip.scan(rate=2)] == [0, 4, 8, 9]
    assert clip.stamp(9, 2) == "0:01.90"


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_frames_stand_upright(tmp_path: Path, rotation: int) -> None:
    turned = write(tmp_path / "turned.mp4", count=20, rotation=rotation)
    sample = load(turned)
    with av.open(str(turned)) as container:
        angle = next(container.decode(video=0)).rotation  # to the left, by FFmpeg's convention
    assert angle % 360 == rotation
    expected = [np.rot90(frame, rotation // 90) for frame in decoded(turned)]
    assert sample.clip.size == ((96, 160) if rotation % 180 else (160, 96))
    for still, frame in zip(sample.clip.scan(), expected, strict=True):
        assert (still.pixels == frame).all()
    assert sample.clip.frames([3], (48, 80))[0].size == (48, 80)
    assert sample.info.notes == (f"turned by {rotation} degrees to the left, as the file says",)


def test_sound_beside_the_pictures_does_not_matter(tmp_path: Path) -> None:
    assert numbers(load(write(tmp_path / "a.mp4", count=12, sound=True))) == list(range(12))


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"song\.m4a: expected a video; this file holds only sound"
    ):
        load(write_sound(tmp_path / "song.m4a"))


def test_files_are_the_same_from_anywhere(tmp_path: Path) -> None:
    path = write(tmp_path / "a b #1%20.mp4", count=12)
    data = path.read_bytes()
    with path.open("rb") as file:
        samples = [load(path), load(str(path)), load(data), load(io.BytesIO(data)), load(file)]
    assert {sample.info.sha256 for sample in samples} == {hashlib.sha256(data).hexdigest()}
    assert [sample.info.name for sample in samples] == ["a b #1%20.mp4"] * 2 + ["video"] * 3
    assert [sample.info.source for sample in samples] == [str(path)] * 2 + [None] * 3
    assert all(numbers(sample) == list(range(12)) for sample in samples)


def test_names_that_look_like_addresses_are_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("concat:x.mp4", "-i.mp4", "pipe:0.mp4"):
        assert len(load(write(tmp_path / "a.mp4", count=5).rename(tmp_path / name)).clip) == 5
        assert len(load(name).clip) == 5


def test_playlists_lead_nowhere(tmp_path: Path) -> None:
    video = write(tmp_path / "a.ts", count=12)
    lists = {
        "hls.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{video}\n#EXT-X-ENDLIST\n",
        "concat.mp4": f"ffconcat version 1.0\nfile '{video}'\n",
        "sdp.mp4": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5000 RTP/AVP 96\n",
    }
    for name, text in lists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match="expected a video file"):
            load(tmp_path / name)
        with pytest.raises(InputError, match="expected a video file"):
            load(text.encode())


CUT: dict[str, dict[str, Any]] = {
    "front.mp4": {"options": {"g": "12"}, "front": True},
    "a.mkv": {"options": {"g": "12"}},
    "a.ts": {"options": {"g": "12"}},
    "a.avi": {"codec": "mpeg4"},
    "a.webm": {"codec": "libvpx", "options": {"g": "12", "deadline": "realtime", "cpu-used": "16"}},
}


@cache
def original(name: str) -> tuple[bytes, list[Any]]:
    """A whole file and its frames."""
    with TemporaryDirectory() as folder:
        path = write(Path(folder, name), **CUT[name])
        return path.read_bytes(), decoded(path)


@pytest.mark.parametrize("name", CUT)
@pytest.mark.parametrize(("share", "rest"), [(0.5, "zero"), (0.52, "gone"), (0.85, "gone")])
def test_a_file_that_is_cut_off_is_read_up_to_there(
    tmp_path: Path, name: str, share: float, rest: str
) -> None:
    path = tmp_path / name
    data, expected = original(name)
    kept = int(len(data) * share)
    # An unfinished download may have its whole length already.
    path.write_bytes(data[:kept] + bytes(len(data) - kept if rest == "zero" else 0))
    sample = load(path)
    clip = sample.clip
    assert 5 < len(clip) < 60
    stills = list(clip.scan())
    # Of the last frames some are missing whose data came later; each that is there is itself.
    shown = np.round(clip.times * 25).astype(int).tolist()
    assert shown[: len(clip) - 4] == list(range(len(clip) - 4))
    assert [number_in(still.pixels) for still in stills] == shown
    assert all((stills[n].pixels == expected[frame]).all() for n, frame in enumerate(shown))
    for still in clip.frames([len(clip) - 1, 0, len(clip) // 2, len(clip) - 2]):
        assert (still.pixels == stills[still.index].pixels).all()
    if name != "a.ts" or (rest == "gone" and kept % 188):  # it has no header that announces any
        assert any(
            words in note
            for note in sample.info.notes
            for words in ("ends early", "damaged or cut off at the end")
        )


def test_an_index_that_was_never_written(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match="cut off before its index was written"):
        load(path)


def test_a_hole_in_the_middle_is_filled_the_same_way_each_time(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", options={"g": "12"})
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [p for p in container.demux(video=0) if p.size]
        broken = [p for p in packets if p.pts is not None and p.is_keyframe][2]
        data[broken.pos : broken.pos + broken.size] = bytes(broken.size)
    path.write_bytes(data)
    sample = load(path)
    whole = [still.pixels for still in sample.clip.scan()]
    assert len(whole) == 60
    assert [number_in(p) for p in whole[:24]] == list(range(24))
    assert [number_in(p) for p in whole[40:]] == list(range(40, 60))
    again = [still.pixels for still in sample.clip.scan()]
    assert all((a == b).all() for a, b in zip(whole, again, strict=True))


def test_packets_that_hold_fewer_frames() -> None:
    start = np.zeros(1, np.int64)
    index = PacketIndex(None, np.arange(100) / 50, start, start, np.arange(100), 0.02)
    halves = index.holding(50)
    assert np.allclose(halves.times, np.arange(50) / 25)
    assert (halves.lasting, len(halves.places)) == (pytest.approx(0.04), 50)
    assert halves.notes == ("100 packets hold 50 frames: these are spread evenly over the time",)
    short = index.holding(97)
    assert np.allclose(short.times, np.arange(97) / 50)
    assert short.notes == ("3 frames that cannot be decoded left out",)


def test_an_untimed_file_that_is_cut_off(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h264", kind="h264")
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    sample = load(path)
    assert 5 < len(sample.clip) < 60
    assert len(list(sample.clip.scan())) == len(sample.clip)
    assert numbers(sample)[:-2] == list(range(len(sample.clip) - 2))


def test_many_threads_read_one_clip(tmp_path: Path) -> None:
    clip = load(write(tmp_path / "a.mp4", options={"g": "12"})).clip
    whole = [still.pixels for still in clip.scan()]

    def read(seed: int) -> bool:
        wanted = np.random.default_rng(seed).integers(0, 60, 6).tolist()
        stills = clip.frames(wanted)
        return all((still.pixels == whole[still.index]).all() for still in stills)

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(read, range(24)))


def test_a_scan_that_is_left_closes_its_file(tmp_path: Path) -> None:
    clip = load(write(tmp_path / "a.mp4")).clip
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    for _ in range(5):
        stills = clip.scan()
        next(stills)
        stills.close()  # type: ignore[attr-defined]
    after = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    assert after == before


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (LoadLimits(max_frames=59), "at most 59 frames; this video has more"),
        (LoadLimits(max_pixels=15_000), "at most 15,000 pixels"),
    ],
)
def test_bounds(tmp_path: Path, limits: LoadLimits, words: str) -> None:
    path = write(tmp_path / "a.mp4")
    with pytest.raises(InputError, match=words):
        load(path, limits)
    # What lies on disk may be larger than what is held in memory.
    small = LoadLimits(max_bytes=500)
    assert len(load(path, small).clip) == 60
    with pytest.raises(InputError, match="at most 500 bytes"):
        load(path.read_bytes(), small)


def test_pixels_that_are_not_square_are_told(tmp_path: Path) -> None:
    frame = av.VideoFrame.from_ndarray(picture(0), format="rgb24")
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 160, 96, "yuv420p"
        stream.codec_context.sample_aspect_ratio = Fraction(16, 15)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    sample = load(tmp_path / "a.mp4")
    assert sample.info.notes == ("pixels 1.067 times as wide as high, shown as though square",)
    assert sample.clip.size == (160, 96)


def test_colours_that_cannot_be_converted_are_taken_for_usual_ones() -> None:
    frame = av.VideoFrame.from_ndarray(picture(5), format="rgb24").reformat(format="yuv420p")
    expected = Converter((160, 96), 0)(frame)
    frame.color_primaries, frame.color_trc, frame.colorspace = 11, 140, 40  # of a broken header
    assert (Converter((160, 96), 0)(frame) == expected).all()


def test_frames_that_grow_are_bounded(tmp_path: Path) -> None:
    """What the header says holds for the frames too: a later one may say otherwise."""
    small = write(tmp_path / "small.h264", kind="h264", count=10)
    large = write(tmp_path / "large.h264", kind="h264", count=10, size=(1280, 960))
    (tmp_path / "both.h264").write_bytes(small.read_bytes() + large.read_bytes())
    sample = load(tmp_path / "both.h264", LoadLimits(max_pixels=100_000))
    sizes = {still.size for still in sample.clip.scan()}
    assert sizes == {(160, 96)}
    assert len(sample.clip) < 20


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda p: p / "none.mp4", "expected an existing file; there is none at"),
        (lambda p: p, "a folder of numbered pictures"),
        (lambda p: (p / "a.mp4").write_bytes(b"") or p / "a.mp4", r"is empty \(0 bytes\)"),
        (lambda p: (p / "a.mp4").write_text("hello") and p / "a.mp4", "expected a video file"),
        (lambda p: "a\0b.mp4", "expected an existing file"),
        (lambda p: b"\x00\x00\x00\x20ftypisom" + bytes(99), "expected a video"),
        (lambda p: 5, "expected a path, URL"),
    ],
)
def test_files_that_are_none(tmp_path: Path, make: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(make(tmp_path))


@pytest.fixture(scope="module", params=["mp4", "matroska", "mpegts", "avi"])
def whole_file(request: pytest.FixtureRequest) -> bytes:
    file = write(io.BytesIO(), kind=request.param, count=30, options={"g": "10"})
    return bytes(file.getvalue())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_broken_files_give_frames_or_an_error_of_ours(whole_file: bytes, data: Any) -> None:
    broken = bytearray(whole_file)
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(broken) - 1))
        broken[place] = data.draw(st.integers(0, 255))
    broken = broken[: data.draw(st.integers(1, len(broken)))]
    try:
        clip = load(bytes(broken), LoadLimits(max_pixels=1_000_000)).clip
        stills = list(clip.scan())
        again = list(clip.scan())
        assert all((a.pixels == b.pixels).all() for a, b in zip(stills, again, strict=True))
        assert (np.diff(clip.times) > 0).all()
        assert [still.index for still in stills] == list(range(len(clip)))
        assert clip.frames([len(clip) - 1])[0].index == len(clip) - 1
    except GadetError:
        return


# Frames that are pictures.


def folder(path: Path, names: list[str]) -> Path:
    for number, name in enumerate(names):
        Image.fromarray(picture(number)).save(path / name)
    (path / "notes.txt").write_text("no frame")
    return path


def test_a_folder_is_in_the_order_of_its_numbers(tmp_path: Path) -> None:
    names = ["cam 1.png", "cam 2.png", "cam 10.png", "cam 100.bmp"]
    sample = load(folder(tmp_path, names), rate=2)
    assert numbers(sample) == [0, 1, 2, 3]
    assert sample.info.name == tmp_path.name
    assert sample.info.source == str(tmp_path)
    assert sample.clip.duration == 2.0
    assert numbers(load([tmp_path / name for name in reversed(names)])) == [3, 2, 1, 0]


def test_times_are_given_or_assumed() -> None:
    frames = np.stack([picture(n) for n in range(4)])
    assumed = load(frames)
    assert assumed.clip.rate == pytest.approx(25)
    assert assumed.info.notes[0].startswith("no rate was given: 25 frames per second assumed")
    given = load(frames, timestamps=[1.0, 1.5, 4.0, 4.5])
    assert given.clip.times.tolist() == [1.0, 1.5, 4.0, 4.5]
    assert given.clip.lasting == 0.5
    with pytest.raises(InputError, match="a timestamp for each of the 4 frames; got 2"):
        load(frames, timestamps=[1, 2])
    with pytest.raises(InputError, match="frames between start=9 and end=None"):
        load(frames, start=9)


def test_frames_of_other_types_have_one_scale() -> None:
    frames = np.stack([picture(n) for n in range(4)])
    expected = numbers(load(frames))
    for other in (frames / 255, frames.astype("f4") / 255, frames.astype("i4")):
        assert numbers(load(other)) == expected
    deep = frames[..., 0].astype("u2") * 100
    sample = load(deep)
    assert "values shown from 0 to 25500" in sample.info.notes[0]
    # The same grey in every frame, whatever else is in it.
    assert (sample.clip.frames([2])[0].pixels == np.stack([frames[2, ..., 0]] * 3, -1)).all()
    dark = load(deep, window=(0, 51_000)).clip.frames([2])[0].pixels
    assert dark.max() <= 128
    grey = load(frames[..., 0])
    assert grey.clip.size == (160, 96)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([picture(0), picture(1, 80, 48)], "frame 1 has 80 x 48 pixels and frame 0 has 160 x 96"),
        ([picture(0), "missing.png"], "frame 1: expected an existing file"),
        ([picture(0), np.full((4, 4, 3), np.nan)], "frame 1: expected finite values"),
        ([], "at least one frame"),
        (np.zeros((0, 4, 4, 3)), "at least one frame"),
    ],
)
def test_frames_that_are_none(frames: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        load(frames)


@pytest.mark.parametrize(
    "options",
    [
        {"rate": 0}, {"rate": True}, {"rate": float("inf")}, {"rate": 5, "timestamps": [1]},
        {"timestamps": [1, 1]}, {"timestamps": "12"}, {"timestamps": [1, float("nan")]},
        {"timestamps": ["a"]}, {"start": -1}, {"end": 0}, {"start": 3, "end": 2},
        {"window": (1, 1)}, {"window": [0, 1]}, {"item": VideoInput(1)},
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="expected"):
        VideoInput(**{"item": "a.mp4", **options})


def test_the_callers_frames_are_left_alone() -> None:
    frames = np.stack([picture(n) for n in range(4)])
    still = load(frames).clip.frames([1])[0]
    assert not still.pixels.flags.writeable
    assert frames.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        still.pixels[0] = 0
