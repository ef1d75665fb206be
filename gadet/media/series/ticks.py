"""Where an axis is labelled, and with what: round numbers, and round times of the wall clock."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gadet.media.series.clock import Clock

__all__ = ["Scale", "Tick", "number_ticks", "row_ticks", "scale_of"]

_NS: Final = 1_000_000_000
_SECONDS: Final = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 7200, 10_800, 21_600, 43_200),
    *(86_400, 172_800, 604_800, 1_209_600),
)
_MONTHS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600)
_DAY: Final = 86_400
_FEWEST_DIGITS: Final = 4


@dataclass(frozen=True)
class Tick:
    """A labelled place on the axis of rows.

    Attributes:
        place: In native x: row `i` covers `i` to `i + 1`, its value stands in the middle.
        label: The upper line.
        below: The lower line, where it differs from the tick before: the date of a time, the year
            of a date.
    """

    place: float
    label: str
    below: str = ""


@dataclass(frozen=True)
class Scale:
    """How the numbers of an axis are written: `(value - offset) / 10 ** power`.

    Attributes:
        power: Power of ten, a multiple of three.
        offset: What is taken off first, where the numbers differ only far behind their first digit.
    """

    power: int = 0
    offset: float = 0.0

    @property
    def words(self) -> str:
        """What the title says about it, or an empty text."""
        parts = [f"×10^{self.power}" if self.power else "", f"plus {self.offset:.12g}"]
        return " ".join(part for part in (parts if self.offset else parts[:1]) if part)


def scale_of(low: float, high: float) -> Scale:
    """The scale on which labels between two values are short."""
    largest = max(abs(low), abs(high))
    span = high / 2 - low / 2
    if largest and span / largest < 0.5 * 10.0**-_FEWEST_DIGITS:
        step = 10.0 ** math.floor(math.log10(span) + 2) if span > 0 else 1.0
        offset = math.floor(low / step) * step
        if math.isfinite(offset):
            return Scale(_power(max(abs(low - offset), abs(high - offset))), offset)
    return Scale(_power(largest))


def number_ticks(low: float, high: float, most: int, scale: Scale) -> list[tuple[float, str]]:
    """About `most` round values within `low` to `high`, two at least, with labels on the scale."""
    unit = 10.0**scale.power
    start, stop = (low - scale.offset) / unit, (high - scale.offset) / unit
    step, first, last = _steps(start, stop, _round_step((stop - start) / most))
    # A step may leave one tick more than wanted, since both ends of the axis may have one.
    while last - first + 1 > most:
        step, first, last = _steps(start, stop, _round_step(step * 1.01))
    # One number alone gives no scale.
    while last == first or last < first:
        step, first, last = _steps(start, stop, _round_step(step * 0.4))
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return [
        (number * step * unit + scale.offset, f"{number * step + 0.0:,.{digits}f}")
        for number in range(first, last + 1)
    ]


def row_ticks(clock: Clock, start: int, stop: int, most: int) -> list[Tick]:
    """At most `most` labelled places in the rows `start` to `stop`.

    Times that are sampled evenly get round times; others get rows that are evenly apart, each with
    its own time, since the axis is even in rows.
    """
    if clock.times is None:
        return _positions(start, stop, most)
    if not clock.steady or (clock.elapsed and clock.step is None):
        return _own_times(clock, start, stop, most)
    first = int(clock.times[start])
    last = int(clock.times[stop - 1])
    span = max(last - first, 1)
    if clock.elapsed:
        step = _round_step(span / _NS / most)
        digits = max(0, -math.floor(math.log10(step) + 1e-9))
        numbers = range(math.ceil(first / _NS / step), math.floor(last / _NS / step) + 1)
        return [
            Tick(clock.place(round(n * step * _NS)) + 0.5, f"{n * step:,.{digits}f}")
            for n in numbers
        ]
    if span < most * _NS:
        return _own_times(clock, start, stop, most)
    return _labelled(clock, list(_round_times(clock, first, last, most)), span // most)


def _positions(start: int, stop: int, most: int) -> list[Tick]:
    step = max(1, round(_round_step((stop - start) / most)))
    return [
        Tick(row + 0.5, f"{row:,}") for row in range(math.ceil(start / step) * step, stop, step)
    ]


def _own_times(clock: Clock, start: int, stop: int, most: int) -> list[Tick]:
    """Rows evenly apart, each with the time it has."""
    assert clock.times is not None
    rows = range(start, stop, max(1, math.ceil((stop - start) / most)))
    if clock.elapsed:
        return [Tick(row + 0.5, clock.label(row).removesuffix(" s")) for row in rows]
    whole = all(int(clock.times[row]) % (60 * _NS) == 0 for row in rows)
    ticks, day = [], ""
    for row in rows:
        time = int(clock.times[row])
        date = f"{clock.local(time):%Y-%m-%d}"
        text = clock.local(time).strftime("%H:%M" if whole else "%H:%M:%S")
        if clock.step is not None and clock.step < _NS:
            text += f".{time % _NS // 1_000_000:03d}"
        ticks.append(Tick(row + 0.5, text, date if date != day else ""))
        day = date
    return ticks


def _round_times(clock: Clock, first: int, last: int, most: int) -> Iterator[tuple[int, datetime]]:
    """Round times of the wall clock between two times."""
    wanted = (last - first) / _NS / most
    seconds = next((step for step in _SECONDS if step >= wanted), None)
    wall = clock.local(first).replace(tzinfo=None)
    if seconds is None:
        wanted_months = wanted / (30.44 * _DAY)
        months = next((step for step in _MONTHS if step >= wanted_months), _MONTHS[-1])
        month = (wall.year * 12 + wall.month - 1) // months * months
        while month // 12 < 2262:
            day = datetime(max(month // 12, 1), month % 12 + 1, 1)
            month += months
            if (time := clock.instant(day)) > last:
                return
            if time >= first:
                yield time, day
        return
    # From a Monday, so that steps of weeks begin with one; any midnight does for the others.
    passed = (wall - datetime(1969, 12, 29)) // timedelta(seconds=seconds)
    wall = datetime(1969, 12, 29) + passed * timedelta(seconds=seconds)
    while (time := clock.instant(wall)) <= last:
        if time >= first:
            yield time, wall
        wall += timedelta(seconds=seconds)


def _labelled(clock: Clock, times: list[tuple[int, datetime]], step: int) -> list[Tick]:
    dates = all(wall.hour == wall.minute == wall.second == 0 for _, wall in times)
    months = dates and all(wall.day == 1 for _, wall in times) and step > 20 * _DAY * _NS
    upper = "%b" if months else "%b %d" if dates else "%H:%M"
    if any(wall.second for _, wall in times):
        upper = "%H:%M:%S"
    lower = "%Y" if dates else "%Y-%m-%d"
    ticks, before = [], ""
    for time, wall in times:
        # English month names, whatever the locale.
        label = _english(wall, upper)
        below = f"{wall:{lower}}"
        ticks.append(Tick(clock.place(time) + 0.5, label, below if below != before else ""))
        before = below
    return ticks


def _english(wall: datetime, form: str) -> str:
    months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    return wall.strftime(form.replace("%b", months[wall.month - 1]))


def _round_step(step: float) -> float:
    """The smallest of 1, 2, 5, 10, … that is not below the step."""
    power = 10.0 ** math.floor(math.log10(step))
    return next((n * power for n in (1, 2, 5) if n * power >= step * (1 - 1e-9)), 10 * power)


def _steps(start: float, stop: float, step: float) -> tuple[float, int, int]:
    """A step, and the first and last multiple of it between two values."""
    return step, math.ceil(start / step - 1e-9), math.floor(stop / step + 1e-9)


def _power(largest: float) -> int:
    if largest == 0 or not math.isfinite(largest):
        return 0
    power = math.floor(math.log10(largest))
    return 0 if -3 <= power < 6 else power // 3 * 3
