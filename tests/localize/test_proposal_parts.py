"""The parts that proposals are made of, each against a slow count."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet import Box, BoxFormat
from gadet.experts.lab import lab
from gadet.localize.choice import SLIGHT, choose, overlaps
from gadet.localize.components import map_parts
from gadet.localize.contrast import stand_outs
from gadet.localize.grid import bands, cells
from gadet.localize.hierarchy import grow
from gadet.localize.points import decode_point
from gadet.localize.proposal import Proposal, parts_of
from gadet.localize.standing import Ground
from gadet.localize.superpixels import cut, features_of
from gadet.localize.walker import walk
from gadet.localize.words import box_of_words


def noise(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


sizes = st.integers(1, 40)
seeds = st.integers(0, 999)


@settings(max_examples=20, deadline=None)
@given(height=sizes, width=sizes, seed=seeds, side=st.integers(1, 9))
def test_pieces_cover_the_picture_and_are_measured(
    height: int, width: int, seed: int, side: int
) -> None:
    features = features_of(noise(seed, height, width))
    pieces = cut(features, side)
    names = np.unique(pieces.labels)
    assert np.array_equal(names, np.arange(len(pieces.sizes)))
    for name in names[:5]:
        here = pieces.labels == name
        assert pieces.sizes[name] == here.sum()
        assert pieces.means[name] == pytest.approx(features[here].mean(axis=0), rel=1e-3, abs=1e-3)
    touching = set()
    for y, x in itertools.product(range(height), range(width)):
        for below, beside in ((1, 0), (0, 1)):
            if y + below < height and x + beside < width:
                a, b = pieces.labels[y, x], pieces.labels[y + below, x + beside]
                if a != b:
                    touching.add((int(min(a, b)), int(max(a, b))))
    assert {tuple(link) for link in pieces.links.tolist()} == touching


def test_superpixels_follow_a_border() -> None:
    pixels = np.full((64, 64, 3), 60, dtype=np.uint8)
    pixels[:, 29:] = 200
    labels = cut(features_of(pixels), 8).labels
    left, right = set(labels[:, :27].ravel()), set(labels[:, 31:].ravel())
    assert not left & right


@settings(max_examples=15, deadline=None)
@given(height=sizes, width=sizes, seed=seeds)
def test_the_tree_joins_neighbours_until_all_is_one(height: int, width: int, seed: int) -> None:
    pieces = cut(features_of(noise(seed, height, width)), 6)
    tree = grow(pieces)
    count = len(pieces.sizes)
    assert len(tree.parents) == 2 * count - 1
    assert sorted(tree.order.tolist()) == list(range(count))
    assert tree.sums(pieces.sizes)[-1] == height * width
    for node in range(count, 2 * count - 1):
        children = np.flatnonzero((tree.parents == node) & (np.arange(2 * count - 1) != node))
        joined = np.sort(np.concatenate([tree.members(int(child)) for child in children]))
        assert np.array_equal(joined, np.sort(tree.members(node)))
        assert tree.mask(node).sum() == tree.sums(pieces.sizes)[node]


@settings(deadline=None)
@given(seed=seeds, shape=st.tuples(sizes, sizes), least=st.integers(1, 5), most=st.integers(1, 400))
def test_parts_are_the_components_of_the_right_size(
    seed: int, shape: tuple[int, int], least: int, most: int
) -> None:
    mask = np.random.default_rng(seed).random(shape) < 0.3
    seen = np.zeros(shape, dtype=bool)
    for left, top, window in parts_of(mask, least, most):
        whole = np.zeros(shape, dtype=bool)
        whole[top : top + window.shape[0], left : left + window.shape[1]] = window
        assert least <= whole.sum() <= most
        assert window.any(axis=1).all()
        assert window.any(axis=0).all()
        assert not (whole & seen).any()
        seen |= whole
    assert not (seen & ~mask).any()


@given(seed=seeds, old=st.tuples(sizes, sizes), new=st.tuples(sizes, sizes))
def test_a_proposal_moves_to_another_copy_pixel_by_pixel(
    seed: int, old: tuple[int, int], new: tuple[int, int]
) -> None:
    mask = np.random.default_rng(seed).random(old) < 0.3
    mask[seed % old[0], seed % old[1]] = True
    moved = Proposal.of("grid", 0.0, mask).on(new)
    rows = [int((row + 0.5) * old[0] / new[0]) for row in range(new[0])]
    columns = [int((column + 0.5) * old[1] / new[1]) for column in range(new[1])]
    expected = mask[np.ix_(rows, columns)]
    if expected.any():
        assert np.array_equal(moved.whole(), expected)
    else:
        assert moved.area == 1


@settings(max_examples=20, deadline=None)
@given(seed=seeds, count=st.integers(1, 8))
def test_overlaps_are_those_of_the_pixels(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(count):
        mask = np.zeros((20, 25), dtype=bool)
        y, x = rng.integers(0, 15), rng.integers(0, 18)
        mask[y : y + rng.integers(1, 9), x : x + rng.integers(1, 9)] = True
        masks.append(mask)
    found = overlaps([Proposal.of("grid", 0.0, mask) for mask in masks])
    for i, j in itertools.product(range(count), repeat=2):
        iou = (masks[i] & masks[j]).sum() / (masks[i] | masks[j]).sum()
        assert found[i, j] == pytest.approx(iou if iou >= SLIGHT else 0)


@settings(max_examples=30, deadline=None)
@given(seed=seeds, count=st.integers(1, 8), most=st.integers(1, 4))
def test_the_choice_is_near_the_best_of_all_choices(seed: int, count: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.random(count)
    likeness = rng.random((count, count))
    likeness = np.maximum(likeness, likeness.T)
    np.fill_diagonal(likeness, 1)

    def worth(chosen: tuple[int, ...]) -> float:
        return float(weights @ likeness[:, list(chosen)].max(axis=1))

    best = max(worth(some) for some in itertools.combinations(range(count), min(most, count)))
    chosen = choose(weights, likeness, most)
    assert len(set(chosen)) == len(chosen) <= most
    assert worth(tuple(chosen)) >= (1 - 1 / np.e) * best - 1e-9


def test_a_double_gains_nothing() -> None:
    likeness = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=float)
    assert choose(np.array([5.0, 4.0, 0.1]), likeness, 3) == [0, 2]
    assert choose(np.array([5.0, 4.0, 0.1]), likeness, 3, first=2) == [0, 1, 2]


def test_another_outline_of_an_inexact_first_one_gains() -> None:
    likeness = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 1.0]])
    weights = np.array([0.5, 0.5, 0.4])
    assert choose(weights, likeness, 2, first=1) == [0, 2]
    assert choose(weights, likeness, 2, first=1, exact=0.2) == [0, 1]


def test_contrast_finds_a_dark_a_bright_and_a_coloured_spot() -> None:
    pixels = np.random.default_rng(0).normal(120, 4, (128, 160, 3))
    pixels[20:28, 30:38] -= 50
    pixels[90:100, 100:108] += 50
    pixels[60:70, 40:52] += (40, -20, -20)
    found = stand_outs(np.clip(pixels, 0, 255).astype(np.uint8))
    for box in ((30, 20, 38, 28), (100, 90, 108, 100), (40, 60, 52, 70)):
        truth = np.zeros((128, 160), dtype=bool)
        truth[box[1] : box[3], box[0] : box[2]] = True
        best = max((truth & one.whole()).sum() / (truth | one.whole()).sum() for one in found)
        assert best > 0.7


def test_a_flat_picture_has_no_contrast_and_a_flat_map_no_parts() -> None:
    assert stand_outs(np.full((60, 80, 3), 77, dtype=np.uint8)) == []
    assert map_parts(np.full((60, 80), 0.4, dtype=np.float32)) == []


def test_what_is_one_region_low_down_is_two_higher_up() -> None:
    score_map = np.full((40, 60), 0.05, dtype=np.float32)
    score_map[10:30, 10:50] = 0.3
    score_map[12:28, 12:25] = score_map[12:28, 35:48] = 0.9
    areas = {one.area for one in map_parts(score_map)}
    assert {16 * 13, 20 * 40} <= areas


def test_a_step_gives_both_its_sides() -> None:
    pixels = np.full((90, 120, 3), 100, dtype=np.uint8)
    pixels[:30] = 130
    found = bands(features_of(pixels))
    assert found[0].strength > 0.8
    assert {(one.top, one.mask.shape) for one in found[:2]} == {(0, (30, 120)), (30, (60, 120))}
    assert bands(features_of(np.full((90, 120, 3), 100, dtype=np.uint8))) == []


@given(shape=st.tuples(sizes, sizes), across=st.integers(1, 6))
def test_cells_cover_each_pixel_once(shape: tuple[int, int], across: int) -> None:
    count = np.zeros(shape, dtype=int)
    for one in cells(shape, across):
        count += one.whole()
    assert (count == 1).all()


@settings(max_examples=20, deadline=None)
@given(seed=seeds, height=st.integers(4, 30), width=st.integers(4, 30))
def test_standing_is_that_of_the_pixels(seed: int, height: int, width: int) -> None:
    pixels = noise(seed, height, width)
    rng = np.random.default_rng(seed)
    score_map = rng.random((height, width), dtype=np.float32)
    mask = np.zeros((height, width), dtype=bool)
    mask[1 : 1 + rng.integers(1, height), 1 : 1 + rng.integers(1, width)] = True
    one = Proposal.of("grid", 0.0, mask)
    how = Ground.of(pixels, score_map).standing(one)
    rim = max(4, int(0.35 * np.sqrt(mask.sum())))
    around = np.zeros_like(mask)
    h, w = one.mask.shape
    around[
        max(0, one.top - rim) : one.top + h + rim, max(0, one.left - rim) : one.left + w + rim
    ] = True
    around &= ~mask
    colours = lab(pixels)
    spread = colours[mask][:, 0].var() + (colours[around][:, 0].var() if around.any() else 0)
    outside = colours[around].mean(axis=0) if around.any() else np.zeros(3)
    gap = np.linalg.norm(colours[mask].mean(axis=0) - outside)
    assert how.evidence == pytest.approx(score_map[mask].mean() / score_map.max(), rel=1e-4)
    assert how.distinct == pytest.approx(gap / np.sqrt(spread + 4), rel=1e-2, abs=1e-2)


def test_colours_are_those_of_the_standard() -> None:
    """Reference values of CIE L*a*b* (D65) for white, black, red and a grey."""
    rgb = np.array([[255, 255, 255], [0, 0, 0], [255, 0, 0], [119, 119, 119]], dtype=np.uint8)
    expected = [(100, 0, 0), (0, 0, 0), (53.24, 80.09, 67.20), (50.03, 0, 0)]
    assert np.allclose(lab(rgb), expected, atol=0.1)
    assert np.allclose(lab(rgb.astype(float)), lab(rgb), atol=0.01)


def test_the_walk_keeps_to_what_looks_alike() -> None:
    pixels = np.full((60, 80, 3), 90, dtype=np.uint8)
    pixels[15:45, 20:60] = 140
    belief = np.full((60, 80), 0.05, dtype=np.float32)
    belief[10:42, 15:55] = 0.6
    inside = walk(pixels, belief) >= 0.5
    truth = pixels[..., 0] == 140
    assert (inside & truth).sum() / (inside | truth).sum() > 0.9


@pytest.mark.parametrize(
    ("words", "box"),
    [
        ("upper left", (0, 0, 50, 30)),
        ("Top-Right corner", (50, 0, 100, 30)),
        ("centre", (25, 15, 75, 45)),
        ("in the middle of the bottom edge", (25, 30, 75, 60)),
        ("left", (0, 0, 50, 60)),
        ("below", (0, 30, 100, 60)),
    ],
)
def test_words_name_a_part_of_the_picture(words: str, box: tuple[float, ...]) -> None:
    found = box_of_words(words, 100, 60)
    assert found is not None
    assert found.as_tuple() == box


@pytest.mark.parametrize("words", ["", "bright", "left and right", "stop", "x" * 10_000])
def test_words_that_name_no_place_give_none(words: str) -> None:
    assert box_of_words(words, 100, 60) is None


def test_points_are_read_as_the_corners_of_boxes_are() -> None:
    assert decode_point((500, 250), BoxFormat(), 200, 100) == ((100, 25), ())
    assert decode_point((500, 250), BoxFormat(order="yxyx"), 200, 100) == ((50, 50), ())
    assert decode_point((50, 25), BoxFormat(frame="pixels"), 200, 100) == ((50, 25), ())
    point, _ = decode_point((1000, 1000), BoxFormat(), 200, 100)
    assert point is not None
    assert (int(point[0]), int(point[1])) == (199, 99)


@pytest.mark.parametrize("values", [(-1, 5), (5, 1001), (float("nan"), 5), (float("inf"), 5)])
def test_a_point_outside_is_dropped_with_a_note(values: tuple[float, float]) -> None:
    point, notes = decode_point(values, BoxFormat(), 200, 100)
    assert point is None
    assert notes


def test_proposals_know_their_pixels() -> None:
    mask = np.zeros((10, 12), dtype=bool)
    mask[3:5, 4:9] = True
    one = Proposal.of("grid", 0.0, mask)
    assert np.array_equal(one.whole(), mask)
    assert one.holds(3, 4)
    assert not one.holds(3, 9)
    assert Box.of(one.left, one.top, 9, 5).area == one.area
