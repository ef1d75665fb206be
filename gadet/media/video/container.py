"""Frames of a video file, decoded when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.video.needs import pyav
from gadet.media.video.opening import Tape, damage, reason
from gadet.media.video.packets import PacketIndex
from gadet.media.video.still import Pixels

__all__ = ["ContainerReel", "Converter", "Shown"]

# Decoding so many frames that are not wanted costs about what going to a key frame does.
_WORTH_A_SEEK: Final = 12
# Decoders that leave out frames which no other frame needs, when they are told so.
_SKIPPING: Final = frozenset(("h264", "hevc", "mpeg4", "mpeg2video", "mpeg1video"))
# Starting and joining threads costs more than it gains for smaller frames.
_THREADED: Final = 1280 * 720


@dataclass(frozen=True, eq=False)
class Shown:
    """A decoded frame and the frames that it is shown as.

    Attributes:
        frame: The frame of PyAV.
        first: Its own number.
        stop: The number of the next frame that can be decoded: those in between cannot.
    """

    frame: Any = field(repr=False)
    first: int
    stop: int


@dataclass(frozen=True, eq=False)
class ContainerReel:
    """Frames of a video file.

    Attributes:
        tape: The bytes of the file.
        stream: Number of the video stream among the streams of the file.
        index: When each frame is shown.
        turns: Quarter turns to the left that bring frames upright.
    """

    tape: Tape
    stream: int
    index: PacketIndex
    turns: int = 0

    @property
    def keys(self) -> npt.NDArray[np.int64]:
        """The frames that decoding can start at; none where it can at each."""
        keys = self.index.keys
        return keys if len(keys) < len(self.index) else np.empty(0, np.int64)

    def read(self, wanted: Sequence[int], size: tuple[int, int]) -> Iterator[tuple[int, Pixels]]:
        """Give frames in order; see `Reel`.

        A frame that cannot be decoded is shown as the last one before it that can, as a player
        would.
        """
        with self._opened() as container:
            converted = Converter(size, self.turns)
            for run in self._runs(wanted):
                for number, frame in self._run(container, run):
                    yield number, converted(frame)

    def first_whole(self) -> tuple[int, Any]:
        """The first frame that can be decoded, by number and as PyAV gives it.

        Raises:
            InputError: None can.
        """
        with self._opened() as container:
            found = next(self._decoded(container, 0, range(len(self.index))), None)
        if found is None:
            raise InputError(
                "expected a video whose frames can be decoded; of this one none can: it is corrupt"
            )
        return found

    def count(self) -> int:
        """How many frames decoding everything gives, of a file whose frames can only be counted."""
        with self._opened() as container:
            return sum(1 for _ in self._decoded(container, 0, None))

    def ends_well(self) -> bool:
        """Whether the last frame can be decoded."""
        last = len(self.index) - 1
        # From the last key frame, and if that is not whole from the ones before it.
        with self._opened() as container:
            decoded = self._decoded(container, int(self.index.keys[-1]), [last])
            if any(number == last and not frame.is_corrupt for number, frame in decoded):
                return True
        shown = self._before(last)
        return shown.first == last and not shown.frame.is_corrupt

    def last_decoded(self) -> int:
        """Of the frames that can be decoded the one that comes last in the file.

        Raises:
            InputError: None can.
        """
        shown = self._before(len(self.index) - 1)
        key = int(self.index.keys[max(self.index.key_of(shown.first) - 1, 0)])
        with self._opened() as container:
            there = [number for number, _ in self._decoded(container, key, None)]
        return max((shown.first, *there), key=self.index.places.__getitem__)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        with self.tape.opened() as container:
            context = self._stream_of(container).codec_context
            many = context.width * context.height >= _THREADED
            context.thread_type = "AUTO" if many else "NONE"
            context.options = {"max_pixels": str(self.tape.max_pixels)}
            yield container

    def _stream_of(self, container: Any) -> Any:
        """The video stream, which is not always at the place of its number."""
        found = next((s for s in container.streams.video if s.index == self.stream), None)
        if found is None or found.codec_context is None:
            raise InputError("expected the video that was loaded; its file is another one now")
        return found

    def _runs(self, wanted: Sequence[int]) -> Iterator[Sequence[int]]:
        """Cut what is wanted into stretches, each decoded on from a key frame.

        A stretch goes on as long as the frames in between are fewer than what a seek is worth.
        """
        if isinstance(wanted, range) and wanted.step <= _WORTH_A_SEEK:
            if wanted:
                yield wanted
            return
        keys = self.index.keys
        cuts = [
            number
            for number, (before, due) in enumerate(pairwise(wanted), start=1)
            if keys[self.index.key_of(due)] - before > _WORTH_A_SEEK
        ]
        for start, stop in pairwise([0, *cuts, len(wanted)]):
            if start < stop:
                yield wanted[start:stop]

    def _run(self, container: Any, wanted: Sequence[int]) -> Iterator[tuple[int, Any]]:
        """What is wanted of one stretch."""
        key = int(self.index.keys[self.index.key_of(wanted[0])])
        waiting = iter(wanted)
        due = next(waiting, None)
        shown: Shown | None = None
        for number, frame in self._decoded(container, key, wanted):
            while due is not None and due <= number:
                if due == number:
                    shown = Shown(frame, number, number + 1)
                else:
                    shown = self._stand_in(due, shown)
                yield due, shown.frame
                due = next(waiting, None)
            if due is None:
                return
        while due is not None:
            shown = self._stand_in(due, shown)
            yield due, shown.frame
            due = next(waiting, None)

    def _stand_in(self, due: int, shown: Shown | None) -> Shown:
        """What is shown as a frame that cannot be decoded."""
        return shown if shown is not None and shown.first <= due < shown.stop else self._before(due)

    def _before(self, due: int) -> Shown:
        """The last frame up to `due` that can be decoded.

        It is looked for from the key frame before that of `due`, so that it does not depend on
        what else was read: a file may call a frame a key frame from which only later ones are
        whole.
        """
        before = max(self.index.key_of(due) - 1, 0)
        for key in dict.fromkeys((int(self.index.keys[before]), 0)):
            with self._opened() as container:
                found, stop = None, len(self.index)
                for number, frame in self._decoded(container, key, None):
                    if number > due:
                        stop = number
                        break
                    found = number, frame
                if found is not None:
                    return Shown(found[1], found[0], stop)
        raise InputError(f"expected frame {due} to be decoded; nothing before it can be")

    def _decoded(
        self, container: Any, key: int, wanted: Sequence[int] | None
    ) -> Iterator[tuple[int, Any]]:
        """Decode on from a key frame: numbers, increasing, and frames.

        Args:
            container: What is read.
            key: The frame that decoding starts at.
            wanted: Frames that are needed; others may be left out. None needs all.
        """
        stream = self._stream_of(container)
        context, last = stream.codec_context, -1
        needed = wanted if isinstance(wanted, range) else frozenset(wanted or ())
        skips = bool(needed) and self.index.stamps is not None and context.name in _SKIPPING
        for packet in self._packets(container, stream, key):
            if skips:
                kept = packet.pts is None or self.index.number_of(packet.pts) in needed
                context.skip_frame = "DEFAULT" if kept else "NONREF"
            try:
                frames = packet.decode()
            except damage():
                continue
            for frame in frames:
                number = self._number(frame, last)
                if number is not None and last < number < len(self.index):
                    last = number
                    yield number, frame

    def _number(self, frame: Any, last: int) -> int | None:
        if self.index.stamps is None:
            return last + 1
        return None if frame.pts is None else self.index.number_of(frame.pts)

    def _packets(self, container: Any, stream: Any, key: int) -> Iterator[Any]:
        """The packets from a key frame on, or from an earlier one where there is no going to it."""
        if self.index.stamps is not None:
            position = self.index.key_of(key)
            goal = int(self.index.stamps[key])
            targets = (goal, int(self.index.entries[position]), int(self.index.entries[0]))
            for target in targets if position else ():
                container.seek(target, stream=stream)
                packets = _reading(container.demux(stream))
                first = next((packet for packet in packets if packet.is_keyframe), None)
                if first is not None and first.pts is not None and first.pts <= goal:
                    return chain([first], packets)
            if position or stream.codec_context.is_open:
                container.seek(targets[-1], stream=stream)
        return _reading(container.demux(stream))


class Converter:
    """Turns frames of PyAV into upright RGB of one size."""

    def __init__(self, size: tuple[int, int], turns: int) -> None:
        # One for many frames: it keeps what it prepares for a size and a format.
        self._reformatter = pyav().video.reformatter.VideoReformatter()
        self._size = size[::-1] if turns % 2 else size
        self._turns = turns

    def __call__(self, frame: Any) -> Pixels:
        """The pixels `(H, W, 3)` of a frame, read-only."""
        try:
            pixels = self._rgb(frame)
        except damage():
            pixels = self._as_usual(frame)
        if self._turns:
            pixels = np.ascontiguousarray(np.rot90(pixels, self._turns))
        pixels.flags.writeable = False
        return pixels

    def _as_usual(self, frame: Any) -> Pixels:
        """A frame whose colours are, by its own word, none that can be converted."""
        try:
            return self._rgb(frame, src_colorspace="default", dst_colorspace="default")
        except damage() as error:
            raise InputError(
                f"expected frames of a known kind of colours; these, {frame.format.name}, cannot "
                f"be converted: {reason(error)}"
            ) from error

    def _rgb(self, frame: Any, **colours: str) -> Pixels:
        width, height = self._size
        options = {"format": "rgb24", "interpolation": "AREA", **colours}
        picture = self._reformatter.reformat(frame, width=width, height=height, **options)
        pixels: Pixels = picture.to_ndarray()
        return pixels


def _reading(packets: Iterator[Any]) -> Iterator[Any]:
    """The packets until the file ends or is damaged."""
    try:
        yield from packets
    except damage():
        return
