"""Tables of every library, arrays, lists and dicts become the same rows and channels."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.series import SeriesInput
from tests.media.series.support import ADAPTER, NAN, load, notes, ns, refused

DAYS = [datetime(2024, 1, 1), datetime(2024, 1, 2), datetime(2024, 1, 3)]


class FakeTensor:
    """What torch's tensors offer, without torch."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape = array.shape

    def detach(self) -> Any:
        return self

    cpu = detach

    def numpy(self) -> Any:
        return self.array


ARRAYS: dict[str, tuple[Any, list[list[float]]]] = {
    "one axis": (np.array([1.0, 2.0]), [[1], [2]]),
    "two axes": (SeriesInput(np.array([[1, 2], [3, 4], [5, 6]])), [[1, 2], [3, 4], [5, 6]]),
    "int8": (np.array([1, -2], np.int8), [[1], [-2]]),
    "float16": (np.array([0.5], np.float16), [[0.5]]),
    "bool": (np.array([True, False]), [[1], [0]]),
    "infinite": (np.array([1, np.inf, -np.inf]), [[1], [NAN], [NAN]]),
    "masked": (np.ma.masked_equal([1, 2, 3], 2), [[1], [NAN], [3]]),
    "fields": (np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")]), [[1, 2.5]]),
    "tensor": (FakeTensor(np.array([1.0, 2.0])), [[1], [2]]),
    "big endian": (np.array([1.0, 2.0], ">f8"), [[1], [2]]),
    "list": ([1, None, 2.5], [[1], [NAN], [2.5]]),
    "tuple": ((1, 2), [[1], [2]]),
    "decimals": ([Decimal("1.5"), None], [[1.5], [NAN]]),
    "rows": (SeriesInput([[1, 2], [3, None]]), [[1, 2], [3, NAN]]),
    "dict": ({"a": [1, 2], "b": np.array([3, 4])}, [[1, 3], [2, 4]]),
    "objects": (SeriesInput(np.array([1, None, 3.5], object)), [[1], [NAN], [3.5]]),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_and_lists(name: str) -> None:
    item, expected = ARRAYS[name]
    assert ADAPTER.accepts(item)
    sample = ADAPTER.load(item)
    np.testing.assert_array_equal(sample.values, expected)
    assert sample.values.dtype == np.float64
    assert sample.times is None
    assert not sample.values.flags.writeable


def test_callers_array_is_neither_shared_nor_changed() -> None:
    array = np.array([1.0, np.inf])
    sample = load(array)
    array[0] = 7
    assert sample.values[0, 0] == 1
    assert np.isinf(array[1])


ACCEPTED: list[Any] = [
    "a.csv", "a.TSV", "x/a.parquet", "a.npz", "a.xlsx", "https://example.com/a.csv?x=1",
    "data:text/csv,a", np.zeros(3), [1.0], [None, 1], {"a": [1]}, SeriesInput(None),
    SeriesInput(np.zeros((3, 3))), FakeTensor(np.zeros(4)),
]  # fmt: skip
NOT_ACCEPTED: list[Any] = [
    "a.png", "a.json", "a", "a.txt", "https://example.com/a", "https://[x/a.csv",
    "data:image/png,a",
    np.zeros((9, 9)), np.zeros((9, 3)), np.zeros((9, 9, 3), np.uint8), np.zeros(3, complex),
    np.array(3.0), np.array(["a"]), b"1,2", [], {}, {"a": 3}, [[1, 2]], ["a"], None, 3, object(),
    FakeTensor(np.zeros((4, 4))),
]  # fmt: skip


@pytest.mark.parametrize("item", ACCEPTED, ids=lambda item: str(item)[:30])
def test_accepted(item: Any) -> None:
    assert ADAPTER.accepts(item)


@pytest.mark.parametrize("item", NOT_ACCEPTED, ids=lambda item: str(item)[:30])
def test_not_accepted(item: Any) -> None:
    assert not ADAPTER.accepts(item)


def test_npy_files_by_their_dimensions(tmp_path: Any) -> None:
    for name, array, expected in (
        ("one.npy", np.zeros(5), True),
        ("two.npy", np.zeros((5, 5)), False),
        ("words.npy", np.array(["a"]), False),
    ):
        np.save(tmp_path / name, array)
        assert ADAPTER.accepts(tmp_path / name) is expected
    (tmp_path / "broken.npy").write_bytes(b"\x93NUMPY")
    assert not ADAPTER.accepts(tmp_path / "broken.npy")
    assert not ADAPTER.accepts(str(tmp_path / "absent.npy"))


def test_pandas() -> None:
    pd = pytest.importorskip("pandas")
    index = pd.date_range("2024-03-30 23:00", periods=4, freq="h", tz="Europe/Berlin")
    sample = load(pd.Series([1, 2, 3, 4], index=index, name="power [kW]"))
    assert (sample.channels, sample.units) == (("power [kW]",), ("kW",))
    assert sample.timezone == "Europe/Berlin"
    # The clocks go forward at 02:00.
    assert sample.label(2) == "2024-03-31 01:00:00+01:00"
    assert sample.label(3) == "2024-03-31 03:00:00+02:00"
    assert sample.times is not None
    assert sample.times[0] == ns("2024-03-30T22:00")[0]

    frame = pd.DataFrame(
        {
            "a": pd.array([1, None], dtype="Int64"),
            "b": pd.array([True, None], dtype="boolean"),
            "kind": pd.Categorical(["u", "v"]),
        }
    )
    frame.attrs["units"] = {"a": "bar"}
    sample = load(frame)
    np.testing.assert_array_equal(sample.values, [[1, 1], [NAN, NAN]])
    assert sample.units == ("bar", "")
    assert "left out: 'kind'" in notes(sample)

    offset = pd.date_range("2024", periods=2, tz=timezone(timedelta(hours=-3)))
    assert load(pd.Series([1, 2], index=offset)).label(0) == "2024-01-01 00:00:00-03:00"
    months = load(pd.Series([1, 2], index=pd.period_range("2024-01", periods=2, freq="M")))
    assert months.label(1) == "2024-02-01"
    passed = load(pd.Series([1, 2], index=pd.timedelta_range(0, periods=2, freq="5s")))
    assert (passed.label(1), passed.clock.elapsed) == ("5 s", True)
    counted = load(pd.Series([1.0, 2.0], index=[5, 7]))
    assert counted.times is None
    assert "holds no times" in notes(counted)
    arrow = pytest.importorskip("pyarrow")
    typed = pd.DataFrame({"v": pd.Series([1, None], dtype=pd.ArrowDtype(arrow.int64()))})
    np.testing.assert_array_equal(load(typed).values, [[1], [NAN]])
    two = pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "x"), ("a", "y")]))
    assert load(two).channels == ("a / x", "a / y")
    refused(pd.DataFrame({"a": [1]}, index=[[1], [2]]), "got 2 levels: use reset_index")
    refused(pd.DataFrame({"a": []}), "at least one row; got none")
    limits = LoadLimits(max_pixels=5)
    with pytest.raises(InputError, match="got 3 rows of 2 = 6"):
        ADAPTER.load(pd.DataFrame(np.zeros((3, 2))), limits)


def test_polars() -> None:
    pl = pytest.importorskip("polars")
    times = [day.replace(tzinfo=UTC) for day in DAYS]
    frame = pl.DataFrame({"t": times, "v": [1, None, 3], "on": [True, False, None]})
    frame = frame.with_columns(pl.col("t").dt.convert_time_zone("Asia/Tokyo"))
    sample = load(frame)
    np.testing.assert_array_equal(sample.values, [[1, 1], [NAN, 0], [3, NAN]])
    assert sample.label(0) == "2024-01-01 09:00:00+09:00"
    assert load(pl.DataFrame({"d": [date(2024, 1, 1)], "v": [2]})).label(0) == "2024-01-01"
    assert load(pl.Series("q", [1.5, None])).channels == ("q",)
    refused(pl.LazyFrame({"v": [1]}), "got a LazyFrame: use collect")


def test_arrow_and_what_speaks_it() -> None:
    pa = pytest.importorskip("pyarrow")
    field = pa.field("v", pa.int64(), metadata={"unit": "m"})
    table = pa.table(
        [pa.array(DAYS), pa.array([1, None, 3])],
        schema=pa.schema([pa.field("ts", pa.timestamp("us")), field]),
    )

    class Other:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            return table.__arrow_c_stream__(requested_schema)

    for item in (table, table.to_batches()[0], Other(), {"ts": DAYS, "v": pa.array([1, None, 3])}):
        assert ADAPTER.accepts(item)
        sample = load(item)
        np.testing.assert_array_equal(sample.values, [[1], [NAN], [3]])
        assert [sample.label(row) for row in range(2)] == ["2024-01-01", "2024-01-02"]
    assert load(table).units == ("m",)
    np.testing.assert_array_equal(load(pa.chunked_array([[1], [None]])).values, [[1], [NAN]])


def test_a_table_that_fails_says_so() -> None:
    class Broken:
        def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
            raise RuntimeError("gone")

    pytest.importorskip("pyarrow")
    refused(Broken(), r"Broken cannot \(RuntimeError: gone\): give its columns as a dict")


REFUSED: dict[str, tuple[Any, str]] = {
    "no rows": (np.zeros(0), "at least one row; got none"),
    "empty list": (SeriesInput([]), "at least one row; got none"),
    "all missing": (np.full(3, NAN), "all of the 3 rows are missing or infinite"),
    "three axes": (SeriesInput(np.zeros((2, 2, 2))), r"\(T,\) or \(T, C\).*got shape \(2, 2, 2\)"),
    "a number": (SeriesInput(np.array(3.0)), r"got shape \(\)"),
    "channels first": (SeriesInput(np.zeros((3, 500))), "looks like channels first: give item.T"),
    "complex": (SeriesInput(np.zeros(3, complex)), r"column of numbers.*'value' \(other\)"),
    "dates alone": (SeriesInput(np.array(["2024"], "M8[Y]")), r"got 'value' \(time\)"),
    "words": (SeriesInput(["a", "b"]), "it starts with str"),
    "ragged rows": (SeriesInput([[1, 2], [3]]), r"rows of one length.*got \[1, 2\]"),
    "ragged columns": ({"a": [1], "b": [1, 2]}, "columns of one length; got 'a' 1, 'b' 2"),
    "no column": (SeriesInput({"a": 3}), "'a' is int"),
    "nothing": (SeriesInput(None), "got NoneType"),
    "an object": (SeriesInput(3.5), "got float"),
    "sheet of an array": (SeriesInput([1], sheet="a"), "sheet='a'; got list"),
    "both kinds of times": (
        {"t": [DAYS[0], DAYS[1].replace(tzinfo=UTC)], "v": [1, 2]},
        "all times with a time zone or all without",
    ),
    "a time nanoseconds cannot hold": ({"t": np.array(["1500-01-01"], "M8[D]"), "v": [1]}, "1678"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    refused(*REFUSED[name])


def test_too_many_values_before_they_are_copied() -> None:
    huge = np.broadcast_to(np.float64(0), (10**6, 10**3))
    refused(SeriesInput(huge), "1,000,000 rows of 1,000 = 1,000,000,000: take fewer")
    refused([1, 2, 3], "at most 2 values; got 3 rows of 1", max_pixels=2)
    refused({"a": [1, 2]}, "at most 1 values", max_pixels=1)


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "time_unit": ({"time_unit": "h"}, "time_unit to be one of None, 's'.*got 'h'"),
    "duplicates": ({"duplicates": "all"}, "duplicates to be one of 'mean'.*got 'all'"),
    "channels text": ({"channels": "a"}, "channels to be a tuple.*got 'a'"),
    "no channels": ({"channels": ()}, r"channels to be a tuple.*got \(\)"),
    "channel": ({"channels": (1.5,)}, "name or a number from 0; got 1.5"),
    "channel twice": ({"channels": ("a", "a")}, "each of channels once"),
    "units": ({"units": {"a": 1}}, "dict of texts by channel"),
    "normal_until": ({"normal_until": 0}, "count of rows from 1 or a timestamp; got 0"),
    "normal_until share": ({"normal_until": 0.5}, "got 0.5"),
    "time_format": ({"time_format": 3}, "time_format to be text; got 3"),
    "sheet": ({"sheet": -1}, "name or a number from 0; got -1"),
    "nested": ({"item": SeriesInput(1)}, "another SeriesInput"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_checked_where_they_are_written(name: str) -> None:
    options, match = OPTIONS[name]
    with pytest.raises(InputError, match=match):
        SeriesInput(**{"item": [1], **options})


def test_the_wrapping_does_not_show_what_it_holds() -> None:
    assert "secret" not in repr(SeriesInput("secret.csv", channels=("a",)))
