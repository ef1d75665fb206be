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
from typing import Any

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError, GadetError
from gadet.experts.series import SeriesStream
from gadet.media.series import SeriesInput
from gadet.report import Report
from gadet.watch.event import Event, Happening, Stage, Vigil

__all__ = ["Watch", "watch_series"]

logger = logging.getLogger("gadet")


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
    vigil = Vigil(quiet=settings.quiet, judge_after=settings.judge_after, tick=1)
    past = 0
    position = -1

    def told(stages: Iterator[tuple[Stage, Happening]]) -> Iterator[Event]:
        nonlocal past
        for stage, happening in stages:
            if stage != "judge":
                yield happening.told(stage)
            elif inspect is not None:
                yield _judged(happening, inspect, rows, times, names, position, past)
            if stage == "ended":
                past = happening.stop

    for position, entry in enumerate(stream):
        time, row = entry if settings.timed else (None, entry)
        score = float(scorer.push(row)[0])
        rows.append(np.atleast_1d(np.asarray(row, dtype=np.float64)))
        times.append(time)
        yield from told(vigil.step(position, time, position, score))
    yield from told(vigil.close())


def _judged(
    happening: Happening,
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
