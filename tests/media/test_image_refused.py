"""Everything that is refused, each with a message that says what came."""

from __future__ import annotations

import io
import os
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.image import ImageAdapter, ImageInput
from tests.media.pictures import as_file, blocks, colours, png
from tests.media.test_image_accepted import FakeTensor, frames

RGB = colours()
ADAPTER = ImageAdapter()


def refused(item: Any, match: str, **limits: Any) -> str:
    with pytest.raises(InputError, match=match) as caught:
        ADAPTER.load(item, LoadLimits(**limits))
    text = str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args
    assert len(text) < 600
    return text


NAN, INF = float("nan"), float("inf")
ARRAYS = {
    "no rows": (np.zeros((0, 4)), "the array's shape says 4 x 0"),
    "no columns": (np.zeros((4, 0, 3)), "the array's shape says 0 x 4"),
    "a number": (np.array(3), r"got shape \(\)"),
    "one axis": (np.zeros(5), r"got shape \(5,\)"),
    "two channels": (np.zeros((5, 6, 2)), r"1, 3 or 4 channels; got shape \(5, 6, 2\)"),
    "many channels": (np.zeros((5, 6, 31)), r"got shape \(5, 6, 31\)"),
    "CHW unsaid": (np.zeros((3, 8, 9)), r"looks like channels first.*layout='chw'"),
    "CHW wrong": (ImageInput(np.zeros((8, 9, 3)), layout="chw"), r"\(C, H, W\).*got .*\(8, 9, 3\)"),
    "batch": (np.zeros((1, 8, 9, 3)), r"looks like a batch: give one picture, item\[0\]"),
    "five axes": (np.zeros((1, 1, 8, 9, 3)), r"got shape \(1, 1, 8, 9, 3\)"),
    "NaN": (np.array([[0.0, NAN, INF]]), "got 1 NaN and 1 infinite of 3: fill"),
    "infinite": (np.full((2, 2), -INF), "got 0 NaN and 4 infinite"),
    "objects": (np.array([[object()]]), "got dtype object"),
    "text": (np.array([["a"]]), "got dtype <U1"),
    "complex": (np.zeros((3, 3), complex), "got dtype complex128"),
    "dates": (np.zeros((3, 3), "datetime64[s]"), "got dtype datetime64"),
    "fields": (np.zeros((3, 3), [("r", "u1")]), "got dtype"),
    "float 0 to 255": (RGB.astype(float), r"in \[0, 1\]; got values from .* to 249: divide by 255"),
    "normalised": (np.full((4, 4, 3), -1.9), "undo the normalisation"),
    "too wide a range": (np.array([[-1.7e308, 1.7e308]]), "range of values that float64 can hold"),
    "masked": (np.ma.masked_less(RGB, 100), "masked values; got some: fill"),
    "frame of an array": (ImageInput(RGB, frame=2), "got an array: index it yourself"),
    "batch of tensors": (FakeTensor(np.zeros((1, 3, 4, 4))), "looks like a batch"),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name: str) -> None:
    refused(*ARRAYS[name])


def test_too_many_pixels_in_an_array() -> None:
    refused(np.broadcast_to(np.uint8(0), (1000, 2000)), "2000 x 1000 = 2,000,000", max_pixels=10**6)


class BadTensor(FakeTensor):
    def numpy(self) -> Any:
        raise RuntimeError("sparse")


FILES = {
    "empty": (b"", r"the bytes object is empty \(0 bytes\)"),
    "empty file object": (io.BytesIO(), "gave 0 bytes: rewind it"),
    "text": (b"hello, world", "12 bytes that start like none of these"),
    "HTML": (b"<!DOCTYPE html><p>", "an HTML page, often the error page of a download"),
    "PDF": (b"%PDF-1.7", "a PDF document"),
    "SVG": (b"  <svg xmlns=", "an SVG drawing"),
    "ZIP": (b"PK\x03\x04....", "a ZIP archive"),
    "HEIC": (b"\x00\x00\x00\x18ftypheic....", "a HEIC file.*pillow-heif"),
    "MP4": (b"\x00\x00\x00\x18ftypisom....", "a video"),
    "WAV": (b"RIFF....WAVE", "an AVI or WAV file"),
    "DICOM": (b"\x00" * 128 + b"DICM", "a DICOM file.*pydicom"),
    "JPEG 2000": (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 file"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0", "start like none of these"),
    "signature only": (b"\x89PNG\r\n\x1a\n", "whole PNG file; this one is truncated or corrupt"),
    "TIFF signature only": (b"II*\x00", "whole TIFF file"),
    "text file object": (io.StringIO("abc"), "opened in binary mode; its read"),
    "no comma": ("data:image/png;base64", "there is no comma"),
    "not base64": ("data:image/png;base64,@@@", "expected base64 after the comma"),
    "empty data URL": ("data:image/png;base64,", r"the data URL is empty \(0 bytes\)"),
    "other scheme": ("s3://bucket/part.png", "the scheme 's3': download it"),
    "missing": ("/nowhere/part.png", "there is none at '/nowhere/part.png'"),
    "long text": ("iVBORw0KGgo" * 1000, "data URL that starts with 'data:'"),
    "null": ("a\0b.png", "cannot be read"),
    "number": (3, "got int"),
    "nothing": (None, "got NoneType"),
    "list": ([[1, 2]], "got list"),
    "sparse tensor": (BadTensor(RGB), r"BadTensor does not \(RuntimeError\)"),
    "nested": (ImageInput(ImageInput(RGB)), "got another ImageInput"),
    "layout of a file": (ImageInput(as_file(RGB), layout="chw"), "layout=…; got a picture"),
    "window of 8 bits": (ImageInput(as_file(RGB), window=(0, 9)), "8-bit values .mode RGB.: leave"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_files(name: str) -> None:
    refused(*FILES[name])


def test_folder_and_pipe(tmp_path: Path) -> None:
    refused(tmp_path, "is a folder: give the path of one file")
    os.mkfifo(tmp_path / "pipe.png")
    refused(tmp_path / "pipe.png", "is not a regular file")
    refused("/dev/zero", "is not a regular file")


def test_path_is_named_when_its_content_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    path.write_bytes(b"not a picture")
    assert str(path) in refused(path, "13 bytes that start like none of these")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "AVIF"])
@pytest.mark.parametrize("share", [0.3, 0.7])
def test_truncated(kind: str, share: float) -> None:
    data = as_file(colours(64, 64), kind)
    refused(data[: int(len(data) * share)], f"whole {kind} file; this one is truncated or corrupt")


def test_flipped_bits() -> None:
    data = bytearray(as_file(colours(64, 64)))
    data[len(data) // 2] ^= 0xFF
    refused(bytes(data), "whole PNG file")


@pytest.mark.parametrize("form", ["bytes", "path", "file", "data URL", "memoryview"])
def test_too_many_bytes(form: str, tmp_path: Path) -> None:
    import base64

    data = as_file(colours(64, 64))
    path = tmp_path / "x.png"
    path.write_bytes(data)
    item: Any = {
        "bytes": data,
        "path": path,
        "file": io.BytesIO(data),
        "data URL": "data:;base64," + base64.b64encode(data).decode(),
        "memoryview": memoryview(data),
    }[form]
    refused(item, "expected at most 1,000 bytes.*max_bytes", max_bytes=1000)
    assert ADAPTER.load(item, LoadLimits(max_bytes=len(data))).info.size == (64, 64)


def test_endless_file_object_is_not_drained() -> None:
    class Endless:
        given = 0

        def read(self, size: int) -> bytes:
            self.given += min(size, 4096)
            return b"\x89" * min(size, 4096)

    endless = Endless()
    refused(endless, "has more", max_bytes=10_000)
    assert endless.given <= 14_096


def test_failing_file_object() -> None:
    class Failing:
        def read(self, size: int) -> bytes:
            raise ConnectionResetError("gone")

    refused(Failing(), "reading from Failing failed: gone")


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (14_143, 14_143)])
def test_bomb_header_is_refused_without_decoding(size: tuple[int, int]) -> None:
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        refused(png(*size), f"the header says {size[0]} x {size[1]}")
    assert seen == []


def test_large_picture_within_limits_does_not_warn() -> None:
    """Pillow warns from 89 million pixels on; the limit is the caller's and not Pillow's."""
    data = as_file(Image.new("1", (10_000, 9_500)))
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        refused(data, "10000 x 9500 = 95,000,000", max_pixels=90_000_000)
    assert seen == []


def test_compressed_bomb() -> None:
    data = as_file(Image.new("1", (16_000, 16_000)))
    assert len(data) < 100_000
    refused(data, "16000 x 16000 = 256,000,000")


def test_small_file_that_promises_much() -> None:
    refused(png(10_000, 10_000, b"\x00" * 100), "truncated or corrupt")


def test_text_chunk_bomb() -> None:
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_text("k", "x" * 3_000_000, zip=True)
    refused(as_file(RGB, pnginfo=info), "whole PNG file")


def test_zero_sized_header() -> None:
    refused(png(0, 5), "PNG|pixels")
    refused(b"P6 0 5 255\n", "PPM|pixels")
    refused(Image.new("RGB", (0, 5)), "the PIL image says 0 x 5")


@pytest.mark.parametrize("kind", ["GIF", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("opened", [False, True])
def test_several_frames_need_a_choice(kind: str, opened: bool) -> None:
    data = frames(kind)
    with Image.open(io.BytesIO(data)) as image:
        item = image if opened else data
        refused(item, r"holds 3 frames: choose one with ImageInput\(item, frame=0\) … frame=2")
        refused(ImageInput(item, frame=3), "a frame from 0 to 2; got frame=3")
    refused(ImageInput(as_file(RGB), frame=1), "got frame=1 for a picture with 1 frame")


def test_closed_and_truncated_pil_images() -> None:
    data = as_file(colours(64, 64), "JPEG")
    refused(Image.open(io.BytesIO(data[:1500])), "PIL image that loads; this one does not")
    image = Image.open(io.BytesIO(data))
    image.close()
    refused(image, "its file may be closed")


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"frame": -1}, "frame to be 0 or a positive"),
        ({"frame": True}, "got True"),
        ({"frame": 1.5}, "got 1.5"),
        ({"layout": "nchw"}, "'hwc' or 'chw'; got 'nchw'"),
        ({"window": (1, 1)}, "low < high"),
        ({"window": (0, NAN)}, "two finite numbers"),
        ({"window": 5}, "two finite numbers"),
        ({"window": (1, 2, 3)}, "two finite numbers"),
    ],
)
def test_options(options: dict[str, Any], match: str) -> None:
    with pytest.raises(InputError, match=match):
        ImageInput(RGB, **options)


def npy(array: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, **options)
    return buffer.getvalue()


def test_npy() -> None:
    refused(npy(np.array([[object()]]), allow_pickle=True), "an .npy file of numbers.*allow_pickle")
    whole = npy(np.zeros((64, 64)))
    refused(whole[:-9], "it is truncated")
    promised = whole.replace(b"(64, 64)", b"(6400000, 64)".ljust(8))[: len(whole)]
    refused(promised, "npy")
    refused(b"\x93NUMPY\x01", "an .npy file of numbers")
    refused(b"\x93NUMPY\x09\x00" + b"x" * 90, "an .npy file of numbers")
    refused(npy(np.zeros((2000, 2000), np.uint8)), "4,000,000", max_pixels=10**6)


def test_picture_that_loads_but_does_not_convert() -> None:
    image = Image.new("P", (4, 4))
    image.palette = None
    refused(image, "this one of mode 'P' does not .AssertionError.")


def test_metadata_and_bytes_stay_out_of_messages() -> None:
    for body in (b"P6 \xff\xfesecret 5 255\n", b"P1 12x 3\n"):
        assert "secret" not in refused(body, "whole PPM file")


def test_no_orientation_from_a_broken_file() -> None:
    data = bytearray(as_file(blocks(), "JPEG"))
    data[4:6] = b"\x00\x00"
    with pytest.raises(InputError):
        ADAPTER.load(bytes(data[:40]))
