"""A `SeriesInput`: an item together with what only the caller knows about how to read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, get_args

import numpy as np

from gadet.errors import InputError
from gadet.media.series.telling import MOST_TOLD

__all__ = ["Duplicates", "SeriesInput", "TimeUnit"]

Duplicates = Literal["mean", "first", "last"]
TimeUnit = Literal["s", "ms", "us", "ns"]


@dataclass(frozen=True, eq=False)
class SeriesInput:
    """An item together with what only the caller knows about how to read it.

    It may be given wherever an item or a reference is:
    `detector.detect(SeriesInput("log.csv", time="when", channels=("flow", "pressure")))`.

    Attributes:
        item: Anything that `SeriesAdapter` accepts, and a two-dimensional array `(T, C)`, a nested
            list, bytes or a file object, which would be ambiguous without this wrapping.
        time: The column that holds the time, by name, or the times themselves, one per row. None
            takes the index of a table, or the column that holds timestamps.
        time_unit: What the numbers of a numeric time count: Unix time when they lie between the
            years 1990 and 2100, else time elapsed.
        time_format: How timestamps are written, as for `datetime.strptime`, where they are not
            ISO 8601.
        channels: Of a table: the columns to take, by name or number from 0, in this order. Of an
            array: the names of its columns.
        units: Units of the channels by name, or one for all.
        sheet: Sheet of a workbook by name or number from 0, or name of an array in an `.npz`.
        duplicates: What becomes of several rows with one timestamp: their mean, the first or the
            last of them.
        normal_until: The part known to be normal: a count of rows from the start (after sorting),
            or a timestamp; the rows before it are normal.
        lettered: Whether the plot of the whole series has lettered columns, and answers name
            these instead of moments: for models that read axes badly.
        as_text: About how many values are also told to the model as text, thinned so that extremes
            stay; 0 tells none. Plots are read better in studies, and take far fewer tokens.

    Raises:
        InputError: An option is not of a kind that can be meant.
    """

    item: Any = field(repr=False)
    time: Any = field(default=None, repr=False)
    time_unit: TimeUnit | None = None
    time_format: str | None = None
    channels: Sequence[str | int] | None = None
    units: str | Mapping[str, str] | None = None
    sheet: str | int | None = None
    duplicates: Duplicates = "mean"
    normal_until: Any = None
    lettered: bool = False
    as_text: int = 0

    def __post_init__(self) -> None:
        """Check the options where they are written."""
        if isinstance(self.channels, list):
            object.__setattr__(self, "channels", tuple(self.channels))
        if isinstance(self.item, SeriesInput):
            raise InputError(
                "expected an item inside SeriesInput; got another SeriesInput: use one"
            )
        _check_choice("time_unit", self.time_unit, (None, *get_args(TimeUnit)))
        _check_choice("duplicates", self.duplicates, get_args(Duplicates))
        _check_channels(self.channels)
        _check_units(self.units)
        _check_normal(self.normal_until)
        if isinstance(self.as_text, bool) or not 0 <= self.as_text <= MOST_TOLD:
            raise InputError(
                f"expected as_text to be a number of values from 0 to {MOST_TOLD}; got "
                f"{self.as_text!r}"
            )
        if self.time_format is not None and not isinstance(self.time_format, str):
            raise InputError(f"expected time_format to be text; got {self.time_format!r}")
        if self.sheet is not None and not _is_name_or_number(self.sheet):
            raise InputError(f"expected sheet to be a name or a number from 0; got {self.sheet!r}")


def _check_choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    if value not in allowed:
        words = ", ".join(map(repr, allowed))
        raise InputError(f"expected {name} to be one of {words}; got {value!r}")


def _check_channels(channels: object) -> None:
    if channels is None:
        return
    if not isinstance(channels, tuple) or not channels:
        raise InputError(
            "expected channels to be a tuple of names or numbers, ('flow', 'pressure'); got "
            f"{channels!r}"
        )
    for channel in channels:
        if not _is_name_or_number(channel):
            raise InputError(
                f"expected each of channels to be a name or a number from 0; got {channel!r}"
            )
    if len(set(channels)) < len(channels):
        raise InputError(f"expected each of channels once; got {channels!r}")


def _is_name_or_number(value: object) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _check_units(units: object) -> None:
    if units is None or isinstance(units, str):
        return
    if not isinstance(units, Mapping) or not all(
        isinstance(part, str) for pair in units.items() for part in pair
    ):
        raise InputError(
            "expected units to be one text, or a dict of texts by channel, {'flow': 'l/s'}; got "
            f"{units!r}"
        )


def _check_normal(until: object) -> None:
    if until is None or isinstance(until, str | date | np.datetime64):
        return
    if isinstance(until, int | np.integer) and not isinstance(until, bool) and until > 0:
        return
    raise InputError(
        f"expected normal_until to be a count of rows from 1 or a timestamp; got {until!r}"
    )
