"""Videos: whatever holds frames in the order of time becomes a `Clip`."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, Final
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import InputError
from gadet.media.array import is_tensor
from gadet.media.base import LoadLimits
from gadet.media.source import Source, is_data_url, is_url
from gadet.media.video.clip import Clip
from gadet.media.video.live import is_endless, is_live_url
from gadet.media.video.loading import load_tape
from gadet.media.video.opening import SUFFIXES, Tape, sniff_video
from gadet.media.video.options import VideoInput
from gadet.media.video.pictures import PictureReel, files_of, npy_frames, npy_shape, window_of
from gadet.media.video.sample import VideoSample
from gadet.report import ItemInfo, Modality

__all__ = ["VideoAdapter"]

_NAME: Final = "video"
_USUAL_RATE: Final = 25.0
_SHARED: Final = frozenset((".ts", ".mts"))  # TypeScript
_LIVE: Final = (
    "rtsp://",
    "rtsps://",
    "rtmp://",
    "rtmps://",
    "rtp://",
    "udp://",
    "srt://",
    "mms://",
)
_ENDLESS: Final = (
    "expected a video that ends; got {what}, which may have no end: give it to "
    "detector.watch(source), or give a list of its frames"
)


class VideoAdapter:
    """Reads videos.

    Taken as videos without being told: a path or URL with one of the endings in `SUFFIXES`, a
    `data:video/…` URL, bytes and file objects that start like a container of video, an array
    `(T, H, W, C)` (also in an `.npy` file) or tensor `(T, C, H, W)` with 1, 3 or 4 channels, and a
    list or tuple of arrays, tensors or PIL images. A folder of pictures, a list of their paths, an
    array `(T, H, W)` and a GIF are videos only in a `VideoInput`. It keeps nothing, so one adapter
    serves all threads.
    """

    modality: Modality = "video"

    def accepts(self, item: Any) -> bool:
        """Whether the item is a video: by its type, ending, first bytes or shape."""
        if isinstance(item, VideoInput):
            return True
        if isinstance(item, str) and is_data_url(item):
            return item[5:].lower().lstrip().startswith("video/")
        if isinstance(item, str | os.PathLike):
            return _path_looks_like_video(os.fsdecode(os.fspath(item)))
        if isinstance(item, bytes | bytearray | memoryview):
            return sniff_video(bytes(item[:64]))
        if isinstance(item, np.ndarray) or is_tensor(item):
            return _shape_looks_like_frames(item)
        if isinstance(item, list | tuple):
            return bool(item) and all(map(_is_frame, item[:2]))
        if callable(getattr(item, "read", None)):
            return _file_looks_like_video(item)
        return is_endless(item)

    def load(self, item: Any, limits: LoadLimits | None = None) -> VideoSample:
        """Look the item over; frames are read when they are asked for.

        Args:
            item: Anything the adapter takes.
            limits: The bounds; None takes the defaults. `max_bytes` holds for what is kept in
                memory: bytes, file objects and downloads. A file on disk is read a part at a time.

        Raises:
            InputError: It cannot be read as a video, has no end, or is over the limits.
            MissingDependencyError: It is a video file and PyAV is not installed.
        """
        limits = limits or LoadLimits()
        options = item if isinstance(item, VideoInput) else VideoInput(item)
        item = options.item
        if is_live_url(item):
            raise InputError(_ENDLESS.format(what="the address of a stream"))
        if is_endless(item):
            raise InputError(_ENDLESS.format(what=f"an iterator ({type(item).__name__})"))
        if isinstance(item, str | os.PathLike) and os.path.isdir(item):
            path = os.fsdecode(os.fspath(item))
            return _of_pictures(files_of(path), options, limits, Path(path).name, path)
        if isinstance(item, str | os.PathLike) and npy_shape(item):
            path = os.fsdecode(os.fspath(item))
            return _of_pictures(npy_frames(path), options, limits, Path(path).name, path)
        if isinstance(item, list | tuple | np.ndarray) or is_tensor(item):
            return _of_pictures(item, options, limits, _NAME, None)
        return _of_file(options, limits)


def _of_file(options: VideoInput, limits: LoadLimits) -> VideoSample:
    item = options.item
    if options.window is not None:
        raise InputError("expected frames as arrays for window=…; got a file: leave it out")
    if isinstance(item, str | os.PathLike) and not _is_remote(item):
        origin: str | None = os.fsdecode(os.fspath(item))
        tape, name = Tape.at(item, limits), PurePath(item).name
    else:
        source = Source.read(item, limits)
        # Data in memory has no name of its own.
        tape, origin = Tape(data=source.data, max_pixels=limits.max_pixels), source.origin
        name = source.name if origin else _NAME
    try:
        loaded = load_tape(tape, limits)
    except InputError as error:
        raise InputError(f"{origin}: {error}") if origin else error from error
    digest = hashlib.sha256()
    for part in tape.chunks():
        digest.update(part)
    clip = Clip(loaded.reel, loaded.size, loaded.index.times, lasting=loaded.index.lasting)
    info = _info(name or _NAME, origin, digest.hexdigest(), clip.size, list(loaded.notes))
    return _sample(clip, info, options, stated=True)


def _of_pictures(
    items: Any, options: VideoInput, limits: LoadLimits, name: str, source: str | None
) -> VideoSample:
    if is_tensor(items):
        items = list(items)
    if not len(items):
        raise InputError("expected at least one frame; got none")
    if len(items) > limits.max_frames:
        raise InputError(
            f"expected at most {limits.max_frames:,} frames; got {len(items):,}: give fewer, or "
            "raise LoadLimits(max_frames=…)"
        )
    window, notes = (options.window, []) if options.window else window_of(items)
    reel = PictureReel(items, limits, window)
    size, digest = reel.checked()
    times = np.arange(len(items)) / _USUAL_RATE
    clip = Clip(reel, size, times, lasting=1 / _USUAL_RATE)
    return _sample(clip, _info(name, source, digest, size, notes), options, stated=False)


def _info(
    name: str, source: str | None, digest: str, size: tuple[int, int], notes: list[str]
) -> ItemInfo:
    return ItemInfo(
        name=name, source=source, modality="video", sha256=digest, size=size, notes=tuple(notes)
    )


def _sample(clip: Clip, info: ItemInfo, options: VideoInput, *, stated: bool) -> VideoSample:
    """The sample, with the caller's times and cut."""
    notes: list[str] = []
    if options.rate is not None:
        times = np.arange(len(clip)) / float(options.rate)
        clip = replace(clip, times=times, lasting=1 / float(options.rate))
        notes.append(f"{options.rate:g} frames per second, as given")
    elif options.timestamps is not None:
        clip = _timed(clip, np.array(options.timestamps))
        notes.append("times of the frames as given")
    elif not stated:
        notes.append(
            f"no rate was given: {_USUAL_RATE:g} frames per second assumed; say it with "
            "VideoInput(item, rate=…)"
        )
    if options.start is not None or options.end is not None:
        clip = _cut(clip, options.start or 0.0, options.end)
        notes.append(f"cut from {clip.stamp(0)} to {clip.stamp(len(clip) - 1)}")
    clip.times.flags.writeable = False
    info = info.model_copy(update={"notes": (*info.notes, *notes)})
    return VideoSample(info, clip, options.normal_until)


def _timed(clip: Clip, times: npt.NDArray[np.float64]) -> Clip:
    if len(times) != len(clip):
        raise InputError(
            f"expected a timestamp for each of the {len(clip):,} frames; got {len(times):,}"
        )
    steps = np.diff(times)
    return replace(clip, times=times, lasting=float(np.median(steps)) if len(steps) else 0.04)


def _cut(clip: Clip, start: float, end: float | None) -> Clip:
    first = int(np.searchsorted(clip.times, start - 1e-9))
    stop = len(clip) if end is None else int(np.searchsorted(clip.times, end - 1e-9))
    if first >= stop:
        raise InputError(
            f"expected frames between start={start:g} and end={end}; this video has frames from "
            f"{clip.start:.3f} to {float(clip.times[-1]):.3f} seconds"
        )
    return replace(clip, times=clip.times[first:stop].copy(), first=clip.first + first)


def _is_remote(item: Any) -> bool:
    return isinstance(item, str) and (is_url(item) or is_data_url(item))


def _path_looks_like_video(text: str) -> bool:
    if is_data_url(text):
        return False
    if is_live_url(text):
        return True
    try:
        suffix = PurePath(urlsplit(text).path if is_url(text) else text).suffix.lower()
    except ValueError:
        return False
    if suffix == ".npy" and not is_url(text):
        return len(npy_shape(text) or ()) == 4
    return suffix in SUFFIXES and (suffix not in _SHARED or is_url(text) or _is_stream(text))


def _is_stream(path: str) -> bool:
    """Whether a file with an ending that source code has too is an MPEG transport stream."""
    try:
        with open(path, "rb") as file:
            head = file.read(5)
    except FileNotFoundError:
        return True  # loading says that it is missing
    except (OSError, ValueError):
        return False
    # Packets begin with this byte, on some discs after four others.
    return b"G" in (head[:1], head[4:5])


def _file_looks_like_video(file: Any) -> bool:
    try:
        if not file.seekable():
            return False
        position = file.tell()
        try:
            head = file.read(64)
        finally:
            file.seek(position)
    except (AttributeError, OSError, ValueError):
        return False
    return isinstance(head, bytes) and sniff_video(head)


def _shape_looks_like_frames(item: Any) -> bool:
    try:
        shape = tuple(int(side) for side in item.shape)
    except (AttributeError, TypeError):
        return False
    if len(shape) != 4:
        return False
    if isinstance(item, np.ndarray):
        return item.dtype.kind in "buif" and shape[3] in (1, 3, 4)
    return shape[1] in (1, 3, 4) or shape[3] in (1, 3, 4)


def _is_frame(item: Any) -> bool:
    if isinstance(item, Image.Image):
        return True
    if isinstance(item, np.ndarray) or is_tensor(item):
        return len(getattr(item, "shape", ())) in (2, 3)
    return False
