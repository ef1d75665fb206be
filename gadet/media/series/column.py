"""A `Column` of a table, whatever library it came from: numbers, times or text."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.series.stamps import MISSING, NAT, moment, to_ns, written_offset

__all__ = ["Column", "Kind", "read_number"]

Kind = Literal["number", "time", "elapsed", "text", "other"]
_UNIT = re.compile(r".*\S\s*[\[(]\s*([^\])]{1,20}?)\s*[\])]\s*")
_LONGEST_NAME: Final = 80


@dataclass(frozen=True, eq=False)
class Column:
    """One column, all of one kind.

    Attributes:
        name: Its name.
        kind: `number` (float64, NaN is missing), `time` (int64 nanoseconds since 1970, `NAT` is
            missing), `elapsed` (int64 nanoseconds), `text` (a list of str) or `other` (values that
            are none of these).
        values: `(T,)`; of text and other kinds a list.
        zone: Time zone of times that have one.
        unit: Unit of numbers, where the table says it.
        problem: Why a text is no number, when most of the column is: "row 17 holds 'abc'".
    """

    name: str
    kind: Kind
    values: npt.NDArray[Any] | list[Any] = field(repr=False)
    zone: str | None = None
    unit: str | None = None
    problem: str | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.values)

    @classmethod
    def of(cls, name: Any, values: Any, *, zone: str | None = None, unit: Any = None) -> Self:
        """Sort the values into a kind.

        Args:
            name: Anything; it becomes one line of text.
            values: A NumPy array `(T,)` of any type, or a list.
            zone: Time zone of values that are dates in UTC.
            unit: Unit of numbers; None takes it from brackets at the end of the name.
        """
        text = _one_line(name)
        unit = str(unit) if unit else _unit_of(text)
        kind, plain, zone = _sorted_out(values, zone)
        if kind == "text":
            return cls.of_texts(text, plain, unit=unit)
        return cls(text, kind, plain, zone=zone, unit=unit)

    @classmethod
    def of_texts(cls, name: str, texts: list[str], *, unit: str | None = None) -> Self:
        """A column of texts, as numbers when most of them are."""
        numbers, problem = _numbers_of(texts)
        name = _one_line(name)
        unit = unit or _unit_of(name)
        if numbers is None:
            return cls(name, "text", texts, unit=unit)
        return cls(name, "number", numbers, unit=unit, problem=problem)

    def renamed(self, name: str) -> Self:
        """The same column under another name."""
        return replace(self, name=name)


def read_number(text: str) -> float:
    """A number as text, NaN for a sign that stands for a missing value.

    Raises:
        ValueError: It is neither.
    """
    try:
        return float(text)
    except ValueError:
        if text.strip().lower() in MISSING:
            return math.nan
        raise


def _sorted_out(values: Any, zone: str | None) -> tuple[Kind, Any, str | None]:
    if isinstance(values, np.ma.MaskedArray):
        values = _unmasked(values)
    array = values if isinstance(values, np.ndarray) else None
    if array is None:
        values = list(values)
        plain = bool(values) and all(type(value) in (int, float, bool) for value in values)
        array = np.array(values, np.float64) if plain and _fits(values) else None
    if array is None:
        return _objects(values)
    match array.dtype.kind:
        case "b" | "i" | "u" | "f":
            return "number", array.astype(np.float64), None
        case "M":
            return "time", to_ns(array), zone
        case "m":
            return "elapsed", array.astype("timedelta64[ns]").astype(np.int64), None
        case "U" | "T":
            return "text", [str(text) for text in array.tolist()], None
        case "O":
            return _objects(array.tolist())
    return "other", array.tolist(), None


def _unmasked(array: Any) -> npt.NDArray[Any]:
    """Masked values are missing values."""
    return np.asarray(array.astype(np.float64).filled(np.nan))


def _fits(values: Sequence[Any]) -> bool:
    # An int of hundreds of digits has no float.
    return all(abs(value) < 1e300 for value in values if isinstance(value, int))


def _objects(values: list[Any]) -> tuple[Kind, Any, str | None]:
    """Python objects of any kind, by the first one that is there."""
    first = next((value for value in values if not _missing(value)), None)
    try:
        if first is None:
            return "number", np.full(len(values), np.nan), None
        if isinstance(first, str | bytes):
            return "text", [_text(value) for value in values], None
        if isinstance(first, timedelta | np.timedelta64):
            spans = np.array(["NaT" if _missing(v) else v for v in values], "timedelta64[ns]")
            return "elapsed", spans.astype(np.int64), None
        if isinstance(first, date | np.datetime64):
            return _dates(values, first)
        if isinstance(first, Real | Decimal | np.number | np.bool_):
            numbers = (math.nan if _missing(value) else float(value) for value in values)
            return "number", np.fromiter(numbers, np.float64, len(values)), None
    except (TypeError, ValueError, OverflowError):
        return "other", values, None
    return "other", values, None


def _dates(values: list[Any], first: Any) -> tuple[Kind, Any, str | None]:
    zones = {
        value.tzinfo for value in values if isinstance(value, datetime) and not _missing(value)
    }
    if None in zones and len(zones) > 1:
        raise InputError("expected all times with a time zone or all without one; got both")
    stamps = [NAT if _missing(value) else moment(value, zoned=True) for value in values]
    zone = _zone_name(zones.pop(), first) if len(zones) == 1 else ("UTC" if zones else None)
    return "time", np.array(stamps, np.int64), zone


def _zone_name(zone: Any, first: Any) -> str | None:
    if zone is None:
        return None
    key = getattr(zone, "key", None) or getattr(zone, "zone", None)
    return str(key or written_offset(first.utcoffset()))


def _missing(value: Any) -> bool:
    # NaN, NaT and pandas' NA alike are not equal to themselves, or cannot say so.
    if value is None:
        return True
    try:
        return not bool(value == value)
    except (TypeError, ValueError):
        return type(value).__name__ == "NAType"


def _text(value: Any) -> str:
    if _missing(value):
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _numbers_of(texts: Any) -> tuple[npt.NDArray[np.float64] | None, str | None]:
    """Texts as numbers when more than half of what is there are some; the first that is not."""
    numbers = np.full(len(texts), np.nan)
    problem, bad, there = None, 0, 0
    for row, text in enumerate(texts):
        try:
            numbers[row] = read_number(text)
            there += text.strip().lower() not in MISSING
        except ValueError:
            bad += 1
            problem = problem or f"row {row} holds {text[:60]!r}"
            if bad > 1000 and not there:
                return None, None
    return (numbers, problem) if there > bad else (None, None)


def _unit_of(name: str) -> str | None:
    match = _UNIT.fullmatch(name)
    return match[1] if match else None


def _one_line(name: Any) -> str:
    """A name as one line without control characters; the parts of a tuple joined."""
    text = " / ".join(map(str, name)) if isinstance(name, tuple) else str(name)
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"
