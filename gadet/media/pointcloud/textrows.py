"""Rows of numbers out of a text, by NumPy's compiled reader, with errors that name the line."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Final

import numpy as np

from gadet.errors import InputError
from gadet.media.pointcloud.cloud import Floats

__all__ = ["text_rows"]

_ROW: Final = re.compile(r"at row (\d+)")
_LONGEST: Final = 4 << 20  # bytes of a line
_SOMETHING: Final = re.compile(rb"(?m)^[^\S\r\n]*[^\s#]")


def text_rows(
    data: bytes, *, width: int | None = None, separator: str | None = None, skip: int = 0
) -> Floats:
    """Read one row of numbers a line; lines that are blank or begin with `#` are passed over.

    Args:
        data: The text. An empty field, where `separator` is given, is NaN.
        width: How many numbers a row must have; None takes the first row's.
        separator: Between the numbers; None takes blanks.
        skip: Lines at the top to pass over.

    Returns:
        float64 `(N, C)`; `(0, width)` without a row.

    Raises:
        InputError: A word among the numbers, or rows of different lengths.
    """
    _check_lines(data)
    if not _SOMETHING.search(data.split(b"\n", skip)[-1]):
        return np.empty((0, width or 0))  # NumPy warns about a text without rows
    rows = _loaded(data, separator, skip)
    if width is not None and rows.shape[1] != width:
        raise InputError(f"expected {width} numbers in every row; got {rows.shape[1]}")
    return rows


def _check_lines(data: bytes) -> None:
    """Refuse a line that would take many times its length to be read."""
    if len(data) <= _LONGEST:
        return
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
    longest = int(np.diff(ends, prepend=-1, append=len(data)).max())
    if longest > _LONGEST:
        raise InputError(f"expected lines of at most {_LONGEST:,} bytes; one has {longest:,}")


def _loaded(data: bytes, separator: str | None, skip: int) -> Floats:
    try:
        return _load(data, separator, skip, None)
    except ValueError as error:
        if separator is None or "could not convert" not in str(error):
            raise InputError(_words(error, skip)) from error
    try:
        # Slower by far, and only for tables with empty fields.
        return _load(data, separator, skip, _number)
    except ValueError as error:
        raise InputError(_words(error, skip)) from error


def _load(
    data: bytes, separator: str | None, skip: int, convert: Callable[[str], float] | None
) -> Floats:
    rows = np.loadtxt(
        io.BytesIO(data),
        dtype=np.float64,
        delimiter=separator,
        skiprows=skip,
        ndmin=2,
        encoding="latin-1",
        converters=convert,
    )
    return np.asarray(rows)


def _number(cell: str) -> float:
    return float(cell) if cell.strip() else float("nan")


def _words(error: ValueError, skip: int) -> str:
    text = " ".join(str(error).split())
    row = _ROW.search(text)
    where = f"; row {int(row.group(1)) + 1} below the {skip} at the top" if row and skip else ""
    return f"expected a row of as many numbers in every line; {text[:120]}{where}"
