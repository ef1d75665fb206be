"""Images: whatever holds one picture becomes `(H, W, 3)` RGB, and views of it for a model."""

from __future__ import annotations

import io
import math
import os
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import InputError
from gadet.geometry import Box, Frame
from gadet.media.array import (
    NPY_MAGIC,
    Layout,
    array_pixels,
    is_tensor,
    npy_array,
    tensor_array,
)
from gadet.media.base import LoadLimits
from gadet.media.colour import rgb_pixels
from gadet.media.decode import LOSSY, decode, from_pillow, sniff
from gadet.media.jpeg import bare_jpeg
from gadet.media.release import release
from gadet.media.scale import Window
from gadet.media.shrink import resized
from gadet.media.source import Source, is_data_url, is_url
from gadet.media.xyz_tiff import is_xyz_tiff
from gadet.media.zoom import enlarged
from gadet.report import ItemInfo, Modality
from gadet.view import ImageType, View, ViewLimits, hash_of_pixels

__all__ = ["ImageAdapter", "ImageInput", "ImageSample"]

_SUFFIXES: Final = frozenset(
    (
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".webp", ".gif", ".bmp"),
        *(".dib", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm", ".avif"),
    )
)
# An `.npy` file may hold a series or a cloud as well; its header decides.
_NPY_SUFFIX = ".npy"
# From so many bytes of pixels on, what is freed after decoding is worth giving back to the system.
_LARGE: Final = 2**26
# Two numbers per row up to six per point: series and clouds, hardly ever a picture.
_NARROWEST_FLOAT = 7


@dataclass(frozen=True, eq=False)
class ImageInput:
    """An item together with what only the caller knows about how to read it.

    It may be given wherever an item or a reference is:
    `detector.detect(ImageInput("stack.tiff", frame=3))`.

    Attributes:
        item: Anything that `ImageAdapter` accepts.
        frame: Which picture of a file with several, from 0.
        layout: Where the channels of an array are: last (`"hwc"`) or first (`"chw"`).
        window: The values shown as black and as white, for 16-bit, float and other deep data. Give
            the same to an item and its references, so that their brightness can be compared.

    Raises:
        InputError: The frame is negative, the layout another one, or the window not increasing.
    """

    item: Any = field(repr=False)
    frame: int | None = None
    layout: Layout | None = None
    window: Window | None = None

    def __post_init__(self) -> None:
        """Check the options where they are written."""
        _check_options(self.frame, self.layout, self.window)


@dataclass(frozen=True, eq=False)
class ImageSample:
    """A loaded picture.

    Attributes:
        info: What it is and what was done to read it. Its name, source and notes are for the
            report; they are never part of a view.
        pixels: `(H, W, 3)` uint8 RGB, read-only, after the EXIF orientation.
        lossy: Whether it came from a lossy file, so that sending it as one loses little more.
        jpeg: A JPEG file without metadata that decodes to exactly these pixels, when it came as
            one and nothing had to be done to it.
    """

    info: ItemInfo
    pixels: npt.NDArray[np.uint8] = field(repr=False)
    lossy: bool = False
    jpeg: bytes | None = field(default=None, repr=False)

    @property
    def moments(self) -> str | None:
        """None: a picture has no time."""
        return None

    @property
    def words(self) -> str | None:
        """None: a picture is shown and not told."""
        return None

    def views(
        self, limits: ViewLimits, *, role: Literal["item", "reference"] = "item"
    ) -> tuple[View, ...]:
        """The whole picture, resized to what the model takes; exact when it already fits."""
        height, width = self.pixels.shape[:2]
        size = limits.fit(width, height)
        exact = size == (width, height)
        # A file of more than a byte per pixel was hardly compressed, and costs time to send.
        as_it_came = exact and limits.encoding is None and len(self.jpeg or b"") <= width * height
        view = View(
            picture=self._resized(size),
            frame=Frame.whole((width, height), size),
            role=role,
            kind="clean",
            encoding=limits.encoding or ("image/jpeg" if self.lossy else "image/png"),
            quality=limits.quality,
            compressed=self.jpeg if as_it_came else None,
            pixel_hash=self.info.sha256 if exact else None,
        )
        return (view,)

    def zoom(self, box: Box, limits: ViewLimits) -> View | None:
        """The part around a box at the resolution of the input or larger; see `media.zoom`."""
        encoding: ImageType = "image/jpeg" if self.lossy else "image/png"
        return enlarged(self.pixels, box, limits, encoding=encoding)

    def preview(self, max_side: int = 1024) -> bytes:
        """A JPEG file of at most `max_side` pixels for people to look at, without metadata."""
        height, width = self.pixels.shape[:2]
        size = ViewLimits(max_side=max_side, max_pixels=max_side**2).fit(width, height)
        buffer = io.BytesIO()
        self._resized(size).save(buffer, format="JPEG", quality=85)
        return buffer.getvalue()

    def _resized(self, size: tuple[int, int]) -> Image.Image:
        return resized(self.pixels, size, Image.Resampling.LANCZOS)


class ImageAdapter:
    """Reads images.

    It takes a path, an `http`, `https` or `data` URL, bytes, a file object opened in binary mode,
    a PIL image of any mode, a NumPy array, an `.npy` file, a torch tensor, and any of these in an
    `ImageInput`. It keeps nothing, so one adapter serves all threads.
    """

    modality: Modality = "image"

    def accepts(self, item: Any) -> bool:
        """Whether the item looks like an image: by its type, ending, first bytes or shape."""
        if isinstance(item, ImageInput | Image.Image):
            return True
        if isinstance(item, str):
            return _text_looks_like_image(item)
        if isinstance(item, os.PathLike):
            return _path_looks_like_image(item)
        if isinstance(item, bytes | bytearray):
            return _head_looks_like_image(bytes(item[:256]))
        if isinstance(item, memoryview):
            return _head_looks_like_image(item.tobytes()[:256])
        if isinstance(item, np.ndarray) or is_tensor(item):
            return _shape_looks_like_image(item)
        return callable(getattr(item, "read", None)) and _file_looks_like_image(item)

    def load(self, item: Any, limits: LoadLimits | None = None) -> ImageSample:
        """Read the item.

        Args:
            item: Anything the adapter takes.
            limits: The bounds; None takes the defaults.

        Raises:
            InputError: It cannot be read as one picture, or is over the limits.
        """
        limits = limits or LoadLimits()
        options = item if isinstance(item, ImageInput) else ImageInput(item)
        item = options.item
        if isinstance(item, ImageInput):
            raise InputError("expected an item inside ImageInput; got another ImageInput: use one")
        if isinstance(item, Image.Image):
            picture, notes = from_pillow(item, limits, options.frame)
            sample = _from_picture(picture, notes, options, "image", None)
            return replace(sample, lossy=item.format in LOSSY)
        if isinstance(item, np.ndarray):
            return _from_array(item, [], options, limits, "image", None)
        if is_tensor(item):
            array, layout, notes = tensor_array(item, options.layout)
            return _from_array(array, notes, replace(options, layout=layout), limits, "image", None)
        source = Source.read(item, limits)
        if source.data.startswith(NPY_MAGIC):
            array = npy_array(source.data, limits)
            return _from_array(array, [], options, limits, source.name, source.origin)
        try:
            picture, notes = decode(source.data, limits, options.frame)
            sample = _from_picture(picture, notes, options, source.name, source.origin)
            del picture
            if sample.pixels.size > _LARGE:
                release()
            kind = sniff(source.data[:16])
            # Whatever was done to the picture is in its notes: turned, converted, …
            untouched = kind == "JPEG" and not sample.info.notes
            jpeg = bare_jpeg(source.data) if untouched else None
            return replace(sample, lossy=kind in LOSSY, jpeg=jpeg)
        except InputError as error:
            if source.origin is None:
                raise
            raise InputError(f"{source.origin}: {error}") from error


def _from_picture(
    picture: Image.Image,
    notes: list[str],
    options: ImageInput,
    name: str,
    source: str | None,
) -> ImageSample:
    if options.layout is not None:
        raise InputError(
            "expected an array or a tensor for layout=…; got a picture, whose channels need no "
            "layout: leave it out"
        )
    pixels, more = rgb_pixels(picture, options.window)
    return _sample(pixels, notes + more, name, source)


def _from_array(
    array: npt.NDArray[Any],
    notes: list[str],
    options: ImageInput,
    limits: LoadLimits,
    name: str,
    source: str | None,
) -> ImageSample:
    if options.frame:
        raise InputError(
            f"expected a file with several frames for frame={options.frame}; got an array: index "
            "it yourself"
        )
    pixels, more = array_pixels(array, options.layout, options.window, limits)
    return _sample(pixels, notes + more, name, source)


def _sample(
    pixels: npt.NDArray[np.uint8], notes: list[str], name: str, source: str | None
) -> ImageSample:
    height, width = pixels.shape[:2]
    info = ItemInfo(
        name=name,
        source=source,
        modality="image",
        sha256=hash_of_pixels(width, height, pixels.data),
        size=(width, height),
        notes=tuple(notes),
    )
    return ImageSample(info=info, pixels=pixels)


def _check_options(frame: object, layout: object, window: Any) -> None:
    if frame is not None and (isinstance(frame, bool) or not isinstance(frame, int) or frame < 0):
        raise InputError(f"expected frame to be 0 or a positive whole number; got {frame!r}")
    if layout not in (None, "hwc", "chw"):
        raise InputError(f"expected layout to be 'hwc' or 'chw'; got {layout!r}")
    if window is not None:
        numbers = isinstance(window, tuple) and len(window) == 2
        if not numbers or not all(
            isinstance(value, int | float) and math.isfinite(value) for value in window
        ):
            raise InputError(f"expected window to be two finite numbers, a tuple; got {window!r}")
        if not window[1] > window[0]:
            raise InputError(f"expected window to have low < high; got {window!r}")


def _text_looks_like_image(text: str) -> bool:
    if is_data_url(text):
        # A data URL without a type is text by its standard.
        return text[5:32].lower().lstrip().startswith(("image/", "application/octet-stream"))
    if is_url(text):
        try:
            suffix = PurePath(urlsplit(text).path).suffix.lower()
        except ValueError:
            return False
        # Many pictures on the web have no ending; whether it is one shows when it is decoded.
        return suffix in _SUFFIXES or suffix == "" or not suffix[1:].isalnum()
    return _path_looks_like_image(text)


def _path_looks_like_image(path: str | os.PathLike[Any]) -> bool:
    text = os.fsdecode(os.fspath(path))
    suffix = PurePath(text).suffix.lower()
    if suffix in _SUFFIXES:
        # Three channels of floats are the points of a scan, unless they are in an `ImageInput`.
        return suffix not in (".tif", ".tiff") or not is_xyz_tiff(text)
    try:
        if not os.path.isfile(text):
            return False
        with open(text, "rb") as file:
            head = file.read(256)
    except (OSError, ValueError):
        return False
    return _head_looks_like_image(head) if suffix in ("", _NPY_SUFFIX) else sniff(head) is not None


def _file_looks_like_image(file: Any) -> bool:
    try:
        if not file.seekable():
            return False
        position = file.tell()
        try:
            head = file.read(256)
        finally:
            file.seek(position)
    except (AttributeError, OSError, ValueError):
        return False
    return isinstance(head, bytes) and _head_looks_like_image(head)


def _head_looks_like_image(head: bytes) -> bool:
    if not head.startswith(NPY_MAGIC):
        return sniff(head) is not None
    stream = io.BytesIO(head)
    try:
        np.lib.format.read_magic(stream)
        shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    except (ValueError, OSError, EOFError):
        return False
    return _plausible(shape, dtype.kind)


def _shape_looks_like_image(item: Any) -> bool:
    kind = item.dtype.kind if isinstance(item, np.ndarray) else _tensor_kind(item)
    try:
        return _plausible(tuple(int(side) for side in item.shape), kind)
    except (AttributeError, TypeError):
        return False


def _tensor_kind(tensor: Any) -> str:
    return "f" if "float" in str(getattr(tensor, "dtype", "float")) else "i"


def _plausible(shape: tuple[int, ...], kind: str) -> bool:
    if kind not in "buif":
        return False
    if len(shape) == 2:
        return kind != "f" or shape[1] >= _NARROWEST_FLOAT
    return len(shape) == 3 and (shape[2] in (1, 3, 4) or shape[0] in (1, 3, 4))
