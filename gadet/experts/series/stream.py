"""A series as it arrives: scores without a look ahead, in bounded memory."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError, InputError
from gadet.experts.series.combine import BOUNDARY, LOUDEST, to_scores
from gadet.experts.series.period import find_period
from gadet.experts.series.rolling import windows
from gadet.experts.series.season import CYCLES
from gadet.experts.series.tails import FINEST, HIGH, MOST
from gadet.experts.series.track import FARTHEST, filled
from gadet.experts.series.window import window_for

__all__ = ["SeriesStream"]

Rows = npt.NDArray[np.float64]

NAMES = ("spike", "level", "spread", "steps", "grain", "high", "low", "flat", "form")
IN_VALUES = {"spike", "level", "high", "low"}
"""The lenses that measure in the units of the values; the others measure logarithms and ratios. No
lens is centred: the middle of what is usual wanders, and what was measured before must still
compare."""
LEAST_MEMORY = 240
"""Fewer rows than this cannot hold a window and what is usual."""
WARM = 4
"""Scores start when the memory is filled to this part of it."""
UNSURE = 0.49
"""The score of rows that come before."""
ASKED = 8
"""Channels that are asked for a period; the one that most share is taken."""
STRIDE = 16
"""The neighbours of the newest window are looked for this many times per window."""
FALL = math.log(0.5 / (1 - HIGH))
"""Nats between the median and the high quantile of a tail."""
FAINT = 0.05
"""Share of the spread below which a change of strength counts no more."""
POINT = 5
"""Rows of the median that the newest value is compared with."""


class _Tail:
    """The last rows of something, oldest first, in one block of memory."""

    def __init__(self, most: int, shape: tuple[int, ...]) -> None:
        self._rows = np.zeros((2 * most, *shape))
        self._most, self._end = most, 0

    def append(self, row: Rows) -> None:
        """Add a row; when the block is full its newer half moves to the front."""
        if self._end == len(self._rows):
            self._rows[: self._most] = self._rows[self._most :]
            self._end = self._most
        self._rows[self._end] = row
        self._end += 1

    def last(self, count: int) -> Rows:
        """The newest `count` rows, or as many as there are."""
        return self._rows[max(0, self._end - min(count, self._most)) : self._end]

    def __len__(self) -> int:
        return min(self._end, self._most)


class _Engine:
    """Measures row after row once the period is known."""

    def __init__(self, channels: int, memory: int, period: int | None) -> None:
        self._period = period
        self._memory = memory
        self.window = window_for(memory, period)
        self._refresh = max(1, self.window // 2)
        self._stride = max(1, self.window // STRIDE)
        self._values = _Tail(memory, (channels,))
        self._rest = _Tail(memory, (channels,))
        self._odd = _Tail(memory, (len(NAMES), channels))
        self._evidence = _Tail(self.window, (channels,))
        self._middle = np.zeros(channels)
        self._spread = np.ones(channels)
        self._usual = np.zeros((len(NAMES), channels))
        self._start = np.zeros((len(NAMES), channels))
        self._scale = np.full((len(NAMES), channels), np.inf)
        self._held = np.ones(channels)
        self._form = np.zeros(channels)
        self._seen = 0

    def step(self, row: Rows) -> Rows:
        """Take in a row `(C,)` and say how surprising the newest rows are, in nats `(C,)`."""
        before = self._values.last(1)
        last = before[-1] if len(before) else np.nan_to_num(row)
        missing = np.isnan(row)
        row = np.where(missing, last, row)
        self._held = np.where(row == last, self._held + 1, 1.0)
        self._values.append(row)
        self._rest.append(row - self._season())
        if self._seen % self._refresh == 0:
            self._learn_scale()
        if self._seen % self._stride == 0:
            self._form = self._unlikeness()
        measured = self._measure()
        self._odd.append(measured)
        if self._seen % self._refresh == 0:
            self._learn_tails()
        self._seen += 1
        nats = np.clip(
            (np.abs(measured - self._usual) - self._start)
            / self._scale
            * math.log(0.5 / (1 - HIGH)),
            0.0,
            MOST,
        )
        nats[:, missing] = 0.0
        self._evidence.append(np.sort(nats, axis=0)[-LOUDEST:].mean(axis=0))
        evidence: Rows = self._evidence.last(max(1, self.window // STRIDE)).mean(axis=0)
        return evidence

    def _season(self) -> Rows:
        """The median of the values one, two, three … periods before the newest."""
        if self._period is None:
            return np.zeros(self._middle.size)
        earlier = self._values.last(self._memory)[:: -self._period][1:]
        if len(earlier) < CYCLES:
            return np.zeros(self._middle.size)
        median: Rows = np.sort(earlier, axis=0)[len(earlier) // 2]
        return median

    def _learn_scale(self) -> None:
        """Middle and spread of what is in memory."""
        values = self._values.last(self._memory)
        self._middle = np.median(values, axis=0)
        spread = 1.4826 * np.median(np.abs(values - self._middle), axis=0)
        whole = values.std(axis=0)
        chosen = np.where(spread > 1e-3 * whole, spread, whole)
        self._spread = np.where(chosen > 0, chosen, 1.0)

    def _learn_tails(self) -> None:
        """The median of each lens and the fall of its tail, from what is in memory."""
        measured = self._odd.last(self._memory)
        self._usual = np.median(measured, axis=0)
        odd = np.abs(measured - self._usual)
        middle, high = np.quantile(odd, [0.5, HIGH], axis=0)
        scale, finest = high - middle, FINEST * self._units()
        # What most rows do not show is judged by the largest that was seen: it is worth as many
        # nats as the largest of so many rows should be.
        rate = FALL / math.log(max(len(odd) / 2, 2.0))
        rare = np.maximum((odd.max(axis=0) - middle) * rate, finest)
        self._start, self._scale = middle, np.where(scale < finest, rare, scale)

    def _units(self) -> Rows:
        """What 1 means to each lens `(L, C)`: a spread of the values, or a logarithm."""
        in_values = np.array([name in IN_VALUES for name in NAMES])[:, None]
        return np.where(in_values, self._spread, 1.0)

    def _measure(self) -> Rows:
        """What the lenses `(L, C)` see in the newest window."""
        reach = FARTHEST * self._spread
        recent = self._values.last(self.window)
        whole = np.minimum(np.maximum(recent, self._middle - reach), self._middle + reach)
        rest = self._rest.last(self.window)
        steps = whole[1:] - whole[:-1] if len(whole) > 1 else np.zeros_like(whole)
        bends = steps[1:] - steps[:-1] if len(steps) > 1 else np.zeros_like(whole)
        near = np.sort(whole[-POINT:], axis=0)
        level = rest.mean(axis=0)
        strengths = np.array(
            [
                np.sqrt(np.maximum((rest**2).mean(axis=0) - level**2, 0.0)),
                np.sqrt((steps**2).mean(axis=0)),
                np.abs(bends).mean(axis=0),
            ]
        )
        spread, steps, grain = np.log(strengths / self._spread + FAINT)
        return np.array(
            [
                np.abs(whole[-1] - near[len(near) // 2]),
                level,
                spread,
                steps,
                grain,
                whole.max(axis=0),
                whole.min(axis=0),
                np.log1p(self._held),
                self._form,
            ]
        )

    def _unlikeness(self) -> Rows:
        """Root mean square difference of the newest window to the nearest earlier one, by channel.

        The window is thinned, so that the search stays short.
        """
        values = self._values.last(self._memory) / self._spread
        width = self.window
        if len(values) < 3 * width:
            return np.zeros(self._middle.size)
        thin = max(1, width // STRIDE)
        kept = values[len(values) % thin :].reshape(-1, thin, values.shape[1]).mean(axis=1)
        points = width // thin
        apart = []
        for channel in range(values.shape[1]):
            rows = windows(kept[:, channel], points)
            earlier, newest = rows[: len(rows) - points], rows[-1]
            apart.append(math.sqrt(float(((earlier - newest) ** 2).mean(axis=1).min())))
        return np.array(apart)


class SeriesStream:
    """Scores a series while it arrives.

    The score of a row depends on it and on earlier rows alone, and never changes. Memory is bounded
    by `memory` rows. An engine of nine of the expert's lenses runs on the newest window; what is
    usual is learned anew every half window from the rows in memory, so that a lasting change
    becomes usual once it fills most of them.

    Args:
        channels: How many channels a row has.
        period: Rows per cycle; without it, it is looked for once, when scores start.
        memory: Rows that are remembered, 240 at least.

    Raises:
        ConfigurationError: An argument is out of range.
    """

    def __init__(self, channels: int = 1, *, period: int | None = None, memory: int = 4000) -> None:
        if channels < 1:
            raise ConfigurationError(f"channels must be 1 at least; got {channels}.")
        if memory < LEAST_MEMORY:
            raise ConfigurationError(
                f"memory must be {LEAST_MEMORY} rows at least, to know what is usual; got {memory}."
            )
        if period is not None and not 2 <= period <= memory // CYCLES:
            raise ConfigurationError(
                f"period must be 2 to a third of the memory, {memory // CYCLES} rows; got {period}."
            )
        self._channels, self._period, self._memory = channels, period, memory
        self._warming: list[Rows] = []
        self._engine: _Engine | None = None

    @property
    def ready(self) -> bool:
        """Whether enough rows came for scores; until then they are 0.49."""
        return self._engine is not None

    @property
    def period(self) -> int | None:
        """Rows per cycle, as given or found; None before it is looked for and without one."""
        return self._period

    def push(self, rows: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Take in a value, a row `(C,)` or rows `(n, C)`.

        Returns:
            A score in [0, 1] for each row, `(n,)`; 0.5 is the decision boundary. What is not
            finite is missing; a row of which everything is missing scores 0.

        Raises:
            InputError: The rows do not have the channels of the stream.
        """
        table = self._table(rows)
        return np.array([self._push(row) for row in table], dtype=np.float32)

    def _table(self, rows: npt.ArrayLike) -> Rows:
        try:
            table = np.asarray(rows, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"rows of a stream must be numbers; got something else ({error})."
            ) from error
        if table.ndim < 2:
            one = self._channels == 1
            table = table.reshape(-1, 1) if one else np.atleast_1d(table)[None, :]
        if table.ndim != 2 or table.shape[1] != self._channels:
            raise InputError(
                f"rows of this stream have {self._channels} channels; got shape {table.shape}. "
                "Give (C,) for one row or (n, C) for several."
            )
        return np.where(np.isfinite(table), table, np.nan)

    def _push(self, row: Rows) -> float:
        if self._engine is None:
            self._warming.append(row)
            if len(self._warming) < self._memory // WARM:
                return UNSURE
            self._start()
            return UNSURE
        evidence = self._engine.step(row)
        if np.isnan(row).all():
            return 0.0
        worst = np.maximum(evidence.max(keepdims=True) - math.log(self._channels), 0.0)
        return float(to_scores(worst, BOUNDARY)[0])

    def _start(self) -> None:
        """Look for the period in what came so far, then go through it once more."""
        if self._period is None:
            first = np.array(self._warming)[:, :ASKED]
            found = [find_period(filled(channel)) for channel in first.T]
            periods = [period for period in found if period is not None]
            self._period = max(sorted(set(periods)), key=periods.count) if periods else None
        engine = _Engine(self._channels, self._memory, self._period)
        for row in self._warming:
            engine.step(row)
        self._warming, self._engine = [], engine
