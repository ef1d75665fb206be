"""From the bytes of an image file to one upright Pillow picture, checked before it is decoded."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from typing import Final

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from gadet.errors import InputError
from gadet.media.base import LoadLimits

__all__ = [
    "FORMATS",
    "LOSSY",
    "announced_size",
    "check_pixels",
    "decode",
    "from_pillow",
    "sniff",
    "upright",
]

# The plugins are called by name: `Image.open` warns about large pictures through the process-wide
# warnings module and holds a process-wide limit, neither of which a library may lean on in threads.
_PLUGINS: Final[dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]]] = {
    "PNG": PngImagePlugin.PngImageFile,
    # Not `jpeg_factory`: the extra pictures of an MPO file (depth, preview) are no frames.
    "JPEG": JpegImagePlugin.JpegImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "PPM": PpmImagePlugin.PpmImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
}
FORMATS: Final = tuple(_PLUGINS)

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    *((b"P" + kind, "PPM") for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"f", b"F")),
)
_FOREIGN: Final = (
    (b"%PDF", "a PDF document: render the page and give the picture"),
    (b"<svg", "an SVG drawing: render it and give the picture"),
    (b"<?xml", "an XML document"),
    (b"<!DOC", "an HTML page, often the error page of a download"),
    (b"<html", "an HTML page, often the error page of a download"),
    (b"PK\x03\x04", "a ZIP archive: unpack it and give one picture"),
    (b"\x1f\x8b", "gzip data: unpack it first"),
    (b"\x00\x00\x00\x0cjP", "a JPEG 2000 file: open it yourself and give the PIL image or array"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 file: open it yourself and give the PIL image or array"),
    (b"v/1\x01", "an OpenEXR file: open it yourself and give the array"),
)
_HEIF: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION: Final = 0x0112

# A PIL image that the caller shares between threads loads and seeks in its one file.
_SHARED = threading.Lock()


LOSSY: Final = frozenset({"JPEG", "MPO", "WEBP", "AVIF"})
"""Formats whose pictures have lost detail already, as a rule."""


def sniff(head: bytes) -> str | None:
    """The format that the first 16 bytes announce, one of `FORMATS`, or None."""
    for signature, name in _SIGNATURES:
        if head.startswith(signature):
            # Two letters are too common to stand alone: a PPM header goes on with a blank.
            if name == "PPM" and head[2:3] not in (b" ", b"\t", b"\r", b"\n"):
                continue
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[4:8] == b"ftyp" and head[8:12] in (b"avif", b"avis"):
        return "AVIF"
    return None


def decode(data: bytes, limits: LoadLimits, frame: int | None) -> tuple[Image.Image, list[str]]:
    """Decode one picture, upright by its EXIF orientation.

    Args:
        data: A whole image file in one of `FORMATS`.
        limits: The header's size is checked against `max_pixels` before anything is decoded.
        frame: Which picture of a file with several, from 0.

    Returns:
        The loaded picture in its own mode, and notes on what was done.

    Raises:
        InputError: Not an image, over the limits, truncated, corrupt, or several frames and no
            choice.
    """
    kind = sniff(data[:16])
    if kind is None:
        raise InputError(f"expected an image file ({', '.join(FORMATS)}); got {_describe(data)}")
    try:
        image = _PLUGINS[kind](io.BytesIO(data))
        check_pixels(image.size, limits, "the header")
        if kind == "PNG":
            # Decoding does not look at the checksums of the pixels, and verifying uses the file up.
            _PLUGINS[kind](io.BytesIO(data)).verify()
        notes = _choose(image, frame)
        check_pixels(image.size, limits, "the frame")
        if image.mode in ("RGB", "RGBA", "LA", "CMYK") and ";16" in str(image.tile):
            notes.append("16 bits per channel cut to 8 by the decoder")
        picture, turned = upright(image)
        check_pixels(picture.size, limits, "the decoded picture")
    except InputError:
        raise
    except Exception as error:
        # Pillow's plugins raise whatever a broken file leads them into, so nothing narrower does.
        raise InputError(
            f"expected a whole {kind} file; this one is truncated or corrupt "
            f"({_reason(error)}): save or transfer it again"
        ) from error
    return picture, notes + turned


def announced_size(data: bytes, limits: LoadLimits) -> tuple[int, int]:
    """The size `(width, height)` of the upright picture, by the header alone.

    Raises:
        InputError: Not an image, over the limits, or a header that cannot be read.
    """
    kind = sniff(data[:16])
    if kind is None:
        raise InputError(f"expected an image file ({', '.join(FORMATS)}); got {_describe(data)}")
    try:
        image = _PLUGINS[kind](io.BytesIO(data))
        check_pixels(image.size, limits, "the header")
        lying = _orientation(image)[0] >= 5
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"expected a whole {kind} file; this one is truncated or corrupt "
            f"({_reason(error)}): save or transfer it again"
        ) from error
    return image.size[::-1] if lying else image.size


def from_pillow(
    image: Image.Image, limits: LoadLimits, frame: int | None
) -> tuple[Image.Image, list[str]]:
    """Take the caller's PIL image, upright, without changing its position.

    Args:
        image: Any PIL image, loaded or not.
        limits: The size is checked against `max_pixels` before it is loaded.
        frame: Which picture of an image with several, from 0.

    Returns:
        The loaded picture in its own mode, and notes on what was done.

    Raises:
        InputError: Over the limits, truncated, corrupt, or several frames and no choice.
    """
    check_pixels(image.size, limits, "the PIL image")
    try:
        with _SHARED:
            count = 1 if image.format == "MPO" else int(getattr(image, "n_frames", 1))
            if count == 1:
                notes = _choose(image, frame)
                picture, turned = upright(image)
            else:
                position = image.tell()
                try:
                    notes = _choose(image, frame)
                    check_pixels(image.size, limits, "the frame")
                    # A copy, since going back to the caller's frame overwrites the pixels.
                    picture, turned = upright(image, copy=True)
                finally:
                    image.seek(position)
    except InputError:
        raise
    except Exception as error:
        raise InputError(
            f"expected a PIL image that loads; this one does not ({_reason(error)}): its file may "
            "be closed, truncated or corrupt"
        ) from error
    return picture, notes + turned


def upright(image: Image.Image, *, copy: bool = False) -> tuple[Image.Image, list[str]]:
    """Load a picture and apply its EXIF orientation.

    Returns:
        The upright picture, and a note when it was turned.
    """
    orientation, notes = _orientation(image)
    image.load()
    if orientation not in _TURNS:
        return (image.copy() if copy else image), notes
    notes.append(f"EXIF orientation {orientation} applied")
    # Pillow turns a TIFF while it loads it and then forgets the tag; other formats keep both.
    if _orientation(image)[0] == orientation:
        return image.transpose(_TURNS[orientation]), notes
    return (image.copy() if copy else image), notes


def check_pixels(size: tuple[int, int], limits: LoadLimits, what: str) -> None:
    """Refuse a picture without pixels, or with too many.

    Raises:
        InputError: It has.
    """
    width, height = size
    if width < 1 or height < 1:
        raise InputError(f"expected a picture with pixels; {what} says {width} x {height}")
    if width * height > limits.max_pixels:
        raise InputError(
            f"expected at most {limits.max_pixels:,} pixels; {what} says {width} x {height} = "
            f"{width * height:,}: make the picture smaller, or raise LoadLimits(max_pixels=…)"
        )


def _orientation(image: Image.Image) -> tuple[int, list[str]]:
    try:
        value = image.getexif().get(_ORIENTATION, 1)
    except Exception as error:
        # A broken EXIF block does not make the pixels wrong; only the turn it asked for is lost.
        return 1, [f"EXIF could not be read ({_reason(error)}): no orientation applied"]
    return (value if isinstance(value, int) else 1), []


def _choose(image: Image.Image, frame: int | None) -> list[str]:
    count = int(getattr(image, "n_frames", 1))
    if image.format == "MPO":
        count = 1
    if frame is None:
        if count == 1:
            return []
        raise InputError(
            f"expected one picture; this {image.format} holds {count} frames: choose one with "
            f"ImageInput(item, frame=0) … frame={count - 1}, or take them as a video with "
            "VideoInput(item)"
        )
    if frame >= count:
        raise InputError(
            f"expected a frame from 0 to {count - 1}; got frame={frame} for a picture with "
            f"{count} frame{'s' if count > 1 else ''}"
        )
    if count == 1:
        return []
    image.seek(frame)
    return [f"frame {frame} of {count} (counted from 0)"]


def _reason(error: Exception) -> str:
    """The error's own words, unless they quote bytes of the file."""
    text = " ".join(str(error).split())
    if not text or "b'" in text or 'b"' in text or not text.isprintable():
        return type(error).__name__
    return f"{type(error).__name__}: {text[:150]}"


def _describe(data: bytes) -> str:
    head = data[:512].lstrip()
    for signature, words in _FOREIGN:
        if head[: len(signature)].lower() == signature.lower():
            return words
    if data[4:8] == b"ftyp":
        if data[8:12] in _HEIF:
            return "a HEIC file: convert it, or open it with pillow-heif and give the PIL image"
        return "a video or audio file (MP4 family)"
    if data[128:132] == b"DICM":
        return "a DICOM file: read it with pydicom and give pixel_array"
    if data[:4] == b"RIFF":
        return "an AVI or WAV file"
    return f"{len(data):,} bytes that start like none of these"
