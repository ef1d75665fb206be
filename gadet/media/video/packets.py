"""A `PacketIndex`: when each frame of a file is shown, found without decoding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.video.opening import damage, reason

__all__ = ["PacketIndex", "index_of_packets"]

Longs = npt.NDArray[np.int64]

_USUAL_RATE: Final = 25.0
_NEVER: Final = np.iinfo(np.int64).min
_FEW: Final = 0.1


@dataclass(frozen=True, eq=False)
class PacketIndex:
    """The frames of a file in the order in which they are shown.

    Attributes:
        stamps: int64 `(T,)`, increasing: the timestamps by which decoded frames are recognised, in
            units of the stream; None where frames can only be counted.
        times: float64 `(T,)` seconds from the first frame, strictly increasing.
        keys: int64, increasing: the frames that decoding can start at; 0 is always one.
        entries: int64, as many: the timestamps at which these are decoded.
        places: int64 `(T,)`: which packet of the file each frame is in.
        lasting: Seconds for which the last frame is shown.
        notes: What was repaired.
        early: Whether the file ends before its header says so.
    """

    stamps: Longs | None
    times: npt.NDArray[np.float64]
    keys: Longs
    entries: Longs
    places: Longs
    lasting: float
    notes: tuple[str, ...] = ()
    early: bool = False

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.times)

    def key_of(self, frame: int) -> int:
        """Which of the keys a frame is decoded from."""
        return int(np.searchsorted(self.keys, frame, "right")) - 1

    def number_of(self, stamp: int) -> int | None:
        """The frame that is shown at a timestamp; None when there is none."""
        assert self.stamps is not None
        number = int(np.searchsorted(self.stamps, stamp))
        return number if number < len(self) and self.stamps[number] == stamp else None

    def cut(self, first: int, stop: int, note: str) -> PacketIndex:
        """The index of the frames from `first` to before `stop`, whose times start at 0."""
        kept = (self.keys > first) & (self.keys < stop)
        start = self.key_of(first)
        return replace(
            self,
            stamps=None if self.stamps is None else self.stamps[first:stop],
            times=self.times[first:stop] - self.times[first],
            keys=np.append(0, self.keys[kept] - first),
            entries=np.append(self.entries[start], self.entries[kept]),
            places=self.places[first:stop],
            notes=(*self.notes, note),
        )

    def holding(self, count: int) -> PacketIndex:
        """The index of a file whose packets were found to hold so many frames, at most one each.

        A few less are missing at its end. Many less mean that a packet is not a frame, half of an
        interlaced one for example: then the frames are spread evenly over the time.
        """
        left = len(self) - count
        if left <= _FEW * len(self):
            return self.cut(0, count, f"{left:,} frames that cannot be decoded left out")
        lasting = float(self.times[-1] + self.lasting) / count
        note = f"{len(self):,} packets hold {count:,} frames: these are spread evenly over the time"
        return replace(
            self.cut(0, count, note),
            times=np.arange(count, dtype=np.float64) * lasting,
            lasting=lasting,
        )

    def before_packet_of(self, frame: int) -> int:
        """How many frames from the first on lie wholly before the packet of a frame."""
        return int(np.flatnonzero(self.places >= self.places[frame])[0])

    def unseekable(self) -> PacketIndex:
        """The same, decoded from the start always."""
        return replace(self, keys=self.keys[:1], entries=self.entries[:1])


def index_of_packets(container: Any, stream: Any, most: int) -> PacketIndex:
    """Read the timestamps of all packets of a stream.

    Args:
        container: An open container of PyAV.
        stream: Its video stream.
        most: Most frames that are allowed.

    Raises:
        InputError: There are no frames, or more than allowed.
    """
    shown, order, starts, broken = _packets(container, stream, most)
    if not shown:
        raise InputError(
            "expected a video with frames; this one holds none that is whole: it is cut off after "
            "its header"
        )
    stamps, decoding = np.array(shown, np.int64), np.array(order, np.int64)
    early = [*broken, *_early_frames(stream, len(stamps))]
    unit, step = float(stream.time_base or 0.0), _step(stream)
    key = np.array(starts, bool)
    missing = int((stamps == _NEVER).sum())
    if missing or unit <= 0 or _is_guessed(container, stream, stamps):
        return _counted(decoding, unit, step, missing or len(stamps), early)
    entries = np.where(decoding == _NEVER, stamps, np.minimum(decoding, stamps))
    stamps, ranks, again = _in_order(stamps)
    twice = [f"{again:,} frames with the timestamp of another left out"] if again else []
    times = (stamps - stamps[0]) * unit
    lasting = float(np.median(np.diff(times[-50:]))) if len(times) > 1 else step
    # Decoding starts at the first packet, whatever it says of itself.
    keys = np.union1d([0], np.flatnonzero(key[ranks]))
    early = early or _early_seconds(container, float(times[-1]), lasting)
    return PacketIndex(
        stamps,
        times,
        keys,
        entries[ranks][keys],
        ranks,
        lasting,
        notes=(*early, *twice),
        early=bool(early),
    )


def _early_frames(stream: Any, there: int) -> list[str]:
    """A note when the header announces more frames than there are."""
    announced = int(stream.frames or 0)
    if announced <= there + 1:
        return []
    return [f"the file ends early: its header announces {announced:,} frames, {there:,} are there"]


def _early_seconds(container: Any, last: float, lasting: float) -> list[str]:
    """A note when the header announces a longer video than there is."""
    # Of other formats FFmpeg estimates the duration from what is there, and with several streams it
    # may be that of another one.
    stated = container.format.name.startswith("matroska") and len(container.streams) == 1
    announced = float(container.duration or 0) / 1e6 if stated else 0.0
    if announced <= last + max(5 * lasting, 0.1):
        return []
    there = f"{last + lasting:.1f} are there"
    return [f"the file ends early: its header announces {announced:.1f} seconds, {there}"]


def _in_order(stamps: Longs) -> tuple[Longs, npt.NDArray[np.intp], int]:
    """The different timestamps in order, the packet of each, and how many came again."""
    found, ranks = np.unique(stamps, return_index=True)
    return found, ranks, len(stamps) - len(found)


def _packets(
    container: Any, stream: Any, most: int
) -> tuple[list[int], list[int], list[bool], list[str]]:
    """Of each packet with a frame to show: when it is shown, when decoded, whether it is a key."""
    shown: list[int] = []
    order: list[int] = []
    keys: list[bool] = []
    hidden = _HIDDEN.get(stream.codec_context.name)
    notes: list[str] = []
    try:
        for packet in container.demux(stream):
            if packet.is_discard or packet.is_corrupt or not packet.size:
                continue
            if hidden is not None and hidden(packet):
                continue
            shown.append(_NEVER if packet.pts is None else packet.pts)
            order.append(_NEVER if packet.dts is None else packet.dts)
            keys.append(bool(packet.is_keyframe))
            if len(shown) > most:
                raise InputError(
                    f"expected at most {most:,} frames; this video has more: cut it with "
                    "VideoInput(item, start=…, end=…) after splitting the file, or raise "
                    "LoadLimits(max_frames=…)"
                )
    except damage() as error:
        # What came before the damage is there.
        notes.append(f"the file is damaged after frame {len(shown) - 1:,} ({reason(error)})")
    return shown, order, keys, notes


def _is_guessed(container: Any, stream: Any, stamps: Longs) -> bool:
    """Whether the times to be shown at are not in the file.

    AVI holds no times. FFmpeg derives them from the order of decoding, which is another one where
    frames refer to later ones; for H.264 and its successors it does not undo that.
    """
    return (
        container.format.name == "avi"
        and stream.codec_context.name in ("h264", "hevc", "vvc")
        and bool(stream.codec_context.has_b_frames)
        and bool((np.diff(stamps) > 0).all())
    )


def _counted(
    decoding: Longs, unit: float, step: float, missing: int, early: list[str]
) -> PacketIndex:
    """The index of a file that does not say when each frame is shown.

    Where every packet says when it is decoded, the frames are shown at these moments in another
    order; otherwise they follow each other at the rate that the file states. Which packet holds
    which frame is not known, so decoding starts at the first one always.
    """
    count = len(decoding)
    if unit > 0 and (decoding != _NEVER).all() and (np.diff(decoding) > 0).all():
        times = (decoding - decoding[0]) * unit
        how = "taken from the order of decoding"
    else:
        times = np.arange(count) * step
        how = f"set by the rate of {1 / step:g} per second"
    untimed = f"{missing:,} of {count:,} frames have no time to be shown at: {how}"
    lasting = float(times[-1] - times[-2]) if count > 1 else step
    start = np.zeros(1, np.int64)
    return PacketIndex(
        stamps=None,
        times=times,
        keys=start,
        entries=start,
        places=np.arange(count),
        lasting=lasting,
        notes=(*early, untimed),
        early=bool(early),
    )


def _step(stream: Any) -> float:
    for rate in (stream.average_rate, stream.guessed_rate):
        if rate:
            return 1.0 / float(rate)
    return 1.0 / _USUAL_RATE


def _hidden_vp8(packet: Any) -> bool:
    """Whether a packet holds a reference that is never shown (RFC 6386, section 9.1)."""
    return packet.size > 0 and not bytes(memoryview(packet)[:1])[0] >> 4 & 1


_HIDDEN: Final = {"vp8": _hidden_vp8, "libvpx": _hidden_vp8}
