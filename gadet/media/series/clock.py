"""The `Clock` of a series: which moment each row stands for, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from gadet._lazy import lazy
from gadet.errors import InputError
from gadet.media.series.stamps import moment, read_stamps

__all__ = ["Clock", "in_words"]

_NS: Final = 1_000_000_000
_DAY: Final = 86_400 * _NS
_FARTHEST: Final = 9e9  # seconds
_REGULAR: Final = 0.01
_ROUGHLY: Final = 0.15
_STEADY: Final = 0.95
_GAP: Final = 1.5
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d\d):?(\d\d)")
_NUMBER = re.compile(r"(?:(?:step|row|position)s?\s*)?(-?\d[\d,_]*(?:\.\d+)?)\s*(s|sec|seconds)?")
_MONTHS: Final = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
)  # fmt: skip
_AXIS = re.compile(
    r"([a-z]{3})[a-z]*\.?\s+(\d{1,2})(?:,?\s+(\d{4}))?(?:[,\s]+(\d{1,2}:\d\d(?::\d\d)?))?"
)


@dataclass(frozen=True, eq=False)
class Clock:
    """When each row of a series is.

    Attributes:
        length: Number of rows, T.
        times: int64 `(T,)`, increasing: nanoseconds since 1970 in UTC, or as written when there is
            no time zone, or nanoseconds elapsed; None counts rows.
        zone: Name or offset of the time zone; None for timestamps without one.
        elapsed: Whether the times are counted from a start of their own.
    """

    length: int
    times: npt.NDArray[np.int64] | None = field(default=None, repr=False)
    zone: str | None = None
    elapsed: bool = False

    @lazy
    def step(self) -> int | None:
        """The usual distance of two rows in nanoseconds, the median; None without times."""
        if self.times is None or self.length < 2:
            return None
        return max(1, int(np.median(np.diff(self.times))))

    @lazy
    def regular(self) -> bool:
        """Whether all rows are equally far apart, to 1 %; rows without times are."""
        return self._on_beat(_REGULAR) == 1.0

    @lazy
    def steady(self) -> bool:
        """Whether nearly all rows are, roughly: with gaps, with jitter, by calendar months."""
        return self._on_beat(_ROUGHLY) >= _STEADY

    @lazy
    def gaps(self) -> npt.NDArray[np.int64]:
        """The rows after which more than one and a half steps pass, int64 `(N,)`."""
        if self.times is None or self.step is None or not self.steady:
            return np.zeros(0, np.int64)
        return np.flatnonzero(np.diff(self.times) > _GAP * self.step)

    def _on_beat(self, tolerance: float) -> float:
        """The share of rows that follow the one before after about the usual step."""
        if self.times is None or self.step is None:
            return 1.0
        return float(np.mean(np.abs(np.diff(self.times) - self.step) <= tolerance * self.step))

    @lazy
    def tz(self) -> tzinfo | None:
        """The time zone; UTC where its name is not known here."""
        if self.zone is None:
            return None
        if match := _OFFSET.fullmatch(self.zone):
            sign = -1 if match[1] == "-" else 1
            return timezone(sign * timedelta(hours=int(match[2]), minutes=int(match[3])))
        try:
            return ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError):
            return UTC

    def label(self, row: int) -> str:
        """The time of a row as a timestamp, ISO 8601 with a blank, or its position.

        Args:
            row: From 0 to `length`; the last is the end of the series, one step after its last row.

        Raises:
            InputError: The row is outside of the series.
        """
        if not 0 <= row <= self.length:
            raise InputError(f"expected a row from 0 to {self.length}; got {row}")
        if self.times is None:
            return str(row)
        if row == self.length:
            return self.written(int(self.times[-1]) + (self.step or _NS))
        return self.written(int(self.times[row]))

    def written(self, time: int) -> str:
        """A time of this clock as text."""
        if self.elapsed:
            return f"{time / _NS:.9f}".rstrip("0").rstrip(".") + " s"
        local = self.local(time)
        if self._days_only:
            return f"{local:%Y-%m-%d}"
        text = f"{local:%Y-%m-%d %H:%M:%S}"
        if below := time % _NS:
            text += "." + f"{below:09d}".rstrip("0")
        if self.zone is None:
            return text
        offset = f"{local:%z}"
        return f"{text}{offset[:3]}:{offset[3:5]}"

    def local(self, time: int) -> datetime:
        """The wall clock's time, to the second, in the zone of the series."""
        aware = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=time // _NS)
        zone = self.tz
        return aware.replace(tzinfo=None) if zone is None else aware.astimezone(zone)

    def instant(self, wall: datetime) -> int:
        """The time of a wall clock's time in the zone of the series; the inverse of `local`."""
        aware = wall.replace(tzinfo=self.tz or UTC)
        passed = aware - datetime(1970, 1, 1, tzinfo=UTC)
        return (passed.days * 86_400 + passed.seconds) * _NS

    @lazy
    def _days_only(self) -> bool:
        if self.times is None or self.zone is not None:
            return False
        return bool((self.times % _DAY == 0).all())

    def place(self, time: int) -> float:
        """Where a time lies, in rows, between the rows around it; row `i` is at `i`."""
        assert self.times is not None
        after = int(np.searchsorted(self.times, time))
        if after == 0 or after == self.length:
            edge = 0 if after == 0 else self.length - 1
            return edge + (time - int(self.times[edge])) / (self.step or _NS)
        before = int(self.times[after - 1])
        return after - 1 + (time - before) / (int(self.times[after]) - before)

    def index_of(self, value: Any) -> int:
        """The row nearest to a timestamp or a position, within the series; see `place_of`.

        Raises:
            InputError: It can be read as neither.
        """
        return int(min(max(round(self.place_of(value)), 0), self.length - 1))

    def place_of(self, value: Any) -> float:
        """Where a timestamp, a position, or either as text lies, in rows, also beyond the series.

        A text is read as a timestamp; without its year or zone (`Apr 10 06:00`, the way a picture
        labels its axis) it is the one within the series. A plain number is a position, or, with
        `s` behind it, seconds of a series that counts time elapsed.

        Raises:
            InputError: It can be read as neither.
        """
        if isinstance(value, bool) or value is None:
            raise InputError(f"expected a timestamp or a position; got {value!r}")
        if isinstance(value, int | float | np.integer | np.floating):
            return self._position(float(value))
        if isinstance(value, str):
            match = _NUMBER.fullmatch(value.strip().lower())
            if match:
                number = float(match[1].replace(",", "").replace("_", ""))
                if match[2] is None or not self.elapsed:
                    return self._position(number)
                # No series reaches farther than nanoseconds can count.
                return self.place(round(min(max(number, -_FARTHEST), _FARTHEST) * _NS))
        if self.times is None or self.elapsed:
            raise InputError(f"expected a position from 0 to {self.length - 1}; got {value!r}")
        return self.place(self.moment(value))

    def _position(self, position: float) -> float:
        if not np.isfinite(position):
            raise InputError(f"expected a position from 0 to {self.length - 1}; got {position}")
        return position

    def moment(self, value: Any) -> int:
        """A timestamp in nanoseconds of this clock; see `index_of`.

        Raises:
            InputError: It is no timestamp.
        """
        if not isinstance(value, str):
            return moment(value, zoned=self.zone is not None)
        text = value.strip()
        if match := _AXIS.fullmatch(text.lower()):
            return self._without_year(match, text)
        times, zone = read_stamps([text])
        # A text without a zone means the wall clock that the labels show.
        if zone is None and self.zone is not None:
            wall = datetime(1970, 1, 1) + timedelta(seconds=int(times[0]) // _NS)
            return self.instant(wall)
        return moment(text, zoned=self.zone is not None)

    def _without_year(self, match: re.Match[str], text: str) -> int:
        """`Apr 10 06:00`: of the years of the series, the one that lies within it."""
        assert self.times is not None
        first, last = int(self.times[0]), int(self.times[-1])
        years = range(self.local(first).year, self.local(last).year + 1)
        if match[3]:
            years = range(int(match[3]), int(match[3]) + 1)
        if match[1] not in _MONTHS:
            raise InputError(f"expected a timestamp; got {text[:60]!r}")
        hour, minute, second = [*map(int, (match[4] or "0:0").split(":")), 0][:3]
        found = []
        for year in years:
            try:
                wall = datetime(
                    year, _MONTHS.index(match[1]) + 1, int(match[2]), hour, minute, second
                )
            except ValueError:
                continue
            found.append(self.instant(wall))
        if not found:
            raise InputError(f"expected a timestamp; got {text[:60]!r}")
        return min(found, key=lambda time: max(first - time, time - last, 0))


def in_words(span: int) -> str:
    """A length of time in nanoseconds in one or two units: `2 d 3 h`."""
    parts = []
    for size, name in ((_DAY, "d"), (3600 * _NS, "h"), (60 * _NS, "min")):
        if span >= size:
            parts.append(f"{span // size:,} {name}")
            span %= size
    if len(parts) < 2 and (span or not parts):
        parts.append(f"{span / _NS:.6g} s")
    return " ".join(parts[:2])
