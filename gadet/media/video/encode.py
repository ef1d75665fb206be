"""Frames to an MP4 that every browser and player shows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError, InputError
from gadet.media.video.needs import pyav
from gadet.media.video.opening import reason

__all__ = ["encode_mp4", "write_mp4"]

_UNITS: Final = 90_000  # of time in a second: all usual rates are whole numbers of them
_CODECS: Final = ("libx264", "h264", "mpeg4")
# Good enough that what is drawn has clean edges; the index goes in front, so that it can be
# streamed.
_OPTIONS: Final = {"crf": "20", "preset": "veryfast"}
_FRONT: Final = {"movflags": "+faststart"}

Pixels = npt.NDArray[np.uint8]


def encode_mp4(
    frames: Iterable[Pixels], rate: float, *, times: Iterable[float] | None = None
) -> bytes:
    """The bytes of the file that `write_mp4` writes."""
    # By way of a file: moving the index to the front takes going over it twice.
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clip.mp4")
        write_mp4(path, frames, rate, times=times)
        return path.read_bytes()


def write_mp4(
    path: str | os.PathLike[str],
    frames: Iterable[Pixels],
    rate: float,
    *,
    times: Iterable[float] | None = None,
) -> None:
    """Write frames as an MP4, H.264 with 4:2:0 colours, one frame in memory at a time.

    A side of odd length is made even by repeating its last row or column. When something goes
    wrong, no file is left behind, and one that was there is as it was.

    Args:
        path: Where to write.
        frames: `(H, W, 3)` uint8 RGB, all of one size.
        rate: Frames per second.
        times: When each frame is shown, in seconds, increasing; None shows them evenly.

    Raises:
        ConfigurationError: The rate is not above 0, or the file cannot be written.
        InputError: No frames, frames of other shapes or several sizes, times that do not increase.
        MissingDependencyError: PyAV is not installed.
    """
    target = Path(path)
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        # Opened by Python first, whose errors name the reason.
        with open(unfinished, "wb"):
            pass
        _encode(unfinished, frames, rate, times)
        os.replace(unfinished, target)
    except OSError as error:
        raise ConfigurationError(
            f"expected a path that can be written; {str(target)!r} cannot: {error.strerror}"
        ) from error
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()


def _encode(
    path: Path, frames: Iterable[Pixels], rate: float, times: Iterable[float] | None
) -> None:
    if not 0 < rate <= _UNITS:
        raise ConfigurationError(f"expected a rate of frames per second above 0; got {rate}")
    av = pyav("Writing a video")
    moments = None if times is None else iter(times)
    stream, size, last = None, (0, 0), -1
    with av.open(f"file:{path}", "w", format="mp4", container_options=_FRONT) as container:
        for number, pixels in enumerate(frames):
            _check(pixels, number, size if stream is not None else None)
            if stream is None:
                size = pixels.shape[:2]
                stream = _stream(av, container, size, rate)
            stamp = _stamp(number, rate, moments)
            if stamp <= last:
                raise InputError(
                    f"expected times that increase; that of frame {number} is not after the one "
                    "before"
                )
            last = stamp
            frame = av.VideoFrame.from_ndarray(_even(pixels), format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, _UNITS)
            container.mux(stream.encode(frame))
        if stream is None:
            raise InputError("expected at least one frame to write; got none")
        container.mux(stream.encode(None))


def _stream(av: Any, container: Any, size: tuple[int, int], rate: float) -> Any:
    reasons = []
    for codec in _CODECS:
        try:
            exact = Fraction(rate).limit_denominator(1001)
            options = _OPTIONS if codec == "libx264" else {}
            stream = container.add_stream(codec, rate=exact, options=options)
        except (av.FFmpegError, ValueError) as error:
            reasons.append(f"{codec}: {reason(error)}")
            continue
        stream.height, stream.width = size[0] + size[0] % 2, size[1] + size[1] % 2
        stream.pix_fmt = "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, _UNITS)
        return stream
    raise ConfigurationError(
        f"expected a PyAV that can encode H.264 or MPEG-4; this one cannot ({'; '.join(reasons)}): "
        "install the wheels from PyPI, pip install --force-reinstall av"
    )


def _stamp(number: int, rate: float, moments: Any) -> int:
    if moments is None:
        return round(number * _UNITS / rate)
    moment = next(moments, None)
    if moment is None:
        raise InputError(f"expected a time for each frame; there is none for frame {number}")
    return round(float(moment) * _UNITS)


def _check(pixels: Pixels, number: int, size: tuple[int, int] | None) -> None:
    shape: tuple[int, ...] = getattr(pixels, "shape", ())
    if len(shape) != 3 or shape[2] != 3 or 0 in shape or pixels.dtype != np.uint8:
        raise InputError(
            f"expected frames (H, W, 3) of uint8; frame {number} is "
            f"{type(pixels).__name__} of shape {shape}"
        )
    if size is not None and shape[:2] != size:
        raise InputError(
            f"expected frames of one size; frame {number} has {shape[1]} x {shape[0]} pixels and "
            f"frame 0 has {size[1]} x {size[0]}"
        )


def _even(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    if height % 2 or width % 2:
        pixels = np.pad(pixels, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    return np.ascontiguousarray(pixels)
