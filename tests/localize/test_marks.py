"""Marks: numbered, readable, apart from each other, and never over what they point at."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from gadet.errors import LocalizationError
from gadet.experts.base import Candidate
from gadet.geometry import Box, Frame
from gadet.localize.marks import PALETTE, _font, draw_marks, mark_view, shape_of
from gadet.localize.placement import squared_distance
from gadet.view import View


def candidate(mask):
    rows, columns = np.nonzero(mask)
    box = Box.of(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    return Candidate(mask=mask, box=box, score=0.8, label="patch", fact="")


def blob(rng, width, height, share):
    """An ellipse, a stroke or a rectangle somewhere in the picture."""
    y, x = np.mgrid[:height, :width]
    cy, cx = rng.uniform(0, height), rng.uniform(0, width)
    size = max(0.8, share * max(width, height))
    kind = rng.integers(3)
    if kind == 0:
        mask = ((y - cy) / size) ** 2 + ((x - cx) / (2 * size)) ** 2 < 1
    elif kind == 1:
        mask = (np.abs((y - cy) - (x - cx)) < size / 4) & (np.abs(x - cx) < size)
    else:
        mask = (np.abs(y - cy) < size) & (np.abs(x - cx) < size / 2)
    mask[min(int(cy), height - 1), min(int(cx), width - 1)] = True
    return mask


def busy(rng, width, height, kind):
    """A dark, bright, noisy or striped picture."""
    if kind == "noise":
        return Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
    if kind == "stripes":
        pixels = np.zeros((height, width, 3), dtype=np.uint8)
        pixels[:, (np.arange(width) // 5) % 2 == 0] = 255
        return Image.fromarray(pixels)
    return Image.new("RGB", (width, height), (8, 8, 8) if kind == "dark" else (250, 250, 250))


def marked(width, height, masks, background="dark", seed=0):
    rng = np.random.default_rng(seed)
    view = View(picture=busy(rng, width, height, background), frame=Frame.whole((width, height)))
    return view, mark_view(view, [candidate(mask) for mask in masks])


def labels_of(view, masks):
    """The labels of a marked view, drawn again to learn where they are."""
    frame = view.frame
    shapes = [shape_of(n, frame, c.box, c.mask) for n, c in enumerate(map(candidate, masks), 1)]
    return draw_marks(Image.new("RGB", (frame.width, frame.height)), shapes)[1]


@settings(max_examples=25, deadline=None)
@given(
    width=st.integers(32, 900),
    height=st.integers(32, 900),
    count=st.integers(1, 40),
    seed=st.integers(0, 10_000),
)
def test_labels_are_inside_apart_and_readable(width, height, count, seed):
    rng = np.random.default_rng(seed)
    masks = [blob(rng, width, height, rng.uniform(0.004, 0.1)) for _ in range(count)]
    _, view = marked(width, height, masks, "noise", seed)
    assert view.kind == "marked"
    assert view.marks == tuple(range(1, count + 1))
    assert view.picture.size == (view.frame.width, view.frame.height)
    labels = labels_of(view, masks)
    assert [label.number for label in labels] == list(view.marks)
    long_side = max(view.picture.size)
    floor = min(max(14, 0.035 * long_side), min(view.picture.size) // 2)
    for label in labels:
        x0, y0, x1, y1 = label.box
        assert 0 <= x0 < x1 <= view.frame.width
        assert 0 <= y0 < y1 <= view.frame.height
        assert y1 - y0 >= floor
        assert x1 - x0 >= y1 - y0
    room = min(view.picture.size) / (0.05 * long_side) * 12  # labels that fit with ease
    if count <= room:
        for one, other in itertools.combinations(labels, 2):
            assert Box.of(*one.box).intersection(Box.of(*other.box)) == 0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 15))
def test_small_regions_stay_as_they_were(seed, count):
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(count):
        mask = blob(rng, 640, 480, rng.uniform(0.002, 0.02))
        if not any((mask & other).any() for other in masks):
            masks.append(mask)
    before, after = marked(640, 480, masks, "noise", seed)
    old, new = np.asarray(before.picture), np.asarray(after.picture)
    for mask in masks:
        assert np.array_equal(old[mask], new[mask])


@pytest.mark.parametrize("background", ["dark", "bright", "noise", "stripes"])
def test_the_outline_lies_just_outside_and_stands_out(background):
    mask = np.zeros((400, 600), dtype=bool)
    mask[100:180, 200:300] = True
    before, after = marked(600, 400, [mask], background)
    old, new = np.asarray(before.picture), np.asarray(after.picture)
    (label,) = labels_of(after, [mask])
    changed = (old != new).any(axis=2)
    changed[label.box[1] : label.box[3], label.box[0] : label.box[2]] = False
    assert not changed[mask].any()
    near = squared_distance(mask, 12)
    assert changed[(near > 1) & (near <= 4)].mean() > 0.9
    assert not changed[near > 64].any()
    line = new[(near > 1) & (near <= 9) & changed]
    assert any((line == np.array(colour)).all(axis=1).mean() > 0.5 for colour in PALETTE)


def test_a_tiny_region_gets_a_circle_around_it():
    mask = np.zeros((1000, 1000), dtype=bool)
    mask[500, 500] = True
    before, after = marked(1000, 1000, [mask], "bright")
    changed = (np.asarray(before.picture) != np.asarray(after.picture)).any(axis=2)
    assert not changed[497:504, 497:504].any()
    assert changed[500, 501:530].any()
    assert changed[500, 470:500].any()


def test_a_large_region_holds_its_label():
    mask = np.zeros((600, 600), dtype=bool)
    mask[50:500, 100:550] = True
    (label,) = labels_of(marked(600, 600, [mask])[1], [mask])
    assert label.inside
    assert mask[label.box[1] : label.box[3], label.box[0] : label.box[2]].all()


def test_a_region_that_fills_the_picture_is_still_outlined():
    mask = np.ones((300, 512), dtype=bool)
    before, after = marked(512, 300, [mask], "bright")
    assert (np.asarray(before.picture)[0] != np.asarray(after.picture)[0]).any()
    assert after.marks == (1,)


def test_a_label_does_not_hide_a_small_region_within_a_large_one():
    large = np.zeros((600, 600), dtype=bool)
    large[100:500, 100:500] = True
    small = np.zeros_like(large)
    small[295:305, 295:305] = True
    before, after = marked(600, 600, [large, small], "noise")
    assert np.array_equal(np.asarray(before.picture)[small], np.asarray(after.picture)[small])


@pytest.mark.parametrize("size", [(32, 32), (4000, 3000), (4000, 200), (40, 600)])
@pytest.mark.parametrize("number", [7, 38])
def test_the_numbers_can_be_read_at_512_pixels(size, number):
    """Each label, shown at 512 px, is most like the rendering of its own number."""
    width, height = size
    mask = np.zeros((height, width), dtype=bool)
    mask[height // 3 : height // 3 + 2, width // 4 : width // 4 + 2] = True
    frame = Frame.whole(size)
    shown = 512 / max(size)
    if shown > 1:
        frame = Frame.whole(size, (round(width * shown), round(height * shown)))
    shape = shape_of(number, frame, candidate(mask).box, mask)
    canvas = Image.fromarray(
        np.random.default_rng(1).integers(0, 256, (frame.height, frame.width, 3), dtype=np.uint8)
    )
    drawn, (label,) = draw_marks(canvas, [shape])
    scale = 512 / max(drawn.size)
    target = (round(drawn.width * scale), round(drawn.height * scale))
    seen = drawn.resize(target, Image.Resampling.LANCZOS).convert("L")
    box = [round(value * scale) for value in label.box]
    part = np.asarray(seen.crop(tuple(box)), dtype=float)
    part = (part - part.mean()) / part.std()

    def likeness(guess):
        x0, y0, x1, y1 = label.box
        text = Image.new("L", (x1 - x0, y1 - y0), 255)
        font = _font(y1 - y0)
        left, top, right, bottom = font.getbbox(str(guess))
        at = ((x1 - x0 - left - right) / 2, (y1 - y0 - top - bottom) / 2)
        ImageDraw.Draw(text).text(at, str(guess), fill=0, font=font)
        model = np.asarray(text.resize(part.shape[::-1], Image.Resampling.LANCZOS), dtype=float)
        return abs(float(((model - model.mean()) / model.std() * part).mean()))

    guesses = range(1, 10) if number < 10 else range(10, 41)
    assert max(guesses, key=likeness) == number


def test_candidates_are_mapped_through_the_frame():
    mask = np.zeros((1000, 2000), dtype=bool)
    mask[400:500, 1200:1300] = True
    frame = Frame(
        native_width=2000,
        native_height=1000,
        source=Box.of(1000, 300, 1600, 700),
        width=1200,
        height=800,
    )
    shape = shape_of(1, frame, candidate(mask).box, mask)
    assert (shape.left, shape.top, shape.right, shape.bottom) == (400, 200, 600, 400)
    assert shape.mask.all()


@given(
    width=st.integers(1, 60),
    height=st.integers(1, 60),
    view=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    seed=st.integers(0, 99),
)
def test_every_view_pixel_that_a_region_touches_belongs_to_it(width, height, view, seed):
    mask = blob(np.random.default_rng(seed), width, height, 0.1)
    frame = Frame.whole((width, height), view)
    shape = shape_of(1, frame, candidate(mask).box, mask)
    whole = np.zeros((view[1], view[0]), dtype=bool)
    whole[shape.top : shape.bottom, shape.left : shape.right] = shape.mask
    expected = np.zeros_like(whole)
    for y, x in zip(*np.nonzero(mask), strict=True):
        part = frame.to_view(Box.of(x, y, x + 1, y + 1))
        x0, y0 = int(np.floor(part.x0 + 1e-4)), int(np.floor(part.y0 + 1e-4))
        x1, y1 = int(np.ceil(part.x1 - 1e-4)), int(np.ceil(part.y1 - 1e-4))
        expected[y0:y1, x0:x1] = True
    assert np.array_equal(whole, expected)


def test_only_what_a_zoom_shows_is_marked_and_numbers_stay():
    left, right = np.zeros((400, 800), dtype=bool), np.zeros((400, 800), dtype=bool)
    left[100:150, 100:150] = True
    right[100:150, 600:650] = True
    frame = Frame(
        native_width=800, native_height=400, source=Box.of(400, 0, 800, 400), width=600, height=600
    )
    view = View(picture=Image.new("RGB", (600, 600)), frame=frame, kind="zoom")
    assert mark_view(view, [candidate(left), candidate(right)]).marks == (2,)


def test_the_same_input_gives_the_same_bytes_and_leaves_the_view_alone():
    rng = np.random.default_rng(3)
    masks = [blob(rng, 300, 200, 0.05) for _ in range(12)]
    before, one = marked(300, 200, masks, "noise")
    clean = before.picture.copy()
    two = mark_view(before, [candidate(mask) for mask in masks])
    assert one.sha256 == two.sha256
    assert np.array_equal(np.asarray(clean), np.asarray(before.picture))
    assert before.marks == ()


def test_a_mask_of_the_wrong_size_is_refused():
    view = View(picture=Image.new("RGB", (64, 64)), frame=Frame.whole((64, 64)))
    wrong = Candidate(
        mask=np.ones((32, 64), dtype=bool), box=Box.of(0, 0, 9, 9), score=1, label="", fact=""
    )
    with pytest.raises(LocalizationError, match=r"\(64, 64\) is needed"):
        mark_view(view, [wrong])


def test_without_candidates_nothing_is_drawn():
    view = View(picture=Image.new("RGB", (600, 64), "navy"), frame=Frame.whole((600, 64)))
    after = mark_view(view, [])
    assert after.kind == "marked"
    assert np.array_equal(np.asarray(after.picture), np.asarray(view.picture))


@given(
    seed=st.integers(0, 999),
    shape=st.tuples(st.integers(1, 25), st.integers(1, 25)),
    limit=st.integers(1, 12),
)
def test_squared_distance_is_that_of_all_pairs(seed, shape, limit):
    mask = np.random.default_rng(seed).random(shape) < 0.05
    found = squared_distance(mask, limit)
    y, x = np.mgrid[: shape[0], : shape[1]]
    true = np.full(shape, 10**6)
    for row, column in zip(*np.nonzero(mask), strict=True):
        true = np.minimum(true, (y - row) ** 2 + (x - column) ** 2)
    near = true <= limit**2
    assert np.array_equal(found[near], true[near])
    assert (found[~near] > limit**2).all()


def test_a_light_fill_tints_the_region_alone():
    mask = np.zeros((200, 300), dtype=bool)
    mask[50:150, 100:200] = True
    frame = Frame.whole((300, 200))
    shape = shape_of(1, frame, candidate(mask).box, mask, colour=(255, 0, 0))
    base = Image.new("RGB", (300, 200), (100, 100, 100))
    plain, _ = draw_marks(base, [shape], numbered=False)
    tinted, _ = draw_marks(base, [shape], numbered=False, fill=0.2)
    assert (np.asarray(plain)[mask] == 100).all()
    assert (np.asarray(tinted)[mask] == (131, 80, 80)).all()
    assert np.array_equal(np.asarray(plain)[~mask], np.asarray(tinted)[~mask])


@pytest.mark.parametrize("fill", [-0.1, 1.5, float("nan")])
def test_a_fill_that_is_no_share_is_refused(fill):
    with pytest.raises(LocalizationError, match=r"\[0, 1\]"):
        draw_marks(Image.new("RGB", (30, 20)), [], fill=fill)
