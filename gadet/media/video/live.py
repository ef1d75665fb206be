"""Frames of a source that may have no end: a camera, a stream, an iterator of pictures."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.decode import check_pixels
from gadet.media.fetch import checked_address
from gadet.media.source import public_url
from gadet.media.video.container import Converter
from gadet.media.video.needs import pyav
from gadet.media.video.opening import damage, reason
from gadet.media.video.pictures import frame_pixels, resized
from gadet.media.video.still import Still

__all__ = ["is_endless", "is_live_url", "live_stills"]

# Scheme: the port it means where none is said.
_SCHEMES: Final = {
    "rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443, "rtp": 5004, "udp": 1234, "srt": 9000,
    "http": 80, "https": 443,
}  # fmt: skip
_PROTOCOLS: Final = "rtsp,rtsps,rtp,srtp,rtmp,rtmps,rtmpt,udp,tcp,tls,srt,http,https,httpproxy"
_FORMATS: Final = "rtsp,rtp,sdp,flv,live_flv,mpegts,mpjpeg,mjpeg,matroska,mov,ogg,h264,hevc"
_STEP: Final = 0.04  # seconds between two frames where a clock was set anew
_KEPT: Final = 8  # frames that wait for a slow consumer; older ones are left out


def is_live_url(item: Any) -> bool:
    """Whether the item is the address of a stream."""
    return isinstance(item, str) and _scheme(item) in _SCHEMES.keys() - {"http", "https"}


def is_endless(item: Any) -> bool:
    """Whether frames may come from the item one after another, nobody knows how many."""
    return isinstance(item, Iterator) and not callable(getattr(item, "read", None))


def live_stills(
    source: str | Iterable[Any],
    *,
    rate: float | None = None,
    most_rate: float | None = None,
    size: tuple[int, int] | None = None,
    limits: LoadLimits | None = None,
) -> Iterator[Still]:
    """Give the frames of a source while they come, holding a few at a time.

    A stream is read in a thread of its own; of one that comes faster than its frames are used the
    newest are given, so that what is seen is never long past. Of an iterator none is left out but
    for `most_rate`.

    The host of an address is held to `LoadLimits.allow_private_addresses`, which most cameras need.
    It is looked up once more by FFmpeg, which also follows where a server sends it: give only
    addresses that you trust.

    Args:
        source: An address `rtsp://…`, `rtmp://…`, `srt://…`, `udp://…`, or `http(s)://…` of a
            stream; or an iterable of arrays `(H, W, 3)`, PIL images, `Still`s, or pairs of seconds
            and one of these.
        rate: Frames per second of an iterable that does not give times; without it the time is that
            at which a frame came.
        most_rate: Frames per second that are given at most.
        size: `(width, height)` to give the frames in; None gives them as they are.
        limits: `max_pixels` of a frame, and `timeout` seconds to connect and to wait for a frame.

    Raises:
        InputError: An address that is none, that may not be reached, does not answer, or breaks
            off; a frame that cannot be read, or has another size than the first.
        MissingDependencyError: It is an address and PyAV is not installed.
    """
    limits = limits or LoadLimits()
    for name, value in (("rate", rate), ("most_rate", most_rate)):
        if value is not None and not 0 < value < float("inf"):
            raise InputError(f"expected {name} to be frames per second above 0; got {value!r}")
    if isinstance(source, str):
        stills = _of_stream(source, size, limits)
    elif isinstance(source, Iterable) and not isinstance(source, bytes):
        stills = _of_iterable(source, rate, size, limits)
    else:
        raise InputError(
            "expected the address of a stream, or an iterator of frames; got "
            f"{type(source).__name__}"
        )
    return stills if most_rate is None else _thinned(stills, most_rate)


def _thinned(stills: Iterator[Still], most_rate: float) -> Iterator[Still]:
    due: float | None = None
    for still in stills:
        due = still.seconds if due is None else due
        if still.seconds >= due - 1e-9:
            yield still
            # From when it was due and not from when it came, so that the rate is kept on average.
            due = max(due, still.seconds - 0.5 / most_rate) + 1 / most_rate


def _of_iterable(
    source: Iterable[Any], rate: float | None, size: tuple[int, int] | None, limits: LoadLimits
) -> Iterator[Still]:
    started, native, before = time.monotonic(), None, float("-inf")
    for index, item in enumerate(source):
        seconds, picture = _timed(item)
        if seconds is None:
            seconds = index / rate if rate else time.monotonic() - started
        if not seconds > before:
            raise InputError(
                f"expected times that increase; frame {index} is at {seconds:g} s, not after the "
                f"one before at {before:g} s"
            )
        before = seconds
        try:
            pixels = frame_pixels(picture, limits)
        except InputError as error:
            raise InputError(f"frame {index}: {error}") from error
        came = pixels.shape[1], pixels.shape[0]
        native = native or came
        if came != native:
            raise InputError(
                f"expected frames of one size; frame {index} has {came[0]} x {came[1]} pixels and "
                f"the first one {native[0]} x {native[1]}"
            )
        yield Still(index, seconds, resized(pixels, size or native), native)


def _timed(item: Any) -> tuple[float | None, Any]:
    """The time of what came, when it says one, and the picture."""
    if isinstance(item, Still):
        return item.seconds, item.pixels
    if isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], int | float):
        return float(item[0]), item[1]
    return None, item


def _of_stream(url: str, size: tuple[int, int] | None, limits: LoadLimits) -> Iterator[Still]:
    scheme = _scheme(url)
    host = urlsplit(url).hostname if scheme in _SCHEMES else None
    if not host:
        words = ", ".join(f"{name}://" for name in _SCHEMES)
        raise InputError(
            f"expected the address of a stream, which begins with {words}; got {url[:40]!r}"
        )
    checked_address(host, urlsplit(url).port or _SCHEMES[scheme], limits)
    return _received(url, size, limits)


def _received(url: str, size: tuple[int, int] | None, limits: LoadLimits) -> Iterator[Still]:
    receiver = _Receiver(url, limits)
    with closing(receiver):
        converter: Converter | None = None
        for index, seconds, frame in receiver:
            native = (frame.width, frame.height)
            if converter is None:
                check_pixels(native, limits, "the stream")
                upright = native[::-1] if round(frame.rotation / 90) % 2 else native
                converter = Converter(size or upright, round(frame.rotation / 90) % 4)
            yield Still(index, seconds, converter(frame), upright)


@dataclass(eq=False)
class _Receiver:
    """Decodes a stream in a thread, and keeps its newest frames.

    Attributes:
        url: Where it is.
        limits: Seconds to wait.
    """

    url: str
    limits: LoadLimits
    _waiting: deque[tuple[int, float, Any]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _news: threading.Condition = field(default_factory=threading.Condition)
    _ended: bool = False
    _problem: Exception | None = None

    def __iter__(self) -> Iterator[tuple[int, float, Any]]:
        """Give number, seconds and frame, waiting for each."""
        pyav("Reading a stream")
        threading.Thread(target=self._run, name="gadet-stream", daemon=True).start()
        while True:
            with self._news:
                # Longer than FFmpeg itself waits, which can say more of what went wrong.
                came = self._news.wait_for(
                    lambda: self._waiting or self._ended, 2 * self.limits.timeout
                )
                if not self._waiting:
                    if came and self._problem is None:
                        return
                    raise self._failure()
                news = self._waiting.popleft()
            yield news

    def close(self) -> None:
        """Let the thread end after the frame that it is waiting for."""
        self._ended = True

    def _failure(self) -> InputError:
        shown = public_url(self.url)
        if self._problem is None:
            return InputError(
                f"expected a frame from {shown} within {2 * self.limits.timeout:g} s; none came: "
                "raise LoadLimits(timeout=…) if it is slow"
            )
        if isinstance(self._problem, InputError):
            return self._problem
        error = InputError(
            f"expected a stream of video from {shown}; it cannot be read: {reason(self._problem)}"
        )
        error.__cause__ = self._problem
        return error

    def _run(self) -> None:
        try:
            self._receive()
        except InputError as error:
            self._problem = error
        except damage() as error:
            self._problem = error
        finally:
            with self._news:
                self._ended = True
                self._news.notify()

    def _receive(self) -> None:
        av, wait = pyav(), self.limits.timeout
        options = {"protocol_whitelist": _PROTOCOLS, "format_whitelist": _FORMATS}
        if _scheme(self.url).startswith("rtsp"):
            options["rtsp_transport"] = "tcp"  # over UDP frames arrive broken
        with av.open(self.url, container_options=options, timeout=(wait, wait)) as container:
            if not container.streams.video:
                raise InputError(
                    f"expected a stream with pictures; {public_url(self.url)} has none"
                )
            stream, counter = container.streams.video[0], count()
            started: float | None = None
            last = -_STEP
            for frame in _frames(container, stream):
                stated = frame.pts is not None and stream.time_base
                moment = float(frame.pts * stream.time_base) if stated else time.monotonic()
                if started is None or moment - started <= last:
                    # The first frame, or a camera that has set its clock back.
                    started = moment - last - _STEP
                last = moment - started
                with self._news:
                    self._waiting.append((next(counter), last, frame))
                    self._news.notify()
                if self._ended:
                    return


def _frames(container: Any, stream: Any) -> Iterator[Any]:
    """The frames of a stream until it ends or breaks off."""
    try:
        for packet in container.demux(stream):
            # A lost packet does no harm for long: the next key frame makes it good.
            with suppress(*damage()):
                yield from packet.decode()
    except damage():
        # What was received before it broke off is still in the decoder.
        with suppress(*damage()):
            yield from stream.codec_context.decode(None)
        raise


def _scheme(url: str) -> str:
    return url.partition("://")[0].lower() if "://" in url[:16] else ""
