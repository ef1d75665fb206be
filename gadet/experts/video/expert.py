"""The video expert: what usually moves through a place, and what does otherwise."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.experts.backbone import Backbone
from gadet.experts.base import Evidence
from gadet.experts.filters import FloatArray
from gadet.experts.video.blobs import Blob, blobs
from gadet.experts.video.camera import View
from gadet.experts.video.events import EventCandidate
from gadet.experts.video.facts import view_notes
from gadet.experts.video.glimpse import small_size
from gadet.experts.video.judge import to_score, together
from gadet.experts.video.linking import Linker, event_of
from gadet.experts.video.network import network
from gadet.experts.video.normals import RATE, glimpses, video_of
from gadet.experts.video.plan import LEAST_FRAMES, Plan, Planner
from gadet.experts.video.smoothing import smoothed
from gadet.media.base import Sample
from gadet.media.video import Clip, VideoSample

__all__ = ["FrameEvidence", "VideoExpert"]

MOST_EVENTS = 50
"""Events that are told, the highest score first."""
UNSURE = 0.49
"""The score of what cannot be judged, and the highest one of what is known to be normal."""
NO_TORCH = (
    "torch or the weights are not installed (pip install 'gadet[local]'): edges and colours were "
    "used instead of patch features"
)


@dataclass(frozen=True, eq=False)
class FrameEvidence:
    """What was measured on one frame.

    Attributes:
        index: Number of the frame in the clip.
        seconds: Its time on the clip's own clock.
        sigmas: Spreads above normal by cue.
        score_map: `(h, w)` float32 in [0, 1), scores by place, in equal cells over the picture.
        view: What the camera did since the frame before.
        blobs: The places that depart from normal, the clearest first.
    """

    index: int
    seconds: float
    sigmas: dict[str, float]
    score_map: FloatArray = field(repr=False)
    blobs: tuple[Blob, ...] = ()
    view: View = View.STILL

    @property
    def score(self) -> float:
        """In [0, 1), not yet smoothed over time; 0.5 is the decision boundary."""
        return float(to_score(together(list(self.sigmas.values()))))


class VideoExpert:
    """Measures videos without a language model and without training.

    Points on whatever moves are followed; their speed, direction and change of speed are compared
    with what is usual at that height of the picture, the looks of the moving parts with those of
    what usually moves, and the looks of the still parts with what was there before. Each cue is
    counted in spreads above frames that are normal. Normal are the references, else the first
    seconds that are known to be, else the opening of the clip; where these are too short to show
    what usually moves, motion is compared with the rest of the clip. One configuration serves all
    clips.

    A frame is held in memory at a time, however long the clip is. Safe to use from several threads;
    the same input gives the same evidence.

    Args:
        features: Whether to use the image expert's network where it is installed.
    """

    name = "video:motion"
    modality = "video"

    def __init__(self, *, features: bool = True) -> None:
        """Nothing is loaded until it is needed."""
        self._features = features
        self._planner: Planner | None = None
        self._lock = threading.Lock()

    def assess(self, sample: Sample, references: Sequence[Sample] = ()) -> Evidence:
        """Measure a video against normal videos of the same camera.

        Args:
            sample: A `VideoSample`.
            references: Normal videos.

        Returns:
            A score for each frame of the clip `(T,)` float32, held from one measured frame to the
            next, and the events as candidates.

        Raises:
            InputError: A sample is no video.
        """
        item, plan = self._plan(sample, references)
        backbone = self._plans.backbone
        notes = (NO_TORCH,) if self._features and backbone is None else ()
        if plan is None:
            return self._unsure(item.clip, notes)
        indices, raw = [], []
        events: list[EventCandidate] = []
        linker = Linker()
        views: dict[View, list[float]] = {View.CUT: [], View.MOVES: []}
        for one in _judged(item.clip, plan, backbone):
            indices.append(one.index)
            raw.append(one.score)
            if one.view in views:
                views[one.view].append(one.seconds)
            places = () if one.index < plan.known else one.blobs
            ended = linker.add(one.seconds, places)
            events = _clearest(events, ended, plan, item.clip)
        events = _clearest(events, linker.finish(), plan, item.clip)
        scores = smoothed(raw, item.clip.times[indices])
        scores[np.asarray(indices) < plan.known] = np.minimum(
            scores[np.asarray(indices) < plan.known], UNSURE
        )
        return Evidence(
            score_map=_held(scores, indices, len(item.clip)),
            score=float(scores.max()),
            candidates=tuple(events),
            facts=_facts(item.clip, len(indices), len(events), plan.against),
            expert=self.name,
            weights_sha256=backbone.sha256 if backbone else None,
            notes=(*notes, *plan.notes, *view_notes(views)),
            compared=item.normal_until is not None,
        )

    def frames(self, sample: Sample, references: Sequence[Sample] = ()) -> Iterator[FrameEvidence]:
        """Measure a video and give each measured frame with its map, one at a time.

        Args:
            sample: A `VideoSample`.
            references: Normal videos.

        Raises:
            InputError: A sample is no video.
        """
        item, plan = self._plan(sample, references)
        if plan is not None:
            yield from _judged(item.clip, plan, self._plans.backbone)

    @property
    def _plans(self) -> Planner:
        """The planner, with the network where it is wanted and can be had."""
        with self._lock:
            if self._planner is None:
                self._planner = Planner(network() if self._features else None)
            return self._planner

    def _plan(
        self, sample: Sample, references: Sequence[Sample]
    ) -> tuple[VideoSample, Plan | None]:
        """The item, and what it is compared with."""
        item = video_of(sample, "the item")
        normals = [
            video_of(one, f"reference {number}") for number, one in enumerate(references, start=1)
        ]
        return item, self._plans.plan(item, normals)

    def _unsure(self, clip: Clip, notes: tuple[str, ...]) -> Evidence:
        """Evidence on what is too short to be judged."""
        return Evidence(
            score_map=np.full(len(clip), UNSURE, dtype=np.float32),
            score=UNSURE,
            expert=self.name,
            notes=(
                *notes,
                f"too short to judge without references: {LEAST_FRAMES} measured frames are needed",
            ),
        )


def _judged(clip: Clip, plan: Plan, backbone: Backbone | None) -> Iterator[FrameEvidence]:
    """Go through a clip once."""
    for index, glimpse in plan.measured or glimpses(clip, backbone, small_size(clip.size)):
        judgement = plan.judge.judge(glimpse)
        yield FrameEvidence(
            index,
            glimpse.seconds,
            judgement.sigmas,
            to_score(judgement.map),
            tuple(blobs(index, glimpse, judgement, plan.judge, clip.size)),
            glimpse.view,
        )


def _clearest(
    events: list[EventCandidate], ended: Sequence[list[Blob]], plan: Plan, clip: Clip
) -> list[EventCandidate]:
    """The events that reach the boundary, with new ones, the highest score first."""
    if not ended:
        return events
    new = [event_of(link, clip.size, _until(link[-1], clip), plan.against) for link in ended]
    kept = [one for one in (*events, *new) if one.score >= 0.5]
    return sorted(kept, key=lambda one: (-one.score, one.start))[:MOST_EVENTS]


def _until(last: Blob, clip: Clip) -> tuple[int, float]:
    """The frame after those for which a place stands, and when that is shown."""
    stop = last.frame + max(1, round(clip.rate / RATE))
    return (stop, float(clip.times[stop])) if stop < len(clip) else (len(clip), clip.end)


def _held(
    scores: npt.NDArray[np.float32], indices: Sequence[int], count: int
) -> npt.NDArray[np.float32]:
    """Scores of all frames `(count,)`: each has that of the measured frame at or before it."""
    at = np.searchsorted(np.asarray(indices), np.arange(count), side="right") - 1
    held: npt.NDArray[np.float32] = scores[np.maximum(at, 0)].astype(np.float32)
    return held


def _facts(clip: Clip, measured: int, events: int, against: str) -> tuple[str, ...]:
    """What was measured about the video as a whole."""
    count = {0: "No event departs", 1: "One event departs"}.get(events, f"{events} events depart")
    return (
        f"{measured} of {len(clip)} frames were measured over {clip.duration:.1f} s.",
        f"{count} from {against}.",
    )
