"""Files of every kind, by their content; and what is refused, before it is unpacked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import InputError, MissingDependencyError
from gadet.media.base import LoadLimits
from gadet.media.series import SeriesInput, needs
from tests.media.series.support import ADAPTER, NAN, load, notes, refused, text


def npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def zipped(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return buffer.getvalue()


TEXTS: dict[str, tuple[str, list[list[float]], tuple[str, ...]]] = {
    "commas": ("a,b\n1,2\n3,4\n", [[1, 2], [3, 4]], ("a", "b")),
    "tabs": ("a\tb\n1\t2\n", [[1, 2]], ("a", "b")),
    "semicolons": ("a;b\n1,5;2\n1.000,5;3\n", [[1.5, 2], [1000.5, 3]], ("a", "b")),
    "bars": ("a|b\n1|2\n", [[1, 2]], ("a", "b")),
    "blanks": ("  1.5   2\n  3   4\n", [[1.5, 2], [3, 4]], ("channel 0", "channel 1")),
    "one column": ("1\n2\n", [[1], [2]], ("value",)),
    "one number": ("5", [[5]], ("value",)),
    "quotes": ('"a, x","b ""y"""\n"1",2\n', [[1, 2]], ("a, x", 'b "y"')),
    "comments": ("# made by hand\n#\na,b\n1,2\n", [[1, 2]], ("a", "b")),
    "blank lines": ("\n\na,b\n\n1,2\n\n", [[1, 2]], ("a", "b")),
    "missing": ("a,b\n1,\nNaN,2\nn/a,3\n4,NULL\n", [[1, NAN], [NAN, 2], [NAN, 3], [4, NAN]],
                ("a", "b")),
    "separator at the end": ("a,b,\n1,2,\n", [[1, 2]], ("a", "b")),
    "windows": ("a,b\r\n1,2\r\n", [[1, 2]], ("a", "b")),
    "old mac": ("a,b\r1,2\r", [[1, 2]], ("a", "b")),
    "mark": ("\ufeffa,b\n1,2\n", [[1, 2]], ("a", "b")),
    "same names": ("a,a\n1,2\n", [[1, 2]], ("a", "a (2)")),
    "index of pandas": (",a\n0,5\n1,6\n", [[5], [6]], ("a",)),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_text(name: str) -> None:
    data, values, channels = TEXTS[name]
    sample = load(SeriesInput(data.encode()))
    np.testing.assert_array_equal(sample.values, values)
    assert sample.channels == channels


def test_encodings() -> None:
    assert text("Größe", "1").channels == ("Größe",)
    for encoding, note in (("utf-16", ""), ("latin-1", "read as Latin-1")):
        sample = load(SeriesInput("Größe\n1\n".encode(encoding)))
        assert sample.channels == ("Größe",)
        assert notes(sample) == "" if not note else note in notes(sample)


ROWS = st.lists(
    st.tuples(st.floats(allow_infinity=False), st.floats(-1e9, 1e9)), min_size=1, max_size=20
)


@given(ROWS, st.sampled_from(",;\t|"))
@settings(max_examples=60, deadline=None)
def test_numbers_come_back_exactly(rows: list[tuple[float, float]], separator: str) -> None:
    lines = [f"a{separator}b", *(f"{a!r}{separator}{b!r}" for a, b in rows)]
    np.testing.assert_array_equal(text(*lines).values, rows)


def test_a_text_of_many_parts_with_a_word_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gadet.media.series.text._CHUNK", 4)
    rows = [f"{number},{number % 7}" for number in range(50)]
    np.testing.assert_array_equal(text("a,b", *rows).values[:, 0], range(50))
    refused(SeriesInput("\n".join(["a,b", *rows, "x,1"]).encode()), "row 50 holds 'x'")
    refused(SeriesInput("\n".join(["a,b", *rows, "1"]).encode()), "line 52 has 1: '1'")
    gaps = [*rows[:9], *[""] * 9, *rows[9:]]
    assert len(text("a,b", *gaps)) == 50


@given(st.binary(max_size=200) | st.text("0123456789.,;\t \n\r\"'-:TZ+aN#/e", max_size=120))
@settings(max_examples=300, deadline=None)
def test_any_content_is_read_or_refused(content: bytes | str) -> None:
    data = content.encode() if isinstance(content, str) else content
    try:
        sample = load(SeriesInput(data))
    except (InputError, MissingDependencyError):
        return
    assert sample.values.size
    assert sample.index_of(sample.label(0)) == 0


TEXT_REFUSED: dict[str, tuple[bytes, str]] = {
    "fields": (b"a,b\n1,2\n3\n", "2 fields in every line, as in the first; line 3 has 1: '3'"),
    "blank": (b"\n\n", "only blank lines or comments"),
    "comments alone": (b"# a\n# b", "only blank lines or comments"),
    "names alone": (b"a,b\n", "rows below the names"),
    "words alone": (b"a,b\nx,y\n", r"'a' \(text\), 'b' \(text\)"),
    "a word": (b"a\n1\noops\n2\n", "row 1 holds 'oops'"),
    "NUL": (b"a,b\n1,\0\n", "got binary data"),
    "broken UTF-16": (b"\xff\xfea\x00\xff", "UTF-16|utf-16|decode"),
    "long field": (b"a\n" + b'"' + b"x" * 200_000 + b'"\n', "line .* cannot be read: field larger"),
}


@pytest.mark.parametrize("name", TEXT_REFUSED)
def test_text_refused(name: str) -> None:
    refused(SeriesInput(TEXT_REFUSED[name][0]), TEXT_REFUSED[name][1])


def test_rows_are_counted_while_they_are_read() -> None:
    refused(SeriesInput(b"a,b\n" + b"1,2\n" * 9), "9 rows of 2 = 18", max_pixels=17)
    refused(SeriesInput(b"a\n" + b"1\n" * 99), "at most 50 bytes", max_bytes=50)


FOREIGN: dict[str, tuple[bytes, str]] = {
    "gzip": (b"\x1f\x8b\x08" + bytes(20), "gzip data: unpack it"),
    "xls": (b"\xd0\xcf\x11\xe0" + bytes(20), "old Excel file: save it as .xlsx"),
    "png": (b"\x89PNG\r\n\x1a\n" + bytes(9), "a PNG picture: a series is read from its numbers"),
    "json": (b'{"a": 1}', "got JSON: read it yourself"),
    "html": (b"<!DOCTYPE html>", "the error page of a download"),
    "zip": (zipped(readme=b"hello"), "another ZIP archive"),
    "half a zip": (npz(a=np.zeros(3))[:-30], r"cannot be read \(BadZipFile"),
    "half a parquet": (b"PAR1" + bytes(30), "cannot be read"),
    "short npy": (b"\x93NUMPY\x01\x00", "npy file of numbers; this one cannot be read"),
    "pickle": (npz(a=np.array([object()], object)), "allow_pickle=False"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_and_broken_files(name: str) -> None:
    if name == "half a parquet":
        pytest.importorskip("pyarrow")
    refused(SeriesInput(FOREIGN[name][0]), FOREIGN[name][1])


def test_archives_of_arrays() -> None:
    columns = npz(a=np.arange(3), b=np.arange(3.0))
    assert load(SeriesInput(columns)).channels == ("a", "b")
    two = npz(train=np.zeros((3, 2)), test=np.ones((4, 2)), note=np.array("x"))
    refused(SeriesInput(two), r"'train' \(3, 2\).*choose one with SeriesInput\(item, sheet='train'")
    assert len(load(two, sheet="test")) == 4
    assert len(load(two, sheet=0)) == 3
    refused(two, "in the file, 'train', 'test', 'note'; got 'z'", {"sheet": "z"})
    refused(two, "got 9", {"sheet": 9})
    assert load(SeriesInput(npz(x=np.ones(3), scale=np.array(2.0)))).values.shape == (3, 1)
    refused(b"a\n1\n", "workbook or an .npz for sheet='q'; got text", {"sheet": "q"})


def test_archives_that_unpack_to_too_much() -> None:
    bomb = npz(a=np.zeros(10**6))
    packed = zipped(**{"a.npy": zipfile.ZipFile(io.BytesIO(bomb)).read("a.npy")})
    assert len(packed) < 20_000
    refused(SeriesInput(packed), "unpacks to at most 160,000 bytes", max_bytes=20_000)


def test_one_dimensional_npy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(4.0))
    sample = load(tmp_path / "a.npy")
    assert sample.values[:, 0].tolist() == [0, 1, 2, 3]
    assert (sample.info.name, sample.info.source) == ("a.npy", str(tmp_path / "a.npy"))


def test_paths_bytes_and_file_objects(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("time,v\n2024-01-01 00:00:00,1\n2024-01-01 01:00:00,2\n")
    with path.open("rb") as file:
        samples = [
            ADAPTER.load(item)
            for item in (str(path), path, SeriesInput(path.read_bytes()), SeriesInput(file))
        ]
    assert len({sample.info.sha256 for sample in samples}) == 1
    assert [sample.info.name for sample in samples] == ["log.csv", "log.csv", "series", "series"]
    assert samples[0].info.size is None
    with pytest.raises(InputError, match=r"log\.csv: expected time to be a column"):
        ADAPTER.load(SeriesInput(path, time="when"))
    with pytest.raises(InputError, match=r"there is none at 'absent\.csv'"):
        ADAPTER.load("absent.csv")
    assert ADAPTER.load("data:text/csv,a%0A1%0A2").values[:, 0].tolist() == [1, 2]


def test_parquet() -> None:
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    index = pd.date_range("2024", periods=3, tz="Europe/Berlin", name="when")
    buffer = io.BytesIO()
    pd.DataFrame({"v": [1, None, 3.0]}, index=index).to_parquet(buffer)
    sample = load(SeriesInput(buffer.getvalue()))
    np.testing.assert_array_equal(sample.values, [[1], [NAN], [3]])
    assert (sample.timezone, sample.channels) == ("Europe/Berlin", ("v",))
    with pytest.raises(InputError, match="3 rows of 2 = 6"):
        ADAPTER.load(SeriesInput(buffer.getvalue()), LoadLimits(max_pixels=5))
    refused(buffer.getvalue(), "got a Parquet file", {"sheet": 0})


def test_workbooks() -> None:
    openpyxl = pytest.importorskip("openpyxl")
    from datetime import datetime

    book = openpyxl.Workbook()
    first = book.active
    first.title = "log"
    for row in (("when", "v", "note"), (datetime(2024, 1, 1), 1, "x"), (datetime(2024, 1, 2),)):
        first.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    one = buffer.getvalue()
    sample = load(SeriesInput(one))
    np.testing.assert_array_equal(sample.values, [[1], [NAN]])
    assert sample.label(1) == "2024-01-02"
    refused(one, "in the file, 'log'; got 'q'", {"sheet": "q"})
    refused(SeriesInput(one), "unpacks to at most", max_bytes=len(one))

    second = book.create_sheet("numbers")
    for number in range(3):
        second.append((number, number * 2))
    book.create_sheet("empty")
    book.create_sheet("names").append(("a", "b"))
    buffer = io.BytesIO()
    book.save(buffer)
    many = buffer.getvalue()
    refused(SeriesInput(many), "one sheet; got 'log', 'numbers', 'empty', 'names': choose one")
    assert load(many, sheet="numbers").values.tolist() == [[0, 0], [1, 2], [2, 4]]
    assert load(many, sheet=1).channels == ("channel 0", "channel 1")
    refused(many, "sheet with rows; it is empty", {"sheet": "empty"})
    refused(many, "rows below the names", {"sheet": "names"})


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(needs, "import_module", absent)
    with pytest.raises(MissingDependencyError, match=r"pip install 'gadet\[series\]'") as caught:
        load(SeriesInput(b"PAR1" + bytes(20)))
    assert (caught.value.package, caught.value.extra) == ("pyarrow", "series")
    with pytest.raises(MissingDependencyError, match="Reading a workbook needs the `openpyxl`"):
        load(SeriesInput(zipped(**{"xl/workbook.xml": b"<x/>"})))
    sample = load([1.0, 2.0])
    with pytest.raises(MissingDependencyError, match="Plotting a series needs the `matplotlib`"):
        sample.plot()
