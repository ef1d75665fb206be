"""Watching a time series while it arrives: a cheap look at every row, a whole one on suspicion.

Every row is scored at once by `gadet.experts.series.SeriesStream`, without a look ahead and within
bounded memory. When a score crosses the boundary an event begins; when enough of it has been seen,
the rows in memory are inspected like any other item, by the model where there is one.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from gadet.errors import ConfigurationError, GadetError
from gadet.experts.series import SeriesStream
from gadet.findings import Count, Finding, Record, SpanRegion, Unit
from gadet.media.series import SeriesInput
from gadet.report import Report

__all__ = ["Event", "Watch", "watch_series"]

logger = logging.getLogger("gadet")

BOUNDARY = 0.5


class Event(Record):
    """Something unusual in a watched stream, told when it begins, is judged, and ends.

    Attributes:
        kind: `began` at its first unusual row; `judged` once enough of it was seen to be inspected;
            `ended` when the stream has been quiet again.
        number: Number of the event, from 1; the same in all that is told of it.
        start: Row it began at, counted from the first row of the stream.
        stop: Row after the last unusual one so far.
        started: The time of its first row, as it came with the row.
        score: The highest score of its rows so far, in [0, 1].
        report: What the inspection of the rows in memory said; only with `judged`. Its rows count
            from `first_row`.
        first_row: The row of the stream that is row 0 of the report; only with `judged`.
        problem: Why there is no report although the event was to be judged.
    """

    kind: Literal["began", "judged", "ended"]
    number: Annotated[int, Field(gt=0)]
    start: Count
    stop: Count
    started: Any = None
    score: Unit
    report: Report | None = None
    first_row: Count | None = None
    problem: str | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of the report that lie in the event; others are of older rows in memory."""
        if self.report is None or self.first_row is None:
            return ()
        first, last = self.start - self.first_row, self.stop - self.first_row
        return tuple(
            finding
            for finding in self.report.findings
            if isinstance(finding.region, SpanRegion)
            and finding.region.interval.start < last
            and finding.region.interval.end > first
        )


@dataclass(frozen=True)
class Watch:
    """How a stream is watched.

    Attributes:
        channels: Names of the channels of a row; None for a stream of single numbers.
        period: Rows of a cycle; None looks for it.
        memory: Rows that are remembered; bounds memory and what an inspection sees.
        quiet: An event has ended when so many rows in a row were usual.
        judge_after: An event is judged when it has ended or has lasted for so many rows.
        timed: Whether each entry is a pair `(time, row)`.
    """

    channels: Sequence[str] | None = None
    period: int | None = None
    memory: int = 4000
    quiet: int = 50
    judge_after: int = 200
    timed: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be watched by."""
        for name in ("quiet", "judge_after"):
            if not 1 <= getattr(self, name) < self.memory:
                raise ConfigurationError(
                    f"{name} needs to be 1 to less than the memory of {self.memory} rows; got "
                    f"{getattr(self, name)}"
                )


@dataclass
class _Open:
    """An event that has not ended."""

    number: int
    start: int
    stop: int
    started: Any
    score: float
    judged: bool = False

    def told(self, kind: Literal["began", "judged", "ended"], **more: Any) -> Event:
        return Event(
            kind=kind,
            number=self.number,
            start=self.start,
            stop=self.stop,
            started=self.started,
            score=self.score,
            **more,
        )


def watch_series(
    stream: Iterable[Any], inspect: Callable[[SeriesInput], Report] | None, settings: Watch
) -> Iterator[Event]:
    """Tell the events of a stream as they happen.

    Args:
        stream: Numbers, rows of numbers, or pairs `(time, row)` when `timed`.
        inspect: Inspects the rows in memory; None judges nothing.
        settings: How it is watched.

    Yields:
        Events; `began` with its first row, so nothing is held back.

    Raises:
        InputError: An entry is not a row of the stream.
    """
    names = tuple(settings.channels or ("value",))
    scorer = SeriesStream(len(names), period=settings.period, memory=settings.memory)
    rows: deque[npt.NDArray[np.float64]] = deque(maxlen=settings.memory)
    times: deque[Any] = deque(maxlen=settings.memory)
    happening: _Open | None = None
    past = 0
    number = 0
    position = -1
    for position, entry in enumerate(stream):
        time, row = entry if settings.timed else (None, entry)
        score = float(scorer.push(row)[0])
        rows.append(np.atleast_1d(np.asarray(row, dtype=np.float64)))
        times.append(time)
        if score >= BOUNDARY:
            if happening is None:
                number += 1
                happening = _Open(number, position, position + 1, time, score)
                yield happening.told("began")
            happening.stop = position + 1
            happening.score = max(happening.score, score)
        if happening is None:
            continue
        ended = position + 1 - happening.stop >= settings.quiet
        long = position + 1 - happening.start >= settings.judge_after
        if (ended or long) and not happening.judged:
            happening.judged = True
            if inspect is not None:
                yield _judged(happening, inspect, rows, times, names, position, past)
        if ended:
            yield happening.told("ended")
            past = happening.stop
            happening = None
    if happening is not None:
        if not happening.judged and inspect is not None:
            yield _judged(happening, inspect, rows, times, names, position, past)
        yield happening.told("ended")


def _judged(
    happening: _Open,
    inspect: Callable[[SeriesInput], Report],
    rows: deque[npt.NDArray[np.float64]],
    times: deque[Any],
    names: tuple[str, ...],
    position: int,
    past: int,
) -> Event:
    """Inspect the rows in memory; a failure ends the judgement, never the watching.

    Rows of the event before, which ended at `past`, are left out where half of the memory remains:
    a louder event would otherwise hide this one.
    """
    first = position + 1 - len(rows)
    left_out = past - first if 0 < past - first <= len(rows) // 2 else 0
    values = np.stack(list(islice(rows, left_out, None)))
    moments = list(islice(times, left_out, None))
    timed = all(moment is not None for moment in moments)
    item = SeriesInput(values, time=moments if timed else None, channels=names)
    first += left_out
    try:
        report = inspect(item)
    except GadetError as error:
        logger.warning("event %d could not be judged: %s", happening.number, error)
        return happening.told("judged", problem=str(error))
    return happening.told("judged", report=report, first_row=first)
