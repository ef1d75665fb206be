"""From the bytes of a file to a `Table`; its content decides how, not its ending."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import GadetError, InputError
from gadet.media.array import NPY_MAGIC, npy_array
from gadet.media.base import LoadLimits
from gadet.media.series.column import Column
from gadet.media.series.needs import needed
from gadet.media.series.table import Table, check_size, table_of
from gadet.media.series.text import read_text

__all__ = ["SUFFIXES", "read_file"]

SUFFIXES: Final = frozenset((".csv", ".tsv", ".parquet", ".npz", ".xlsx"))
"""Endings of files that are series by their name alone."""

_UNPACKED: Final = 8  # how many times larger than a file what it unpacks to may be
_FOREIGN: Final = (
    (b"\x1f\x8b", "gzip data: unpack it first"),
    (b"BZh", "bzip2 data: unpack it first"),
    (b"\x28\xb5\x2f\xfd", "Zstandard data: unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file: save it as .xlsx"),
    (b"\x89HDF", "an HDF5 file: read the table yourself and give it"),
    (b"ARROW1", "an Arrow IPC file: read it with pyarrow and give the table"),
    (b"MATLAB 5.0", "a MATLAB file: read the array yourself and give it"),
    (b"\x89PNG", "a PNG picture: a series is read from its numbers, not from a plot"),
    (b"\xff\xd8\xff", "a JPEG picture: a series is read from its numbers, not from a plot"),
    (b"%PDF", "a PDF document"),
    (b"{", "JSON: read it yourself and give a dict of columns"),
    (b"[", "JSON: read it yourself and give a list"),
    (b"<", "markup such as XML or HTML, often the error page of a download"),
)


def read_file(data: bytes, sheet: str | int | None, limits: LoadLimits) -> Table:
    """Read CSV, TSV, Parquet, xlsx, npz or npy.

    Args:
        data: The whole file.
        sheet: Sheet of a workbook, or array of an archive; None needs that there is one choice.
        limits: What it unpacks to is held to `max_bytes`, rows times columns to `max_pixels`.

    Raises:
        InputError: Another kind of file, a broken one, over the limits, or a choice to be made.
        MissingDependencyError: Parquet without pyarrow, xlsx without openpyxl.
    """
    head = data[:16].lstrip()
    for signature, words in _FOREIGN:
        if head.startswith(signature):
            raise InputError(f"expected CSV, TSV, Parquet, npz or xlsx; got {words}")
    try:
        if data.startswith(b"PAR1"):
            _refuse_sheet(sheet, "a Parquet file")
            return _parquet(data, limits)
        if data.startswith(NPY_MAGIC):
            _refuse_sheet(sheet, "an .npy file")
            return table_of(npy_array(data, limits), limits)
        if data.startswith(b"PK\x03\x04"):
            return _zipped(data, sheet, limits)
        _refuse_sheet(sheet, "text")
        return read_text(data, limits)
    except GadetError:
        raise
    except Exception as error:
        # A broken file leads the decoders into errors of any kind.
        raise InputError(
            "expected a whole file of CSV, TSV, Parquet, npz or xlsx; this one cannot be read "
            f"({type(error).__name__}: {' '.join(str(error).split())[:150]})"
        ) from error


def _refuse_sheet(sheet: str | int | None, what: str) -> None:
    if sheet is not None:
        raise InputError(f"expected a workbook or an .npz for sheet={sheet!r}; got {what}")


def _parquet(data: bytes, limits: LoadLimits) -> Table:
    parquet = needed("pyarrow.parquet", "Reading Parquet")
    pyarrow = needed("pyarrow", "Reading Parquet")
    file = parquet.ParquetFile(pyarrow.BufferReader(data))
    facts = file.metadata
    check_size(facts.num_rows, facts.num_columns, limits)
    groups = (facts.row_group(number) for number in range(facts.num_row_groups))
    _check_unpacked(sum(group.total_byte_size for group in groups), limits)
    table = table_of(file.read(), limits)
    index = _pandas_index(file.schema_arrow.pandas_metadata)
    columns = [column for column in table.columns if column.name != index]
    return Table.of(columns, index=next((c for c in table.columns if c.name == index), None))


def _pandas_index(facts: Any) -> str | None:
    """The column that pandas wrote its index to, when it did."""
    names = (facts or {}).get("index_columns") or []
    return names[0] if len(names) == 1 and isinstance(names[0], str) else None


def _zipped(data: bytes, sheet: str | int | None, limits: LoadLimits) -> Table:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        size = sum(part.file_size for part in parts)
        names = [part.filename for part in parts]
        if "xl/workbook.xml" in names:
            # A cell takes many times as much memory as its text.
            _check_unpacked(size, limits, times=1)
            return _workbook(data, sheet, limits)
        _check_unpacked(size, limits)
        arrays = [name for name in names if name.endswith(".npy")]
        if not arrays or len(arrays) < len(names):
            raise InputError(
                "expected an .xlsx workbook or an .npz archive; got another ZIP archive: unpack "
                "it and give one file"
            )
        return _arrays(archive, arrays, sheet, limits)


def _check_unpacked(size: int, limits: LoadLimits, times: int = _UNPACKED) -> None:
    if size > times * limits.max_bytes:
        raise InputError(
            f"expected a file that unpacks to at most {times * limits.max_bytes:,} bytes; it says "
            f"{size:,}: make it smaller, or raise LoadLimits(max_bytes=…)"
        )


def _arrays(
    archive: zipfile.ZipFile, names: list[str], sheet: str | int | None, limits: LoadLimits
) -> Table:
    chosen = _choice([name.removesuffix(".npy") for name in names], sheet)
    if chosen is not None:
        return table_of(_member(archive, names[chosen], limits), limits)
    arrays = {name.removesuffix(".npy"): _member(archive, name, limits) for name in names}
    series = {name: array for name, array in arrays.items() if array.ndim in (1, 2)}
    if len(series) == 1:
        return table_of(next(iter(series.values())), limits)
    lengths = {array.shape for array in series.values()}
    if series and len(lengths) == 1 and len(next(iter(lengths))) == 1:
        return Table.of([Column.of(name, array) for name, array in series.items()])
    shapes = ", ".join(f"{name!r} {array.shape}" for name, array in list(arrays.items())[:8])
    raise InputError(
        f"expected one array, or columns of one length; got {shapes}: choose one with "
        f"SeriesInput(item, sheet={next(iter(arrays))!r})"
    )


def _member(archive: zipfile.ZipFile, name: str, limits: LoadLimits) -> npt.NDArray[Any]:
    most = _UNPACKED * limits.max_bytes
    with archive.open(name) as file:
        # The directory may say less than there is, so the reading is bounded as well.
        data = file.read(most + 1)
    _check_unpacked(len(data), limits)
    return np.asarray(npy_array(data, limits))


def _choice(names: list[str], sheet: str | int | None) -> int | None:
    if sheet is None:
        return 0 if len(names) == 1 else None
    if isinstance(sheet, int) and sheet < len(names):
        return sheet
    if isinstance(sheet, str) and sheet in names:
        return names.index(sheet)
    shown = ", ".join(map(repr, names[:8]))
    raise InputError(f"expected sheet to be one of those in the file, {shown}; got {sheet!r}")


def _workbook(data: bytes, sheet: str | int | None, limits: LoadLimits) -> Table:
    openpyxl = needed("openpyxl", "Reading a workbook")
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    try:
        names = list(book.sheetnames)
        chosen = _choice(names, sheet)
        if chosen is None:
            raise InputError(
                f"expected a workbook with one sheet; got {', '.join(map(repr, names[:8]))}: "
                f"choose one with SeriesInput(item, sheet={names[0]!r})"
            )
        return _sheet(book.worksheets[chosen].iter_rows(values_only=True), limits)
    finally:
        book.close()


def _sheet(rows: Iterable[tuple[Any, ...]], limits: LoadLimits) -> Table:
    filled: list[tuple[Any, ...]] = []
    for row in rows:
        if any(cell is not None for cell in row):
            filled.append(row)
            check_size(len(filled), len(row), limits)
    if not filled:
        raise InputError("expected a sheet with rows; it is empty")
    width = max(map(len, filled))
    filled = [row + (None,) * (width - len(row)) for row in filled]
    named = any(isinstance(cell, str) for cell in filled[0])
    body = filled[1:] if named else filled
    if not body:
        raise InputError("expected rows below the names of the columns; got none")
    names = filled[0] if named else [f"channel {number}" for number in range(width)]
    columns = [
        Column.of(name if name is not None else f"column {number}", [row[number] for row in body])
        for number, name in enumerate(names)
        if any(row[number] is not None for row in body) or name is not None
    ]
    return Table.of(columns, named=named)
