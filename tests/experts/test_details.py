"""A large picture compared part by part: small ones stand for it, cut into smaller parts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gadet.experts import details, image
from gadet.experts.base import Evidence
from gadet.experts.details import Laid
from gadet.experts.image import ImageExpert
from gadet.experts.regions import regions, windowed_regions
from gadet.experts.registration import Registration

Pixels = np.ndarray


def scene(height: int = 620, width: int = 760, seed: int = 0) -> Pixels:
    """Prints on uneven ground, large enough that a copy of it loses small things."""
    rng = np.random.default_rng(seed)
    ground = np.linspace(90, 130, width)[None, :, None] * np.ones((height, 1, 3))
    for _ in range(160):
        y, x = rng.integers(0, height), rng.integers(0, width)
        h, w = rng.integers(6, 60, 2)
        ground[y : y + h, x : x + w] = rng.integers(40, 210, 3)
    return ground


def shot(scene: Pixels, seed: int) -> Pixels:
    noise = np.random.default_rng(seed).normal(0, 2, scene.shape)
    return np.clip(scene + noise, 0, 255).astype(np.uint8)


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Callable[[Pixels, Pixels], Evidence]:
    """The expert, to whom 200 pixels are many."""
    monkeypatch.setattr(image, "LONGEST", 190)
    monkeypatch.setattr(image, "LARGE", 380)
    monkeypatch.setattr(details, "SIDE", 250)
    return lambda item, reference: ImageExpert().measure(item, [reference])


def test_a_defect_that_a_small_copy_loses_is_found(
    large: Callable[[Pixels, Pixels], Evidence],
) -> None:
    board = scene()
    reference = shot(board[:600, :740], 1)
    item = board[3:603, 5:745].copy()
    item[400:407, 300:307] += np.where(item[400:407, 300:307] > 128, -80, 80)
    found = large(shot(item, 2), reference)
    assert found.score >= 0.5
    assert found.score_map.shape == (600, 740)
    assert len(found.candidates) == 1
    (one,) = found.candidates
    truth = np.zeros((600, 740), dtype=bool)
    truth[400:407, 300:307] = True
    assert (truth & one.mask).sum() / (truth | one.mask).sum() > 0.5
    assert "reference" in one.fact
    assert "parts" in found.notes[0]


def test_equal_scenes_have_no_regions_at_full_resolution(
    large: Callable[[Pixels, Pixels], Evidence],
) -> None:
    board = scene()
    found = large(shot(board[3:603, 5:745], 1), shot(board[:600, :740], 2))
    assert found.candidates == ()
    assert found.score < 0.5


def test_a_stain_larger_than_a_part_stays(
    large: Callable[[Pixels, Pixels], Evidence], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts that lie in it match their levels to it; the small copy has seen it."""
    monkeypatch.setattr(details, "SIDE", 90)
    board = scene()
    item = board.copy()
    item[200:340, 320:470] += 60
    found = large(shot(item, 1), shot(board, 2))
    assert found.score >= 0.5
    truth = np.zeros(board.shape[:2], dtype=bool)
    truth[200:340, 320:470] = True
    union = np.any([one.mask for one in found.candidates], axis=0)
    assert (truth & union).sum() / (truth | union).sum() > 0.6
    assert (found.score_map[union] >= 0.5).mean() > 0.9


def test_a_reference_of_another_size_lacks_the_details(
    large: Callable[[Pixels, Pixels], Evidence],
) -> None:
    board = scene()
    small = shot(board, 1)[::2, ::2]
    assert large(shot(board, 2), small).notes == ()


@settings(max_examples=20, deadline=None)
@given(
    shift=st.tuples(st.floats(-9, 9), st.floats(-9, 9)),
    scale=st.floats(0.9, 1.1),
    corner=st.tuples(st.integers(0, 50), st.integers(0, 60)),
)
def test_a_laid_reference_lies_where_the_motion_says(
    shift: tuple[float, float], scale: float, corner: tuple[int, int]
) -> None:
    motion = Registration(np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), 1.0, True)
    ramp = np.zeros((400, 480, 3), dtype=np.uint8)
    laid = Laid.of(ramp, motion, (200, 240), (100, 120))
    # A pixel of the picture is half as large as one of the copy, one of the reference a quarter.
    x, y = corner[0] + 30, corner[1] + 30
    expected = 4 * (scale * ((x + 0.5) / 2 - 0.5) + shift[0] + 0.5) - 0.5
    assert (laid.matrix @ (x, y, 1))[0] == pytest.approx(expected)
    assert not laid.fits, "the reference has twice the resolution"
    piece, moved = laid.under((x, y, x + 20, y + 20))
    place = moved @ (0, 0, 1)
    assert 0 <= place[0] < piece.shape[1] or not 0 <= expected < 480


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 999),
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    least=st.integers(1, 4),
)
def test_windowed_regions_are_the_regions(seed: int, shape: tuple[int, int], least: int) -> None:
    score_map = np.random.default_rng(seed).random(shape, dtype=np.float32) ** 3
    known = regions(score_map, 0.5, least=least)
    found = windowed_regions(score_map, 0.5, cell=1, least=least)
    assert sorted(one.score for one in found) == sorted(score for _, _, score in known)
    wholes = {one.whole(shape).tobytes() for one in found}
    if len(known) < 24:
        assert wholes == {mask.tobytes() for mask, _, _ in known}


def test_cells_join_what_is_close() -> None:
    score_map = np.zeros((23, 31), dtype=np.float32)
    score_map[3, 3] = score_map[3, 7] = 0.7
    score_map[22, 30] = 0.9
    found = windowed_regions(score_map, 0.5, cell=4)
    assert [one.box.as_tuple() for one in found] == [(30, 22, 31, 23), (3, 3, 8, 4)]
    assert found[1].mask.sum() == 2
    assert windowed_regions(score_map, 0.95, cell=4) == []


@pytest.mark.parametrize("length", [100, 800, 801, 1552, 1553, 5000])
def test_parts_cover_every_pixel_once_without_their_rims(length: int) -> None:
    seen = np.zeros((length, 10), dtype=int)
    for part in details._parts(10, length):
        assert part[3] - part[1] <= details.SIDE
        _, y0, _, y1 = details._inner(part, 10, length)
        seen[y0:y1] += 1
    assert seen.min() >= 1
