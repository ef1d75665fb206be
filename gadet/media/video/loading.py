"""From a video file to a `Clip`: its frames counted, the first and the last of them tried."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.decode import check_pixels
from gadet.media.video.container import ContainerReel
from gadet.media.video.opening import Tape, damage
from gadet.media.video.packets import PacketIndex, index_of_packets

__all__ = ["Loaded", "load_tape"]

# Bits of a stream's disposition (libavformat/avformat.h).
_DEFAULT: Final = 0x1
_COVER: Final = 0x400
_PACKETS: Final = (188, 192, 204)  # bytes of a packet of a transport stream


@dataclass(frozen=True, eq=False)
class Loaded:
    """What a file holds.

    Attributes:
        reel: What its frames are read from.
        size: `(width, height)` of a frame, upright.
        index: When each frame is shown.
        notes: What was done to read it.
    """

    reel: ContainerReel
    size: tuple[int, int]
    index: PacketIndex
    notes: tuple[str, ...]


def load_tape(tape: Tape, limits: LoadLimits) -> Loaded:
    """Look a video file over without decoding more than its two ends.

    Raises:
        InputError: It is no video, has no frames that can be decoded, or is over the limits.
        MissingDependencyError: PyAV is not installed.
    """
    with tape.opened() as container:
        stream = _stream(container)
        context = stream.codec_context
        check_pixels((context.width, context.height), limits, "the header")
        index = index_of_packets(container, stream, limits.max_frames)
        number, aspect = int(stream.index), stream.sample_aspect_ratio
        # Nothing else in such a file says that its last frame is not all there.
        torn = container.format.name == "mpegts" and all(tape.size % n for n in _PACKETS)
    first, frame = ContainerReel(tape, number, index).first_whole()
    if first:
        index = index.cut(
            first, len(index), f"{first:,} frames before the first whole one left out"
        )
    index = _whole(ContainerReel(tape, number, index), torn=torn or index.early)
    size, turns, notes = _upright(frame, aspect)
    check_pixels(size, limits, "the first frame")
    return Loaded(ContainerReel(tape, number, index, turns), size, index, (*index.notes, *notes))


def _whole(reel: ContainerReel, *, torn: bool) -> PacketIndex:
    """The index of the frames before the first one that is damaged at the end of the file.

    Decoders do not tell when only the start of a frame is there. The last one before damage may be
    such a frame, so it is left out, and with it those that are shown after it.
    """
    index = reel.index
    if index.stamps is None:
        count = reel.count()
        return index if count == len(index) else index.holding(count)
    try:
        well = reel.ends_well()
    except damage():
        # There is no going to a place in this file.
        index = index.unseekable()
        reel = replace(reel, index=index)
        well = reel.ends_well()
    if well and not torn:
        return index
    last = int(index.places.argmax()) if well else reel.last_decoded()
    kept = max(index.before_packet_of(last), 1)
    left = f"the last {len(index) - kept:,} frames" if len(index) - kept > 1 else "the last frame"
    return index.cut(0, kept, f"damaged or cut off at the end: {left} left out")


def _stream(container: Any) -> Any:
    # A cover picture of a piece of music is stored as a video stream of one frame.
    streams = [
        stream
        for stream in container.streams.video
        # Of a header that is cut off the stream is there, and nothing that it is decoded by.
        if stream.codec_context is not None and not _disposition(stream) & _COVER
    ]
    if not streams:
        what = "only sound" if container.streams.audio else "nothing that can be decoded"
        raise InputError(f"expected a video; this file holds {what}: give a file with pictures")
    return max(streams, key=lambda s: (_disposition(s) & _DEFAULT, s.width * s.height))


def _disposition(stream: Any) -> int:
    """The bits of a stream's disposition; none where PyAV does not tell them, before 14.1."""
    return int(getattr(getattr(stream, "disposition", None), "value", 0))


def _upright(frame: Any, aspect: Any) -> tuple[tuple[int, int], int, list[str]]:
    """The size of the upright frame, the quarter turns to the left that it takes, and notes."""
    notes = []
    turns = round(frame.rotation / 90) % 4
    size = (frame.width, frame.height)
    if turns:
        notes.append(f"turned by {turns * 90} degrees to the left, as the file says")
        size = size[::-1] if turns % 2 else size
    if aspect and aspect != 1:
        notes.append(f"pixels {float(aspect):.3f} times as wide as high, shown as though square")
    return size, turns, notes
