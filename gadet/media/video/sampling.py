"""Which frames of a clip to look at: evenly in time, at key frames, where something happens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.video.activity import Activity
from gadet.media.video.clip import Clip, nearest

__all__ = ["adaptive", "by_scene", "key_frames", "uniform"]

Floats = npt.NDArray[np.float64]

# This share of the frames is spread evenly whatever happens, the rest by how much happens: a slow
# anomaly must not be missed between two busy moments.
_EVEN: Final = 0.4


def uniform(clip: Clip, count: int, start: int = 0, stop: int | None = None) -> list[int]:
    """Frames spread evenly in time, in the middles of equal parts.

    Args:
        clip: The frames to choose from.
        count: How many; fewer where there are not so many.
        start: First frame to choose.
        stop: Frame before which to stop; None is the end.

    Raises:
        InputError: A count below 1, or no frames to choose from.
    """
    times = _times(clip, count, start, stop)
    if count >= len(times):
        return list(range(start, start + len(times)))
    end = _end(clip, start + len(times))
    ticks = times[0] + (np.arange(count) + 0.5) * (end - times[0]) / count
    # The frame that is shown at the moment, not the next one.
    chosen = np.searchsorted(times, ticks, "right") - 1
    return _distinct(chosen, len(times), start)


def key_frames(clip: Clip, count: int | None = None) -> list[int]:
    """The frames that can be decoded without others: the cheapest ones to look at.

    Encoders place them where the picture changes, and every few seconds. Of a clip whose pictures
    stand alone (a folder, an array, Motion JPEG) all frames are such, and they are spread evenly.

    Args:
        clip: The frames to choose from.
        count: Most frames, the nearest ones to an even spread; None takes all.
    """
    keys = clip.keys
    if not len(keys):
        return uniform(clip, count or len(clip))
    if count is None or count >= len(keys):
        return [int(key) for key in keys]
    times = clip.times[keys]
    wanted = clip.start + (np.arange(count) + 0.5) * clip.duration / count
    return [int(key) for key in np.unique(keys[nearest(times, wanted)])]


def adaptive(activity: Activity, count: int, start: int = 0, stop: int | None = None) -> list[int]:
    """More frames where something happens.

    Time is weighed by how much the picture changes, and the frames divide the weighed time evenly;
    a part of the weight is the time itself, so that quiet stretches are seen too.

    Args:
        activity: How much changes when.
        count: How many frames; fewer where there are not so many.
        start: First frame to choose.
        stop: Frame before which to stop; None is the end.

    Raises:
        InputError: A count below 1, or no frames to choose from.
    """
    clip = activity.clip
    times = _times(clip, count, start, stop)
    if count >= len(times):
        return list(range(start, start + len(times)))
    end = _end(clip, start + len(times))
    edges, happened = activity.between(float(times[0]), end)
    lasting = np.diff(edges)
    busy = happened.sum()
    even = lasting / lasting.sum()
    weight = _EVEN * even + (1 - _EVEN) * happened / busy if busy > 0 else even
    passed = np.append(0.0, np.cumsum(weight))
    ticks = np.interp((np.arange(count) + 0.5) / count, passed / passed[-1], edges)
    chosen = np.clip(np.searchsorted(times, ticks, "right") - 1, 0, len(times) - 1)
    return _distinct(chosen, len(times), start)


def by_scene(activity: Activity, count: int) -> list[int]:
    """Frames shared out among scenes: at least one of each, more of long and busy ones.

    Where there are more scenes than frames, the longest ones are shown.

    Args:
        activity: How much changes when, and where scenes begin.
        count: How many frames; fewer where there are not so many.

    Raises:
        InputError: A count below 1.
    """
    scenes = activity.scenes
    if count < 1:
        raise InputError(f"expected a count of frames from 1; got {count}")
    if len(scenes) == 1:
        return adaptive(activity, count)
    clip = activity.clip
    lasting = np.array([_end(clip, stop) - clip.times[start] for start, stop in scenes])
    if len(scenes) >= count:
        longest = np.sort(np.argsort(-lasting, kind="stable")[:count])
        return [uniform(clip, 1, *scenes[number])[0] for number in longest.tolist()]
    room = np.array([stop - start for start, stop in scenes])
    shares = 1 + _shared_out(min(count, len(clip)) - len(scenes), lasting, room - 1)
    chosen: list[int] = []
    for (start, stop), share in zip(scenes, shares.tolist(), strict=True):
        chosen += adaptive(activity, share, start, stop)
    return chosen


def _times(clip: Clip, count: int, start: int, stop: int | None) -> Floats:
    stop = len(clip) if stop is None else stop
    if count < 1:
        raise InputError(f"expected a count of frames from 1; got {count}")
    if not 0 <= start < stop <= len(clip):
        raise InputError(
            f"expected 0 <= start < stop <= {len(clip)} frames; got start={start}, stop={stop}"
        )
    return clip.times[start:stop]


def _end(clip: Clip, stop: int) -> float:
    """When the frames before `stop` are no longer shown."""
    return float(clip.times[stop]) if stop < len(clip) else clip.end


def _distinct(chosen: Sequence[int] | npt.NDArray[np.intp], length: int, start: int) -> list[int]:
    """As many different frames: one that is chosen again gives way to the nearest free one."""
    taken = np.zeros(length, bool)
    for number in np.asarray(chosen).tolist():
        free = number
        if taken[number]:
            left = np.flatnonzero(~taken)
            free = int(left[np.argmin(np.abs(left - number))])
        taken[free] = True
    return [start + int(number) for number in np.flatnonzero(taken)]


def _shared_out(count: int, weights: Floats, room: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Whole parts of `count` in proportion to weights, none larger than there is room for."""
    parts = np.zeros(len(weights), np.intp)
    while count > parts.sum():
        # What did not fit goes to those that have room left.
        open_ = np.where(parts < room, weights, 0.0)
        exact = (count - parts.sum()) * open_ / open_.sum()
        more = np.floor(exact).astype(np.intp)
        most = np.argsort(-(exact - more), kind="stable")
        more[most[: count - int(parts.sum() + more.sum())]] += 1
        parts = np.minimum(parts + more, room)
    return parts
