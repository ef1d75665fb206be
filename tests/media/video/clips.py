"""Test videos, written with PyAV: each frame says which one it is."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT, RATE = 160, 96, 25
Pixels = npt.NDArray[np.uint8]


def picture(number: int, width: int = WIDTH, height: int = HEIGHT) -> Pixels:
    """A ramp of colours that moves, with the frame's number in eight black or white squares."""
    x, y = np.arange(width)[None, :], np.arange(height)[:, None]
    pixels = np.empty((height, width, 3), np.uint8)
    pixels[:, :, 0] = (x + 3 * number) % 256
    pixels[:, :, 1] = (2 * y + number) % 256
    pixels[:, :, 2] = (x + y) % 256
    side = width // 8
    for bit in range(8):
        pixels[:side, bit * side : (bit + 1) * side] = 255 * (number >> bit & 1)
    return pixels


def number_in(pixels: Pixels) -> int:
    """Which frame it is."""
    side = pixels.shape[1] // 8
    centre = pixels[side // 2, side // 2 : 8 * side : side].mean(axis=1)
    return int(((centre > 127) << np.arange(8)).sum())


def write(
    place: Path | io.BytesIO,
    codec: str = "libx264",
    *,
    count: int = 60,
    kind: str | None = None,
    options: dict[str, str] | None = None,
    pixels: str = "yuv420p",
    stamps: Sequence[int] | None = None,
    rotation: int | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    frames: Iterator[Pixels] | None = None,
    sound: bool = False,
    front: bool = False,
) -> Any:
    """Write a video; `stamps` are milliseconds, `front` puts the index before the frames."""
    import av

    target = str(place) if isinstance(place, Path) else place
    first = {"movflags": "+faststart"} if front else {}
    with av.open(target, "w", format=kind, container_options=first) as container:
        stream = container.add_stream(codec, rate=RATE, options=options or {})
        stream.width, stream.height, stream.pix_fmt = *size, pixels
        if stamps is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        if rotation is not None:
            stream.set_display_rotation(rotation)
        if sound:
            _hum(container)
        for number, shown in enumerate(frames or (picture(n, *size) for n in range(count))):
            frame = av.VideoFrame.from_ndarray(shown, format="rgb24")
            if stamps is not None:
                frame.pts, frame.time_base = stamps[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return place


def write_sound(place: Path) -> Path:
    """A file without pictures."""
    import av

    with av.open(str(place), "w") as container:
        _hum(container)
    return place


def _hum(container: Any) -> None:
    import av

    stream = container.add_stream("aac", rate=16_000)
    stream.layout = "mono"
    for number in range(20):
        wave = np.sin(np.arange(1024) * 0.1)[None].astype(np.float32)
        frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16_000, 1024 * number
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def decoded(place: Path) -> list[Pixels]:
    """Every frame up to the end or to damage, by PyAV alone."""
    import av

    frames = []
    with av.open(str(place)) as container, suppress(av.InvalidDataError):
        for frame in container.decode(video=0):
            frames.append(frame.to_ndarray(format="rgb24"))  # noqa: PERF401
    return frames
