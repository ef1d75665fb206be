"""What the expert was given, checked: a series, its clock, and rows known to be normal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError

__all__ = ["Given", "check"]

Table = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Given:
    """A checked series.

    Attributes:
        values: `(T, C)` float64, NaN where missing.
        times: `(T,)` int64 nanoseconds, or None.
        names: A name for each channel, empty for the only one.
        normal: `(N, C)` rows known to be normal, or None.
    """

    values: Table = field(repr=False)
    times: npt.NDArray[np.int64] | None
    names: tuple[str, ...]
    normal: Table | None = field(repr=False)

    @property
    def rows(self) -> int:
        """How many rows the series has."""
        return len(self.values)

    @property
    def width(self) -> int:
        """How many channels it has."""
        return int(self.values.shape[1])


def _table(values: npt.ArrayLike, what: str) -> Table:
    """Numbers `(T, C)` with NaN for whatever is not finite.

    Raises:
        InputError: They are not a table of real numbers with at least one row and one channel.
    """
    try:
        table = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{what} must be a table of numbers (T, C); it holds something else ({error}). Load it "
            "with gadet's media adapters, or convert it to float64."
        ) from error
    if table.ndim != 2 or table.size == 0:
        raise InputError(
            f"{what} must be (T, C) with at least one row and one channel; got shape "
            f"{table.shape}. Give a single channel as values[:, None]."
        )
    if not np.isfinite(table).all():
        table = np.where(np.isfinite(table), table, np.nan)
    return table


def check(
    values: npt.ArrayLike,
    times: npt.ArrayLike | None,
    channels: Sequence[str],
    references: Sequence[npt.ArrayLike],
    normal_until: int | None,
) -> Given:
    """Check what the expert was given.

    Raises:
        InputError: Shapes do not agree, times do not rise, or `normal_until` is out of range.
    """
    table = _table(values, "the series")
    rows, width = table.shape
    clock = None
    if times is not None:
        clock = np.asarray(times)
        if clock.shape != (rows,) or clock.dtype.kind not in "iu":
            raise InputError(
                f"times must be int64 nanoseconds ({rows},), one for each row; got shape "
                f"{clock.shape} of {clock.dtype}."
            )
        clock = clock.astype(np.int64)
        if (np.diff(clock) < 0).any():
            raise InputError("times must not fall from row to row; sort the series by time first.")
    if channels and len(channels) != width:
        raise InputError(
            f"channels must name all {width} channels or none; got {len(channels)} names."
        )
    if normal_until is not None and not 0 <= normal_until <= rows:
        raise InputError(
            f"normal_until must count first rows of the series, 0 to {rows}; got {normal_until}."
        )
    parts = [] if not normal_until else [table[:normal_until]]
    for number, reference in enumerate(references, start=1):
        part = _table(reference, f"reference {number}")
        if part.shape[1] != width:
            raise InputError(
                f"reference {number} must have the {width} channels of the series; it has "
                f"{part.shape[1]}."
            )
        parts.append(part)
    named = tuple(channels) or tuple(
        "" if width == 1 else f"channel {number}" for number in range(1, width + 1)
    )
    return Given(table, clock, named, np.concatenate(parts) if parts else None)
