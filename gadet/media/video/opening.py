"""Opening containers: as files only, in formats that hold a video themselves."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.video.needs import pyav

__all__ = ["SUFFIXES", "Tape", "damage", "reason", "sniff_video"]

SUFFIXES: Final = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts"),
        *(".mts", ".wmv", ".flv", ".ogv", ".3gp", ".mjpeg", ".mjpg", ".mxf", ".y4m"),
    )
)
"""Endings of files that are taken as videos."""

# Not among them: playlists and other formats that lead to further files or addresses (hls, dash,
# concat, sdp, image2), which a file from elsewhere could use to read what it should not.
_FORMATS: Final = ",".join(
    (
        *("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "asf", "flv", "ogg"),
        *("gif", "mjpeg", "mxf", "yuv4mpegpipe", "h264", "hevc", "m4v", "ivf", "nut", "av1"),
        *("obu", "dv", "wtv", "rm"),
    )
)


@dataclass(frozen=True, eq=False)
class Tape:
    """The bytes of a video file, on disk or in memory.

    Attributes:
        path: Where it lies; None for data in memory.
        data: The data in memory.
        max_pixels: Most pixels of a frame; a decoder refuses a larger one before it makes room.
    """

    path: str | None = None
    data: bytes = field(default=b"", repr=False)
    max_pixels: int = LoadLimits().max_pixels

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """An open container of PyAV, closed afterwards.

        Raises:
            InputError: It cannot be opened.
            MissingDependencyError: PyAV is not installed.
        """
        av = pyav()
        # Options of the container alone: PyAV before 18 crashes where it is to pass them on to the
        # streams of a file that tells them late.
        options = {"format_whitelist": _FORMATS, "protocol_whitelist": "file"}
        # The scheme is said, so that a file called `http:…` or `concat:…` is one.
        source = io.BytesIO(self.data) if self.path is None else f"file:{self.path}"
        try:
            container = av.open(source, container_options=options, metadata_errors="replace")
        except damage() as error:
            raise InputError(
                "expected a video file (MP4, MKV, AVI, MOV, WebM, MPEG, …); this one cannot be "
                f"opened: {reason(error)}. It may be another kind of file, or a recording that was "
                "cut off before its index was written"
            ) from error
        try:
            yield container
        finally:
            container.close()

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.data) if self.path is None else os.path.getsize(self.path)

    def chunks(self, size: int = 1 << 20) -> Iterator[bytes | memoryview]:
        """The bytes of the file, a part at a time."""
        if self.path is None:
            yield memoryview(self.data)
            return
        with open(self.path, "rb") as file:
            while part := file.read(size):
                yield part

    @classmethod
    def at(cls, path: str | os.PathLike[Any], limits: LoadLimits) -> Tape:
        """The file at a path.

        Raises:
            InputError: There is none, or it is no regular file with content.
        """
        place = Path(os.fsdecode(os.fspath(path)))
        shown = str(place)[:300]
        try:
            # A name with a null byte is no path.
            exists = place.exists()
        except (OSError, ValueError) as error:
            raise InputError(f"expected the path of a video; {shown!r} is none: {error}") from error
        if not exists:
            raise InputError(
                f"expected an existing file; there is none at {shown!r} "
                f"(relative paths start at {os.getcwd()!r})"
            )
        if not place.is_file():
            raise InputError(f"expected a file; {shown!r} is not a regular one")
        if not place.stat().st_size:
            raise InputError(f"expected a file with content; {shown!r} is empty (0 bytes)")
        return cls(os.path.abspath(place), max_pixels=limits.max_pixels)


def damage() -> tuple[type[Exception], ...]:
    """What PyAV raises for errors of FFmpeg: its own kind, and kinds of Python."""
    usual = (ValueError, OSError, RuntimeError, EOFError, LookupError, MemoryError)
    return pyav().FFmpegError, *usual


def reason(error: Exception) -> str:
    """An error of FFmpeg in its own words, without the name of the file."""
    return str(getattr(error, "strerror", None) or type(error).__name__)


def sniff_video(head: bytes) -> bool:
    """Whether the first bytes, 32 or more, are those of a container that holds video."""
    if head[4:8] == b"ftyp":
        # Still pictures (AVIF, HEIC) and sound share the container.
        return head[8:12] not in _STILL
    if head[:4] == b"RIFF":
        return head[8:12] == b"AVI "
    if head[4:8] in (b"moov", b"mdat", b"wide") and head[:2] == b"\x00\x00":
        return True
    return head.startswith(_SIGNATURES)


_STILL: Final = (
    *(b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"M4A ", b"M4B "),
)
_SIGNATURES: Final = (
    b"\x1aE\xdf\xa3",  # Matroska and WebM
    b"\x00\x00\x01\xba",  # MPEG program stream
    b"\x00\x00\x01\xb3",  # MPEG video
    b"FLV\x01",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",  # ASF: WMV
    b"YUV4MPEG2 ",
    b"\x06\x0e\x2b\x34",  # MXF
)
