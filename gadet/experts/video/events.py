"""What the video expert finds: an event, with the boxes of what takes part in it over time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from gadet.geometry import Box, Mask

__all__ = ["EventCandidate", "Sight"]


class Sight(NamedTuple):
    """Where an event is seen at one moment.

    Attributes:
        frame: Number of the frame in the clip, from 0.
        seconds: Its time on the clip's own clock.
        box: Native pixels, half-open.
        mask: Native pixels, at the moment at which the box is largest.
    """

    frame: int
    seconds: float
    box: Box
    mask: Mask | None = None


@dataclass(frozen=True)
class EventCandidate:
    """Something in a video that departs from normal for a while: the `Suspect` of videos.

    Attributes:
        start: First frame.
        stop: Frame after the last.
        start_seconds: When the first frame is shown.
        end_seconds: When the last frame is no longer shown.
        track: Where it is, at the frames that were measured, in order.
        peak: The frame at which it departs most.
        score: How suspicious, in [0, 1]; 0.5 is the decision boundary.
        label: A short noun: "fast object", "unusual object", "changed scene", "wrong way", "sudden
            motion", "loitering", "crowd running apart".
        fact: How it differs, in words and numbers.
        when: When and where, to stand behind the fact: "0:12.3–0:15.8, lower left".
        measures: The numbers behind the sentence, by name.
    """

    start: int
    stop: int
    start_seconds: float
    end_seconds: float
    track: tuple[Sight, ...] = field(repr=False)
    peak: int
    score: float
    label: str
    fact: str
    when: str
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def box(self) -> Box | None:
        """The box at the peak, native pixels, half-open; None without a track."""
        sight = self.at(self.peak)
        return None if sight is None else sight.box

    @property
    def sentence(self) -> str:
        """How it differs, when and where."""
        return f"{self.fact}, {self.when}"

    def at(self, frame: int) -> Sight | None:
        """Where it is seen nearest to a frame; None without a track."""
        return min(self.track, key=lambda sight: abs(sight.frame - frame), default=None)
