"""From timestamps as people write them to nanoseconds since 1970."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError

__all__ = [
    "MISSING",
    "NAT",
    "Stamps",
    "looks_like_time",
    "moment",
    "read_stamps",
    "to_ns",
    "written_offset",
]

Stamps = tuple[npt.NDArray[np.int64], str | None]
"""Nanoseconds since 1970, and the time zone; without one they count as though it were UTC."""

NAT: Final = np.iinfo(np.int64).min
"""What stands for a time that is missing, as in NumPy."""
MISSING: Final = frozenset(
    ("", "-", "--", "?", "n/a", "na", "nan", "nat", "null", "none", "#n/a", "<na>", "missing")
)
"""What stands for a value that is missing, in lower case."""

_ISO = re.compile(
    r"(?P<date>\d{4}-\d\d?-\d\d?)(?:[T ]+(?P<time>\d\d?:\d\d(?::\d\d(?:[.,]\d{1,9})?)?))?"
    r"\s*(?P<zone>Z|UTC|[+-]\d\d:?\d\d)?"
)
# What NumPy reads as well, and far faster.
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)?")
_PARTS = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:[T ,]+(\d\d?:\d\d(?::\d\d(?:[.,]\d{1,9})?)?))?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RANGE = (np.datetime64("1678-01-01", "s"), np.datetime64("2262-01-01", "s"))


def looks_like_time(text: str) -> bool:
    """Whether one text is a timestamp that `read_stamps` may be able to read."""
    text = _plain(text)
    return _ISO.fullmatch(text) is not None or _PARTS.fullmatch(text) is not None


def read_stamps(texts: Sequence[str], how: str | None = None) -> Stamps:
    """Read timestamps.

    Read without being told how: ISO 8601 and its usual relaxations (a blank for the T, slashes,
    one digit, an offset or `Z`), day first with dots (`31.12.2024 08:00`), and days and months
    between slashes or dashes where the values leave only one order.

    Args:
        texts: The timestamps; an empty text or another sign for a missing value becomes `NAT`.
        how: The format, as for `datetime.strptime`, where it is none of these.

    Returns:
        int64 `(T,)` and the time zone: an offset such as `+02:00`, `UTC`, or None for timestamps
        without one. Several offsets in one series become UTC.

    Raises:
        InputError: A timestamp cannot be read, or could be read in two ways.
    """
    if how is None and (quick := _all_alike(texts)) is not None:
        return quick, None
    plain = [_plain(text) for text in texts]
    known = [text for text in plain if text.lower() not in MISSING]
    if not known:
        return np.full(len(plain), NAT, np.int64), None
    if how is not None:
        return _formatted(plain, how)
    if _PARTS.fullmatch(known[0]):
        plain = _year_first(plain, known)
    match = _ISO.fullmatch(known[0])
    if match is None or match["zone"] is None:
        return _naive(plain), None
    return _zoned(plain, match["zone"])


def moment(value: Any, zoned: bool) -> int:
    """One timestamp, written as text or a date of Python, NumPy or pandas, in nanoseconds.

    Args:
        value: The timestamp.
        zoned: Whether the series has a time zone. A timestamp without one is then in UTC unless it
            says so; one with an offset cannot be compared with a series that has none.

    Raises:
        InputError: It is no timestamp, or one with a time zone for a series that has none.
    """
    if isinstance(value, np.datetime64):
        return int(to_ns(np.array([value]))[0])
    if isinstance(value, datetime):
        zone, stamp = value.tzinfo, _since_epoch(value)
    elif isinstance(value, date):
        zone, stamp = None, _since_epoch(datetime(value.year, value.month, value.day))
    else:
        times, name = read_stamps([str(value)])
        zone, stamp = (None if name is None else UTC), int(times[0])
    if stamp == NAT:
        raise InputError(f"expected a timestamp; got {value!r}")
    if zone is not None and not zoned:
        raise InputError(
            f"expected a timestamp without a time zone, as those of the series; got {value!s}"
        )
    return stamp


def to_ns(times: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """NumPy dates of any resolution as int64 nanoseconds.

    Raises:
        InputError: A date outside of the years 1678 to 2261, which nanoseconds cannot hold.
    """
    coarse = times.astype("datetime64[s]")
    outside = ~np.isnat(coarse) & ((coarse < _RANGE[0]) | (coarse >= _RANGE[1]))
    if outside.any():
        raise InputError(
            "expected times between the years 1678 and 2261; got "
            f"{coarse[np.flatnonzero(outside)[0]]}"
        )
    return times.astype("datetime64[ns]").astype(np.int64)


def _plain(text: str) -> str:
    text = str(text).strip()
    # 2024/12/31 is year first whatever the country.
    return text.replace("/", "-", 2) if text[:4].isdigit() and text[4:5] == "/" else text


def _all_alike(texts: Sequence[str]) -> npt.NDArray[np.int64] | None:
    """Times without a zone that are all as long as the first, which NumPy reads at once."""
    if len(texts[0]) not in (10, 16, 19) or set(map(len, texts)) != {len(texts[0])}:
        return None
    match = _ISO.fullmatch(texts[0])
    if match is None or match["zone"] is not None:
        return None
    try:
        # Beyond what nanoseconds hold NumPy wraps around in silence, so the ends are checked.
        to_ns(np.array([min(texts), max(texts)], "M8[s]"))
        return np.array(texts, "M8[ns]").astype(np.int64)
    except ValueError:
        return None


def _naive(texts: list[str]) -> npt.NDArray[np.int64]:
    missing = [text.lower() in MISSING for text in texts]
    if all(gone or _PLAIN.fullmatch(text) for text, gone in zip(texts, missing, strict=True)):
        known = [text for text, gone in zip(texts, missing, strict=True) if not gone]
        try:
            to_ns(np.array([min(known), max(known)], "M8[s]"))
            stamps = np.full(len(texts), NAT)
            stamps[~np.array(missing)] = np.array(known, "M8[ns]").astype(np.int64)
            return stamps
        except ValueError:
            pass  # the slow way says which
    each = [_one(number, text) for number, text in enumerate(texts)]
    if any(zone is not None for _, zone in each):
        raise InputError("expected all timestamps with a time zone or all without one; got both")
    return np.array([stamp for stamp, _ in each], np.int64)


def _zoned(texts: list[str], zone: str) -> Stamps:
    if zone != "Z" and all(text.endswith(zone) for text in texts):
        # One offset for all, the usual case, need not be read row by row.
        times = _naive([text.removesuffix(zone).rstrip() for text in texts])
        away, name = _one(0, f"1970-01-01T00:00{zone}")
        return np.where(times == NAT, NAT, times + away), name
    if all(text.endswith("Z") for text in texts):
        return _naive([text.removesuffix("Z") for text in texts]), "UTC"
    stamps = [_one(number, text) for number, text in enumerate(texts)]
    zones = {zone for stamp, zone in stamps if stamp != NAT}
    if None in zones:
        raise InputError("expected all timestamps with a time zone or all without one; got both")
    return (
        np.array([stamp for stamp, _ in stamps], np.int64),
        zones.pop() if len(zones) == 1 else "UTC",
    )


def _one(number: int, text: str) -> tuple[int, str | None]:
    """One timestamp in ISO 8601, with all its relaxations."""
    if text.lower() in MISSING:
        return NAT, None
    match = _ISO.fullmatch(text)
    if match is None:
        raise _unreadable(number, text)
    days = "-".join(part.zfill(2) for part in match["date"].split("-"))
    clock, zone = (match["time"] or "00:00").replace(",", ".").zfill(5), match["zone"]
    if clock[1] == ":":
        clock = f"0{clock}"
    try:
        stamp = int(to_ns(np.array([f"{days}T{clock}"], "M8[s]"))[0])
        stamp = int(np.datetime64(f"{days}T{clock}", "ns").astype(np.int64))
    except ValueError as error:
        raise _unreadable(number, text) from error
    if zone in (None, "Z", "UTC"):
        return stamp, zone and "UTC"
    sign, hours, minutes = zone[0], int(zone[1:3]), int(zone[-2:])
    offset = (hours * 60 + minutes) * (-1 if sign == "-" else 1)
    return stamp - offset * 60_000_000_000, f"{sign}{hours:02}:{minutes:02}" if offset else "UTC"


def _formatted(texts: list[str], how: str) -> Stamps:
    stamps = np.full(len(texts), NAT, np.int64)
    zones: set[timedelta | None] = set()
    for number, text in enumerate(texts):
        if text.lower() in MISSING:
            continue
        try:
            time = datetime.strptime(text, how)
        except ValueError as error:
            raise InputError(
                f"expected timestamps like time_format={how!r}; row {number} holds {text[:60]!r}"
            ) from error
        zones.add(time.utcoffset())
        stamps[number] = _since_epoch(time)
    if zones == {None}:
        return stamps, None
    if None in zones:
        raise InputError("expected all timestamps with a time zone or all without one; got both")
    offset = zones.pop()
    return stamps, "UTC" if zones or offset is None else written_offset(offset)


def _year_first(texts: list[str], known: list[str]) -> list[str]:
    """Days, months and years, however separated, as `YYYY-MM-DD HH:MM`."""
    found = [_PARTS.fullmatch(text) for text in known]
    firsts = {int(match[1]) for match in found if match}
    seconds = {int(match[3]) for match in found if match}
    first = found[0]
    if (first is not None and first[2] == ".") or max(firsts) > 12:
        day, month = 1, 3
    elif max(seconds) > 12:
        day, month = 3, 1
    else:
        raise InputError(
            f"expected timestamps that can be read in one way; {known[0]!r} may have the day or "
            "the month first: say so with SeriesInput(item, time_format='%d/%m/%Y %H:%M')"
        )

    def turned(number: int, text: str) -> str:
        if text.lower() in MISSING:
            return text
        match = _PARTS.fullmatch(text)
        if match is None:
            raise _unreadable(number, text)
        clock = (match[5] or "00:00").replace(",", ".")
        clock = clock if clock[1] != ":" else f"0{clock}"
        return f"{match[4]}-{int(match[month]):02}-{int(match[day]):02} {clock}"

    return [turned(number, text) for number, text in enumerate(texts)]


def _unreadable(number: int, text: str) -> InputError:
    return InputError(
        f"expected timestamps such as 2024-12-31 08:00:00; row {number} holds {text[:60]!r}: say "
        "how they are written with SeriesInput(item, time_format=…)"
    )


def _since_epoch(time: datetime) -> int:
    if time.year < 1678 or time.year > 2261:
        raise InputError(f"expected times between the years 1678 and 2261; got {time}")
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    passed = aware - _EPOCH
    whole = (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
    # pandas keeps what is below a microsecond in an attribute of its own.
    return whole * 1000 + int(getattr(time, "nanosecond", 0))


def written_offset(offset: timedelta) -> str:
    """An offset from UTC as `+02:00`; none is `UTC`."""
    minutes = round(offset.total_seconds() / 60)
    if minutes == 0:
        return "UTC"
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
