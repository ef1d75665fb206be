"""Frames that are pictures of their own: arrays, PIL images, files in a folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import InputError
from gadet.media.array import NPY_MAGIC, array_pixels, is_tensor, tensor_array
from gadet.media.base import LoadLimits
from gadet.media.colour import rgb_pixels
from gadet.media.decode import announced_size, decode, from_pillow
from gadet.media.scale import Window
from gadet.media.source import Source
from gadet.media.video.still import Pixels

__all__ = [
    "PICTURES",
    "PictureReel",
    "files_of",
    "frame_pixels",
    "npy_frames",
    "npy_shape",
    "resized",
    "window_of",
]

PICTURES: Final = frozenset(
    ".png .jpg .jpeg .jpe .webp .bmp .tif .tiff .ppm .pgm .pbm .avif".split()  # noqa: SIM905
)
"""Endings of the files that are frames of a folder."""
_NUMBERS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, eq=False)
class PictureReel:
    """Frames of which each is a picture.

    Attributes:
        items: The pictures: arrays, tensors, PIL images, paths, bytes; any sequence of them, an
            array `(T, H, W, C)` for one.
        limits: Bounds on each of them.
        window: Values shown as black and as white, the same in all frames.
    """

    items: Sequence[Any] | npt.NDArray[Any] = field(repr=False)
    limits: LoadLimits
    window: Window | None = None

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.items)

    @property
    def keys(self) -> npt.NDArray[np.int64]:
        """None: each frame stands alone."""
        return np.empty(0, np.int64)

    def read(self, wanted: Sequence[int], size: tuple[int, int]) -> Iterator[tuple[int, Pixels]]:
        """Give frames in order; see `Reel`."""
        for index in wanted:
            yield index, resized(self.pixels(index), size)

    def pixels(self, index: int) -> Pixels:
        """A frame at its own size.

        Raises:
            InputError: It cannot be read as a picture; its number is named.
        """
        try:
            return frame_pixels(self.items[index], self.limits, self.window)
        except InputError as error:
            raise InputError(f"frame {index}: {error}") from error

    def checked(self) -> tuple[tuple[int, int], str]:
        """Look at every frame once.

        Returns:
            The size `(width, height)` that all of them have, and the SHA-256 of their content.

        Raises:
            InputError: A frame cannot be read, or has another size than the first.
        """
        digest, first = hashlib.sha256(), (0, 0)
        for index, item in enumerate(self.items):
            try:
                size = _digested(item, digest, self.limits, self.window)
            except InputError as error:
                raise InputError(f"frame {index}: {error}") from error
            first = first if index else size
            if size != first:
                raise InputError(
                    f"expected frames of one size; frame {index} has {size[0]} x {size[1]} pixels "
                    f"and frame 0 has {first[0]} x {first[1]}: resize them, or leave it out"
                )
        return first, digest.hexdigest()


def files_of(folder: str | os.PathLike[str]) -> list[Path]:
    """The pictures of a folder in the order of the numbers in their names.

    Raises:
        InputError: There are none.
    """
    path = Path(folder)
    try:
        found = [
            file
            for file in path.iterdir()
            if file.suffix.lower() in PICTURES and not file.name.startswith(".")
        ]
    except OSError as error:
        raise InputError(
            f"expected a folder of pictures; {str(folder)!r} cannot be read: {error.strerror}"
        ) from error
    if not found:
        raise InputError(
            f"expected a folder of numbered pictures; {str(folder)!r} holds no file that ends in "
            + " ".join(sorted(PICTURES))
        )
    return sorted(found, key=lambda file: (_numbers(file.name), file.name))


def npy_shape(path: str | os.PathLike[str]) -> tuple[int, ...] | None:
    """The shape that the header of an `.npy` file tells; None of any other file."""
    try:
        with open(path, "rb") as file:
            if not file.read(len(NPY_MAGIC)).startswith(NPY_MAGIC):
                return None
            file.seek(0)
            np.lib.format.read_magic(file)
            return tuple(np.lib.format.read_array_header_1_0(file)[0])
    except (OSError, ValueError, EOFError):
        return None


def npy_frames(path: str) -> npt.NDArray[Any]:
    """The array of an `.npy` file, which stays on disk until a frame is read.

    Raises:
        InputError: It holds objects, or less than its header says.
    """
    try:
        return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        why = " ".join(str(error).split())[:150]
        raise InputError(
            f"expected an .npy file of frames; {path!r} cannot be read: {why}"
        ) from error


def resized(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Pixels `(H, W, 3)` at a size `(width, height)`, read-only."""
    if (pixels.shape[1], pixels.shape[0]) != size:
        picture = Image.fromarray(pixels).resize(size, Image.Resampling.BOX)
        pixels = np.asarray(picture)
    pixels.flags.writeable = False
    return pixels


def window_of(items: Sequence[Any] | npt.NDArray[Any]) -> tuple[Window | None, list[str]]:
    """The values that are black and white in all frames, where their type does not say so.

    Returns:
        The window, None for what has its own scale (8 bits, files), and a note when it was
        measured.
    """
    arrays = [items] if isinstance(items, np.ndarray) else items
    ranges = [
        (float(array.min()), float(array.max()))
        for array in arrays
        if isinstance(array, np.ndarray) and array.dtype.kind in "uif" and array.dtype != np.uint8
        if array.size
    ]
    if not ranges or not np.isfinite(ranges).all():
        return None, []  # what is not finite is refused where the frame is read
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if low >= 0 and high <= 1 and any(getattr(a, "dtype", None) != np.uint8 for a in arrays):
        return (0.0, 1.0), ["values in [0, 1] taken as black to white"]
    if low >= 0 and high <= 255:
        return (0.0, 255.0), ["values in [0, 255] taken as black to white"]
    note = (
        f"values shown from {low:g} to {high:g}, the smallest and largest of all frames; fix it "
        "with VideoInput(item, window=(low, high))"
    )
    return ((low, high) if high > low else (low - 1, low + 1)), [note]


def frame_pixels(item: Any, limits: LoadLimits, window: Window | None = None) -> Pixels:
    """One frame as `(H, W, 3)` uint8 RGB.

    Args:
        item: An array, tensor, PIL image, path, URL, bytes or file object.
        limits: Bounds on it.
        window: Values shown as black and as white.

    Raises:
        InputError: It cannot be read as a picture, or is over the limits.
    """
    if isinstance(item, np.ndarray) or is_tensor(item):
        return _from_array(item, limits, window)
    if isinstance(item, Image.Image):
        picture, _ = from_pillow(item, limits, None)
    else:
        picture, _ = decode(Source.read(item, limits).data, limits, None)
    pixels, _ = rgb_pixels(picture, window)
    return pixels


def _from_array(item: Any, limits: LoadLimits, window: Window | None) -> Pixels:
    layout = None
    if is_tensor(item):
        item, layout, _ = tensor_array(item, None)
    if item.dtype == np.uint8 and item.ndim == 3 and item.shape[2] == 3 and layout is None:
        # What most frames are needs no conversion; a view keeps the caller's array writeable.
        view: Pixels = item.view()
        return view
    return array_pixels(item, layout, None if item.dtype == np.uint8 else window, limits)[0]


def _digested(item: Any, digest: Any, limits: LoadLimits, window: Window | None) -> tuple[int, int]:
    """Take a frame into the digest, and tell its size."""
    if isinstance(item, np.ndarray | Image.Image) or is_tensor(item):
        pixels = frame_pixels(item, limits, window)
        digest.update(b"%d x %d\n" % pixels.shape[:2])
        digest.update(np.ascontiguousarray(pixels).data)
        return pixels.shape[1], pixels.shape[0]
    data = Source.read(item, limits).data
    digest.update(b"%d bytes\n" % len(data))
    digest.update(data)
    return announced_size(data, limits)


def _numbers(name: str) -> tuple[tuple[int, int | str], ...]:
    """A name cut into texts and numbers, so that 10 comes after 9."""
    parts = _NUMBERS.split(name.lower())
    return tuple((1, part) if n % 2 == 0 else (0, int(part)) for n, part in enumerate(parts))
