"""An `Event` of a watched stream, and the `Vigil` that tells when events begin and end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from gadet.findings import Count, Finding, Record, SpanRegion, Unit, VideoRegion
from gadet.report import Report

__all__ = ["BOUNDARY", "Event", "Happening", "Kind", "Stage", "Vigil"]

Kind = Literal["began", "judged", "ended", "stalled", "resumed", "broken"]
Stage = Literal["began", "judge", "ended"]

BOUNDARY: Final = 0.5


class Event(Record):
    """Something unusual in a watched stream, told when it begins, is judged, and ends.

    Attributes:
        kind: `began` at its first unusual entry, a row or a frame; `judged` once enough of it was
            seen to be inspected; `ended` when the stream has been quiet again. Of the stream
            itself, a video: `stalled` when no frame has come for a while, `resumed` when one has,
            `broken` when none will.
        number: Number of the event, from 1; the same in all that is told of it; 0 for what is told
            of the stream itself.
        start: Row or frame it began at, counted from the first of the stream.
        stop: The one after the last unusual one so far.
        started: The time of its first entry, as it came with it; seconds of a video.
        seconds: From when to when on the clock of a video so far.
        score: The highest score of its entries so far, in [0, 1].
        report: What the inspection of what is in memory said; only with `judged`. Rows of a series
            count from `first_row` in it; seconds of a video are those of the stream.
        first_row: The row of the stream that is row 0 of the report; only with `judged`.
        problem: Why there is no report although the event was to be judged, or what is wrong with
            the stream.
    """

    kind: Kind
    number: Count
    start: Count
    stop: Count
    started: Any = None
    seconds: tuple[float, float] | None = None
    score: Unit = 0.0
    report: Report | None = None
    first_row: Count | None = None
    problem: str | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the report that lie in the event; others are of what was before it."""
        if self.report is None:
            return ()
        return tuple(one for one in self.report.findings if self._holds(one))

    def _holds(self, finding: Finding) -> bool:
        region = finding.region
        first, last = self.seconds or (0.0, 0.0)
        if isinstance(region, SpanRegion) and self.first_row is not None:
            first, last = float(self.start - self.first_row), float(self.stop - self.first_row)
        elif not isinstance(region, VideoRegion) or self.seconds is None:
            return False
        return region.interval.start < last and region.interval.end > first


@dataclass
class Happening:
    """An event that has not ended.

    Attributes:
        number: Its number.
        start: The entry it began at.
        stop: The entry after the last unusual one.
        started: The time of its first entry, as it came.
        since: When it began, on the clock of the vigil.
        until: When its last unusual entry was.
        score: The highest score so far.
        judged: Whether it was handed on to be judged.
    """

    number: int
    start: int
    stop: int
    started: Any
    since: float
    until: float
    score: float
    judged: bool = False

    def told(self, kind: Kind, **more: Any) -> Event:
        """What is told of it now."""
        return Event(
            kind=kind,
            number=self.number,
            start=self.start,
            stop=self.stop,
            started=self.started,
            score=self.score,
            **more,
        )


class Vigil:
    """Tells from the scores of entries, one after the other, when events begin and end.

    Args:
        quiet: An event has ended when so much time has passed without an unusual entry.
        judge_after: An event is to be judged when it has ended or has lasted so long.
        tick: How long an entry lasts; time is counted in these units.
    """

    def __init__(self, *, quiet: float, judge_after: float, tick: float = 0.0) -> None:
        self._quiet, self._judge_after, self._tick = quiet, judge_after, tick
        self._number = 0
        self.happening: Happening | None = None

    def step(
        self, position: int, moment: Any, clock: float, score: float
    ) -> Iterator[tuple[Stage, Happening]]:
        """Take in the score of an entry.

        Args:
            position: Number of the entry.
            moment: Its time as it came.
            clock: Its time to count with.
            score: In [0, 1]; 0.5 is the boundary.

        Yields:
            What is to be told or done, and of which event.
        """
        if score >= BOUNDARY:
            if self.happening is None:
                self._number += 1
                self.happening = Happening(
                    self._number, position, position + 1, moment, clock, clock, score
                )
                yield "began", self.happening
            self.happening.stop, self.happening.until = position + 1, clock
            self.happening.score = max(self.happening.score, score)
        now = self.happening
        if now is None:
            return
        ended = clock - now.until >= self._quiet
        long = clock + self._tick - now.since >= self._judge_after
        if (ended or long) and not now.judged:
            now.judged = True
            yield "judge", now
        if ended:
            self.happening = None
            yield "ended", now

    def close(self) -> Iterator[tuple[Stage, Happening]]:
        """What is left to tell when the stream is over."""
        now, self.happening = self.happening, None
        if now is None:
            return
        if not now.judged:
            now.judged = True
            yield "judge", now
        yield "ended", now
