"""Which frames are looked at, against slow and plain ways to choose them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import InputError
from gadet.media.video import Clip, VideoAdapter, VideoInput
from gadet.media.video.activity import Activity
from gadet.media.video.clip import nearest
from gadet.media.video.sampling import adaptive, by_scene, key_frames, uniform
from gadet.media.video.still import clock
from gadet.media.video.windows import windows
from tests.media.video.clips import write


class Nothing:
    """A reel of which only the number of frames is used."""

    keys = np.empty(0, np.int64)

    def read(self, wanted: Any, size: Any) -> Any:
        raise AssertionError("no frame is to be read")


def clip_of(times: Any, lasting: float = 0.1) -> Clip:
    return Clip(Nothing(), (160, 96), np.asarray(times, np.float64), lasting=lasting)


steps = st.lists(st.floats(0.01, 5), min_size=1, max_size=60)
clips = steps.map(lambda s: clip_of(np.cumsum([0.0, *s])))


@given(clip=clips, count=st.integers(1, 80))
def test_even_frames(clip: Clip, count: int) -> None:
    chosen = uniform(clip, count)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == min(count, len(clip))
    assert set(chosen) <= set(range(len(clip)))


def test_even_in_time_and_not_in_frames() -> None:
    # Ten frames in the first second, then one a second.
    clip = clip_of([*np.arange(10) / 10, *range(1, 10)], lasting=1.0)
    shown = [clip.index_of(t) for t in (1, 3, 5, 7, 9)]
    assert uniform(clip, 5) == shown


@given(clip=clips, start=st.integers(0, 59), length=st.integers(1, 60), count=st.integers(1, 20))
def test_even_frames_of_a_part(clip: Clip, start: int, length: int, count: int) -> None:
    start = min(start, len(clip) - 1)
    stop = min(start + length, len(clip))
    chosen = uniform(clip, count, start, stop)
    assert len(chosen) == min(count, stop - start)
    assert start <= chosen[0] <= chosen[-1] < stop


def activity_of(clip: Clip, moved: Any, change: Any = None) -> Activity:
    moved = np.asarray(moved, np.float64)
    change = moved if change is None else np.asarray(change, np.float64)
    return Activity(clip, np.arange(len(clip)), change, moved)


@settings(max_examples=60)
@given(clip=clips, count=st.integers(1, 80), data=st.data())
def test_busy_frames(clip: Clip, count: int, data: Any) -> None:
    levels = st.lists(st.floats(0, 90), min_size=len(clip), max_size=len(clip))
    for choose in (adaptive, by_scene):
        chosen = choose(activity_of(clip, data.draw(levels)), count)
        assert chosen == sorted(set(chosen))
        assert len(chosen) == min(count, len(clip))


def test_more_frames_where_something_happens() -> None:
    clip = clip_of(np.arange(200) / 10)
    moved = np.zeros(200)
    moved[100:120] = 3.0
    chosen = adaptive(activity_of(clip, moved), 40)
    busy = [frame for frame in chosen if 99 <= frame < 120]
    assert len(busy) >= 20  # more than half of them in a tenth of the time
    gaps = np.diff(chosen)
    assert gaps.max() <= 200 / (0.4 * 40) + 1  # and no long stretch is left out
    assert adaptive(activity_of(clip, np.zeros(200)), 10) == uniform(clip, 10)


def test_scenes_are_found_and_each_is_shown() -> None:
    random = np.random.default_rng(0)
    places = [random.integers(0, 256, (24, 32, 3)) for _ in range(4)]
    frames = np.stack(
        [
            np.clip(places[scene] + random.normal(0, 2, (24, 32, 3)), 0, 255).astype(np.uint8)
            for scene, length in enumerate((30, 5, 40, 25))
            for _ in range(length)
        ]
    )
    clip = VideoAdapter().load(VideoInput(frames, rate=8)).clip
    activity = Activity.of(clip)
    assert activity.cuts == (30, 35, 75)
    assert activity.scenes == ((0, 30), (30, 35), (35, 75), (75, 100))
    for count in (4, 6, 10):
        chosen = by_scene(activity, count)
        for start, stop in activity.scenes:
            assert any(start <= frame < stop for frame in chosen)
    longest = by_scene(activity, 2)
    assert 0 <= longest[0] < 30
    assert 35 <= longest[1] < 75


def test_change_is_the_mean_absolute_difference() -> None:
    frames = np.zeros((4, 20, 30, 3), np.uint8)
    frames[1] += 3  # less than noise
    frames[2, :10] = 100
    frames[3, :10] = 100
    activity = Activity.of(VideoAdapter().load(VideoInput(frames, rate=8)).clip)
    assert activity.change == pytest.approx([0, 3, (97 + 3) / 2, 0], abs=0.01)
    assert activity.moved == pytest.approx([0, 0, (97 - 5) / 2, 0], abs=0.01)


def test_a_cut_is_no_movement() -> None:
    clip = clip_of(np.arange(30) / 10)
    activity = activity_of(clip, [0.0] * 15 + [80.0] + [0.0] * 14)
    assert activity.cuts == (15,)
    _, happened = activity.between(0, 3)
    assert happened.sum() == 0


def test_key_frames(tmp_path: Any) -> None:
    pytest.importorskip("av")
    path = write(tmp_path / "a.mp4", options={"g": "12", "sc_threshold": "0"})
    clip = VideoAdapter().load(path).clip
    assert key_frames(clip) == [0, 12, 24, 36, 48]
    assert key_frames(clip, 2) == [12, 48]
    cut = VideoAdapter().load(VideoInput(path, start=0.5, end=1.5)).clip
    assert [cut.first + frame for frame in key_frames(cut)] == [24, 36]
    assert key_frames(clip_of(np.arange(10)), 2) == uniform(clip_of(np.arange(10)), 2)


@given(times=steps.map(np.cumsum), moments=st.lists(st.floats(-1, 99), min_size=1))
def test_nearest(times: Any, moments: list[float]) -> None:
    found = nearest(times, np.array(moments))
    for moment, number in zip(moments, found, strict=True):
        assert abs(times[number] - moment) == np.abs(times - moment).min()


@given(
    clip=clips,
    seconds=st.floats(0.05, 50),
    overlap=st.floats(0, 0.9),
    most=st.none() | st.integers(1, 9),
)
def test_windows_hold_every_frame(
    clip: Clip, seconds: float, overlap: float, most: int | None
) -> None:
    found = windows(clip, seconds, overlap=overlap, most=most)
    covered = {frame for start, stop in found for frame in range(start, stop)}
    assert covered == set(range(len(clip)))
    assert all(start < stop for start, stop in found)
    assert most is None or len(found) <= most
    for (start, stop), (later, end) in pairwise(found):
        assert start <= later
        assert stop <= end


def test_windows_overlap_and_are_even() -> None:
    clip = clip_of(np.arange(1000) / 10)  # 100 s
    found = windows(clip, 10, overlap=0.25)
    assert found[0] == (0, 100)
    assert found[-1] == (900, 1000)
    for (_, stop), (later, _) in pairwise(found):
        assert 24 <= stop - later <= 33
    assert windows(clip, 200) == ((0, 1000),)
    assert len(windows(clip, 1, most=5)) == 5


@pytest.mark.parametrize(
    "call",
    [
        lambda clip: uniform(clip, 0),
        lambda clip: uniform(clip, 3, 5, 5),
        lambda clip: adaptive(activity_of(clip, np.zeros(10)), 0),
        lambda clip: by_scene(activity_of(clip, np.zeros(10)), 0),
        lambda clip: windows(clip, 0),
        lambda clip: windows(clip, 1, overlap=1),
        lambda clip: windows(clip, 1, most=0),
    ],
)
def test_choices_that_cannot_be_made(call: Any) -> None:
    with pytest.raises(InputError, match="expected"):
        call(clip_of(np.arange(10)))


@pytest.mark.parametrize(
    ("seconds", "digits", "text"),
    [
        (0, 1, "0:00.0"), (12.34, 1, "0:12.3"), (59.96, 1, "1:00.0"), (3599.99, 1, "1:00:00.0"),
        (3723.456, 2, "1:02:03.46"), (75, 0, "1:15"), (-1.25, 2, "-0:01.25"), (-0.01, 1, "0:00.0"),
    ],
)  # fmt: skip
def test_times_for_people(seconds: float, digits: int, text: str) -> None:
    assert clock(seconds, digits) == text
