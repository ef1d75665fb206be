"""Pictures on black: what is around the object, and that it takes no numbers from what is in it."""

from __future__ import annotations

import numpy as np
import pytest

from gadet.localize.fusion import fuse
from gadet.localize.grid import bands
from gadet.localize.proposal import Proposal
from gadet.localize.standing import Ground
from gadet.localize.superpixels import features_of
from gadet.localize.surround import Surround

HEIGHT, WIDTH = 160, 128


def disc(row: float, column: float, radius: float, stretch: float = 1.0) -> np.ndarray:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return np.hypot((rows - row) / stretch, columns - column) <= radius


HEAD, SKULL = disc(80, 64, 56, 1.25), disc(80, 64, 50, 1.25)
LESION = disc(100, 85, 17)


def scan() -> np.ndarray:
    """A grey head in a bright skull on black, with a broad brighter part in it."""
    light = np.zeros((HEIGHT, WIDTH))
    light[HEAD], light[SKULL], light[LESION] = 220, 90, 150
    light[HEAD] += np.random.default_rng(0).normal(0, 4, int(HEAD.sum()))
    return np.repeat(np.clip(light, 0, 255).astype(np.uint8)[..., None], 3, axis=2)


def test_the_black_around_a_head_is_its_surround() -> None:
    surround = Surround.of(scan())
    assert surround.mask.shape == (HEIGHT, WIDTH)
    assert np.count_nonzero(surround.mask ^ ~HEAD) < 0.03 * HEAD.size
    assert (surround.share, surround.grey) == (1.0, 1.0)


def test_a_hole_is_no_surround() -> None:
    pixels = scan()
    pixels[LESION] = 0
    assert not Surround.of(pixels).mask[LESION].any()


@pytest.mark.parametrize("sides", [0, 1, 2])
def test_shade_on_two_sides_is_no_surround(sides: int) -> None:
    pixels = np.full((HEIGHT, WIDTH, 3), 120, dtype=np.uint8)
    if sides:
        pixels[:20] = 0
    if sides > 1:
        pixels[:, :20] = 0
    surround = Surround.of(pixels)
    assert not surround.mask.any()
    assert surround.share == 0.0


def test_colour_is_not_grey() -> None:
    pixels = scan()
    pixels[HEAD] = (200, 120, 60)
    assert Surround.of(pixels).grey == 0.0


def test_regions_are_compared_with_what_is_shown_alone() -> None:
    pixels = scan()
    score_map = np.zeros((HEIGHT, WIDTH), dtype=np.float32)
    ring = Proposal.of("contrast", 1.0, HEAD & ~SKULL)
    without = Ground.of(pixels, score_map).standing(ring)
    how = Ground.of(pixels, score_map, ~HEAD).standing(ring)
    assert how.shown == without.shown == 1.0
    assert how.distinct != pytest.approx(without.distinct)
    half = np.zeros_like(HEAD)
    half[:, :64] = True
    left = Ground.of(pixels, score_map, ~HEAD).standing(Proposal.of("bands", 1.0, half))
    assert left.shown == pytest.approx((half & HEAD).sum() / half.sum())


def test_a_broad_part_of_a_scan_gets_a_number_and_its_outline_none() -> None:
    pixels = scan()
    flat = np.full((HEIGHT, WIDTH), 0.01, dtype=np.float32)
    chosen = [one for one, _ in fuse(pixels, flat, [], most=12)]
    fits = [
        np.count_nonzero(one.whole() & LESION) / np.count_nonzero(one.whole() | LESION)
        for one in chosen
    ]
    assert max(fits) > 0.5
    assert "bands" not in {one.source for one in chosen}


def test_a_slope_is_no_step_and_a_round_outline_half_of_one() -> None:
    ramp = np.repeat(np.linspace(60, 180, WIDTH).astype(np.uint8)[None], HEIGHT, axis=0)
    slope = np.repeat(ramp[..., None], 3, axis=2)
    assert max(one.strength for one in bands(features_of(slope))) == 0.0
    ball = np.full((HEIGHT, WIDTH, 3), 60, dtype=np.uint8)
    ball[disc(80, 64, 40)] = 180
    step = np.full((HEIGHT, WIDTH, 3), 60, dtype=np.uint8)
    step[:50] = 180
    rounded, sudden = (max(one.strength for one in bands(features_of(p))) for p in (ball, step))
    assert rounded < 0.6
    assert sudden > 0.9
