"""From places in single frames to events: places that follow one another are one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from gadet.experts.video.blobs import Blob
from gadet.experts.video.events import EventCandidate, Sight
from gadet.experts.video.facts import LABELS, fact_of, measures_of, when_words
from gadet.experts.video.judge import to_score

__all__ = ["Linker", "event_of"]

GAP = 0.8
"""Seconds for which a place may be lost and still be found again."""
NEAR = 1.0
"""How far apart, in sides of the larger box, places may lie between two frames."""
LEAST = 3
"""Places in fewer frames than this are no event."""
TYPICAL = 0.75
"""The score of an event is this quantile of its places': one frame does not make it."""


class Linker:
    """Links places of frames that come one after the other."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._open: list[list[Blob]] = []

    def add(self, seconds: float, blobs: Iterable[Blob]) -> list[list[Blob]]:
        """Take in the places of a frame, the clearest first.

        Returns:
            Links that ended: nothing followed for a while.
        """
        ended = [link for link in self._open if seconds - link[-1].seconds > GAP]
        self._open = [link for link in self._open if seconds - link[-1].seconds <= GAP]
        free = list(self._open)
        for blob in blobs:
            near = [(apart, index) for index, link in enumerate(free)
                    if (apart := _apart(link[-1], blob)) <= NEAR]  # fmt: skip
            if near:
                free.pop(min(near)[1]).append(blob)
            else:
                self._open.append([blob])
        return [link for link in ended if len(link) >= LEAST]

    @property
    def ongoing(self) -> list[list[Blob]]:
        """Links that may go on."""
        return [link for link in self._open if len(link) >= LEAST]

    def finish(self) -> list[list[Blob]]:
        """Links that are still open, at the end."""
        ended = self.ongoing
        self._open = []
        return ended


def _apart(before: Blob, after: Blob) -> float:
    """Distance of the middles, less what the motion explains, in sides of the larger box."""
    passed = after.seconds - before.seconds
    (x0, y0), (x1, y1) = before.box.centre, after.box.centre
    x, y = before.heading
    side = max(before.box.width, before.box.height, after.box.width, after.box.height)
    straight = float(np.hypot(x1 - x0, y1 - y0))
    led = float(np.hypot(x1 - x0 - x * passed, y1 - y0 - y * passed))
    return min(straight, led) / max(side, 1.0)


def event_of(
    link: Sequence[Blob], size: tuple[int, int], until: tuple[int, float], against: str
) -> EventCandidate:
    """The event that linked places are.

    Args:
        link: The places, in order.
        size: `(width, height)` of the frames in native pixels.
        until: The frame after its last one, and the time at which that is shown.
        against: What it was compared with.
    """
    peak = max(link, key=lambda blob: blob.sigmas)
    largest = max(link, key=lambda blob: blob.box.area)
    measures = measures_of(link)
    stop, end = until
    score = float(np.quantile(to_score([blob.sigmas for blob in link]), TYPICAL))
    return EventCandidate(
        start=link[0].frame,
        stop=stop,
        start_seconds=link[0].seconds,
        end_seconds=end,
        track=tuple(
            Sight(blob.frame, blob.seconds, blob.box, mask)
            for blob in link
            for mask in (blob.cells.mask(size) if blob is largest else None,)
        ),
        peak=peak.frame,
        score=score,
        label=LABELS[peak.cue],
        fact=fact_of(peak.cue, measures, against),
        when=when_words(link[0].seconds, end, peak.box, size),
        measures=measures,
    )
