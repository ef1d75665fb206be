"""Plots: what is drawn is where the frame says, fits the model, and is the same every time."""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gadet.errors import InputError
from gadet.geometry import Box
from gadet.media.series import SeriesInput, SeriesView, decimate
from gadet.media.series.canvas import Canvas
from gadet.view import ViewLimits
from tests.media.series.support import NAN, ink, load, ns

pytest.importorskip("matplotlib")


def limits(side: int) -> ViewLimits:
    return ViewLimits(max_side=side, max_pixels=side * side)


def drawn(view: SeriesView) -> Any:
    return ink(np.asarray(view.picture))


def waves(length: int, channels: int = 1, seed: int = 0) -> Any:
    random = np.random.default_rng(seed)
    steps = np.arange(length)[:, None]
    return np.sin(steps / 9 + np.arange(channels)) + 0.1 * random.standard_normal(
        (length, channels)
    )


@given(st.integers(1, 30_000), st.sampled_from([512, 768, 1568]), st.booleans(), st.data())
@settings(max_examples=8, deadline=None)
def test_a_spike_is_drawn_in_its_pixel_column(
    length: int, side: int, engine: bool, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, length - 1))
    stop = data.draw(st.integers(start + 1, length))
    row = data.draw(st.integers(start, stop - 1))
    values = np.random.default_rng(length).random(length)
    values[row] = 100.0
    sample = load(values)
    with pytest.MonkeyPatch.context() as patch:
        if not engine:
            patch.setattr(decimate, "_compiled", lambda: None)
        view = sample.plot((start, stop), limits(side))
    dark = drawn(view)
    # The upper half of the axes holds nothing but the spike.
    rows = np.flatnonzero(dark.any(axis=1))
    columns = np.flatnonzero(dark[rows[0] : rows[0] + 3].any(axis=0))
    expected = view.frame.to_view(Box.of(row + 0.5, 0, row + 0.6, 1)).x0
    assert columns.min() - 1 <= expected <= columns.max() + 2
    centre = (columns.min() + columns.max() + 1) / 2
    assert abs(centre - expected) <= 2.5
    native = view.frame.to_native(Box.of(centre - 0.5, 0, centre + 0.5, 1))
    assert native.x0 - 3 * view.frame.scale[0] <= row + 0.5 <= native.x1 + 3 * view.frame.scale[0]


@pytest.mark.parametrize("missing", [0.0, 0.6])
def test_a_spike_among_missing_values(missing: float) -> None:
    random = np.random.default_rng(1)
    for row in (0, 777, 4999):
        values = random.random(5000)
        values[random.random(5000) < missing] = NAN
        values[row] = 50.0
        dark = drawn(load(values).plot(limits=limits(512)))
        assert dark[: dark.shape[0] // 3].any()


def test_the_frame_maps_channels_that_follow_each_other() -> None:
    values = np.zeros((200, 4))
    values[90:110, 2] = 1.0
    sample = load(SeriesInput(values))
    for channels in (None, (1, 2, 3), (2,)):
        view = sample.plot(limits=limits(768), channels=channels)
        top = next(panel.top for panel in view.panels if panel.channel == 2) * view.frame.height
        box = view.frame.to_view(Box.of(90, 2, 110, 3))
        assert box.y0 == pytest.approx(top)
        rows = np.flatnonzero(drawn(view)[:, round((box.x0 + box.x1) / 2)])
        assert ((rows >= box.y0) & (rows < box.y1)).sum() > 0
        inside = Box.of(box.x0, box.y0 + 1, box.x1, box.y1 - 1)
        assert view.located(inside) == (90, 110, (2,))


def test_the_frame_of_channels_in_another_order_leaves_them_to_located() -> None:
    sample = load(SeriesInput(waves(300, 5)))
    view = sample.plot(limits=limits(768), channels=("channel 4", 0))
    assert [panel.channel for panel in view.panels] == [4, 0]
    height = view.frame.height
    for panel in view.panels:
        box = Box.of(100, panel.top * height + 1, 200, panel.bottom * height - 1)
        found = view.located(box)
        assert found is not None
        assert found[2] == (panel.channel,)
    native = view.frame.to_native(
        Box.of(0, view.panels[0].top * height, 9, view.panels[-1].bottom * height)
    )
    assert (native.y0, native.y1) == pytest.approx((0, 5))
    below = view.located(Box.of(300, height - 5, 310, height))
    assert below is not None
    assert below[2] == (4, 0)
    assert view.located(Box.of(0, 0, 3, 9)) is None


@pytest.mark.parametrize("side", [64, 512, 1568])
@pytest.mark.parametrize("channels", [1, 3, 40])
def test_it_fits_the_model(side: int, channels: int) -> None:
    sample = load(SeriesInput(waves(500, channels)))
    for bound in (limits(side), ViewLimits(max_side=side, max_pixels=side * side // 3, multiple=4)):
        view = sample.plot(limits=bound, grid=True, spans=[(5, 6), (100, 300)])
        width, height = view.picture.size
        assert max(width, height) <= side
        assert width * height <= bound.max_pixels * 1.05
        assert view.picture.size == (view.frame.width, view.frame.height)
        assert 1 <= len(view.panels) <= 8
        assert view.marks == (1, 2)


def test_the_same_picture_every_time_whatever_matplotlib_is_set_to() -> None:
    sample = load(waves(3000)[:, 0], normal_until=50)

    def data() -> bytes:
        options: Any = {"spans": [(10, 40)], "extras": ("rolling", "spectrogram")}
        return sample.plot(limits=limits(512), grid=True, **options).data

    first = data()
    assert first == data()
    import matplotlib as mpl

    changed = {
        "font.size": 30, "lines.linewidth": 9, "axes.facecolor": "black", "figure.dpi": 300,
        "text.color": "red", "lines.linestyle": ":", "font.family": "serif", "text.usetex": False,
        "path.simplify": True, "lines.antialiased": False, "figure.constrained_layout.use": True,
        "figure.facecolor": "black", "savefig.dpi": 20,
    }  # fmt: skip
    with mpl.rc_context(changed):
        assert data() == first


def test_the_picture_does_not_depend_on_tsdownsample(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tsdownsample")
    sample = load(waves(20_000)[:, 0])
    with_it = sample.plot(limits=limits(512)).data
    monkeypatch.setattr(decimate, "_compiled", lambda: None)
    assert sample.plot(limits=limits(512)).data == with_it


def test_importing_and_reading_loads_no_plotting_and_no_tables() -> None:
    code = (
        "import sys; from gadet.media.series import SeriesAdapter, SeriesInput;"
        "sample = SeriesAdapter().load(SeriesInput(b'a,b\\n1,2\\n'));"
        "heavy = {'matplotlib', 'pandas', 'polars', 'pyarrow', 'tsdownsample'} & set(sys.modules);"
        "sample.plot(); print(heavy, 'matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set() False\n"


HARD: dict[str, Any] = {
    "one row": [3.0],
    "two rows": [1.0, 2.0],
    "constant": np.zeros(9),
    "large constant": np.full(9, 1e300),
    "all but one missing": [NAN, 2.0, NAN],
    "the widest range": np.array([1.7e308, -1.7e308, 0]),
    "denormal": np.array([5e-324, 0, 1e-323]),
    "small": np.array([1e-200, 2e-200, 5e-200]),
    "far from zero": 1e15 + np.arange(9) * 0.125,
    "nearly constant": 1.0 + np.arange(9) * 1e-15,
    "millions": np.arange(9) * 1e9,
    "signs of mathematics": {"a$x_1$ \\frac": [1, 2, 3]},
    "signs the font lacks": {"温度\U0001f600": [1, 2, 3]},
    "long name": {"x" * 500: [1, 2, 3]},
    "one moment": {"t": ["2024-01-01"], "v": [1]},
    "nanoseconds": {"t": np.arange(9).astype("M8[ns]"), "v": range(9)},
    "centuries": {"t": np.array(["1700", "1900", "2200"], "M8[Y]"), "v": range(3)},
    "summer time": {"t": ["2024-03-31T00:00+01:00", "2024-03-31T03:00+02:00"], "v": [1, 2]},
    "bursts": {"t": np.array([0, 1, 2, 10**9, 10**9 + 1]).astype("M8[s]"), "v": range(5)},
    "elapsed": {"time_ms": np.arange(50) / 3, "v": range(50)},
}


@pytest.mark.parametrize("name", HARD)
def test_hard_series_can_be_drawn(name: str) -> None:
    sample = load(HARD[name])
    view = sample.plot(limits=limits(400), extras=("rolling", "spectrogram"))
    assert drawn(view).any()


def test_every_row_alone_can_be_drawn() -> None:
    sample = load({"t": np.arange(0, 90, 3).astype("M8[D]"), "v": [NAN, *range(29)]})
    for row in (0, 1, 29):
        view = sample.plot((row, row + 1), limits(300))
        assert drawn(view).any() == (row > 0)
        assert view.kind == "zoom"


def test_many_channels_the_most_suspicious_first() -> None:
    values = waves(400, 30)
    values[50, 17] = 40
    values[:, 3] = np.arange(400) == 100  # a rare command, not a measurement
    sample = load(SeriesInput(values))
    view = sample.plot(limits=limits(768))
    assert view.panels[0].channel == 17
    assert 3 not in [panel.channel for panel in view.panels]
    assert "8 of 30 channels, left out: " in view.caption
    assert '"channel 3"' in view.caption or "more" in view.caption
    scores = np.zeros((400, 30))
    scores[10, 22] = 0.9
    assert sample.plot(limits=limits(768), scores=scores).panels[0].channel == 22
    assert [p.channel for p in sample.plot(channels=range(30)).panels] == list(range(8))


def test_marks_are_where_their_spans_are() -> None:
    sample = load(waves(1000)[:, 0])
    small = limits(768)
    plain, marked = sample.plot(limits=small), sample.plot(limits=small, spans=[(300, 400)])
    assert (plain.kind, marked.kind, marked.marks) == ("clean", "marked", (1,))
    pixels = np.asarray(marked.picture).astype(int)
    orange = (pixels[:, :, 0] - pixels[:, :, 2] > 20) & (pixels[:, :, 0] > 200)
    columns = np.flatnonzero(orange.mean(axis=0) > 0.3)
    box = marked.frame.to_view(Box.of(300, 0, 400, 1))
    assert abs(columns.min() - box.x0) <= 2
    assert abs(columns.max() + 1 - box.x1) <= 2
    part = sample.plot((500, 600), spans=[(300, 400)])
    assert part.marks == (1,)


def test_the_grid_names_columns() -> None:
    sample = load(waves(1200)[:, 0])
    view = sample.plot((0, 1200), grid=True)
    assert view.cell("A") == (0, 100)
    assert view.cell(" l ") == (1100, 1200)
    cells = [view.cell(chr(ord("A") + number)) for number in range(12)]
    assert all(before[1] == after[0] for before, after in pairwise(cells))
    for letter in ("M", "", "AB", "1"):
        with pytest.raises(InputError, match="a letter from A to L"):
            view.cell(letter)
    with pytest.raises(InputError, match="a plot with a grid"):
        sample.plot().cell("A")
    assert sample.plot((0, 3), grid=True).cell("A") == (0, 1)


def test_a_reference_is_drawn_behind() -> None:
    sample = load(waves(500)[:, 0])
    plain = np.asarray(sample.plot().picture)
    like = load(waves(500, seed=1)[:, 0] * 3)
    for reference in (like, waves(77) * 3):
        assert (np.asarray(sample.plot(reference=reference).picture) != plain).any()
    beside = sample.plot(beside=like)
    heights = np.flatnonzero(drawn(beside).any(axis=1))
    assert len(heights) < 0.6 * len(np.flatnonzero(ink(plain).any(axis=1)))


def test_scores_and_further_panels_leave_the_channels_where_they_are() -> None:
    sample = load(waves(500)[:, 0])
    for options in ({"scores": np.linspace(0, 1, 500)}, {"extras": ("spectrogram", "rolling")}):
        view = sample.plot(**options)
        assert [panel.channel for panel in view.panels] == [0]
        assert view.panels[0].bottom < 0.7
        box = view.frame.to_view(Box.of(0, 0, 500, 1))
        assert box.y1 / view.frame.height == pytest.approx(view.panels[0].bottom)


def test_a_window_has_the_scale_of_the_whole_unless_it_needs_far_less() -> None:
    values = np.sin(np.arange(1000) / 5.0)
    values[500:] *= 0.5
    sample = load(values)
    low = np.flatnonzero(drawn(sample.plot((600, 900), limits(512))).any(axis=1))
    high = np.flatnonzero(drawn(sample.plot((100, 400), limits(512))).any(axis=1))
    assert len(low) == pytest.approx(len(high) / 2, rel=0.1)
    values[500:] *= 0.1
    local = np.flatnonzero(drawn(load(values).plot((600, 900), limits(512))).any(axis=1))
    assert len(local) == pytest.approx(len(high), rel=0.1)


def test_gaps_are_marked() -> None:
    hours = np.delete(np.arange(200), np.arange(90, 120))
    sample = load({"t": hours.astype("M8[h]"), "v": np.sin(hours)})
    pixels = np.asarray(sample.plot().picture).astype(int)
    violet = (pixels[:, :, 0] > pixels[:, :, 1] + 30) & (pixels[:, :, 2] > pixels[:, :, 1] + 60)
    column = int(np.argmax(violet.sum(axis=0)))
    view = sample.plot()
    assert abs(view.frame.to_view(Box.of(90, 0, 91, 1)).x0 - column) <= 2


def test_views_previews_and_pixels() -> None:
    sample = load(waves(500)[:, 0])
    (view,) = sample.views(limits(600), role="reference")
    assert (view.role, view.kind) == ("reference", "clean")
    assert view.picture.width == 600
    assert hashlib.sha256(view.data).digest()
    assert Image.open(io.BytesIO(view.data)).info == {}
    assert sample.pixels.shape[2] == 3
    with Image.open(io.BytesIO(sample.preview(200))) as picture:
        assert (picture.format, picture.width) == ("JPEG", 200)
    assert ".csv" not in view.caption
    assert len(sample) == 500
    stamped = load({"t": np.array(ns("2024-01-01", "2024-01-02")).astype("M8[ns]"), "v": [1, 2]})
    assert stamped.plot().caption == "2 samples, 2024-01-01 to 2024-01-02"


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "window": ({"window": (5, 5)}, r"within 10 rows; got \(5, 5\)"),
    "window beyond": ({"window": (0, 11)}, r"got \(0, 11\)"),
    "span": ({"spans": [(3, 3)]}, r"spans \(start, stop\).*got \(3, 3\)"),
    "span channel": ({"spans": [(3, 4, (2,))]}, r"got \(3, 4, \(2,\)\)"),
    "channel": ({"channels": ["zz"]}, "by name or number from 0 to 1; got 'zz'"),
    "channel number": ({"channels": [2]}, "got 2"),
    "no channels": ({"channels": []}, "at least one channel"),
    "scores": ({"scores": np.zeros(3)}, r"scores of shape \(10,\) or \(10, 2\); got \(3,\)"),
    "reference": ({"reference": np.zeros((9, 3))}, r"reference to have the 2 channels.*\(9, 3\)"),
    "beside": ({"beside": np.zeros(9)}, r"beside to have the 2 channels"),
    "extras": ({"extras": ("wavelets",)}, "extras to be of 'rolling', 'spectrogram'; got 'wave"),
}


@pytest.mark.parametrize("name", BAD)
def test_refused(name: str) -> None:
    options, match = BAD[name]
    with pytest.raises(InputError, match=match):
        load(SeriesInput(waves(10, 2))).plot(**options)


def test_a_text_is_cut_where_it_does_not_fit() -> None:
    canvas = Canvas(400, 100)
    assert canvas.fitted("abc", 12, 300) == "abc"
    cut = canvas.fitted("a very long title " * 20, 12, 100)
    assert cut.endswith("…")
    assert 60 < canvas.width_of(cut, 12) <= 100
    assert canvas.fitted("abc", 12, 1) == ""
