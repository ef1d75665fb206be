"""Everything an image may come as, each giving the right pixels."""

from __future__ import annotations

import base64
import hashlib
import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from gadet.media.base import LoadLimits
from gadet.media.image import ImageAdapter, ImageInput, ImageSample
from tests.media.pictures import as_file, blocks, colours, png, swapped_profile

RGB = colours()
ADAPTER = ImageAdapter()


def load(item: Any, **limits: Any) -> ImageSample:
    return ADAPTER.load(item, LoadLimits(**limits))


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


FORMS: dict[str, Callable[[bytes, Path], Any]] = {
    "str path": lambda data, path: str(path),
    "pathlib": lambda data, path: path,
    "bytes": lambda data, path: data,
    "bytearray": lambda data, path: bytearray(data),
    "memoryview": lambda data, path: memoryview(data),
    "file object": lambda data, path: io.BytesIO(data),
    "data URL": lambda data, path: data_url(data),
    "percent data URL": lambda data, path: (
        "data:image/png," + "".join(f"%{byte:02x}" for byte in data)
    ),
    "PIL": lambda data, path: Image.fromarray(RGB),
    "lazy PIL": lambda data, path: Image.open(io.BytesIO(data)),
    "array": lambda data, path: RGB,
    "wrapped": lambda data, path: ImageInput(data),
}


@pytest.mark.parametrize("form", FORMS)
def test_forms(form: str, tmp_path: Path) -> None:
    data = as_file(RGB)
    path = tmp_path / "a part.png"
    path.write_bytes(data)
    item = FORMS[form](data, path)
    assert ADAPTER.accepts(item)
    sample = load(item)
    np.testing.assert_array_equal(sample.pixels, RGB)
    assert sample.pixels.dtype == np.uint8
    assert not sample.pixels.flags.writeable
    named = form in ("str path", "pathlib")
    assert sample.info.name == ("a part.png" if named else "image")
    assert sample.info.source == (str(path) if named else None)
    assert sample.info.size == (9, 6)
    assert sample.info.modality == "image"
    assert sample.info.notes == ()


def test_hash_is_of_size_and_pixels() -> None:
    expected = hashlib.sha256(b"9 x 6\n" + RGB.tobytes()).hexdigest()
    assert load(RGB).info.sha256 == load(as_file(RGB)).info.sha256 == expected
    assert load(RGB.reshape(9, 6, 3)).info.sha256 != expected


def test_open_file_keeps_its_position_and_stays_open(tmp_path: Path) -> None:
    path = tmp_path / "x.png"
    path.write_bytes(b"head" + as_file(RGB))
    with path.open("rb") as file:
        file.seek(4)
        assert ADAPTER.accepts(file)
        for _ in range(2):
            np.testing.assert_array_equal(load(file).pixels, RGB)
        assert file.tell() == 4
        assert not file.closed


def test_unseekable_file_object() -> None:
    class Pipe(io.RawIOBase):
        rest = as_file(RGB)

        def readable(self) -> bool:
            return True

        def read(self, size: int = -1) -> bytes:
            part, self.rest = self.rest[:7], self.rest[7:]
            return part

    np.testing.assert_array_equal(load(Pipe()).pixels, RGB)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
def test_file_formats(kind: str) -> None:
    pixels = load(as_file(blocks(), kind)).pixels
    for y, x in ((3, 5), (3, 18), (12, 5), (12, 18)):
        assert np.abs(pixels[y, x].astype(int) - blocks()[y, x]).max() < 30


GREY = np.arange(54, dtype=np.uint8).reshape(6, 9) * 4
MODES: dict[str, Callable[[], Image.Image]] = {
    "1": lambda: Image.fromarray(GREY).convert("1"),
    "L": lambda: Image.fromarray(GREY),
    "P": lambda: Image.fromarray(RGB).quantize(16),
    "RGB": lambda: Image.fromarray(RGB),
    "RGBX": lambda: Image.fromarray(RGB).convert("RGBX"),
    "RGBA": lambda: Image.fromarray(RGB).convert("RGBA"),
    "RGBa": lambda: Image.fromarray(RGB).convert("RGBA").convert("RGBa"),
    "LA": lambda: Image.fromarray(GREY).convert("LA"),
    "La": lambda: Image.fromarray(GREY).convert("LA").convert("La"),
    "PA": lambda: Image.fromarray(RGB).quantize(16).convert("PA"),
    "CMYK": lambda: Image.fromarray(RGB).convert("CMYK"),
    "YCbCr": lambda: Image.fromarray(RGB).convert("YCbCr"),
    "HSV": lambda: Image.fromarray(RGB).convert("HSV"),
}


@pytest.mark.parametrize("mode", MODES)
def test_pillow_modes(mode: str) -> None:
    image = MODES[mode]()
    assert image.mode == mode
    sample = load(image)
    plain = {"La": "LA", "RGBa": "RGBA"}
    expected = image.convert(plain.get(mode, mode)).convert("RGB")
    np.testing.assert_array_equal(sample.pixels, np.asarray(expected))
    assert sample.info.notes == ()


def test_lab() -> None:
    rgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    picture = Image.fromarray(np.asarray(blocks()))
    image = ImageCms.applyTransform(picture, ImageCms.buildTransform(rgb, lab, "RGB", "LAB"))
    assert image is not None
    assert np.abs(load(image).pixels.astype(int) - blocks()).max() <= 6


def half_clear(mode: str) -> Image.Image:
    """Black, the left third opaque, the middle half transparent, the right clear."""
    alpha = np.repeat(np.array([[255] * 3 + [128] * 3 + [0] * 3], np.uint8), 6, axis=0)
    image = Image.new(mode, (9, 6), 0)
    image.putalpha(Image.fromarray(alpha))
    return image


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
@pytest.mark.parametrize("stored", [True, False])
def test_alpha_is_laid_on_white(mode: str, stored: bool) -> None:
    image = half_clear(mode)
    sample = load(as_file(image) if stored else image)
    assert sample.pixels[0, :, 0].tolist() == [0] * 3 + [127] * 3 + [255] * 3
    assert sample.info.notes == ("transparency (66.7% of the pixels) laid on white",)


def test_palette_transparency() -> None:
    image = Image.new("P", (4, 2), 1)
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putpixel((0, 0), 0)
    sample = load(as_file(image, transparency=0))
    assert sample.pixels[0, 0].tolist() == [255, 255, 255]
    assert sample.pixels[1, 3].tolist() == [200, 100, 50]
    assert "transparency" in sample.info.notes[0]
    sample = load(as_file(image, transparency=bytes([255, 0])))
    assert sample.pixels[0, 0].tolist() == [10, 20, 30]
    assert sample.pixels[1, 3].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_colour_key_transparency(mode: str) -> None:
    image = Image.new(mode, (4, 2), "black")
    image.putpixel((0, 0), 255 if mode == "L" else (9, 9, 9))
    pixels = load(as_file(image, transparency=0 if mode == "L" else (0, 0, 0))).pixels
    assert pixels[1, 1].tolist() == [255, 255, 255]
    assert pixels[0, 0, 0] == (255 if mode == "L" else 9)


def test_adobe_cmyk_jpeg() -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red, green, blue = load(as_file(image, "JPEG")).pixels[8, 8]
    assert red > 240
    assert max(green, blue) < 15


DEEP = np.linspace(1000, 3000, 54).reshape(6, 9)


@pytest.mark.parametrize("mode", ["I;16", "I;16B", "I", "F"])
@pytest.mark.parametrize("stored", [True, False])
def test_deep_modes_are_windowed(mode: str, stored: bool) -> None:
    kinds = {"I;16": "<u2", "I;16B": ">u2", "I": "<i4", "F": "<f4"}
    values = DEEP.astype(kinds[mode])
    image = Image.frombytes(mode, (9, 6), values.tobytes())
    if stored and mode == "I;16B":
        image = Image.fromarray(values.astype("<u2"))
    sample = load(as_file(image, "TIFF") if stored else image)
    assert sample.pixels[0, 0].tolist() == [0, 0, 0]
    assert sample.pixels[-1, -1].tolist() == [255, 255, 255]
    assert (np.diff(sample.pixels[..., 0].ravel().astype(int)) >= 0).all()
    (note,) = sample.info.notes
    assert "1000 to 3000 shown from" in note
    assert "percentiles" in note


def test_window_ignores_single_extremes_and_can_be_fixed() -> None:
    values = np.full((100, 100), 1000, np.uint16)
    values[:, 50:] = 2000
    values[0, 0] = 65535
    sample = load(values)
    assert sample.pixels[0, 0, 0] == 255
    assert sample.pixels[5, 5, 0] == 0
    assert sample.pixels[5, 95, 0] == 255
    assert (
        "16-bit values 1000 to 65535 shown from 1000 to 2000 (the 0.1 and 99.9 percentiles)"
        in (sample.info.notes[0])
    )
    fixed = load(ImageInput(as_file(Image.fromarray(values)), window=(1000, 3000)))
    assert fixed.pixels[5, 95, 0] == 128
    assert fixed.info.notes == ("values shown from 1000 to 3000 as given",)


def test_sixteen_bit_colour_file_is_noted() -> None:
    body = (b"\x00" + bytes([200, 1, 100, 1, 50, 1]) * 2) * 2
    sample = load(png(2, 2, body, depth=16))
    assert sample.pixels[0, 0].tolist() == [200, 100, 50]
    assert sample.info.notes == ("16 bits per channel cut to 8 by the decoder",)


ARRAYS: dict[str, tuple[Any, Any]] = {
    "HW uint8": (GREY, GREY),
    "HW1 uint8": (GREY[..., None], GREY),
    "HWC uint8": (RGB, RGB),
    "bool": (GREY > 100, (GREY > 100) * np.uint8(255)),
    "float32": (GREY / np.float32(255), GREY),
    "float64": (GREY / 255.0, GREY),
    "float16": ((GREY > 100).astype(np.float16), (GREY > 100) * np.uint8(255)),
    "float colours": (RGB / 255.0, RGB),
    "float a hair outside": (np.array([[-1e-4, 1.0001]]), np.array([[0, 255]], np.uint8)),
    "int64 within 0 to 255": (RGB.astype(np.int64), RGB),
    "not contiguous": (RGB[::2, ::-1], RGB[::2, ::-1]),
    "Fortran order": (np.asfortranarray(RGB), RGB),
    "CHW": (ImageInput(np.moveaxis(RGB, -1, 0), layout="chw"), RGB),
    "CHW grey": (ImageInput(GREY[None], layout="chw"), GREY),
    "CHW with HW": (ImageInput(GREY, layout="chw"), GREY),
    "explicit HWC": (ImageInput(RGB, layout="hwc"), RGB),
    "window": (ImageInput(GREY, window=(0, 510)), np.rint(GREY / 2).astype(np.uint8)),
    "1 x 1": (np.array([[7]], np.uint8), np.array([[7]], np.uint8)),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name: str) -> None:
    given, expected = ARRAYS[name]
    if expected.ndim == 2:
        expected = np.repeat(expected[..., None], 3, axis=2)
    sample = load(given)
    np.testing.assert_array_equal(sample.pixels, expected)
    assert not sample.pixels.flags.writeable
    assert sample.pixels.flags.c_contiguous


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_array_with_alpha(dtype: Any) -> None:
    full = 1.0 if dtype is np.float32 else float(np.iinfo(dtype).max)
    array = np.zeros((2, 3, 4))
    array[:, 0, :3] = full
    array[:, :2, 3] = full
    sample = load(array.astype(dtype))
    assert sample.pixels[0, :, 0].tolist() == [255, 0, 255]
    assert "transparency (33.3% of the pixels) laid on white" in sample.info.notes


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint32, np.int64, np.uint64])
def test_wide_integers_are_windowed(dtype: Any) -> None:
    sample = load((DEEP - 500).astype(dtype))
    assert sample.pixels.min() == 0
    assert sample.pixels.max() == 255


@pytest.mark.parametrize("value", [0, 900, 65535])
def test_flat_deep_picture_is_mid_grey(value: int) -> None:
    sample = load(np.full((4, 4), value, np.uint16))
    assert (sample.pixels == 128).all()
    assert "all values are equal" in sample.info.notes[0]


def test_array_is_copied() -> None:
    array = RGB.copy()
    sample = load(array)
    array[:] = 0
    np.testing.assert_array_equal(sample.pixels, RGB)
    assert array.flags.writeable


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_npy_file(tmp_path: Path, version: tuple[int, int]) -> None:
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, RGB, version=version)
    sample = load(path)
    np.testing.assert_array_equal(sample.pixels, RGB)
    assert sample.info.name == "a.npy"


def frames(kind: str) -> bytes:
    pictures = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime", "blue")]
    return as_file(pictures[0], kind, save_all=True, append_images=pictures[1:])


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("frame", [0, 1, 2])
@pytest.mark.parametrize("opened", [False, True])
def test_chosen_frame(kind: str, frame: int, opened: bool) -> None:
    data = frames(kind)
    with Image.open(io.BytesIO(data)) as image:
        image.seek(1)
        sample = load(ImageInput(image if opened else data, frame=frame))
        assert image.tell() == 1
    assert sample.pixels[4, 4].argmax() == frame
    assert f"frame {frame} of 3 (counted from 0)" in sample.info.notes


def test_extra_pictures_of_a_phone_photo_are_not_frames() -> None:
    picture = Image.fromarray(blocks())
    data = as_file(picture, "MPO", save_all=True, append_images=[picture.resize((8, 8))])
    assert load(data).info.size == (24, 16)
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == "MPO"
        assert load(image).info.size == (24, 16)


UPRIGHT = blocks()
# What a camera stores for each orientation, so that applying it gives UPRIGHT again.
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.transpose(1, 0, 2),
    6: np.rot90(UPRIGHT, 1),
    7: UPRIGHT[::-1, ::-1].transpose(1, 0, 2),
    8: np.rot90(UPRIGHT, -1),
}


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("opened", [False, True])
def test_orientation(orientation: int, kind: str, opened: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"tiffinfo": {0x0112: orientation}} if kind == "TIFF" else {"exif": exif.tobytes()}
    data = as_file(np.ascontiguousarray(STORED[orientation]), kind, **options)
    item = Image.open(io.BytesIO(data)) if opened else data
    sample = load(item)
    assert sample.info.size == (24, 16)
    assert np.abs(sample.pixels.astype(int)[2:-2:4, 2:-2:4] - UPRIGHT[2:-2:4, 2:-2:4]).max() < 40
    noted = f"EXIF orientation {orientation} applied" in sample.info.notes
    assert noted == (orientation != 1)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF:UserWarning")
def test_broken_exif_does_not_lose_the_picture() -> None:
    data = as_file(blocks(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f")
    sample = load(data)
    assert sample.info.size == (24, 16)


def test_icc_profile_is_converted() -> None:
    picture = Image.new("RGB", (8, 8), (220, 30, 30))
    sample = load(as_file(picture, icc_profile=swapped_profile()))
    red, green, _ = sample.pixels[4, 4]
    assert green > 200 > 60 > red
    assert sample.info.notes == ("colours converted from the ICC profile 'swap built-in' to sRGB",)


def test_icc_profile_with_alpha_keeps_the_alpha() -> None:
    picture = Image.new("RGBA", (8, 8), (220, 30, 30, 255))
    picture.putpixel((0, 0), (220, 30, 30, 0))
    sample = load(as_file(picture, icc_profile=swapped_profile()))
    assert sample.pixels[0, 0].tolist() == [255, 255, 255]
    assert sample.pixels[4, 4, 1] > 200
    assert len(sample.info.notes) == 2


def test_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    sample = load(as_file(RGB, icc_profile=profile))
    np.testing.assert_array_equal(sample.pixels, RGB)
    assert sample.info.notes == ()


@pytest.mark.parametrize("profile", [b"nonsense", b"\x00" * 200, swapped_profile()])
def test_unusable_profile_is_noted(profile: bytes) -> None:
    picture = Image.fromarray(GREY)
    sample = load(as_file(picture, icc_profile=profile))
    np.testing.assert_array_equal(sample.pixels[..., 0], GREY)
    assert "ICC profile not usable" in sample.info.notes[0]
    assert "colours taken as sRGB" in sample.info.notes[0]


def test_huge_profile_is_left_out() -> None:
    picture = Image.fromarray(RGB)
    picture.info["icc_profile"] = b"x" * 5_000_000
    sample = load(picture)
    np.testing.assert_array_equal(sample.pixels, RGB)
    assert sample.info.notes == ("ICC profile of 5,000,000 bytes left out: colours taken as sRGB",)


class FakeTensor:
    """Quacks like torch: what matters is not the class."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self.shape = array.shape
        self.dtype = f"torch.{array.dtype}"

    def detach(self) -> FakeTensor:
        return self

    def cpu(self) -> FakeTensor:
        return self

    def numpy(self) -> Any:
        return self._array


def test_duck_typed_tensor() -> None:
    item = FakeTensor(np.moveaxis(RGB, -1, 0))
    assert ADAPTER.accepts(item)
    sample = load(item)
    np.testing.assert_array_equal(sample.pixels, RGB)
    assert "tensor taken as channels first" in sample.info.notes[0]
    np.testing.assert_array_equal(load(FakeTensor(GREY)).pixels[..., 0], GREY)
    np.testing.assert_array_equal(load(FakeTensor(RGB)).pixels, RGB)
    chosen = load(ImageInput(FakeTensor(RGB), layout="hwc"))
    np.testing.assert_array_equal(chosen.pixels, RGB)


def test_torch_tensor() -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(np.moveaxis(RGB, -1, 0) / 255.0).float().requires_grad_()
    assert ADAPTER.accepts(tensor)
    np.testing.assert_array_equal(load(tensor).pixels, RGB)
    half = torch.tensor([[0.0, 1.0]] * 8, dtype=torch.bfloat16)
    assert load(half).pixels[0, :, 0].tolist() == [0, 255]


def test_one_lazy_picture_in_many_threads() -> None:
    start = threading.Barrier(8)
    with Image.open(io.BytesIO(as_file(colours(300, 400)))) as image:

        def work(_: int) -> str:
            start.wait()
            return load(image).info.sha256

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(work, range(8)))) == 1
