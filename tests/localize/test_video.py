"""The localizer for videos: numbers, times, boxes and points lead to frames and native pixels."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gadet import BoxFormat, Finding, LocalizationError, VideoInput, ViewLimits
from gadet.findings import SpanRegion, VideoRegion
from gadet.geometry import Box, Interval
from gadet.localize.base import Bracket, Pointer, Scene
from gadet.localize.clock import frames_of, frames_shown
from gadet.localize.replay import redrawn
from gadet.localize.tracks import box_at, frames_in, key_frame, of_event, of_frames
from gadet.localize.video import MOST_WINDOWS, VideoLocalizer
from gadet.media.image import ImageAdapter
from gadet.media.video import VideoAdapter, VideoSample
from tests.doubles import picture
from tests.localize.clips import SEEN, SIZE, SquareExpert, event, sample, square

PIXELS = BoxFormat(frame="pixels")
LIMITS = ViewLimits(max_side=800, max_pixels=800 * 800)
LOCALIZER = VideoLocalizer()


def scene(video: VideoSample | None = None, *, evidence: bool = True) -> Scene:
    video = video or sample()
    views = LOCALIZER.windows(video, LIMITS, most=4)[0].views
    found = SquareExpert().assess(video) if evidence else None
    return Scene(video, views, PIXELS, found.candidates if found else (), found)


def located(pointer: Pointer, where: Scene | None = None) -> tuple[VideoRegion, tuple[str, ...]]:
    region, notes = LOCALIZER.locate(pointer, where or scene())
    assert region is not None, notes
    return region, notes


def test_a_mark_is_exact() -> None:
    region, notes = located(Pointer(mark=1, start="0:01.0"))
    assert (region.frames, notes, region.mark) == ((SEEN.start, SEEN.stop), (), 1)
    assert (region.interval.start_label, region.interval.end_label) == ("0:04.0", "0:06.0")
    assert region.track[0].box == square(SEEN.start)
    nothing, notes = LOCALIZER.locate(Pointer(mark=7), scene())
    assert nothing is None
    assert notes == ("mark 7 was named, but the marks drawn are 1 to 1",)


@pytest.mark.parametrize(
    ("start", "end", "frames"),
    [
        ("4.0", "6.0", (40, 60)),
        ("4.0 s", "6 seconds", (40, 60)),
        ("0:04.0", "00:06", (40, 60)),
        ("0:00:04.0", "0:00:06", (40, 60)),
        ("#40", "#60  0:06.0", (40, 60)),
        ("frame 40", "Frame #60", (40, 60)),
        ("4000 ms", "6000ms", (40, 60)),
        ("0 min 4 s", "0m6s", (40, 60)),
        ("4,0", "6,0", (40, 60)),
        ("4.0 - 6.0", None, (40, 60)),
        ("0:04.0 – 0:06.0", None, (40, 60)),
        ("0:04.0 to 0:06.0", None, (40, 60)),
        ("0:09.0", "end", (90, 100)),
        ("beginning", "0:01", (0, 10)),
    ],
)
def test_times_are_read_in_every_usual_form(
    start: str, end: str | None, frames: tuple[int, int]
) -> None:
    region, notes = located(Pointer(start=start, end=end))
    assert region.frames == frames
    assert notes == ()
    assert region.interval.unit == "second"


@pytest.mark.parametrize(
    ("pointer", "frames", "note"),
    [
        (Pointer(start="6.0", end="4.0"), (40, 60), "they were swapped"),
        (Pointer(start="8.0", end="99.9 s"), (80, 100), "it was cut off"),
        (Pointer(start="40", end="60"), (40, 60), "it was taken for a frame"),
        (Pointer(end="4.0"), None, "only the end"),
        (Pointer(start="soon", end="4.0"), None, "'soon' could not be read"),
    ],
)
def test_what_had_to_be_mended_is_said(pointer: Pointer, frames: Any, note: str) -> None:
    region, notes = located(pointer)
    assert frames is None or region.frames == frames
    assert any(note in said for said in notes)


@pytest.mark.parametrize("start", ["later", "", "12:xx", "-3", "99999:00"])
def test_times_that_lead_nowhere_give_nothing_and_say_why(start: str) -> None:
    region, notes = LOCALIZER.locate(Pointer(start=start, end=start), scene())
    assert region is None
    assert notes


def test_a_time_above_a_frame_means_that_frame() -> None:
    video = VideoAdapter().load(VideoInput(np.zeros((90, 8, 8, 3), np.uint8), rate=29.97))
    sheets = video.sheets(range(0, 90, 7), LIMITS)
    for frame in frames_shown(sheets):
        said = video.clip.stamp(frame)
        found, notes = frames_of(Pointer(start=said, end="3.0"), video.clip, sheets)
        assert (found and found[0], notes) == (frame, ())


@given(st.text(max_size=30), st.none() | st.text(max_size=30))
def test_no_words_break_the_reading(start: str, end: str | None) -> None:
    video = sample()
    found, _ = frames_of(Pointer(start=start, end=end), video.clip, ())
    assert found is None or 0 <= found[0] < found[1] <= len(video)


def cell_box(where: Scene, frame: int, box: Box) -> tuple[int, tuple[float, float, float, float]]:
    """The number of the picture and the pixels that a native box is drawn at."""
    for number, view in enumerate(where.views, start=1):
        drawn = view.drawn(frame, box)
        if drawn is not None:
            return number, drawn.as_tuple()
    raise AssertionError(f"frame {frame} is not shown")


def test_a_box_comes_back_to_the_frame_and_the_native_pixels() -> None:
    where = scene()
    for frame in frames_shown(where.views):
        number, box = cell_box(where, frame, Box.of(10, 20, 40, 50))
        region, notes = located(Pointer(box=box, picture=number), where)
        (point,) = region.track
        assert (point.frame, region.frames[0]) == (frame, frame)
        assert point.box.iou(Box.of(10, 20, 40, 50)) > 0.98
        assert notes == ("no time could be used: the frames of the box or point stand for it",)


def test_a_box_with_times_is_a_place_in_that_stretch() -> None:
    where = scene()
    frame = next(frame for frame in frames_shown(where.views) if frame in SEEN)
    number, box = cell_box(where, frame, square(frame))
    region, notes = located(Pointer(box=box, picture=number, start="4.0", end="6.0"), where)
    assert (region.frames, [point.frame for point in region.track], notes) == (
        (40, 60),
        [frame],
        (),
    )
    region, notes = located(Pointer(box=box, picture=number, start="0.0", end="1.0"), where)
    assert (region.frames, region.track) == ((0, 10), ())
    assert f"the box lies in frame {frame}, outside of the time stated" in notes


def test_a_box_over_several_frames_counts_in_each_and_says_so() -> None:
    where = scene()
    view = where.views[0]
    x0, y0, _, y1 = view.cells[0].shown.as_tuple()
    _, _, right, _ = view.cells[1].shown.as_tuple()
    region, notes = located(Pointer(box=(x0, y0, right, y1)), where)
    assert [point.frame for point in region.track] == [cell.frame for cell in view.cells[:2]]
    assert any("spans 2 frames" in note for note in notes)


def test_a_point_takes_the_box_of_the_event_there_or_a_spot() -> None:
    where = scene()
    frame = next(frame for frame in frames_shown(where.views) if frame in SEEN)
    number, box = cell_box(where, frame, square(frame))
    point = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
    region, _ = located(Pointer(point=point, picture=number), where)
    assert region.track[0].box.iou(square(frame)) > 0.7
    region, _ = located(Pointer(point=point, picture=number), replace(where, evidence=None))
    assert region.track[0].box.width == pytest.approx(2 * 64 / 12, rel=0.3)
    beside = max(view.picture.width for view in where.views) + 9.0
    nothing, notes = LOCALIZER.locate(Pointer(point=(beside, 5.0)), where)
    assert nothing is None
    assert notes


def test_marks_have_one_number_in_every_frame_and_only_where_it_is_seen() -> None:
    video = sample()
    where = scene(video)
    views = where.views
    marked = LOCALIZER.mark(video, views, where.candidates, LIMITS)
    shown = [view for view in views if any(cell.frame in SEEN for cell in view.cells)]
    assert len(marked) == len(shown)
    for before, after in zip(shown, marked, strict=True):
        assert (after.kind, after.marks) == ("marked", (1,))
        changed = np.abs(np.asarray(before.picture).astype(int) - np.asarray(after.picture)).max(2)
        for cell in before.cells:
            x0, y0, x1, y1 = cell.shown.rounded_out()
            assert (changed[y0:y1, x0:x1].max() > 0) == (cell.frame in SEEN)


def test_only_events_with_a_place_are_proposed() -> None:
    video = sample()
    evidence = SquareExpert().assess(video)
    nowhere = replace(event(video.clip), track=())
    both = replace(evidence, candidates=(nowhere, *evidence.candidates))
    assert LOCALIZER.propose(video, both, most=9) == evidence.candidates
    assert LOCALIZER.propose(video, both, most=0) == ()
    assert LOCALIZER.propose(video, None, most=9) == ()


@pytest.mark.parametrize("seconds", [5, 60, 600, 3600])
def test_windows_hold_every_frame_overlap_and_are_bounded(seconds: int) -> None:
    grey = np.zeros((1, 8, 8, 3), np.uint8)
    video = VideoAdapter().load(VideoInput([grey[0]] * seconds, rate=1.0))
    cut = LOCALIZER.windows(video, LIMITS, most=8)
    assert len(cut) <= MOST_WINDOWS
    assert all(1 <= len(window.views) <= 4 for window in cut)
    if len(cut) == 1:
        assert cut[0].region is None
        return
    spans = [window.region.frames for window in cut]
    assert (spans[0][0], spans[-1][1]) == (0, seconds)
    for (_, stop), (start, _) in pairwise(spans):
        assert start < stop
    for window, (start, stop) in zip(cut, spans, strict=True):
        assert all(start <= frame < stop for frame in frames_shown(window.views))
        assert window.words == f"{window.interval.start_label} to {window.interval.end_label}"


def test_where_nobody_looks_one_frame_is_shown() -> None:
    (window,) = LOCALIZER.windows(sample(), LIMITS, most=0)
    assert len(window.views[0].cells) == 1


def test_in_a_window_what_says_nothing_lies_in_the_window() -> None:
    video = sample(400, 2.0)
    cut = LOCALIZER.windows(video, LIMITS, most=2)
    assert len(cut) > 2
    where = Scene(video, cut[1].views, PIXELS)
    region, notes = located(Pointer(), where)
    start, stop = cut[1].region.frames
    assert abs(region.frames[0] - start) <= 8
    assert abs(region.frames[1] - stop) <= 8
    assert "the stretch that was shown stands for it" in notes[-1]
    assert LOCALIZER.locate(Pointer(), scene()) == (None, ())


def test_a_closeup_shows_the_time_around_at_a_higher_rate_and_the_key_frame() -> None:
    where = scene()
    region = of_event(where.sample.clip, where.candidates[0])
    closeup = LOCALIZER.closeup(region, where, LIMITS)
    *sheets, key = closeup.views
    shown = frames_shown(sheets)
    before = [frame for frame in frames_shown(where.views) if shown[0] <= frame <= shown[-1]]
    assert set(range(shown[0], shown[-1] + 1)) == set(shown) or len(shown) >= 2 * len(before)
    assert len(sheets) <= 3
    assert shown[0] < SEEN.start
    assert shown[-1] >= SEEN.stop - 2
    assert len(key.cells) == 1
    assert key.cells[0].frame in SEEN
    assert {view.kind for view in closeup.views} == {"zoom"}
    (marked,) = closeup.marked
    assert (marked.kind, marked.marks) == ("marked", (1,))
    assert closeup.within in where.views
    assert LOCALIZER.closeup(span(), where, LIMITS) is None


def span() -> SpanRegion:
    return SpanRegion(interval=Interval(start=0, end=1, unit="step"))


def test_brackets_lie_between_the_frames_that_were_shown() -> None:
    video = sample()
    where = Scene(video, video.sheets(range(0, 100, 7), LIMITS), PIXELS)
    region = of_frames(video.clip, 40, 60)
    start, end = LOCALIZER.brackets(region, where)
    shown = frames_shown(where.views)
    assert (start.inside, end.inside) == (40, 59)
    assert start.outside in shown
    assert start.outside < 40
    assert end.outside in shown
    assert end.outside >= 60
    whole = of_frames(where.sample.clip, 0, len(where.sample.clip))
    assert LOCALIZER.brackets(whole, where) is None
    assert LOCALIZER.brackets(span(), where) is None


def test_a_probe_shows_the_finding_outlined_and_the_moment() -> None:
    where = scene()
    region = of_event(where.sample.clip, where.candidates[0])
    found, asked = LOCALIZER.probe(35, region, where, LIMITS)
    assert (found.kind, asked.kind) == ("marked", "clean")
    assert asked.cells[0].frame == 35
    with pytest.raises(LocalizationError, match="a region of a video is needed"):
        LOCALIZER.probe(35, span(), where, LIMITS)


def test_trimming_keeps_the_boxes_within() -> None:
    where = scene()
    region = of_event(where.sample.clip, where.candidates[0], mark=1)
    exact = LOCALIZER.trimmed(region, Bracket(44, 45), Bracket(56, 54), where)
    assert (exact.frames, exact.mark) == ((45, 55), 1)
    assert all(45 <= point.frame < 55 for point in exact.track)
    assert LOCALIZER.trimmed(region, Bracket(60, 61), Bracket(5, 4), where) == region


@pytest.mark.parametrize(
    "ask",
    [
        lambda s: LOCALIZER.windows(s, LIMITS, most=1),
        lambda s: LOCALIZER.illustrate(s, (), None),
        lambda s: LOCALIZER.locate(Pointer(), Scene(s, (), PIXELS)),
    ],
)
def test_an_item_of_another_kind_is_refused(ask: Callable[[Any], Any]) -> None:
    with pytest.raises(LocalizationError, match="a video is needed; got one of the kind 'image'"):
        ask(ImageAdapter().load(picture()))
    with pytest.raises(LocalizationError, match="an event of a video is needed"):
        LOCALIZER.region_of(object(), sample())


def test_a_box_between_two_places_is_in_between_and_none_far_from_both() -> None:
    clip = sample().clip
    region = of_event(clip, event(clip))
    for frame in SEEN[:-1]:
        at = box_at(region, frame, float(clip.times[frame]))
        assert at is not None
        assert at.iou(square(frame)) > 0.9
    assert box_at(region, 90, 9.0) is None
    assert box_at(of_frames(clip, 3, 9), 5, 0.5) is None
    sparse = of_event(clip, event(clip, step=19))
    assert box_at(sparse, 50, 5.0) is None


def test_the_frames_of_a_region_are_found_again_from_its_seconds() -> None:
    clip = sample().clip
    for start, stop in ((0, 1), (40, 60), (99, 100), (0, 100)):
        region = of_frames(clip, start, stop)
        assert frames_in(region.model_copy(update={"frames": None}), clip) == (start, stop)
    assert key_frame(of_frames(clip, 10, 20), clip) == 15


@pytest.mark.parametrize("count", [0, 1, 7])
@pytest.mark.parametrize("scored", [True, False])
def test_the_picture_of_a_report_grows_with_what_was_found(count: int, scored: bool) -> None:
    video = sample()
    found = [
        Finding(label="moving square " * 12, region=of_event(video.clip, event(video.clip)))
    ] * count
    evidence = SquareExpert().assess(video) if scored else None
    with Image.open(io.BytesIO(LOCALIZER.illustrate(video, found, evidence))) as drawn:
        assert drawn.width == 1024
        assert drawn.height > 120 + 160 * min(max(count, 1), 5)
    unplaced = [Finding(label="nowhere")]
    assert LOCALIZER.illustrate(video, unplaced, None) == LOCALIZER.illustrate(video, (), None)


def test_a_replay_has_every_frame_with_what_is_going_on() -> None:
    video = sample()
    found = [Finding(label="moving square", region=of_event(video.clip, event(video.clip)))]
    scores = SquareExpert().assess(video).score_map
    drawn, plain = (list(redrawn(video, some, scores)) for some in (found, []))
    assert len(drawn) == len(video)
    assert {frame.shape for frame in drawn} == {drawn[0].shape}
    assert all(side % 2 == 0 for side in drawn[0].shape[:2])
    height = drawn[0].shape[0] - 26
    for number, (one, other) in enumerate(zip(drawn, plain, strict=True)):
        differs = (one[:height] != other[:height]).any()
        assert differs == (number in SEEN)


def test_an_mp4_is_written(tmp_path: Any) -> None:
    av = pytest.importorskip("av")
    video = sample()
    evidence = SquareExpert().assess(video)
    found = [Finding(label="moving square", region=of_event(video.clip, event(video.clip)))]
    path = tmp_path / "out.mp4"
    LOCALIZER.exports(video, found, evidence)[".mp4"](path)
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(video)
    assert SIZE[0] < 480  # small frames were enlarged
