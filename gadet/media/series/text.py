"""From delimited text (CSV, TSV) to a `Table`, by the standard library's reader.

One reader for every size and installation: it is exact about quotes, bounded row by row, and needs
nothing else. It is slower than compiled readers of whole tables (about two microseconds per row);
where that matters, Parquet is the better file.
"""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.series.column import Column, read_number
from gadet.media.series.stamps import looks_like_time
from gadet.media.series.table import Table, check_size

__all__ = ["read_text"]

_SEPARATORS: Final = ("\t", ";", "|", ",", " ")
_CHUNK: Final = 8_192
_LOOK: Final = 65_536
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(data: bytes, limits: LoadLimits) -> Table:
    """Read CSV, TSV or other text with one row a line.

    The separator is the first of tab, semicolon, bar, comma and blank that cuts the first lines
    into the same number of fields. Lines at the top that start with `#` are passed over. The first
    line names the columns when a field of it is neither number nor time nor missing. With another
    separator than a comma, a comma within numbers is read as the decimal sign.

    Raises:
        InputError: It is no text, has no rows, or rows of different lengths.
    """
    encoding, notes = _encoding(data)
    stream = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")
    skipped = _skip_comments(stream)
    start = stream.tell()
    separator = _separator(stream.read(_LOOK))
    stream.seek(start)
    rows = _Rows(csv.reader(stream, delimiter=separator, skipinitialspace=True), skipped)
    first = rows.take(1)
    if not first:
        raise InputError("expected rows of text; the file holds only blank lines or comments")
    header = None if all(_is_value(cell) for cell in first[0]) else first[0]
    names = header or [_number_name(number, len(first[0])) for number in range(len(first[0]))]
    growing = [_Growing(name.strip()) for name in names]
    rows.width = len(names)
    count = 0
    chunk = first if header is None else rows.take(_CHUNK)
    while chunk:
        count += len(chunk)
        check_size(count, len(names), limits)
        for column, cells in zip(growing, zip(*chunk, strict=True), strict=True):
            column.add(cells, comma=separator != ",")
        chunk = rows.take(_CHUNK)
    if count == 0:
        raise InputError("expected rows below the names of the columns; got none")
    if any(column.commas for column in growing):
        notes.append("commas within numbers read as decimal signs")
    columns = [column.column() for column in growing if not column.is_empty()]
    if len(columns) > 1 and not columns[0].name and _counts_rows(columns[0]):
        notes.append("the first column, which has no name and counts the rows, was left out")
        columns = columns[1:]
    return Table.of(columns, named=header is not None, notes=notes)


@dataclass
class _Growing:
    """A column while it is read: numbers as long as they are some, else the texts."""

    name: str
    parts: list[npt.NDArray[np.float64] | list[str]] = field(default_factory=list)
    commas: bool = False

    def add(self, cells: tuple[str, ...], *, comma: bool) -> None:
        """Take the next rows."""
        try:
            self.parts.append(np.fromiter(map(float, cells), np.float64, len(cells)))
        except ValueError:
            numbers, commas = _slowly(cells, comma=comma)
            self.commas |= commas
            self.parts.append(list(cells) if numbers is None else numbers)

    def is_empty(self) -> bool:
        """Whether it is what a separator at the end of each line leaves."""
        return not self.name and all(
            isinstance(part, np.ndarray) and bool(np.isnan(part).all()) for part in self.parts
        )

    def column(self) -> Column:
        """All rows."""
        if all(isinstance(part, np.ndarray) for part in self.parts):
            return Column.of(self.name, np.concatenate(self.parts))
        texts: list[str] = []
        for part in self.parts:
            texts += (
                [format(value, "g") for value in part] if isinstance(part, np.ndarray) else part
            )
        return Column.of_texts(self.name, texts)


def _slowly(cells: tuple[str, ...], *, comma: bool) -> tuple[npt.NDArray[np.float64] | None, bool]:
    """Numbers with missing ones among them or with decimal commas; None when one is a text."""
    numbers, commas = np.empty(len(cells)), False
    for row, cell in enumerate(cells):
        try:
            numbers[row] = read_number(cell)
        except ValueError:
            if not comma or cell.count(",") != 1:
                return None, False
            try:
                numbers[row] = float(cell.replace(".", "").replace(",", "."))
            except ValueError:
                return None, False
            commas = True
    return numbers, commas


def _encoding(data: bytes) -> tuple[str, list[str]]:
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name, []
    if b"\0" in data[:4096]:
        raise InputError("expected text with one row a line; got binary data")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1", ["text that is no UTF-8 read as Latin-1"]
    return "utf-8", []


def _skip_comments(stream: io.TextIOWrapper) -> int:
    skipped = 0
    while True:
        start = stream.tell()
        try:
            line = stream.readline()
        except UnicodeError as error:
            raise InputError(f"expected text; it cannot be decoded: {error}") from error
        if not line.startswith("#"):
            stream.seek(start)
            return skipped
        skipped += 1


def _separator(head: str) -> str:
    whole = head[: head.rfind("\n") + 1] or head
    lines = [line for line in whole.splitlines()[:50] if line.strip()]
    for separator in _SEPARATORS:
        try:
            cut = list(csv.reader(lines, delimiter=separator, skipinitialspace=True))
        except csv.Error:
            continue
        widths = {len(row) for row in cut}
        if len(widths) == 1 and widths.pop() > 1:
            # Blanks also stand within timestamps; they separate only numbers.
            if separator == " " and not all(map(_is_number, cut[-1])):
                continue
            return separator
    counts = {separator: whole.count(separator) for separator in _SEPARATORS[:-1]}
    most = max(counts, key=lambda separator: counts[separator])
    return most if counts[most] else ","


@dataclass
class _Rows:
    """The rows that are not blank, all of one width."""

    reader: Any
    skipped: int
    width: int | None = None

    def take(self, most: int) -> list[list[str]]:
        """Up to `most` lines further, at least one row unless there are no more."""
        while True:
            before = self.reader.line_num + self.skipped
            try:
                chunk = list(islice(self.reader, most))
            except csv.Error as error:
                line = self.reader.line_num + self.skipped
                raise InputError(
                    f"expected delimited text; line {line} cannot be read: {error}"
                ) from error
            rows = chunk if all(chunk) else [row for row in chunk if row]
            if self.width is not None and set(map(len, rows)) - {self.width}:
                self._refuse(chunk, before)
            if rows or not chunk:
                return rows

    def _refuse(self, chunk: list[list[str]], before: int) -> None:
        at = next(n for n, row in enumerate(chunk) if row and len(row) != self.width)
        raise InputError(
            f"expected {self.width} fields in every line, as in the first; line {before + at + 1} "
            f"has {len(chunk[at])}: {','.join(chunk[at])[:60]!r}"
        )


def _counts_rows(column: Column) -> bool:
    return column.kind == "number" and np.array_equal(column.values, np.arange(len(column)))


def _is_number(cell: str) -> bool:
    try:
        read_number(cell)
    except ValueError:
        return False
    return True


def _is_value(cell: str) -> bool:
    return _is_number(cell) or _is_number(cell.replace(",", ".")) or looks_like_time(cell)


def _number_name(number: int, of: int) -> str:
    return "value" if of == 1 else f"channel {number}"
