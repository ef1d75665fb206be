"""Watching a video while it arrives: a measurement of every frame, a whole look on suspicion.

Every frame is scored without a model and without a look ahead by `gadet.experts.video.VideoStream`.
When a score crosses the boundary an event begins; when enough of it has been seen, the frames in
memory are inspected like any other clip, by the model where there is one.
"""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gadet.errors import ConfigurationError, GadetError
from gadet.media.base import LoadLimits
from gadet.media.video import Still, VideoAdapter, VideoInput
from gadet.media.video.live import live_stills
from gadet.media.video.pictures import resized
from gadet.media.video.still import Pixels
from gadet.report import Report
from gadet.watch.event import Event, Happening, Kind, Stage, Vigil
from gadet.watch.feed import Broken, Feed, Silence
from gadet.watch.source import is_clip

__all__ = ["Scorer", "VideoWatch", "watch_video"]

logger = logging.getLogger("gadet")

# A score rises so many seconds before it reaches the boundary, which are not told to be normal.
_RISING: Final = 1.0
_ENOUGH: Final = 3.0


class Scorer(Protocol):
    """Scores frames one after the other."""

    def push(self, seconds: float, pixels: Pixels) -> tuple[float, Any]:
        """The score of a frame in [0, 1] and where in it."""


@dataclass(frozen=True)
class VideoWatch:
    """How a video is watched.

    Attributes:
        rate: Frames per second that are measured at most.
        fps: Frames per second of an iterator that does not give times; None takes the time at which
            a frame comes.
        quiet: An event has ended when so many seconds were usual.
        judge_after: An event is judged when it has ended or has lasted for so many seconds.
        memory: Seconds that are remembered, which is what an inspection sees.
        memory_rate: Frames per second that are remembered. The expert measures ten.
        side: Longest side of a remembered frame in pixels. Memory is bounded by `memory`,
            `memory_rate` and `side`: the defaults take 240 frames, some 90 MB at 16:9.
        stall_after: Seconds without a frame of a live source after which that is told.
    """

    rate: float = 10.0
    fps: float | None = None
    quiet: float = 2.0
    judge_after: float = 5.0
    memory: float = 24.0
    memory_rate: float = 10.0
    side: int = 480
    stall_after: float = 10.0

    def __post_init__(self) -> None:
        """Refuse what cannot be watched by."""
        for name, value in vars(self).items():
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise ConfigurationError(f"{name} needs a number above 0; got {value!r}")
        for name in ("quiet", "judge_after"):
            if getattr(self, name) >= self.memory:
                raise ConfigurationError(
                    f"{name} needs to be less than the memory of {self.memory:g} seconds; got "
                    f"{getattr(self, name):g}"
                )


def watch_video(
    source: Any,
    inspect: Callable[[VideoInput], Report] | None,
    settings: VideoWatch,
    *,
    limits: LoadLimits | None = None,
    scorer: Scorer | None = None,
) -> Iterator[Event]:
    """Tell the events of a video as they happen.

    Args:
        source: A clip in any form that `VideoAdapter` takes; the address of a stream; an iterator
            of frames, or of pairs of seconds and a frame.
        inspect: Inspects the frames in memory; None judges nothing.
        settings: How it is watched.
        limits: Bounds on what is read.
        scorer: Scores frames; None takes a new `VideoStream`.

    Yields:
        Events; `began` with its first frame, so nothing is held back.

    Raises:
        InputError: The source is none, or a clip cannot be read.
    """
    scorer = scorer or _stream()
    footage = _Footage(settings)
    vigil = Vigil(quiet=settings.quiet, judge_after=settings.judge_after)
    frame, seconds, silent = 0, 0.0, False

    def told(stages: Iterator[tuple[Stage, Happening]]) -> Iterator[Event]:
        for stage, happening in stages:
            if stage != "judge":
                yield _event(happening, stage, settings)
            elif inspect is not None:
                yield _judged(happening, inspect, footage, settings)

    for came in _frames(source, settings, limits):
        if not isinstance(came, Still):
            silent = isinstance(came, Silence)
            yield _of_stream(came, frame, seconds)
            continue
        frame, seconds = came.index, came.seconds
        if silent:
            silent = False
            yield Event(kind="resumed", number=0, start=frame, stop=frame + 1, started=seconds)
        footage.add(came)
        score = float(scorer.push(seconds, came.pixels)[0])
        yield from told(vigil.step(frame, seconds, seconds, score))
    yield from told(vigil.close())


def _stream() -> Scorer:
    from gadet.experts.video import VideoStream

    return VideoStream()


def _frames(
    source: Any, settings: VideoWatch, limits: LoadLimits | None
) -> Iterator[Still | Silence | Broken]:
    """The frames of a source; of one that is live also word of when none comes."""
    if is_clip(source):
        clip = VideoAdapter().load(source, limits).clip
        return clip.scan(rate=min(settings.rate, clip.rate))
    live = live_stills(source, rate=settings.fps, most_rate=settings.rate, limits=limits)
    return iter(Feed(live, settings.stall_after))


class _Footage:
    """The last frames, small and few enough to be kept."""

    def __init__(self, settings: VideoWatch) -> None:
        self._step = 1 / settings.memory_rate
        self._side = settings.side
        most = max(2, round(settings.memory * settings.memory_rate))
        self._kept: deque[tuple[float, Pixels]] = deque(maxlen=most)

    def add(self, still: Still) -> None:
        """Keep a frame when enough time has passed since the one before."""
        if self._kept and still.seconds - self._kept[-1][0] < self._step - 1e-6:
            return
        scale = min(1.0, self._side / max(still.size))
        size = max(1, round(still.size[0] * scale)), max(1, round(still.size[1] * scale))
        self._kept.append((still.seconds, resized(still.pixels, size)))

    def clip(self, since: float) -> VideoInput:
        """What is remembered, on the clock of the stream.

        What came before the event was scored as usual, so it is told to be normal where it is long
        enough to show what is.
        """
        times, frames = zip(*self._kept, strict=True)
        until = since - _RISING
        known = until - times[0] >= _ENOUGH
        return VideoInput(list(frames), timestamps=times, normal_until=until if known else None)


def _judged(
    happening: Happening,
    inspect: Callable[[VideoInput], Report],
    footage: _Footage,
    settings: VideoWatch,
) -> Event:
    """Inspect what is remembered; a failure ends the judgement, never the watching."""
    try:
        report = inspect(footage.clip(happening.since))
        return _event(happening, "judged", settings, report=report)
    except GadetError as error:
        logger.warning("event %d could not be judged: %s", happening.number, error)
        return _event(happening, "judged", settings, problem=str(error))


def _event(happening: Happening, kind: Kind, settings: VideoWatch, **more: Any) -> Event:
    # The last unusual frame lasts until the next one is measured.
    seconds = (round(happening.since, 3), round(happening.until + 1 / settings.rate, 3))
    return happening.told(kind, seconds=seconds, **more)


def _of_stream(came: Silence | Broken, frame: int, seconds: float) -> Event:
    """What is told of the stream itself."""
    silent = isinstance(came, Silence)
    problem = f"no frame for {came.seconds:g} s" if isinstance(came, Silence) else came.problem
    return Event(
        kind="stalled" if silent else "broken",
        number=0,
        start=frame,
        stop=frame + 1,
        started=seconds,
        problem=problem,
    )
