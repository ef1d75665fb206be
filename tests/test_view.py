from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import ValidationError

from gadet import Frame, View, ViewLimits
from gadet.media.image import ImageAdapter
from gadet.sizing import Sizing
from tests.doubles import picture

sides = st.integers(1, 5000)


@given(
    sides, sides, st.integers(64, 3000), st.integers(64 * 64, 10**7), st.sampled_from([1, 28, 32])
)
def test_a_picture_fits_the_limits(
    width: int, height: int, side: int, pixels: int, many: int
) -> None:
    limits = ViewLimits(max_side=side, max_pixels=pixels, multiple=many)
    w, h = limits.fit(width, height)
    assert 1 <= w <= max(side, many)
    assert 1 <= h <= max(side, many)
    assert w % many == 0
    assert h % many == 0
    if many == 1:
        assert w * h <= pixels
        assert w <= width
        assert h <= height
    if many == 1 and max(width, height) <= side and width * height <= pixels:
        assert (w, h) == (width, height)


@given(sides, sides)
def test_the_aspect_ratio_is_kept_to_a_pixel(width: int, height: int) -> None:
    w, h = ViewLimits(max_side=500).fit(width, height)
    scale = min(1.0, 500 / max(width, height))
    assert abs(w - width * scale) <= 1
    assert abs(h - height * scale) <= 1


def test_narrower_limits_keep_how_a_picture_is_encoded() -> None:
    limits = ViewLimits(max_side=900, encoding="image/jpeg", quality=70)
    narrow = limits.within(Sizing(max_side=2000, patch=28, max_patches=100))
    assert isinstance(narrow, ViewLimits)
    assert (narrow.max_side, narrow.encoding, narrow.quality) == (900, "image/jpeg", 70)
    assert narrow.fit(5000, 5000) == (280, 280)


@pytest.mark.parametrize(
    "changes", [{"max_side": 0}, {"max_pixels": 0}, {"multiple": 0}, {"quality": 96}]
)
def test_limits_reject(changes: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        ViewLimits(**changes)


@pytest.mark.parametrize(("saved", "sent"), [("PNG", "PNG"), ("JPEG", "JPEG"), ("WEBP", "JPEG")])
def test_what_came_lossy_is_sent_as_jpeg(saved: str, sent: str) -> None:
    buffer = io.BytesIO()
    picture().save(buffer, format=saved)
    (view,) = ImageAdapter().load(buffer.getvalue()).views(ViewLimits())
    assert Image.open(io.BytesIO(view.data)).format == sent
    (forced,) = ImageAdapter().load(buffer.getvalue()).views(ViewLimits(encoding="image/png"))
    assert Image.open(io.BytesIO(forced.data)).format == "PNG"


def test_png_keeps_every_pixel() -> None:
    noise = np.random.default_rng(0).integers(0, 255, (40, 30, 3), dtype=np.uint8)
    view = View(Image.fromarray(noise), Frame.whole((30, 40)))
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(view.data))), noise)


def test_the_hash_follows_pixels_size_and_encoding() -> None:
    def view(shade: int = 0, size: tuple[int, int] = (4, 6), quality: int = 92) -> View:
        return View(Image.new("RGB", size, (shade,) * 3), Frame.whole(size), quality=quality)

    hashes = {view().sha256, view(1).sha256, view(size=(6, 4)).sha256, view(quality=50).sha256}
    assert len(hashes) == 4
    assert view().sha256 == view().sha256
