"""Frames of sources that may have no end."""

from __future__ import annotations

import http.server
import io
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import count, islice
from typing import Any

import pytest
from PIL import Image

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.video import Still, VideoAdapter, VideoInput
from gadet.media.video.live import live_stills
from tests.media.video.clips import number_in, picture, write

LOCAL = LoadLimits(allow_private_addresses=True, timeout=5)


def test_an_endless_iterator_is_taken_a_frame_at_a_time() -> None:
    taken = []

    def camera() -> Iterator[Any]:
        for number in count():
            taken.append(number)
            yield picture(number)

    stills = list(islice(live_stills(camera(), rate=5), 10))
    assert [number_in(still.pixels) for still in stills] == list(range(10))
    assert [still.seconds for still in stills] == pytest.approx([n / 5 for n in range(10)])
    assert len(taken) == 10


def test_frames_of_every_kind_and_their_times() -> None:
    frames = [
        (0.5, picture(0)),
        (1.25, Image.fromarray(picture(1))),
        Still(7, 2.5, picture(2), (160, 96)),
    ]
    stills = list(live_stills(frames, size=(80, 48)))
    assert [still.seconds for still in stills] == [0.5, 1.25, 2.5]
    assert [number_in(still.pixels) for still in stills] == [0, 1, 2]
    assert {(still.size, still.native) for still in stills} == {((80, 48), (160, 96))}
    arrived = list(live_stills([picture(0), picture(1)]))
    assert 0 <= arrived[0].seconds < arrived[1].seconds < 10


def test_frames_are_thinned_evenly() -> None:
    stills = live_stills((picture(n) for n in range(100)), rate=30, most_rate=10)
    assert [still.index for still in stills] == list(range(0, 100, 3))
    uneven = live_stills([(t, picture(0)) for t in (0, 0.1, 0.9, 1.1, 5, 5.1, 6.2)], most_rate=1)
    assert [still.seconds for still in uneven] == [0, 1.1, 5, 6.2]


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        ([(1.0, picture(0)), (1.0, picture(1))], {}, "times that increase; frame 1 is at 1 s"),
        ([picture(0), picture(0, 80, 48)], {}, "frame 1 has 80 x 48 pixels"),
        ([picture(0), b"no picture"], {}, "frame 1: expected an image file"),
        ([picture(0)], {"rate": 0}, "rate to be frames per second above 0"),
        ([picture(0)], {"most_rate": float("inf")}, "most_rate to be frames per second"),
        (5, {}, "the address of a stream, or an iterator"),
        ("camera", {}, "the address of a stream, which begins with rtsp://"),
        ("ftp://example.com/x", {}, "the address of a stream"),
        ("rtsp:///x", {}, "the address of a stream"),
        ("rtsp://10.0.0.1/x", {}, "expected no network"),
        ("rtsp://127.0.0.1/x", {}, "private or reserved address 127.0.0.1"),
        ("http://127.0.0.1/x.ts", {}, "private or reserved address 127.0.0.1"),
    ],
)
def test_sources_that_cannot_be_watched(source: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        list(live_stills(source, **options))


@pytest.mark.parametrize("item", ["rtsp://camera/1", "RTMP://host/live", iter([picture(0)])])
def test_what_has_no_end_is_not_loaded(item: Any) -> None:
    adapter = VideoAdapter()
    assert adapter.accepts(item)
    for given in (item, VideoInput(item)):
        with pytest.raises(InputError, match=r"detector\.watch\(source\)"):
            adapter.load(given)


class Camera(http.server.BaseHTTPRequestHandler):
    """Sends a stream that goes on until the other side has had enough."""

    stream = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "video/mp2t")
        self.end_headers()
        self.wfile.write(self.stream)

    def log_message(self, *args: Any) -> None: ...


@pytest.fixture
def camera() -> Iterator[str]:
    pytest.importorskip("av")
    Camera.stream = write(io.BytesIO(), kind="mpegts", count=60).getvalue()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Camera) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/camera.ts"
        server.shutdown()
        thread.join()


def test_a_stream_is_read_by_its_address(camera: str) -> None:
    stills = []
    # FFmpeg calls the end of such an answer an error, as though the camera had been cut off.
    with suppress(InputError):
        stills.extend(live_stills(camera, limits=LOCAL))
    for still in stills:
        assert number_in(still.pixels) == still.index
        assert still.seconds == pytest.approx(still.index / 25, abs=1e-3)
    # Those that came too fast were left out, the last ones never.
    assert [still.index for still in stills][-8:] == list(range(52, 60))
    assert stills[0].native == (160, 96)


def test_a_video_that_ends_is_loaded_by_its_address(camera: str) -> None:
    with pytest.raises(InputError, match=r"private or reserved address 127\.0\.0\.1"):
        VideoAdapter().load(f"{camera}?key=secret")
    sample = VideoAdapter().load(f"{camera}?key=secret", LOCAL)
    assert [number_in(still.pixels) for still in sample.clip.scan(step=20)] == [0, 20, 40]
    assert (sample.info.name, sample.info.source) == ("camera.ts", camera)
    with pytest.raises(InputError, match="at most 1,000 bytes"):
        VideoAdapter().load(camera, LOCAL.model_copy(update={"max_bytes": 1000}))


def test_a_stream_that_nobody_reads_on_ends_its_thread(camera: str) -> None:
    stills = live_stills(camera, limits=LOCAL, size=(80, 48))
    assert next(stills).size == (80, 48)
    stills.close()  # type: ignore[attr-defined]
    for thread in threading.enumerate():
        if thread.name == "gadet-stream":
            thread.join(5)
            assert not thread.is_alive()


def test_a_stream_that_does_not_answer(camera: str) -> None:
    gone = camera.rpartition(":")[0] + ":9/camera.ts?key=secret"
    with pytest.raises(InputError, match="a stream of video from http://127") as caught:
        list(live_stills(gone, limits=LOCAL))
    assert "secret" not in str(caught.value)


def test_a_stream_of_something_else(camera: str) -> None:
    Camera.stream = b"<html>no video here</html>" * 100
    with pytest.raises(InputError, match=r"a stream of video from http:.*cannot be read"):
        list(live_stills(camera, limits=LOCAL))
