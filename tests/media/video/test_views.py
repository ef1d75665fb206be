"""Pictures of a video: what is on them, and the way back from their pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.errors import InputError
from gadet.geometry import Box
from gadet.media.video import VideoAdapter, VideoInput, VideoSample
from gadet.media.video.grid import cells_within, frames_within, grid_for
from gadet.media.video.view import Place, VideoView
from gadet.view import ViewLimits
from tests.media.video.clips import number_in, picture

LIMITS = ViewLimits()
PATCHES = ViewLimits(max_side=1000, multiple=28, min_pixels=200_000)


def sample(count: int = 50, size: tuple[int, int] = (160, 96), **options: Any) -> VideoSample:
    frames = np.stack([picture(n, *size) for n in range(count)])
    return VideoAdapter().load(VideoInput(frames, **({"rate": 10} | options)))


@pytest.fixture(scope="module")
def video() -> VideoSample:
    return sample()


def test_each_cell_shows_its_frame(video: VideoSample) -> None:
    view = video.sheet([3, 30, 17], LIMITS)
    assert [cell.frame for cell in view.cells] == [3, 17, 30]
    pixels = np.asarray(view.picture)
    for cell in view.cells:
        x0, y0, x1, y1 = cell.shown.rounded_out()
        assert number_in(pixels[y0:y1, x0:x1]) == cell.frame
        assert cell.seconds == pytest.approx(cell.frame / 10)
    assert "3 frames in the order of time, row by row, from 0:00.3 to 0:03.0" in view.caption


def test_labels_are_written_above_each_frame(video: VideoSample) -> None:
    view = video.sheet([0, 10, 20, 30], LIMITS)
    pixels = np.asarray(view.picture.convert("L"))
    for cell in view.cells:
        assert cell.label is not None
        x0, y0, x1, y1 = cell.label.rounded_out()
        ink = pixels[y0:y1, x0:x1] < 128
        # As high as a model can read, and nowhere cut off.
        rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        assert np.ptp(rows) >= 12
        assert rows[0] > 0
        assert rows[-1] < y1 - y0 - 1
        assert columns[-1] < x1 - x0 - 1


def test_the_whole_clip_is_looked_through(video: VideoSample) -> None:
    views = video.views(LIMITS)
    frames = [cell.frame for view in views for cell in view.cells]
    assert frames == sorted(set(frames))
    assert frames[0] < 10
    assert frames[-1] >= 40
    (reference,) = video.views(LIMITS, role="reference")
    assert reference.role == "reference"
    assert len(reference.cells) <= 9
    long = sample(count=1000, size=(32, 24), rate=2)
    assert len(long.views(LIMITS)) == 4


@pytest.mark.parametrize("limits", [LIMITS, PATCHES, ViewLimits(max_side=300, max_pixels=60_000)])
@pytest.mark.parametrize("native", [(160, 96), (640, 480), (1080, 1920), (1920, 1080), (50, 400)])
@pytest.mark.parametrize("count", [1, 2, 5, 16])
def test_sheets_have_a_size_that_a_model_takes(
    limits: ViewLimits, native: tuple[int, int], count: int
) -> None:
    grid = grid_for(count, native, limits)
    assert limits.fit(*grid.size) == grid.size
    last = grid.shown(count - 1)
    assert last.x1 <= grid.size[0]
    assert last.y1 <= grid.size[1]
    assert grid.cell[0] / grid.cell[1] == pytest.approx(native[0] / native[1], rel=0.1)
    assert 1 <= cells_within(native, limits) <= 16


def patches(width: int, height: int) -> int:
    return -(-width // 28) * -(-height // 28)


@pytest.mark.parametrize("tokens", [10, 500, 3000, 5000, 9000, 50_000])
@pytest.mark.parametrize("native", [(160, 96), (1920, 1080)])
def test_frames_are_held_to_a_budget(tokens: int, native: tuple[int, int]) -> None:
    each = cells_within(native, LIMITS)
    assert frames_within(native, LIMITS, pictures=3) == 3 * each
    count = frames_within(native, LIMITS, pictures=3, tokens=tokens, cost=patches)
    assert 1 <= count <= 3 * each

    def spent(frames: int) -> int:
        sheets = [min(each, frames - first) for first in range(0, frames, each)]
        return sum(patches(*grid_for(n, native, LIMITS).size) for n in sheets)

    # All that fit, and not one more.
    assert spent(count) <= tokens or count == 1
    assert count == 3 * each or spent(count + 1) > tokens
    video = sample(count=40)
    chosen = video.chosen(LIMITS, pictures=3, tokens=tokens, cost=patches)
    assert len(chosen) <= frames_within((160, 96), LIMITS, pictures=3, tokens=tokens, cost=patches)
    for wrong in ({"pictures": 0}, {"pictures": 1, "tokens": 5}):
        with pytest.raises(InputError, match="pictures from 1, and cost with tokens"):
            frames_within(native, LIMITS, **wrong)  # type: ignore[arg-type]


def test_part_of_a_frame_is_cut_exactly(video: VideoSample) -> None:
    part = Box.of(40, 20, 100, 80)
    view = video.still_view(7, LIMITS, part=part)
    assert view.kind == "zoom"
    (cell,) = view.cells
    assert cell.source == part
    x0, y0, x1, y1 = cell.shown.rounded_out()
    shown = np.asarray(view.picture)[y0:y1, x0:x1]
    small = shown[:: shown.shape[0] // 60, :: shown.shape[1] // 60].astype(int)[:60, :60]
    assert np.abs(small - picture(7)[20:80, 40:100]).mean() < 12


boxes = st.tuples(*(st.floats(0, 1) for _ in range(4))).map(
    lambda v: (min(v[0], v[2]), min(v[1], v[3]), max(v[0], v[2]), max(v[1], v[3]))
)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 16),
    which=st.integers(0, 15),
    shares=boxes.filter(lambda b: b[2] - b[0] > 0.01 and b[3] - b[1] > 0.01),
    part=boxes.filter(lambda b: b[2] - b[0] > 0.2 and b[3] - b[1] > 0.2),
)
def test_boxes_come_back(
    video: VideoSample,
    count: int,
    which: int,
    shares: tuple[float, float, float, float],
    part: tuple[float, float, float, float],
) -> None:
    shown = Box.of(*(share * side for share, side in zip(part, (160, 96) * 2, strict=True)))
    view = video.sheet(range(count), LIMITS, part=shown)
    cell = view.cells[which % count]
    source = cell.source
    native = Box.of(
        source.x0 + shares[0] * source.width,
        source.y0 + shares[1] * source.height,
        source.x0 + shares[2] * source.width,
        source.y0 + shares[3] * source.height,
    )
    drawn = view.drawn(cell.frame, native)
    assert drawn is not None
    (span,) = view.located(drawn)
    assert span.frame == cell.frame
    assert span.box.iou(native) > 0.999
    # A point in it is the same point of the same frame.
    middle = ((drawn.x0 + drawn.x1) / 2, (drawn.y0 + drawn.y1) / 2)
    place = view.at(*middle)
    assert place is not None
    assert (place.frame, place.seconds) == (cell.frame, cell.seconds)
    assert place.x == pytest.approx((native.x0 + native.x1) / 2, abs=1e-6)
    assert place.y == pytest.approx((native.y0 + native.y1) / 2, abs=1e-6)
    if count == 1:
        assert view.frame.to_native(drawn).iou(native) > 0.999


def test_boxes_over_several_cells_and_over_none(video: VideoSample) -> None:
    view = video.sheet([0, 10, 20, 30], LIMITS)
    first, second = view.cells[:2]
    both = Box.of(first.shown.x0 + 10, first.shown.y0 + 5, second.shown.x1 - 10, first.shown.y1 - 5)
    assert [span.frame for span in view.located(both)] == [0, 10]
    touching = Box.of(first.shown.x0, first.shown.y0, second.shown.x0 + 9, first.shown.y1)
    assert [span.frame for span in view.located(touching)] == [0]
    assert second.label is not None
    (named,) = view.located(second.label)
    assert (named.frame, named.box) == (10, Box.of(0, 0, 160, 96))
    between = Box.of(first.shown.x1 + 0.5, first.shown.y0, first.shown.x1 + 1, first.shown.y1)
    assert view.located(between) == ()
    assert view.at(first.shown.x1 + 1, first.shown.y0) is None
    assert view.cell_of(5) is None
    assert view.drawn(5, between) is None


def test_a_trail_knows_when_each_pixel_was() -> None:
    frames = np.full((10, 60, 200, 3), 90, np.uint8)
    for number in range(10):
        frames[number, 20:40, number * 20 : number * 20 + 20] = 250
    video = VideoAdapter().load(VideoInput(frames, rate=5))
    view = video.trail(0, 10, LIMITS)
    for number in range(10):
        box = view.cells[0].to_view(Box.of(number * 20, 20, number * 20 + 20, 40))
        place = view.at((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
        assert isinstance(place, Place)
        assert (place.frame, place.seconds) == (number, pytest.approx(number / 5))
        assert number * 20 <= place.x < number * 20 + 20
    pixels = np.asarray(view.picture).astype(int)
    colours = [
        pixels[
            int(view.drawn(0, Box.of(x, 30, x + 2, 32)).y0),
            int(view.drawn(0, Box.of(x, 30, x + 2, 32)).x0),
        ]  # type: ignore[union-attr]
        for x in (8, 188)
    ]
    assert colours[0][2] > colours[0][0] + 80  # early is blue
    assert colours[1][0] > colours[1][2] + 80  # late is red


def test_a_difference_shows_what_changed() -> None:
    frames = np.full((3, 60, 100, 3), 90, np.uint8)
    frames[2, 20:40, 30:60] = 250
    video = VideoAdapter().load(VideoInput(frames, rate=5))
    view = video.sheet([0, 1, 2], LIMITS, look="difference")
    assert view.caption.startswith("what changed since the frame before")
    pixels = np.asarray(view.picture.convert("L"))

    def brightness(frame: int, box: Box) -> float:
        drawn = view.drawn(frame, box)
        assert drawn is not None
        x0, y0, x1, y1 = (round(value) for value in (drawn.x0, drawn.y0, drawn.x1, drawn.y1))
        return float(pixels[y0:y1, x0:x1].mean())

    inside, outside = Box.of(32, 22, 58, 38), Box.of(70, 5, 95, 15)
    assert brightness(2, inside) > 200
    assert brightness(2, outside) < 60
    assert brightness(1, inside) < 60


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"frames": []}, "1 to 16 frames"),
        ({"frames": range(17)}, "1 to 16 frames"),
        ({"frames": [50]}, "frames from 0 to 49"),
        ({"frames": [1], "look": "x-ray"}, "look to be one of plain, difference, flow"),
        ({"frames": [1], "part": Box.of(200, 0, 210, 10)}, "a part within the frame of 160 x 96"),
    ],
)
def test_pictures_that_cannot_be_drawn(
    video: VideoSample, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        video.sheet(limits=LIMITS, **options)


def test_the_same_picture_twice() -> None:
    views: list[VideoView] = [sample().views(LIMITS)[0] for _ in range(2)]
    assert views[0].sha256 == views[1].sha256


def test_what_is_told(video: VideoSample) -> None:
    assert video.moments == "seconds like 12.3 or times like 0:12.3"
    assert video.words == (
        "The video lasts 5.0 s, from 0:00.0 to 0:04.9: 50 frames, 10 per second."
    )
    assert number_in(video.pixels) == 25
    assert video.preview(80)[:2] == b"\xff\xd8"
    assert len(video) == 50
