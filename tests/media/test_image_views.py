"""Views: sizes, frames, and nothing in them but pixels."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from gadet.errors import InputError
from gadet.geometry import Box
from gadet.media.image import ImageAdapter, ImageSample
from gadet.view import ViewLimits
from tests.media.pictures import as_file, colours, swapped_profile

ADAPTER = ImageAdapter()
sides = st.integers(1, 90)


def sample(width: int, height: int) -> ImageSample:
    return ADAPTER.load(colours(height, width))


def test_picture_that_fits_is_exact() -> None:
    pixels = colours(30, 40)
    (view,) = ADAPTER.load(pixels).views(ViewLimits())
    np.testing.assert_array_equal(np.asarray(view.picture), pixels)
    with Image.open(io.BytesIO(view.data)) as sent:
        np.testing.assert_array_equal(np.asarray(sent), pixels)
    assert (view.frame.width, view.frame.height) == (40, 30)
    assert view.frame.scale == (1.0, 1.0)
    assert (view.role, view.kind, view.marks) == ("item", "clean", ())


@pytest.mark.parametrize("encoding", ["image/png", "image/jpeg"])
def test_limits_of_the_model_are_kept(encoding: Any) -> None:
    limits = ViewLimits(max_side=64, max_pixels=1500, encoding=encoding, quality=70)
    (view,) = sample(300, 200).views(limits, role="reference")
    assert view.picture.size == limits.fit(300, 200)
    assert max(view.picture.size) <= 64
    assert math.prod(view.picture.size) <= 1500
    assert (view.role, view.encoding, view.quality) == ("reference", encoding, 70)
    with Image.open(io.BytesIO(view.data)) as sent:
        assert sent.size == view.picture.size
        assert f"image/{(sent.format or '').lower()}" == encoding


def test_each_view_is_its_own() -> None:
    one = sample(20, 10)
    (first,), (second,) = one.views(ViewLimits()), one.views(ViewLimits())
    first.picture.paste((0, 0, 0), (0, 0, 20, 10))
    np.testing.assert_array_equal(np.asarray(second.picture), one.pixels)


@settings(deadline=None)
@given(sides, sides, st.integers(1, 64), st.integers(1, 4096), st.data())
def test_boxes_and_masks_come_back(
    width: int, height: int, side: int, pixels: int, data: st.DataObject
) -> None:
    (view,) = sample(width, height).views(ViewLimits(max_side=side, max_pixels=pixels))
    frame = view.frame
    assert view.picture.size == (frame.width, frame.height)
    x0, y0 = data.draw(st.floats(0, width - 0.5)), data.draw(st.floats(0, height - 0.5))
    box = Box.of(x0, y0, data.draw(st.floats(x0 + 0.1, width + 1)), y0 + 0.4)
    back = frame.to_native(frame.to_view(box))
    assert np.allclose(back.as_tuple(), box.as_tuple(), atol=1e-6)
    whole = frame.to_native(Box.of(0, 0, frame.width, frame.height))
    assert np.allclose(whole.as_tuple(), (0, 0, width, height))
    assert frame.mask_to_native(np.ones((frame.height, frame.width), bool)).shape == (height, width)
    assert frame.mask_to_native(np.ones((frame.height, frame.width), bool)).all()


def test_a_spot_is_where_the_frame_says() -> None:
    pixels = np.zeros((600, 900, 3), np.uint8)
    pixels[300:330, 600:660] = 255
    (view,) = ADAPTER.load(pixels).views(ViewLimits(max_side=123))
    bright = np.asarray(view.picture)[..., 0] > 127
    native = view.frame.mask_to_native(bright)
    truth = pixels[..., 0] > 0
    assert (native & truth).sum() / (native | truth).sum() > 0.7


SECRET = b"SECRET-4711"


def with_metadata(kind: str) -> bytes:
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825)[1] = SECRET.decode()
    profile = swapped_profile().replace(b"FB, 2", SECRET[:5])
    options: dict[str, Any] = {"exif": exif.tobytes(), "icc_profile": profile}
    if kind == "PNG":
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", SECRET.decode())
        text.add_itxt("XML:com.adobe.xmp", f"<x>{SECRET.decode()}</x>")
        options["pnginfo"] = text
    else:
        options["comment"] = SECRET
        options["xmp"] = b"<x>" + SECRET + b"</x>"
    return as_file(colours(40, 40), kind, **options)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("encoding", ["image/png", "image/jpeg"])
@pytest.mark.parametrize("side", [20, 1000])
def test_no_metadata_is_sent(kind: str, encoding: Any, side: int, tmp_path: Any) -> None:
    path = tmp_path / "broken-4711.img"
    path.write_bytes(with_metadata(kind))
    assert SECRET in path.read_bytes()
    loaded = ADAPTER.load(path)
    (view,) = loaded.views(ViewLimits(max_side=side, encoding=encoding))
    for data in (view.data, loaded.preview(), view.caption.encode(), repr(view).encode()):
        for trace in (SECRET, b"4711", b"Exif", b"ICC_PROFILE", b"iCCP", b"tEXt", b"iTXt", b"eXIf"):
            assert trace not in data
    with Image.open(io.BytesIO(view.data)) as sent:
        assert set(sent.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not sent.getexif()


def test_preview() -> None:
    with Image.open(io.BytesIO(sample(300, 90).preview(100))) as preview:
        assert (preview.format, preview.size) == ("JPEG", (100, 30))
    with Image.open(io.BytesIO(sample(1, 3000).preview())) as preview:
        assert preview.size == (1, 1024)


def test_repr_holds_no_pixels() -> None:
    assert "pixels" not in repr(sample(4, 4))
    assert len(repr(sample(4, 4))) < 300


@settings(deadline=None, max_examples=150)
@given(
    st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"]),
    st.data(),
)
def test_damaged_files_are_refused_or_read(kind: str, data: st.DataObject) -> None:
    whole = bytearray(as_file(colours(12, 16), kind))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(1, len(whole)))])
    try:
        loaded = ADAPTER.load(damaged)
    except InputError:
        return
    assert loaded.pixels.ndim == 3
    loaded.views(ViewLimits(max_side=8))


HEADS = [
    b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"BM", b"II*\x00", b"MM\x00*", b"P6 ",
    b"P1\n", b"Pf\n", b"\x93NUMPY\x01\x00",
    b"RIFF\x10\x00\x00\x00WEBPVP8X", b"\x00\x00\x00\x1cftypavif",
]  # fmt: skip


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=300), st.sampled_from(HEADS))
def test_random_bytes_are_refused_or_read(tail: bytes, head: bytes) -> None:
    ADAPTER.accepts(head + tail)
    try:
        ADAPTER.load(head + tail)
    except InputError:
        return


def test_import_is_light() -> None:
    code = (
        "import sys, gadet.media.image, gadet.media.choice\n"
        "heavy = {'torch', 'httpx', 'skimage', 'scipy', 'PIL.ImageCms'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
