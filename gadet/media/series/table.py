"""A `Table`: columns of one length, from pandas, polars, pyarrow, NumPy or plain Python.

None of these libraries is imported to find out: the module that a class says it is from is enough.
Any other table takes the Arrow PyCapsule interface, or the older dataframe interchange protocol,
through pyarrow.

Source: https://arrow.apache.org/docs/format/CDataInterface/PyCapsuleInterface.html,
https://data-apis.org/dataframe-protocol/latest/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from numbers import Real
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from gadet.errors import GadetError, InputError
from gadet.media.array import is_tensor, tensor_array
from gadet.media.base import LoadLimits
from gadet.media.series.column import Column
from gadet.media.series.needs import needed
from gadet.media.series.stamps import written_offset

__all__ = ["Table", "check_size", "is_list_of_numbers", "is_table", "table_of"]

_ONLY: Final = "value"


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one length.

    Attributes:
        columns: The columns, each with a name of its own.
        index: What a table of pandas has beside its columns, unless it only counts the rows.
        named: Whether the names come from the data.
        notes: What was done to get here.
    """

    columns: tuple[Column, ...] = field(repr=False)
    index: Column | None = None
    named: bool = True
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.columns[0]) if self.columns else 0

    @classmethod
    def of(
        cls,
        columns: Sequence[Column],
        *,
        index: Column | None = None,
        named: bool = True,
        notes: Sequence[str] = (),
    ) -> Self:
        """A table whose columns have names that differ.

        Raises:
            InputError: The columns have different lengths.
        """
        lengths = {len(column) for column in columns}
        if len(lengths) > 1:
            each = ", ".join(f"{column.name!r} {len(column):,}" for column in columns[:5])
            raise InputError(f"expected columns of one length; got {each}")
        unique, repeated = _told_apart(columns)
        if repeated:
            notes = [*notes, f"columns of the same name were numbered: {', '.join(repeated)}"]
        return cls(tuple(unique), index=index, named=named, notes=tuple(notes))


def is_table(item: Any) -> bool:
    """Whether the item is a table, or one column, of a library or of plain Python."""
    if isinstance(item, np.ndarray):
        return item.ndim == 1 and item.dtype.names is not None
    if isinstance(item, Mapping):
        return bool(item) and all(_is_column(values) for values in item.values())
    return _reader(item) is not None


def is_list_of_numbers(item: Any) -> bool:
    """Whether the item is a list or tuple that starts with a number, or with missing ones."""
    if not isinstance(item, list | tuple) or not item:
        return False
    first = next((value for value in item if value is not None), None)
    return isinstance(first, Real | Decimal)


def table_of(item: Any, limits: LoadLimits) -> Table:
    """Read a table, an array or a list.

    Args:
        item: A Series or DataFrame of pandas or polars, an array, a column or a table of pyarrow, a
            dict of columns, a NumPy array `(T,)`, `(T, C)` or with fields, a torch tensor of these
            shapes, a list of numbers or of rows.
        limits: Rows times channels are held to `max_pixels` before anything is copied.

    Raises:
        InputError: It is none of these, or over the limits.
        MissingDependencyError: A table of another library, and no pyarrow to read it with.
    """
    if is_tensor(item):
        item, _, _ = tensor_array(item, "hwc")
    if isinstance(item, np.ndarray):
        return _from_array(item, limits)
    if isinstance(item, Mapping):
        return _from_mapping(item, limits)
    if isinstance(item, list | tuple):
        return _from_list(item, limits)
    reader = _reader(item)
    if reader is None:
        raise InputError(
            "expected a table, an array (T,) or (T, C), a list of numbers, or a path; got "
            f"{type(item).__name__}"
        )
    try:
        return reader(item, limits)
    except GadetError:
        raise
    except Exception as error:
        # Each library raises its own errors, which are not known here.
        raise InputError(
            f"expected a table that can be read; {type(item).__name__} cannot "
            f"({type(error).__name__}: {str(error)[:150]}): give its columns as a dict of arrays"
        ) from error


def check_size(rows: int, columns: int, limits: LoadLimits) -> None:
    """Refuse a table with more values than a picture may have pixels.

    Raises:
        InputError: It has.
    """
    if rows * columns > limits.max_pixels:
        raise InputError(
            f"expected at most {limits.max_pixels:,} values; got {rows:,} rows of {columns:,} = "
            f"{rows * columns:,}: take fewer channels or a part, or raise LoadLimits(max_pixels=…)"
        )


def _told_apart(columns: Sequence[Column]) -> tuple[list[Column], list[str]]:
    taken: set[str] = set()
    unique, repeated = [], []
    for column in columns:
        name, number = column.name, 1
        while name in taken:
            number += 1
            name = f"{column.name} ({number})"
        if name != column.name:
            repeated.append(repr(name))
        taken.add(name)
        unique.append(column.renamed(name))
    return unique, repeated


def _is_column(values: Any) -> bool:
    if isinstance(values, np.ndarray):
        return values.ndim == 1
    return isinstance(values, list | tuple | range) or _reader(values) is not None


def _reader(item: Any) -> Callable[[Any, LoadLimits], Table] | None:
    """What reads the item, by the library that its class says it is from."""
    for kind in type(item).__mro__:
        library = kind.__module__.partition(".")[0]
        if (library, kind.__name__) in _READERS:
            return _READERS[library, kind.__name__]
    if any(hasattr(item, name) for name in ("__arrow_c_stream__", "__dataframe__")):
        return _from_protocol
    return None


def _from_array(array: npt.NDArray[Any], limits: LoadLimits) -> Table:
    if array.dtype.names is not None and array.ndim == 1:
        check_size(len(array), len(array.dtype.names), limits)
        return Table.of([Column.of(name, array[name]) for name in array.dtype.names])
    if array.ndim not in (1, 2):
        raise InputError(
            f"expected an array (T,) or (T, C), steps by channels; got shape {array.shape}"
        )
    rows, channels = array.shape if array.ndim == 2 else (len(array), 1)
    if rows < 8 and channels > 8 * max(rows, 1):
        raise InputError(
            f"expected an array (T, C), steps by channels; got shape {array.shape}, which looks "
            "like channels first: give item.T"
        )
    check_size(rows, channels, limits)
    if array.ndim == 1:
        return Table.of([Column.of(_ONLY, array)], named=False)
    columns = [Column.of(f"channel {number}", array[:, number]) for number in range(channels)]
    return Table.of(columns, named=False)


def _from_mapping(item: Mapping[Any, Any], limits: LoadLimits) -> Table:
    columns: list[Column] = []
    for name, values in item.items():
        if not _is_column(values):
            raise InputError(
                "expected a dict of columns, each a one-dimensional array or a list; "
                f"{str(name)[:60]!r} is {type(values).__name__}"
            )
        if isinstance(values, list | tuple | range | np.ndarray):
            check_size(len(values), len(item), limits)
            columns.append(Column.of(name, values))
        else:
            columns.append(table_of(values, limits).columns[0].renamed(str(name)))
    return Table.of(columns)


def _from_list(item: Sequence[Any], limits: LoadLimits) -> Table:
    if item and isinstance(item[0], list | tuple):
        widths = {len(row) if isinstance(row, list | tuple) else 1 for row in item}
        if len(widths) > 1:
            raise InputError(
                f"expected rows of one length, a value per channel; got {sorted(widths)[:5]}"
            )
        check_size(len(item), widths.pop(), limits)
        names = range(len(item[0]))
        columns = [Column.of(f"channel {n}", [row[n] for row in item]) for n in names]
        return Table.of(columns, named=False)
    if item and not is_list_of_numbers(item):
        raise InputError(
            "expected a list of numbers, or of rows of numbers; it starts with "
            f"{type(item[0]).__name__}"
        )
    check_size(len(item), 1, limits)
    return Table.of([Column.of(_ONLY, item)], named=False)


def _from_pandas(frame: Any, limits: LoadLimits) -> Table:
    if frame.ndim == 1:
        frame = frame.to_frame(_ONLY if frame.name is None else frame.name)
    if frame.index.nlevels > 1:
        raise InputError(
            f"expected rows with one index; got {frame.index.nlevels} levels: use reset_index(), "
            "or take one group"
        )
    check_size(len(frame), len(frame.columns), limits)
    units = frame.attrs.get("units")
    units = units if isinstance(units, Mapping) else {}
    columns = [
        _pandas_column(name, frame.iloc[:, number], units.get(name))
        for number, name in enumerate(frame.columns)
    ]
    index = None
    if type(frame.index).__name__ != "RangeIndex":
        index = _pandas_column(frame.index.name or "index", frame.index.to_series(), None)
    return Table.of(columns, index=index)


def _pandas_column(name: Any, series: Any, unit: Any) -> Column:
    kind = type(series.dtype).__name__
    if kind == "DatetimeTZDtype":
        utc = series.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy()
        return Column.of(name, utc, zone=_pandas_zone(series.dtype.tz, series))
    if kind == "PeriodDtype":
        return Column.of(name, series.dt.to_timestamp().to_numpy())
    if kind == "CategoricalDtype":
        return Column.of(name, series.astype(object).to_numpy())
    # Of a column that can hold NA only floats can be had without losing it.
    if getattr(series.dtype, "kind", "O") in "biuf" and not isinstance(series.dtype, np.dtype):
        return Column.of(name, series.to_numpy(dtype=np.float64, na_value=np.nan), unit=unit)
    return Column.of(name, series.to_numpy(), unit=unit)


def _pandas_zone(zone: Any, series: Any) -> str:
    name = getattr(zone, "key", None) or getattr(zone, "zone", None)
    return str(name or written_offset(series.dropna().iloc[0].utcoffset()))


def _from_polars(frame: Any, limits: LoadLimits) -> Table:
    if type(frame).__name__ == "LazyFrame":
        raise InputError("expected a table that is there; got a LazyFrame: use collect()")
    columns = [frame] if type(frame).__name__ == "Series" else frame.get_columns()
    check_size(len(frame), len(columns), limits)
    return Table.of([_polars_column(column) for column in columns])


def _polars_column(series: Any) -> Column:
    kind = str(series.dtype.base_type())
    name = series.name or _ONLY
    if kind in ("Datetime", "Date", "Duration"):
        # Dates of polars with a zone are kept in UTC, which is what NumPy gets.
        zone = getattr(series.dtype, "time_zone", None)
        return Column.of(name, series.to_numpy(), zone=zone)
    if series.dtype.is_numeric() or kind == "Boolean":
        floats = type(series)([0.0]).dtype  # polars' own, without importing it
        return Column.of(name, series.cast(floats).to_numpy())
    return Column.of(name, series.to_list())


def _from_arrow(table: Any, limits: LoadLimits) -> Table:
    if not hasattr(table, "column_names"):
        check_size(len(table), 1, limits)
        return Table.of([_arrow_column(_ONLY, table, None)])
    check_size(table.num_rows, table.num_columns, limits)
    return Table.of(list(_arrow_columns(table)))


def _arrow_columns(table: Any) -> Iterator[Column]:
    for number, name in enumerate(table.column_names):
        facts = table.schema.field(number).metadata or {}
        unit = facts.get(b"unit") or facts.get(b"units")
        yield _arrow_column(name, table.column(number), unit and unit.decode("utf-8", "replace"))


def _arrow_column(name: str, values: Any, unit: Any) -> Column:
    kind = str(values.type)
    if kind.startswith(("timestamp", "date")):
        times = values.to_numpy(zero_copy_only=False) if _is_plain(values) else values.to_numpy()
        return Column.of(name, times, zone=getattr(values.type, "tz", None))
    if kind.startswith(("int", "uint", "float", "double", "halffloat", "bool")):
        return Column.of(
            name,
            np.asarray(
                values.to_numpy(zero_copy_only=False) if _is_plain(values) else values.to_numpy()
            ),
            unit=unit,
        )
    return Column.of(name, values.to_pylist(), unit=unit)


def _is_plain(values: Any) -> bool:
    """Whether it is one array, which pyarrow does not copy unasked; in chunks it always does."""
    return not hasattr(values, "chunks")


def _from_protocol(item: Any, limits: LoadLimits) -> Table:
    feature = f"Reading a {type(item).__name__}"
    if hasattr(item, "__arrow_c_stream__"):
        return _from_arrow(needed("pyarrow", feature).table(item), limits)
    exchange = needed("pyarrow.interchange", feature)
    return _from_arrow(exchange.from_dataframe(item), limits)


_READERS: Final[dict[tuple[str, str], Callable[[Any, LoadLimits], Table]]] = {
    ("pandas", "Series"): _from_pandas,
    ("pandas", "DataFrame"): _from_pandas,
    ("polars", "Series"): _from_polars,
    ("polars", "DataFrame"): _from_polars,
    ("polars", "LazyFrame"): _from_polars,
    ("pyarrow", "Table"): _from_arrow,
    ("pyarrow", "RecordBatch"): _from_arrow,
    ("pyarrow", "Array"): _from_arrow,
    ("pyarrow", "ChunkedArray"): _from_arrow,
}
