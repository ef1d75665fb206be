"""From the moments in an answer about a video to frames."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from gadet.localize.base import Pointer
from gadet.media.video.clip import Clip
from gadet.media.video.view import VideoView

__all__ = ["frames_of", "frames_shown"]

_NUMBER: Final = r"\d+(?:[.,]\d+)?"
_FRAME = re.compile(r"(?:#|frames?\s*(?:no\.?|number)?\s*#?)\s*(\d+)\b.*", re.IGNORECASE)
_CLOCK = re.compile(rf"(?:(\d+):)?(\d+):({_NUMBER})(?:\s*s(?:ec(?:ond)?s?)?)?")
_WORDS = re.compile(rf"(?:(\d+)\s*h\w*\s*)?(?:(\d+)\s*m(?:in\w*)?\s*)?(?:({_NUMBER})\s*s\w*)?")
_MILLIS = re.compile(rf"({_NUMBER})\s*(?:ms|milliseconds?)", re.IGNORECASE)
_BARE = re.compile(_NUMBER)
_BOTH = re.compile(
    r"(?P<start>.*?\S)\s*(?:\bto\b|\buntil\b|–|—|->|→|(?<=[\d s])-(?=[\d\s#]))\s*(?P<end>\S.*)"
)
_ENDS: Final = {"start": 0.0, "beginning": 0.0, "begin": 0.0, "end": 1.0}
_QUOTED: Final = 40
# Times are written above the frames with one digit or more: so much they may be off.
_ROUNDING: Final = 0.051

Frames = tuple[int, int]


def frames_shown(views: Sequence[VideoView]) -> list[int]:
    """The frames that views show, in the order of time."""
    return sorted({cell.frame for view in views for cell in view.cells})


def frames_of(
    pointer: Pointer, clip: Clip, views: Sequence[VideoView]
) -> tuple[Frames | None, tuple[str, ...]]:
    """The frames from the start of a pointer to its end.

    A moment is seconds (`12.3`, `12.3 s`), a time (`0:12.3`, `1:02:03`, `12 min 3 s`), or the
    number of a frame as it is written above it (`#312`, `frame 312`). A bare number beyond the end
    of the clip is a frame when there is such a frame. A moment that is written above a frame means
    that frame. The end is where it is over, so its frame is left out; one moment alone is the time
    until the next frame that is shown.

    Args:
        pointer: Its `start` and `end`, of which one may be missing.
        clip: The clip.
        views: The pictures that the answer looked at.

    Returns:
        Frames `(start, stop)`, half-open, or None when no moment can be used; and what had to be
        mended, a sentence each.
    """
    shown, notes = frames_shown(views), list[str]()
    read: dict[str, int] = {}
    for name, text in _parts(pointer).items():
        frame = _frame(text, clip, shown, notes)
        if frame is None:
            notes.append(
                f"the {name} {text[:_QUOTED]!r} could not be read: seconds like 12.3, a time like "
                "0:12.3 or a frame like #312 are expected"
            )
        else:
            read[name] = frame
    if not read:
        return None, tuple(notes)
    if "start" not in read:
        notes.append("only the end of a finding could be used: it stands for one moment")
    start, stop = min(read.values()), max(read.values())
    if len(read) == 2 and read["start"] > read["end"]:
        notes.append("the start of a finding lay behind its end: they were swapped")
    if start >= len(clip) or stop < 0:
        ends = f"from {clip.stamp(0)} to {clip.stamp(len(clip) - 1)}"
        said = " to ".join(text[:_QUOTED] for text in _parts(pointer).values())
        return None, (*notes, f"{said} lies outside of the video, which is {ends}")
    if stop > len(clip):
        notes.append("a finding reached beyond the end of the video: it was cut off")
    if stop <= start:
        stop = next((frame for frame in shown if frame > start), start + 1)
    return (max(start, 0), min(max(stop, start + 1), len(clip))), tuple(notes)


def _parts(pointer: Pointer) -> dict[str, str]:
    """The moments by name; a start that names both ends is taken apart."""
    if pointer.start is not None and pointer.end is None:
        both = _BOTH.fullmatch(pointer.start.strip())
        if both:
            return both.groupdict()
    given = {"start": pointer.start, "end": pointer.end}
    return {name: text.strip() for name, text in given.items() if text is not None}


def _frame(text: str, clip: Clip, shown: Sequence[int], notes: list[str]) -> int | None:
    """The frame that a moment means; from 0 up to one beyond the clip, or further off."""
    bare = text.strip().strip("[]()'\"~≈ ").removeprefix("t=").strip()
    if named := _FRAME.fullmatch(bare):
        return int(named[1])
    if bare.casefold() in _ENDS:
        return round(_ENDS[bare.casefold()] * len(clip))
    seconds = _seconds(bare)
    if seconds is None:
        return None
    if seconds > clip.end + _ROUNDING and _BARE.fullmatch(bare) and seconds < len(clip):
        notes.append(f"{bare} lies beyond the end of the video: it was taken for a frame")
        return int(seconds)
    return _nearest(seconds, clip, shown)


def _seconds(text: str) -> float | None:
    """A moment in seconds; None when it cannot be read."""
    if millis := _MILLIS.fullmatch(text):
        return _value(millis[1]) / 1000
    if _BARE.fullmatch(text):
        return _value(text)
    for form in (_CLOCK, _WORDS):
        found = form.fullmatch(text)
        if found and any(found.groups()):
            hours, minutes, seconds = (_value(part) if part else 0.0 for part in found.groups())
            return 3600 * hours + 60 * minutes + seconds
    return None


def _value(text: str) -> float:
    return float(text.replace(",", "."))


def _nearest(seconds: float, clip: Clip, shown: Sequence[int]) -> int:
    """The frame that is shown under a time, else the one that is on at that moment."""
    close = [frame for frame in shown if abs(float(clip.times[frame]) - seconds) < _ROUNDING]
    if close:
        return min(close, key=lambda frame: abs(float(clip.times[frame]) - seconds))
    if seconds >= clip.end - _ROUNDING:
        beyond = seconds > clip.end + _ROUNDING
        return len(clip) + int(beyond)
    return clip.index_of(seconds)
