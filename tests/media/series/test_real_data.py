"""The real series that the rest of the project is measured on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from gadet.media.choice import adapter_for
from gadet.media.image import ImageAdapter
from gadet.media.series import SeriesInput
from gadet.view import ViewLimits
from tests.media.series.support import ADAPTER, ink, load

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def folder(real_data: Path) -> Path:
    found = real_data / "timeseries"
    if not found.is_dir():
        pytest.skip("real time series are absent: set GADET_DATA to their folder")
    return found


def test_every_file_of_nab(folder: Path) -> None:
    windows = json.loads((folder / "nab" / "combined_windows.json").read_text())
    paths = sorted((folder / "nab" / "data").glob("*/*.csv"))
    assert paths
    for path in paths:
        adapters = {"image": ImageAdapter(), "series": ADAPTER}
        assert adapter_for(str(path), adapters) is ADAPTER
        sample = ADAPTER.load(path)
        lines = path.read_text().splitlines()[1:]
        assert len(sample) == len(dict.fromkeys(line.split(",")[0] for line in lines))
        assert sample.channels == ("value",)
        for pair in windows.get(f"{path.parent.name}/{path.name}", []):
            for stamp in pair:
                row = sample.index_of(stamp)
                assert sample.label(row) == stamp.removesuffix(".000000")


def test_archives_with_training_and_test_parts(folder: Path) -> None:
    sample = load(folder / "telemanom" / "P-1.npz", sheet="test")
    with np.load(folder / "telemanom" / "P-1.npz") as archive:
        np.testing.assert_array_equal(sample.values, archive["test"])
    assert sample.values.shape[1] == 25


def test_numbers_in_plain_text(folder: Path) -> None:
    path = next((folder / "ucr").glob("*.txt"))
    until = int(path.stem.split("_")[-3])
    sample = ADAPTER.load(SeriesInput(path, normal_until=until))
    np.testing.assert_array_equal(sample.values[:, 0], np.loadtxt(path))
    assert sample.normal_until == until


def test_the_highest_value_of_a_year_is_seen(folder: Path) -> None:
    pytest.importorskip("matplotlib")
    sample = ADAPTER.load(folder / "nab" / "data" / "realKnownCause" / "nyc_taxi.csv")
    view = sample.plot(limits=ViewLimits(max_side=512, max_pixels=512**2))
    dark = ink(np.asarray(view.picture))
    column = int(np.flatnonzero(dark[np.flatnonzero(dark.any(axis=1))[0]])[0])
    row = int(np.argmax(sample.values))
    assert abs((row + 0.5 - view.frame.source.x0) / view.frame.scale[0] - column) <= 2
    assert sample.label(row) == "2014-11-02 01:00:00"
