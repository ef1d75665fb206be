"""Spans proposed, marked on plots, and found again from what an answer says."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

pytest.importorskip("matplotlib")

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gadet import SeriesInput
from gadet.errors import LocalizationError
from gadet.experts.base import Evidence
from gadet.experts.series import SeriesExpert, SpanCandidate
from gadet.findings import Finding, SpanRegion
from gadet.geometry import Box, BoxFormat
from gadet.localize.base import Illustrator, Pointer, Scene
from gadet.localize.image import ImageLocalizer
from gadet.localize.series import SeriesLocalizer
from gadet.media.image import ImageAdapter
from gadet.media.series import SeriesAdapter, SeriesSample, SeriesView
from gadet.view import ViewLimits

LOCALIZER = SeriesLocalizer()
LIMITS = ViewLimits(max_side=512, max_pixels=512**2)
PIXELS = BoxFormat(frame="pixels")


def sample(rows: int = 400, channels: int = 1, **options: Any) -> SeriesSample:
    values = np.random.default_rng(rows).normal(size=(rows, channels))
    return SeriesAdapter().load(SeriesInput(values, **options))


def timed(rows: int = 400, channels: int = 1, **options: Any) -> SeriesSample:
    """Rows an hour apart from April 10, 2014."""
    times = np.datetime64("2014-04-10T00:00") + np.arange(rows) * np.timedelta64(1, "h")
    return sample(rows, channels, time=times, **options)


def candidate(start: int, stop: int, channels: tuple[int, ...] = (0,)) -> SpanCandidate:
    return SpanCandidate(start, stop, channels, 0.8, "spike", "Value 9.")


def evidence(rows: int, *spans: SpanCandidate, **peaks: float) -> Evidence:
    scores = np.full(rows, 0.05, np.float32)
    for row, score in peaks.items():
        scores[int(row.removeprefix("row"))] = score
    for span in spans:
        scores[span.start : span.stop] = span.score
    return Evidence(scores, float(scores.max()), spans)


def scene(of: SeriesSample, *candidates: SpanCandidate, measured: Evidence | None = None) -> Scene:
    return Scene(of, of.views(LIMITS), PIXELS, candidates, measured)


def located(pointer: Pointer, where: Scene) -> tuple[tuple[int, int], tuple[str, ...], str]:
    region, notes = LOCALIZER.locate(pointer, where)
    assert region is not None, notes
    rows = int(region.interval.start), int(region.interval.end)
    return rows, region.channels, "; ".join(notes)


def test_the_most_suspicious_spans_are_proposed_first_and_few_are_filled_up_with_peaks() -> None:
    spans = [candidate(10 * n, 10 * n + 5) for n in range(5)]
    measured = evidence(400, *spans, row300=0.3)
    assert LOCALIZER.propose(sample(), measured, most=3) == tuple(spans[:3])
    assert LOCALIZER.propose(sample(), measured, most=12) == tuple(spans)
    one, two = LOCALIZER.propose(
        sample(channels=2), evidence(400, spans[0], row300=0.3, row303=0.2), most=12
    )
    assert one == spans[0]
    assert (two.start, two.stop, two.channels) == (300, 304, (0, 1))
    assert two.score == pytest.approx(0.3)
    assert LOCALIZER.propose(sample(), None, most=5) == ()
    assert LOCALIZER.propose(sample(), evidence(400, row9=0.1), most=5) == ()


def test_the_flanks_of_a_span_are_no_peaks() -> None:
    scores = np.interp(np.arange(400), [100, 200, 300], [0.0, 0.9, 0.0]).astype(np.float32)
    span = candidate(199, 202)
    assert LOCALIZER.propose(sample(), Evidence(scores, 0.9, (span,)), most=5) == (span,)


@given(seed=st.integers(0, 10_000), most=st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_proposals_lie_within_the_series_and_do_not_repeat(seed: int, most: int) -> None:
    random = np.random.default_rng(seed)
    rows = int(random.integers(1, 200))
    scores = random.uniform(0, 0.5, rows).astype(np.float32)
    found = LOCALIZER.propose(sample(rows), Evidence(scores, float(scores.max())), most=most)
    assert len(found) <= min(most, 3)
    tops = [int(np.argmax(np.where(_rows(one, rows), scores, -1))) for one in found]
    assert len(set(tops)) == len(tops)
    assert all(0 <= one.start < one.stop <= rows and one.score < 0.5 for one in found)


def _rows(span: SpanCandidate, rows: int) -> npt.NDArray[np.bool_]:
    index = np.arange(rows)
    return np.asarray((index >= span.start) & (index < span.stop))


def test_marks_are_numbered_on_a_plot_that_the_model_can_take() -> None:
    item = sample(channels=30)
    spans = (candidate(50, 60, (29, 7)), candidate(200, 201, (11,)))
    (view,) = LOCALIZER.mark(item, item.views(LIMITS), spans, LIMITS)
    assert isinstance(view, SeriesView)
    assert view.kind == "marked"
    assert view.marks == (1, 2)
    assert max(view.picture.size) <= 512
    # The clearest channel of each span comes before the second of any.
    assert [panel.channel for panel in view.panels][:3] == [29, 11, 7][: len(view.panels)]
    assert not np.array_equal(np.asarray(view.picture), np.asarray(item.views(LIMITS)[0].picture))


def test_a_mark_is_exact() -> None:
    item = timed(channels=3)
    where = scene(item, candidate(5, 9), candidate(40, 44, (2, 0)))
    region, notes = LOCALIZER.locate(Pointer(mark=2, start="nonsense"), where)
    assert notes == ()
    assert region is not None
    assert (region.interval.start, region.interval.end) == (40, 44)
    assert region.interval.start_label == "2014-04-11 16:00:00"
    assert region.interval.end_label == "2014-04-11 20:00:00"
    assert region.channels == (item.channels[2], item.channels[0])
    region, notes = LOCALIZER.locate(Pointer(mark=7), where)
    assert region is None
    assert "mark 7 was named" in notes[0]


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [
        ("2014-04-10 02:00:00", "2014-04-10 05:00:00", (2, 5)),
        ("2014-04-10 02:00", "2014-04-10 02:00", (2, 3)),
        ("2014-04-10T02:20:00Z", "2014-04-10T04:40:00Z", (2, 5)),
        ("Apr 10 06:00", "Apr 11", (6, 24)),
        ("April 10, 2014 06:00", None, (6, 7)),
        ("2014-04-10 02:00 to 2014-04-10 05:00", None, (2, 5)),
        ("2014-04-10 02:00 – 2014-04-10 05:00", None, (2, 5)),
        ("12", "step 1,4", (12, 14)),
        ("2014-04-26 10:00", "2014-04-26 15:00", (394, 400)),
        ("2014-04-26 10:00", "2014-04-26 16:00", (394, 400)),
        ("2014-04-26 15:00", None, (399, 400)),
    ],
)
def test_moments_become_rows(start: str, end: str | None, rows: tuple[int, int]) -> None:
    found, channels, notes = located(Pointer(start=start, end=end), scene(timed()))
    assert found == rows
    assert channels == ("channel 0",)
    assert notes == ""


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [
        ("100", "120", (100, 120)),
        ("1,00", "row 120", (100, 120)),
        ("100-120", None, (100, 120)),
        ("[100..120]", None, (100, 120)),
        ("100.4", "119.6", (100, 120)),
        ("0", "399", (0, 400)),
    ],
)
def test_positions_become_rows(start: str, end: str | None, rows: tuple[int, int]) -> None:
    region, notes = LOCALIZER.locate(Pointer(start=start, end=end), scene(sample()))
    assert region is not None
    assert (region.interval.start, region.interval.end) == rows
    assert region.interval.start_label is None
    assert notes == ()


def test_bare_numbers_of_a_series_that_counts_seconds_are_seconds() -> None:
    elapsed = sample(400, time=np.arange(400) * 0.5, time_unit="s")
    assert elapsed.moments == "seconds like 0 s"
    for start, end in (("10", "12.5"), ("10 s", "12.5 s")):
        assert located(Pointer(start=start, end=end), scene(elapsed))[0] == (20, 25)


def test_ends_that_are_swapped_are_mended_and_told() -> None:
    rows, _, notes = located(Pointer(start="120", end="100"), scene(sample()))
    assert rows == (100, 120)
    assert "swapped" in notes


def test_what_cannot_be_read_is_told() -> None:
    region, notes = LOCALIZER.locate(Pointer(start="soon", end="x" * 500), scene(timed()))
    assert region is None
    assert len(notes) == 2
    assert "the start 'soon' could not be read" in notes[0]
    assert all(len(note) < 400 for note in notes)
    rows, _, told = located(Pointer(start="soon", end="2014-04-10 05:00"), scene(timed()))
    assert rows == (5, 6)
    assert "could not be read" in told
    assert "only the end" in told
    assert LOCALIZER.locate(Pointer(), scene(timed())) == (None, ())


def test_what_lies_outside_is_told_and_what_reaches_out_is_cut() -> None:
    region, notes = LOCALIZER.locate(Pointer(start="2019-01-01", end="2019-01-02"), scene(timed()))
    assert region is None
    assert "2019-01-01 to 2019-01-02 lies outside of the series" in notes[0]
    assert "2014-04-10 00:00:00" in notes[0]
    rows, _, told = located(Pointer(start="390", end="5000"), scene(sample()))
    assert rows == (390, 400)
    assert "beyond the series" in told


def test_pixels_and_boxes_refer_to_the_view_that_is_named() -> None:
    item = sample(4000, channels=2)
    where = scene(item)
    assert len(where.views) == 5
    window = where.views[2]
    assert isinstance(window, SeriesView)
    panel = window.panels[1]
    height = window.frame.height
    native = Box.of(window.window[0] + 100, 0, window.window[0] + 150, 2)
    shown = window.frame.to_view(native)
    box = (shown.x0, panel.top * height + 3, shown.x1, panel.bottom * height - 3)
    rows, channels, notes = located(Pointer(box=box, picture=3), where)
    assert abs(rows[0] - native.x0) <= 1
    assert abs(rows[1] - native.x1) <= 1
    assert channels == (item.channels[1],)
    assert notes == ""
    left, right = f"{shown.x0:.1f} px", f"x = {shown.x1:.1f} pixels"
    rows, _, _ = located(Pointer(start=left, end=right, picture=3), where)
    assert abs(rows[0] - native.x0) <= 4
    assert abs(rows[1] - native.x1) <= 4
    region, told = LOCALIZER.locate(Pointer(box=(0, 5, 2, 9)), where)
    assert region is None
    assert "beside the plotted rows" in told[0]
    assert located(Pointer(box=box, picture=9), where)[2].startswith("picture 9 was named")


def test_letters_name_columns_of_a_plot_that_has_some() -> None:
    item = sample(1200, lettered=True)
    assert "letters" in item.moments
    assert located(Pointer(start="C", end="column D"), scene(item))[0] == (200, 400)
    assert located(Pointer(start="d", end="C"), scene(item))[0] == (200, 400)
    assert located(Pointer(start="L"), scene(item))[0] == (1100, 1200)
    region, notes = LOCALIZER.locate(Pointer(start="C"), scene(sample(1200)))
    assert region is None
    assert "could not be read" in notes[0]


def test_moments_take_the_channels_of_the_span_they_overlap_most() -> None:
    item = sample(channels=4)
    measured = evidence(400, candidate(10, 20, (3,)), candidate(100, 160, (2, 1)))
    where = scene(item, measured=measured)
    names = item.channels
    assert located(Pointer(start="15", end="110"), where)[1] == (names[2], names[1])
    assert located(Pointer(start="12", end="14"), where)[1] == (names[3],)
    assert located(Pointer(start="300", end="310"), where)[1] == ()


@given(
    start=st.one_of(st.none(), st.text(max_size=30), st.integers(-(10**20), 10**20).map(str)),
    end=st.one_of(st.none(), st.text("0123456789-: TZs.,+", max_size=40)),
    kind=st.integers(0, 2),
)
@settings(max_examples=150, deadline=None)
def test_no_words_of_a_model_raise(start: str | None, end: str | None, kind: int) -> None:
    where = SCENES[kind]
    region, notes = LOCALIZER.locate(Pointer(start=start, end=end), where)
    if region is None:
        assert notes or (start is None and end is None)
    else:
        assert 0 <= region.interval.start < region.interval.end <= 400


SCENES = [
    scene(timed()),
    scene(sample()),
    scene(sample(time=np.arange(400) * 0.5, time_unit="s")),
]


def test_the_picture_of_a_report_keeps_the_numbers_of_the_findings() -> None:
    item = timed(channels=12)
    measured = SeriesExpert().assess(item)
    region, _ = LOCALIZER.locate(Pointer(start="100", end="200"), scene(item))
    found = [Finding(label="lost"), Finding(label="spike", region=region)]
    assert isinstance(region, SpanRegion)
    assert isinstance(LOCALIZER, Illustrator)
    assert not isinstance(ImageLocalizer(), Illustrator)
    with Image.open(io.BytesIO(LOCALIZER.illustrate(item, found, measured))) as opened:
        assert opened.format == "PNG"
        assert opened.width == 1024
        drawn = opened.convert("RGB").tobytes()
    plot = item.plot(
        limits=ViewLimits(max_side=1024, max_pixels=1024**2),
        spans=[(100, 200, tuple(range(12)))],
        numbers=[2],
        first=range(12),
        scores=measured.score_map,
    )
    assert plot.marks == (2,)
    assert plot.picture.tobytes() == drawn
    assert LOCALIZER.illustrate(item, (), None) != LOCALIZER.illustrate(item, (), measured)


def test_a_picture_is_refused() -> None:
    picture = ImageAdapter().load(Image.new("RGB", (30, 30)))
    with pytest.raises(LocalizationError, match="a series is needed; got one of the kind 'image'"):
        LOCALIZER.propose(picture, evidence(9), most=2)
