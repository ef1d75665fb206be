"""Smaller copies in bands, against Pillow's own of the whole."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from gadet.experts import filters
from gadet.media import colour, shrink
from gadet.media.shrink import resized


@pytest.mark.parametrize("filter", [Image.Resampling.LANCZOS, Image.Resampling.BICUBIC])
@pytest.mark.parametrize("size", [(100, 90), (300, 333), (48, 40), (700, 20), (699, 500)])
@pytest.mark.parametrize("band", [1, 5_000, 10**9])
def test_bands_make_the_copy_that_the_whole_makes(
    monkeypatch: pytest.MonkeyPatch, filter: Image.Resampling, size: tuple[int, int], band: int
) -> None:
    # Far from black and white, where what Pillow cuts off depends on which axis it takes first.
    pixels = np.random.default_rng(0).integers(90, 160, (501, 700, 3), dtype=np.uint8)
    whole = Image.fromarray(pixels).resize(size, filter, reducing_gap=3.0)
    monkeypatch.setattr(shrink, "LARGE", 0)
    monkeypatch.setattr(shrink, "BAND", band)
    copy = resized(pixels, size, filter)
    assert copy.size == size
    gap = np.abs(np.asarray(copy, dtype=int) - np.asarray(whole, dtype=int))
    assert gap.max() <= 2


def test_nothing_is_done_to_a_picture_that_fits() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    assert np.array_equal(np.asarray(resized(pixels, (40, 30), Image.Resampling.BICUBIC)), pixels)
    assert resized(pixels, (80, 77), Image.Resampling.BICUBIC).size == (80, 77)


def test_a_large_picture_is_copied_in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (37, 20, 3), dtype=np.uint8)
    monkeypatch.setattr(colour, "_BAND", 60)
    copy, notes = colour.rgb_pixels(Image.fromarray(pixels), None)
    assert np.array_equal(copy, pixels)
    assert notes == []
    assert not copy.flags.writeable


@pytest.mark.parametrize("shape", [(300, 41), (9, 200), (1, 1)])
def test_a_map_is_resized_in_bands(monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]) -> None:
    score_map = np.random.default_rng(2).random((30, 20), dtype=np.float32)
    whole = filters.resize(score_map, shape)
    monkeypatch.setattr(filters, "BAND", 90)
    assert np.allclose(filters.resize(score_map, shape), whole, atol=1e-5)
