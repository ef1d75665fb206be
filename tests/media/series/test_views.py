"""What a model is shown of a series: the whole, its windows, an enlarged part."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from gadet.errors import InputError
from gadet.geometry import Box
from gadet.media.series import SeriesInput, SeriesSample
from gadet.view import ViewLimits
from tests.media.series.support import load

LIMITS = ViewLimits(max_side=640, max_pixels=640**2)


def noise(rows: int, channels: int = 1, **options: Any) -> SeriesSample:
    values = np.random.default_rng(rows).normal(size=(rows, channels))
    return load(SeriesInput(values, **options))


@pytest.mark.parametrize(
    ("rows", "windows"), [(640, 0), (641, 0), (1400, 3), (4000, 4), (90_000, 4)]
)
def test_a_long_series_is_shown_in_windows_too(rows: int, windows: int) -> None:
    item = noise(rows)
    views = item.views(LIMITS)
    assert len(views) == 1 + windows
    assert views[0].window == (0, rows)
    assert {view.kind for view in views} == {"clean"}
    assert len({view.caption for view in views}) == len(views)
    covered = np.zeros(rows, int)
    for view in views[1:]:
        covered[slice(*view.window)] += 1
        assert max(view.picture.size) <= 640
    assert not windows or covered.min() >= 1
    whole = item.views(LIMITS, role="reference")
    assert [view.window for view in whole] == [(0, rows)]
    assert whole[0].role == "reference"


def test_what_takes_pictures_of_any_size_gets_one_of_a_sensible_size() -> None:
    (view,) = noise(3000).views(ViewLimits(max_side=65_535, max_pixels=10**9))
    assert max(view.picture.size) <= 1568


def test_moments_are_written_as_the_axis_writes_them() -> None:
    assert noise(40).moments == "positions from 0 to 39"
    times = np.datetime64("2014-04-10T02:00") + np.arange(40) * np.timedelta64(1, "h")
    item = noise(40, time=times)
    assert item.moments == "timestamps like 2014-04-10 02:00:00"
    assert item.index_of(item.moments.split("like ")[1]) == 0
    assert noise(40, time=np.arange(40) / 4, time_unit="s").moments == "seconds like 0 s"
    lettered = noise(1300, time=None, lettered=True)
    assert "letters of the columns" in lettered.moments
    assert [view.cells for view in lettered.views(LIMITS)][:2] == [12, 0]


@pytest.mark.parametrize(
    ("box", "window"),
    [
        (Box.of(1000, 0, 1100, 1), (800, 1300)),
        (Box.of(1000, 0, 1001, 1), (968, 1032)),
        (Box.of(-50, 0, 20, 3), (0, 100)),
        (Box.of(1990, 0, 2600, 3), (1936, 2000)),
    ],
)
def test_a_zoom_shows_a_span_with_its_surroundings(box: Box, window: tuple[int, int]) -> None:
    view = noise(2000, 3).zoom(box, LIMITS)
    assert view is not None
    assert view.kind == "zoom"
    assert view.window == window
    assert max(view.picture.size) <= 640


def test_nothing_is_zoomed_that_shows_nothing_new() -> None:
    item = noise(2000, 3)
    assert item.zoom(Box.of(100, 0, 500, 1), LIMITS) is None
    assert item.zoom(Box.of(2000, 0, 2100, 1), LIMITS) is None
    assert item.zoom(Box.of(10, 3, 20, 4), LIMITS) is None
    assert noise(80).zoom(Box.of(10, 0, 11, 1), LIMITS) is None


def test_the_channels_of_a_zoom_come_first() -> None:
    view = noise(2000, 30).zoom(Box.of(1000, 20, 1010, 22), LIMITS)
    assert view is not None
    assert [panel.channel for panel in view.panels][:2] == [20, 21]
    assert len({panel.channel for panel in view.panels}) == len(view.panels)
    three = noise(2000, 3).zoom(Box.of(1000, 2, 1010, 3), LIMITS)
    assert three is not None
    assert [panel.channel for panel in three.panels] == [0, 1, 2]


def test_spans_have_the_numbers_that_are_given() -> None:
    item = noise(300)
    spans = [(10, 20), (50, 60)]
    view = item.plot(limits=LIMITS, spans=spans, numbers=[4, 2])
    assert view.marks == (4, 2)
    counted = item.plot(limits=LIMITS, spans=spans)
    assert counted.marks == (1, 2)
    assert counted.picture.tobytes() != view.picture.tobytes()
    with pytest.raises(InputError, match="expected a number for each of the 2 spans; got 1"):
        item.plot(limits=LIMITS, spans=spans, numbers=[1])


def test_a_channel_to_come_first_must_be_there() -> None:
    with pytest.raises(InputError, match="expected channels by name or number"):
        noise(300, 30).plot(limits=LIMITS, first=[30])
