"""Time series: whatever holds rows of numbers becomes `(T, C)` in the order of time."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import PurePath
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.array import NPY_MAGIC, is_tensor
from gadet.media.base import LoadLimits
from gadet.media.series.arrange import Arranged, arrange, normal_rows
from gadet.media.series.files import SUFFIXES, read_file
from gadet.media.series.options import SeriesInput
from gadet.media.series.sample import SeriesSample
from gadet.media.series.table import Table, is_list_of_numbers, is_table, table_of
from gadet.media.source import Source, is_data_url, is_url
from gadet.report import ItemInfo, Modality

__all__ = ["SeriesAdapter"]

_NAME = "series"


class SeriesAdapter:
    """Reads time series.

    Taken as series without being told: a Series or DataFrame of pandas or polars, a table or column
    of pyarrow and whatever speaks the Arrow PyCapsule or the dataframe interchange protocol, a
    one-dimensional NumPy array or torch tensor of numbers, a list of numbers, a dict of columns,
    and a path or URL that ends in `.csv`, `.tsv`, `.parquet`, `.npz` or `.xlsx` or is an `.npy`
    file of one dimension. An array of two dimensions may as well be a picture or a cloud, and bytes
    or a file object may be anything: they are series only in a `SeriesInput`. It keeps nothing, so
    one adapter serves all threads.
    """

    modality: Modality = "series"

    def accepts(self, item: Any) -> bool:
        """Whether the item is a series: by its type, ending or shape, never by its values."""
        if isinstance(item, SeriesInput):
            return True
        if isinstance(item, str) and is_data_url(item):
            return item[5:].lower().lstrip().startswith(("text/csv", "text/tab-separated-values"))
        if isinstance(item, str | os.PathLike):
            return _path_looks_like_series(os.fsdecode(os.fspath(item)))
        if is_tensor(item):
            return len(getattr(item, "shape", ())) == 1
        if isinstance(item, np.ndarray):
            return is_table(item) or (item.ndim == 1 and item.dtype.kind in "buif")
        return is_list_of_numbers(item) or is_table(item)

    def load(self, item: Any, limits: LoadLimits | None = None) -> SeriesSample:
        """Read the item.

        Args:
            item: Anything the adapter takes.
            limits: The bounds; None takes the defaults. Rows times channels are held to
                `max_pixels`.

        Raises:
            InputError: It cannot be read as a series, or is over the limits.
            MissingDependencyError: The file needs a package of the `series` extra.
        """
        limits = limits or LoadLimits()
        options = item if isinstance(item, SeriesInput) else SeriesInput(item)
        name, origin = _NAME, None
        if _is_source(options.item):
            source = Source.read(options.item, limits)
            # Data in memory has no name of its own.
            name, origin = (source.name, source.origin) if source.origin else (_NAME, None)
            try:
                table = read_file(source.data, options.sheet, limits)
                return _sample(table, options, name, origin)
            except InputError as error:
                if origin is None:
                    raise
                raise InputError(f"{origin}: {error}") from error
        if options.sheet is not None:
            raise InputError(
                f"expected a workbook or an .npz for sheet={options.sheet!r}; got "
                f"{type(options.item).__name__}"
            )
        return _sample(table_of(options.item, limits), options, name, origin)


def _sample(table: Table, options: SeriesInput, name: str, source: str | None) -> SeriesSample:
    arranged = arrange(table, options)
    arranged.values.flags.writeable = False
    if arranged.clock.times is not None:
        arranged.clock.times.flags.writeable = False
    info = ItemInfo(
        name=name,
        source=source,
        modality="series",
        sha256=_hash(arranged),
        notes=arranged.notes,
    )
    return SeriesSample(
        info=info,
        values=arranged.values,
        clock=arranged.clock,
        channels=arranged.channels,
        units=arranged.units,
        normal_until=normal_rows(options.normal_until, arranged.clock),
        lettered=options.lettered,
        as_text=options.as_text,
    )


def _hash(arranged: Arranged) -> str:
    """SHA-256 over the shape, the names, the times and the values, in hexadecimal."""
    rows, channels = arranged.values.shape
    clock = arranged.clock
    head = (rows, channels, arranged.channels, arranged.units, clock.zone, clock.elapsed)
    digest = hashlib.sha256(f"{head!r}\n".encode())
    if clock.times is not None:
        digest.update(_little_endian(clock.times))
    digest.update(_little_endian(arranged.values))
    return digest.hexdigest()


def _little_endian(array: npt.NDArray[Any]) -> memoryview:
    order = array.dtype.newbyteorder("<")
    return np.ascontiguousarray(array, order).data.cast("B")


def _is_source(item: Any) -> bool:
    if isinstance(item, str | os.PathLike | bytes | bytearray | memoryview):
        return True
    return callable(getattr(item, "read", None)) and not is_table(item)


def _path_looks_like_series(text: str) -> bool:
    if is_url(text):
        try:
            return PurePath(urlsplit(text).path).suffix.lower() in SUFFIXES
        except ValueError:
            return False
    suffix = PurePath(text).suffix.lower()
    return suffix in SUFFIXES or (suffix == ".npy" and _has_one_dimension(text))


def _has_one_dimension(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            head = io.BytesIO(file.read(256))
        if not head.getvalue().startswith(NPY_MAGIC):
            return False
        np.lib.format.read_magic(head)
        shape, _, dtype = np.lib.format.read_array_header_1_0(head)
    except (OSError, ValueError, EOFError):
        return False
    return len(shape) == 1 and dtype.kind in "buif"
