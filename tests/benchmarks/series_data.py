"""The labelled series of the benchmark: NAB, SMAP and MSL telemetry, and a UCR archive series."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.benchmarks.series_metrics import runs

__all__ = ["Case", "cases", "window_of"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

PROBATION_SHARE, PROBATION_MOST = 0.15, 750
"""NAB calls the first 15 % of a series, at most 750 points, normal."""


@dataclass(frozen=True, eq=False)
class Case:
    """A series with its labels and what is known to be normal.

    Attributes:
        group: NAB, SMAP, MSL or UCR.
        name: Its name in the report; no detector sees it.
        values: `(T, 1)`.
        times: `(T,)` int64 nanoseconds, or None.
        labels: `(T,)` bool.
        normal: `(N, 1)` rows known to be normal, in the series or apart from it.
        normal_until: How many first rows of `values` are known to be normal.
        judged_from: The first row that counts in the metrics.
    """

    group: str
    name: str
    values: Floats
    times: npt.NDArray[np.int64] | None
    labels: Bools
    normal: Floats
    normal_until: int
    judged_from: int

    @property
    def apart(self) -> bool:
        """Whether the normal rows are a series of their own."""
        return self.normal_until == 0


def cases(root: Path) -> Iterator[Case]:
    """Every labelled series under the data root, and the two of NAB that hold no anomaly."""
    folder = root / "timeseries"
    yield from _nab(folder / "nab")
    yield from _telemanom(folder / "telemanom")
    yield from _ucr(folder / "ucr")


def _nab(folder: Path) -> Iterator[Case]:
    windows = json.loads((folder / "combined_windows.json").read_text())
    for path in sorted((folder / "data").glob("*/*.csv")):
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        times = np.array([row["timestamp"] for row in rows], dtype="datetime64[ns]")
        values = np.array([[float(row["value"])] for row in rows])
        labels = np.zeros(len(rows), dtype=bool)
        for start, end in windows[f"{path.parent.name}/{path.name}"]:
            labels |= (times >= np.datetime64(start)) & (times <= np.datetime64(end))
        until = int(min(PROBATION_SHARE * len(rows), PROBATION_MOST))
        yield Case(
            "NAB", path.stem, values, times.astype(np.int64), labels, values[:until], until, 0
        )


def _telemanom(folder: Path) -> Iterator[Case]:
    with (folder / "labeled_anomalies.csv").open(newline="") as file:
        rows = {row["chan_id"]: row for row in csv.DictReader(file)}
    for path in sorted(folder.glob("*.npz")):
        row = rows[path.stem]
        with np.load(path, allow_pickle=False) as arrays:
            train = arrays["train"][:, :1].astype(np.float64)
            test = arrays["test"][:, :1].astype(np.float64)
        labels = np.zeros(len(test), dtype=bool)
        for start, end in json.loads(row["anomaly_sequences"]):
            labels[start : end + 1] = True
        yield Case(row["spacecraft"], path.stem, test, None, labels, train, 0, 0)


def _ucr(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.txt")):
        until, start, end = map(int, re.findall(r"_(\d+)_(\d+)_(\d+)$", path.stem)[0])
        values = np.array(path.read_text().split(), dtype=np.float64)[:, None]
        labels = np.zeros(len(values), dtype=bool)
        labels[start : end + 1] = True
        yield Case("UCR", path.stem, values, None, labels, values[:until], until, until)


def window_of(values: Floats) -> int:
    """The window that the metrics use and the peers are handed.

    The best local maximum of the autocorrelation between lags 3 and 303, else 125; at most a
    quarter of the series.
    """
    series = values[:20000, 0] - values[:20000, 0].mean()
    size = 1 << (2 * series.size - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(series, size)) ** 2
    products = np.fft.irfft(spectrum)[: min(304, series.size)]
    lags = np.arange(4, len(products) - 1)
    peaks = lags[(products[lags] > products[lags - 1]) & (products[lags] > products[lags + 1])]
    best = int(peaks[np.argmax(products[peaks])]) if peaks.size else 125
    return max(1, min(best, len(values) // 4))


def events_of(case: Case) -> int:
    """How many anomalies a case holds."""
    return len(runs(case.labels))
