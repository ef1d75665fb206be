"""A JPEG file's bare picture: the same pixels, and nothing that was beside them."""

from __future__ import annotations

import io
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from gadet.media.image import ImageAdapter
from gadet.media.jpeg import bare_jpeg
from gadet.view import ViewLimits

SECRET = b"Jane Doe 48.2082 16.3738"


def picture(size: tuple[int, int] = (61, 43), mode: str = "RGB") -> Image.Image:
    rng = np.random.default_rng(1)
    small = rng.integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(small).resize(size, Image.Resampling.BICUBIC).convert(mode)


def saved(image: Image.Image | None = None, **options: Any) -> bytes:
    buffer = io.BytesIO()
    (image or picture()).save(buffer, format="JPEG", **options)
    return buffer.getvalue()


def segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def with_segment(data: bytes, marker: int, content: bytes) -> bytes:
    return data[:2] + segment(marker, content) + data[2:]


def markers(data: bytes) -> list[int]:
    """The markers of a file, read without the code under test."""
    found, position = [0xD8], 2
    while position < len(data):
        assert data[position] == 0xFF
        code = data[position + 1]
        found.append(code)
        if code == 0xD9:
            assert position + 2 == len(data)
            return found
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        while code == 0xDA and not (
            data[position] == 0xFF and data[position + 1] not in (0, *range(0xD0, 0xD8))
        ):
            position += 1
    raise AssertionError("no end of the picture")


def decoded(data: bytes) -> np.ndarray[Any, Any]:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def assert_clean(data: bytes) -> None:
    assert SECRET not in data
    codes = markers(data)
    assert set(codes) <= {0xD8, 0xE0, 0xDB, 0xC0, 0xC2, 0xC4, 0xDD, 0xDA, 0xD9}
    assert codes[1] == 0xE0
    assert codes.count(0xE0) == 1
    assert data[2:20] == segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\0\0")
    image = Image.open(io.BytesIO(data))
    assert not image.getexif()
    assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density",
                               "progressive", "progression"}  # fmt: skip


def sent(data: bytes, limits: ViewLimits | None = None) -> bytes:
    (view,) = ImageAdapter().load(data).views(limits or ViewLimits())
    return view.data


@settings(max_examples=60, deadline=None)
@given(
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
    progressive=st.booleans(),
    optimize=st.booleans(),
    restart=st.integers(0, 3),
    mode=st.sampled_from(["RGB", "L"]),
    size=st.tuples(st.integers(1, 70), st.integers(1, 70)),
)
def test_the_bare_picture_has_the_same_pixels(
    quality: int,
    subsampling: str,
    progressive: bool,
    optimize: bool,
    restart: int,
    mode: str,
    size: tuple[int, int],
) -> None:
    data = saved(
        picture(size, mode),
        quality=quality,
        subsampling=subsampling,
        progressive=progressive,
        optimize=optimize,
        restart_marker_blocks=restart,
        comment=SECRET,
    )
    bare = bare_jpeg(data)
    assert bare is not None
    assert_clean(bare)
    assert np.array_equal(decoded(bare), ImageAdapter().load(data).pixels)


@pytest.mark.parametrize(
    "data",
    [
        saved(comment=SECRET),
        saved(xmp=SECRET),
        with_segment(saved(), 0xE1, b"Exif\0\0" + SECRET),
        with_segment(saved(), 0xED, b"Photoshop 3.0\0" + SECRET),
        with_segment(saved(), 0xE2, b"MPF\0" + SECRET),
        with_segment(saved(), 0xE0, b"JFXX\0\x10" + saved(picture((8, 8)), comment=SECRET)),
        with_segment(saved(), 0xEE, SECRET),
        saved() + SECRET,
        saved() + saved(comment=SECRET),
        saved(progressive=True, comment=SECRET) + b"\xff\xd9" + SECRET,
        saved().replace(b"\xff\xda", segment(0xFE, SECRET) + b"\xff\xda", 1),
        saved().replace(b"\xff\xda", b"\xff\xff\xff" + segment(0xFE, SECRET)[1:] + b"\xff\xda", 1),
        saved()[:-2] + segment(0xFE, SECRET) + b"\xff\xd9",
    ],
    ids=["comment", "xmp", "exif", "photoshop", "mpf", "thumbnail", "app14", "trailing", "second",
         "progressive", "before the scan", "fill bytes", "after the scan"],
)  # fmt: skip
def test_nothing_beside_the_picture_is_left(data: bytes) -> None:
    assert SECRET in data
    bare = bare_jpeg(data)
    assert bare is not None
    assert_clean(bare)
    assert np.array_equal(decoded(bare), ImageAdapter().load(data).pixels)


def test_exif_gps_and_an_srgb_profile_are_left_out_of_what_is_sent() -> None:
    exif = Image.Exif()
    exif[0x010F] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (48.0, 12.0, 29.5)})
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = saved(exif=exif, icc_profile=profile, dpi=(300, 300))
    assert_clean(sent(data))
    assert np.array_equal(decoded(sent(data)), ImageAdapter().load(data).pixels)


def test_a_file_with_several_pictures_is_sent_as_its_first(tmp_path: Path) -> None:
    path = tmp_path / "stereo.mpo"
    picture().save(path, format="MPO", save_all=True, append_images=[picture(mode="L")])
    sample = ImageAdapter().load(path)
    assert sample.jpeg is not None
    assert_clean(sample.jpeg)
    assert np.array_equal(decoded(sample.jpeg), sample.pixels)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(exif=exif)


def grey_profile() -> bytes:
    """A profile that changes the colours: Lab is none of a picture's spaces, so it is noted."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()


@pytest.mark.parametrize(
    "data",
    [turned(), saved(icc_profile=grey_profile()), saved(picture(mode="CMYK")),
     saved(picture((16, 16)), quality=100), saved(keep_rgb=True)],
    ids=["turned", "profile", "cmyk", "hardly compressed", "rgb"],
)  # fmt: skip
def test_what_needs_a_change_is_compressed_anew(data: bytes) -> None:
    (view,) = ImageAdapter().load(data).views(ViewLimits())
    assert view.compressed is None
    assert Image.open(io.BytesIO(view.data)).quantization != {}
    assert np.abs(decoded(view.data).astype(int) - np.asarray(view.picture)).mean() < 8


@pytest.mark.parametrize(
    "limits",
    [ViewLimits(encoding="image/jpeg", quality=40), ViewLimits(encoding="image/png"),
     ViewLimits(max_side=32)],
    ids=["jpeg", "png", "resized"],
)  # fmt: skip
def test_limits_that_ask_for_something_else_are_honoured(limits: ViewLimits) -> None:
    (view,) = ImageAdapter().load(saved()).views(limits)
    assert view.compressed is None


def test_a_view_that_is_redrawn_keeps_nothing_of_the_old_pixels() -> None:
    (view,) = ImageAdapter().load(saved()).views(ViewLimits())
    assert view.compressed is not None
    other = view.redrawn(Image.new("RGB", view.picture.size, "red"), view.frame, kind="marked")
    assert np.abs(decoded(other.data).astype(int) - (255, 0, 0)).max() < 3
    assert other.sha256 != view.sha256
    assert other.sha256 == replace(other, pixel_hash=None).sha256


def test_a_known_hash_is_the_one_that_would_be_computed() -> None:
    (view,) = ImageAdapter().load(saved()).views(ViewLimits())
    assert view.pixel_hash is not None
    assert view.sha256 == replace(view, pixel_hash=None).sha256
    assert view.sha256 != replace(view, compressed=None).sha256


BASELINE = saved()
FRAME = BASELINE.index(b"\xff\xc0")
SCAN = BASELINE.index(b"\xff\xda")


def edited(position: int, value: int) -> bytes:
    return BASELINE[:position] + bytes([value]) + BASELINE[position + 1 :]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n",
        BASELINE[:-2],
        BASELINE[: SCAN + 30],
        BASELINE[:SCAN] + b"\xff\xd9",
        BASELINE[:FRAME] + BASELINE[SCAN:],
        BASELINE[:SCAN] + BASELINE[FRAME:],
        edited(FRAME + 1, 0xC1),
        edited(FRAME + 1, 0xC9),
        edited(FRAME + 4, 12),
        edited(FRAME + 3, 200),
        edited(FRAME + 10, ord("R")),
        BASELINE[: FRAME + 5] + b"\0\0" + BASELINE[FRAME + 7 :],
        with_segment(BASELINE, 0xEE, b"Adobe\0\x64\0\0\0\0\0"),
        with_segment(BASELINE, 0xEE, b"Adobe"),
        with_segment(BASELINE, 0xDC, b"\0\x10"),
        with_segment(BASELINE, 0xDF, b"\0"),
        BASELINE[:2] + b"\0" + BASELINE[2:],
        BASELINE[:2] + b"\xff\xd0" + BASELINE[2:],
        BASELINE[:2] + b"\xff\xfe\xff\xff",
        BASELINE[:2] + b"\xff\xff\xff",
    ],
)  # fmt: skip
def test_what_is_not_plain_is_declined(data: bytes) -> None:
    assert bare_jpeg(data) is None


@settings(max_examples=200, deadline=None)
@given(st.integers(2, len(BASELINE) - 1), st.integers(0, 255))
def test_a_damaged_file_never_raises(position: int, value: int) -> None:
    data = edited(position, value)
    for cut in (data, data[:position]):
        bare = bare_jpeg(cut)
        assert bare is None or (bare.startswith(b"\xff\xd8") and bare.endswith(b"\xff\xd9"))
