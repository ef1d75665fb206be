"""From a `Table` to rows in the order of time: channels chosen, values cleaned, all of it noted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.series.clock import Clock, in_words
from gadet.media.series.column import Column
from gadet.media.series.options import SeriesInput
from gadet.media.series.stamps import NAT, looks_like_time, moment, read_stamps
from gadet.media.series.table import Table

__all__ = ["Arranged", "arrange", "normal_rows"]

Floats = npt.NDArray[np.float64]

_TIME_NAMES: Final = frozenset(
    (
        *("time", "timestamp", "timestamps", "date", "datetime", "date_time", "ds", "t", "ts"),
        *("when", "zeit", "datum", "zeitstempel", "time_stamp", "utc"),
    )
)
_TIME_UNIT = re.compile(r"(?:^|[\s_\[(])(s|sec|seconds|ms|us|µs|ns)[\])]?$")
_FACTORS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
_UNIT_NAMES: Final = {"sec": "s", "seconds": "s", "µs": "us"}
_CENTURY: Final = (631_152_000.0, 4_102_444_800.0)  # 1990 and 2100 in Unix seconds
_SHOWN: Final = 5


@dataclass(frozen=True, eq=False)
class Arranged:
    """What a sample is made of.

    Attributes:
        values: float64 `(T, C)`, NaN is missing.
        clock: When each row is.
        channels: Names of the channels.
        units: Units of the channels, an empty text where none is known.
        notes: What was done.
    """

    values: Floats = field(repr=False)
    clock: Clock
    channels: tuple[str, ...]
    units: tuple[str, ...]
    notes: tuple[str, ...]


def arrange(table: Table, options: SeriesInput) -> Arranged:
    """Bring a table into the order of time.

    Raises:
        InputError: No rows or no channel of numbers, a column that is not there, values or times
            that cannot be read.
    """
    if len(table) == 0:
        raise InputError("expected a series with at least one row; got none")
    notes = list(table.notes)
    time = _time_column(table, options, notes)
    columns = _channels(table, time, options, notes)
    units = tuple(_unit(column, options.units) for column in columns)
    values = np.empty((len(table), len(columns)), np.float64)
    for number, column in enumerate(columns):
        values[:, number] = column.values
    names = tuple(column.name for column in columns)
    clock = Clock(len(values))
    if time is not None:
        values, clock = _in_order(values, _timed(time, options, notes), options, notes)
    _clean(values, names, notes)
    _note_clock(clock, notes)
    return Arranged(values, clock, names, units, tuple(notes))


def _time_column(table: Table, options: SeriesInput, notes: list[str]) -> Column | None:
    if isinstance(options.time, str):
        return _named(table, options.time)
    if options.time is not None:
        return _given(options.time, len(table))
    if table.index is not None and _may_be_time(table.index):
        return table.index
    if table.index is not None:
        notes.append(f"the index {table.index.name!r} holds no times: rows counted by position")
    picked = options.channels or ()
    candidates = [
        column
        for number, column in enumerate(table.columns)
        if column.name not in picked and number not in picked and _may_be_time(column)
    ]
    if not candidates or not table.named:
        return next((column for column in candidates if column.kind != "number"), None)
    by_name = [column for column in candidates if _is_time_name(column.name)]
    chosen = (by_name or candidates)[0]
    others = [column.name for column in candidates if column is not chosen]
    if others:
        notes.append(f"time taken from {chosen.name!r}, not from {_listed(others)}")
    return chosen


def _named(table: Table, name: str) -> Column:
    for column in (*table.columns, *([table.index] if table.index else [])):
        if column.name == name:
            return column
    names = _listed([column.name for column in table.columns])
    raise InputError(f"expected time to be a column, one of {names}; got {name!r}")


def _given(time: Any, rows: int) -> Column:
    """Times that the caller gave beside the values."""
    try:
        values: Any = time if isinstance(time, np.ndarray) else np.asarray(time)
        values = values if values.dtype.kind in "biufmMO" else list(time)
    except (TypeError, ValueError) as error:
        raise InputError(
            "expected time to be the name of a column, or a time for each row; got "
            f"{type(time).__name__}"
        ) from error
    zone = getattr(time, "tz", None)
    if zone is not None:
        values = time.tz_convert("UTC").tz_localize(None).to_numpy()
    if np.ndim(values) != 1 or len(values) != rows:
        raise InputError(
            f"expected time to be a time for each of the {rows:,} rows; got shape "
            f"{np.shape(values)}"
        )
    return Column.of("time", values, zone=None if zone is None else str(zone))


def _may_be_time(column: Column) -> bool:
    if column.kind in ("time", "elapsed"):
        return True
    if column.kind == "text":
        first = next((text for text in column.values if text.strip()), "")
        return looks_like_time(first) or (_is_time_name(column.name) and first != "")
    if column.kind != "number" or not _is_time_name(column.name):
        return False
    numbers = np.asarray(column.values)
    steps = np.diff(numbers[np.isfinite(numbers)])
    return bool(len(steps) and (steps >= 0).all() and (steps > 0).any()) or _epoch(numbers) != ""


def _is_time_name(name: str) -> bool:
    plain = name.strip().lower()
    return plain in _TIME_NAMES or _TIME_UNIT.sub("", plain).strip(" _[(") in _TIME_NAMES


def _epoch(numbers: npt.NDArray[Any]) -> str:
    """The unit in which all the numbers are Unix times from 1990 to 2100, if there is one."""
    finite = numbers[np.isfinite(numbers)]
    if len(finite) == 0:
        return ""
    low, high = float(finite.min()), float(finite.max())
    for unit, factor in _FACTORS.items():
        scale = 10**9 / factor
        if _CENTURY[0] * scale <= low and high <= _CENTURY[1] * scale:
            return unit
    return ""


def _timed(column: Column, options: SeriesInput, notes: list[str]) -> Column:
    """The column as times: `time` or `elapsed`."""
    if column.kind in ("time", "elapsed"):
        return column
    if column.kind == "text":
        stamps, zone = read_stamps(column.values, options.time_format)  # type: ignore[arg-type]
        return Column(column.name, "time", stamps, zone=zone)
    if column.kind != "number":
        raise InputError(f"expected times in {column.name!r}; it holds neither times nor numbers")
    numbers = np.asarray(column.values)
    found, said = _epoch(numbers), _TIME_UNIT.search(column.name.strip().lower())
    unit = options.time_unit or found
    if not unit:
        unit = _UNIT_NAMES.get(said[1], said[1]) if said else "s"
        notes.append(
            f"numbers in {column.name!r} read as time elapsed in {unit}; say otherwise with "
            "SeriesInput(item, time_unit=…)"
        )
    elif options.time_unit is None:
        notes.append(f"numbers in {column.name!r} read as Unix time in {unit}")
    elapsed = found != unit
    factor = _FACTORS[unit]
    with np.errstate(all="ignore"):
        there = np.isfinite(numbers)
        if there.any() and np.abs(numbers[there]).max() * factor > 9e18:
            raise InputError(
                f"expected times that nanoseconds can hold; {column.name!r} has "
                f"{np.abs(numbers[there]).max():g} {unit}"
            )
        scaled = np.where(there, np.rint(np.where(there, numbers, 0.0) * factor), 0.0)
    times = np.where(there, scaled.astype(np.int64), NAT)
    return Column(column.name, "elapsed" if elapsed else "time", times, None if elapsed else "UTC")


def _channels(
    table: Table, time: Column | None, options: SeriesInput, notes: list[str]
) -> list[Column]:
    if options.channels is not None and not table.named:
        return _renamed(table, options.channels)
    if options.channels is not None:
        return [_picked(table, channel) for channel in options.channels]
    rest = [column for column in table.columns if column is not time]
    for column in rest:
        if column.kind == "number" and column.problem:
            raise InputError(
                f"expected numbers in column {column.name!r}; {column.problem}: mend it, or name "
                "the channels to take with SeriesInput(item, channels=…)"
            )
    numbers = [column for column in rest if column.kind == "number"]
    left = [column.name for column in rest if column.kind != "number"]
    if not numbers:
        held = ", ".join(f"{column.name!r} ({column.kind})" for column in table.columns[:_SHOWN])
        raise InputError(f"expected at least one column of numbers beside the time; got {held}")
    if left:
        notes.append(f"columns that hold no numbers were left out: {_listed(left)}")
    return numbers


def _renamed(table: Table, names: Sequence[str | int]) -> list[Column]:
    numbers = [column for column in table.columns if column.kind == "number"]
    if all(isinstance(name, int) for name in names):
        return [_picked(table, name) for name in names]
    if len(names) != len(numbers):
        raise InputError(
            f"expected a name for each of the {len(numbers)} channels; got {len(names)}"
        )
    return [column.renamed(str(name)) for column, name in zip(numbers, names, strict=True)]


def _picked(table: Table, channel: str | int) -> Column:
    if isinstance(channel, int) and channel < len(table.columns):
        column = table.columns[channel]
    else:
        found = [column for column in table.columns if column.name == channel]
        if not found:
            names = _listed([column.name for column in table.columns])
            raise InputError(f"expected channels to be columns, of {names}; got {channel!r}")
        column = found[0]
    if column.kind != "number" or column.problem:
        why = column.problem or f"its values are of the kind {column.kind!r}"
        raise InputError(f"expected numbers in column {column.name!r}; {why}")
    return column


def _unit(column: Column, units: str | Mapping[str, str] | None) -> str:
    if isinstance(units, str):
        return units
    return (units or {}).get(column.name) or column.unit or ""


def _in_order(
    values: Floats, time: Column, options: SeriesInput, notes: list[str]
) -> tuple[Floats, Clock]:
    """Rows sorted by time, without those that have none, one for each time."""
    times = np.asarray(time.values, np.int64)
    if (times == NAT).any():
        there = times != NAT
        lost = int(len(times) - np.count_nonzero(there))
        if lost == len(times):
            raise InputError(f"expected times in {time.name!r}; all of them are missing")
        notes.append(f"{_rows(lost)} without a time left out")
        times, values = times[there], values[there]
    if (np.diff(times) < 0).any():
        order = np.argsort(times, kind="stable")
        notes.append("rows were sorted by time")
        times, values = times[order], values[order]
    repeated = np.diff(times) == 0
    if repeated.any():
        times, values = _merged(times, values, repeated, options, notes)
    clock = Clock(len(times), times, zone=time.zone, elapsed=time.kind == "elapsed")
    return values, clock


def _merged(
    times: npt.NDArray[np.int64],
    values: Floats,
    repeated: npt.NDArray[np.bool_],
    options: SeriesInput,
    notes: list[str],
) -> tuple[npt.NDArray[np.int64], Floats]:
    starts = np.flatnonzero(np.concatenate(([True], ~repeated)))
    stops = np.concatenate((starts[1:], [len(times)]))
    if len(starts) * 2 < len(times) and any("left out" in note for note in notes):
        notes.append(
            "most times occur several times: when the table has a row per channel and time, turn "
            "it into a column per channel first"
        )
    how = {"mean": "averaged", "first": "the first kept", "last": "the last kept"}
    notes.append(
        f"{_rows(len(times) - len(starts))} with a timestamp that was there already: "
        f"{how[options.duplicates]}"
    )
    if options.duplicates != "mean":
        kept = starts if options.duplicates == "first" else stops - 1
        return times[kept], values[kept]
    there = np.isfinite(values)
    count = np.add.reduceat(there, starts, axis=0, dtype=np.int64)
    total = np.add.reduceat(np.where(there, values, 0.0), starts, axis=0)
    mean = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    # A row that stands alone keeps what it holds, infinities too, which are counted later.
    alone = stops - starts == 1
    mean[alone] = values[starts[alone]]
    return times[starts], mean


def _clean(values: Floats, names: tuple[str, ...], notes: list[str]) -> None:
    """Infinite values become missing, in place; what is unusual about the channels is noted."""
    constant, empty = [], []
    infinite = missing = 0
    for number, name in enumerate(names):
        channel = values[:, number]
        finite = np.isfinite(channel)
        if not finite.all():
            bad = np.isinf(channel)
            infinite += int(np.count_nonzero(bad))
            channel[bad] = np.nan
            missing += int(len(channel) - np.count_nonzero(finite))
            channel = channel[finite]
        if len(channel) == 0:
            empty.append(name)
        elif len(channel) > 1 and channel.min() == channel.max():
            constant.append(name)
    if len(empty) == len(names):
        raise InputError(
            f"expected values; all of the {len(values):,} rows are missing or infinite"
        )
    if infinite:
        notes.append(f"infinite values taken as missing: {infinite:,}")
    if missing:
        notes.append(f"missing values: {missing:,} of {values.size:,}")
    if empty:
        notes.append(f"channels without a value: {_listed(empty)}")
    if constant:
        notes.append(f"channels that never change: {_listed(constant)}")


def _note_clock(clock: Clock, notes: list[str]) -> None:
    if clock.times is None or clock.step is None:
        return
    if (
        clock.zone is not None
        and str(clock.tz) == "UTC"
        and clock.zone.upper() not in (*("UTC", "ETC/UTC", "+00:00", "ZULU", "Z", "GMT"),)
    ):
        notes.append(f"the time zone {clock.zone!r} is not known here: times are shown in UTC")
    if not clock.steady:
        steps = np.diff(clock.times)
        notes.append(
            f"sampled irregularly, from {in_words(int(steps.min()))} to "
            f"{in_words(int(steps.max()))} apart, usually {in_words(clock.step)}"
        )
    elif len(clock.gaps):
        widths = np.diff(clock.times)[clock.gaps]
        longest = int(clock.gaps[int(np.argmax(widths))])
        count = len(clock.gaps)
        notes.append(
            f"{count:,} gap{'s' if count > 1 else ''} between rows usually "
            f"{in_words(clock.step)} apart; the longest is {in_words(int(widths.max()))} after "
            f"{clock.label(longest)}"
        )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"


def normal_rows(until: Any, clock: Clock) -> int | None:
    """How many rows from the start are known to be normal.

    Args:
        until: A count, or a timestamp that is after them; None knows of none.
        clock: When each row is.

    Raises:
        InputError: No row is before it, or the count is more than there are.
    """
    if until is None:
        return None
    if isinstance(until, int | np.integer):
        count = int(until)
        if count > clock.length:
            raise InputError(
                f"expected normal_until to be at most the {clock.length:,} rows; got {count:,}"
            )
        return count
    if clock.times is None or clock.elapsed:
        raise InputError(
            "expected normal_until to be a count of rows for a series without timestamps; got "
            f"{until!r}"
        )
    if isinstance(until, str):
        stamp = clock.moment(until)
    else:
        stamp = moment(until, zoned=clock.zone is not None)
    count = int(np.searchsorted(clock.times, stamp))
    if count == 0:
        raise InputError(
            f"expected normal_until to be after the first row at {clock.label(0)}; got {until!s}"
        )
    return count
