"""A video as it arrives: scores without a look ahead, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.experts.backbone import Backbone
from gadet.experts.filters import FloatArray
from gadet.experts.video.blobs import Blob, blobs
from gadet.experts.video.events import EventCandidate
from gadet.experts.video.glimpse import Glimpse, Watcher, small_size
from gadet.experts.video.judge import Judge, to_score
from gadet.experts.video.linking import Linker, event_of
from gadet.experts.video.motion import FINE, Motion
from gadet.experts.video.network import network
from gadet.experts.video.normals import LEARNED, RATE, learned, video_of
from gadet.experts.video.scene import Scene
from gadet.media.base import Sample

__all__ = ["VideoStream"]

OPENING = 60
"""Measured frames that are taken as normal when nothing else is known: six seconds."""
PATIENCE = 300.0
"""Seconds after which what lasts becomes usual."""
KEEP_EVERY = 2.0
"""Seconds between frames that are remembered as normal once the opening is over."""
FRESH = 0.4
"""Weight of the newest frame in the score: about four frames are averaged."""
SLACK = 0.9
"""Share of the least time between measured frames that must have passed."""
UNSURE = 0.49
"""The score of frames that come before anything is known."""


class VideoStream:
    """Scores a video while it arrives.

    The score of a frame depends on it and on earlier frames alone, and never changes. Memory does
    not grow. At most ten frames per second are measured; others get the score of the last one.

    With normal videos what is usual is learned from them once. Without, the first sixty measured
    frames are taken as normal and score 0.49; later frames that stay below the boundary are learned
    from too, the latest ten minutes of them, and so is what lasts for five minutes.

    Args:
        normals: Normal videos of the same camera, `VideoSample`s.
        features: Whether to use the image expert's network where it is installed.

    Raises:
        InputError: A sample is no video.
    """

    def __init__(self, normals: Sequence[Sample] = (), *, features: bool = True) -> None:
        """Learn from the normal videos, if there are any."""
        clips = [video_of(one, "a normal sample").clip for one in normals]
        self._backbone: Backbone | None = network() if features else None
        self._small = small_size(clips[0].size) if clips else None
        self._watcher: Watcher | None = None
        self._judge: Judge | None = None
        self._memory: deque[Glimpse] = deque(maxlen=LEARNED)
        self._adapts = not clips
        if clips:
            usual = learned(clips, self._backbone, small_size(clips[0].size))
            self._judge = _judge_of(usual)
        self._linker = Linker()
        self._against = "the references" if clips else "what came before"
        self._frame = -1
        self._measured_at = -np.inf
        self._calm_at = -np.inf
        self._kept_at = -np.inf
        self._unlearned = 0
        self._score = UNSURE if self._judge is None else 0.0
        self._map: FloatArray = np.zeros((1, 1), dtype=np.float32)
        self._places: tuple[Blob, ...] = ()
        self._ended: tuple[EventCandidate, ...] = ()
        self._size = (1, 1)

    @property
    def ready(self) -> bool:
        """Whether enough is known for scores; until then they are 0.49."""
        return self._judge is not None

    @property
    def places(self) -> tuple[Blob, ...]:
        """The places of the last measured frame that depart from normal, the clearest first."""
        return self._places

    @property
    def ended(self) -> tuple[EventCandidate, ...]:
        """Events that were found to be over at the last push; their frames count the pushes."""
        return self._ended

    @property
    def ongoing(self) -> tuple[EventCandidate, ...]:
        """Events that go on, as far as they are known, the highest score first."""
        return self._events(self._linker.ongoing)

    def push(self, seconds: float, pixels: npt.NDArray[np.uint8]) -> tuple[float, FloatArray]:
        """Take in a frame.

        Args:
            seconds: When it was taken, later than the one before.
            pixels: `(H, W, 3)` uint8 RGB.

        Returns:
            A score in [0, 1), 0.5 is the decision boundary, and a map `(h, w)` float32 of scores
            by place, in equal cells over the picture.

        Raises:
            InputError: The pixels are no RGB picture, or the frame is not later than the last.
        """
        pixels = np.asarray(pixels)
        if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
            raise InputError(
                "expected a frame (H, W, 3) of uint8 with at least one pixel; got shape "
                f"{pixels.shape} of {pixels.dtype}"
            )
        self._frame += 1
        self._ended = ()
        if seconds - self._measured_at < SLACK / RATE:
            if seconds <= self._measured_at:
                raise InputError(
                    f"expected a frame later than {self._measured_at:g} s; got one of {seconds:g} s"
                )
            return self._score, self._map
        self._measured_at = seconds
        self._size = (pixels.shape[1], pixels.shape[0])
        if self._watcher is None:
            self._small = self._small or small_size(self._size)
            self._watcher = Watcher(self._backbone, self._small)
        glimpse = self._watcher.look(seconds, pixels)
        if self._judge is None:
            self._open(glimpse)
        else:
            self._take(glimpse, self._judge)
        return self._score, self._map

    def _open(self, glimpse: Glimpse) -> None:
        """Collect what is taken as normal."""
        height, width = (-(-side // FINE) for side in glimpse.shape)
        self._map = np.full((height, width), UNSURE, dtype=np.float32)
        self._memory.append(glimpse)
        if len(self._memory) >= OPENING:
            self._learn()
            self._score, self._calm_at = 0.0, glimpse.seconds

    def _take(self, glimpse: Glimpse, judge: Judge) -> None:
        """Score a frame, follow its places, and remember it where it is usual."""
        judgement = judge.judge(glimpse)
        self._map = to_score(judgement.map)
        self._score += FRESH * (float(to_score(judgement.level)) - self._score)
        self._places = tuple(blobs(self._frame, glimpse, judgement, judge, self._size))
        self._ended = self._events(self._linker.add(glimpse.seconds, self._places))
        if self._score < 0.5:
            self._calm_at = glimpse.seconds
        lasts = glimpse.seconds - self._calm_at >= PATIENCE
        if self._adapts and (self._score < 0.5 or lasts):
            self._remember(glimpse)

    def _remember(self, glimpse: Glimpse) -> None:
        if glimpse.seconds - self._kept_at < KEEP_EVERY:
            return
        self._kept_at = glimpse.seconds
        self._memory.append(glimpse)
        self._unlearned += 1
        if self._unlearned >= len(self._memory) // 2:
            self._learn()

    def _learn(self) -> None:
        self._unlearned = 0
        self._judge = _judge_of([list(self._memory)])

    def _events(self, links: Sequence[Sequence[Blob]]) -> tuple[EventCandidate, ...]:
        found = [
            event_of(
                link,
                self._size,
                (link[-1].frame + 1, link[-1].seconds + 1 / RATE),
                self._against,
            )
            for link in links
        ]
        kept = [one for one in found if one.score >= 0.5]
        return tuple(sorted(kept, key=lambda one: (-one.score, one.start)))


def _judge_of(usual: Sequence[Sequence[Glimpse]]) -> Judge:
    return Judge(Scene([one for part in usual for one in part]), Motion(usual, clean=True))
