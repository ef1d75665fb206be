"""From arrays and tensors to an opaque array `(H, W, 3)`."""

from __future__ import annotations

import io
import math
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.decode import check_pixels
from gadet.media.scale import Window, to_bytes

__all__ = ["Layout", "array_pixels", "is_tensor", "npy_array", "tensor_array"]

Layout = Literal["hwc", "chw"]
NPY_MAGIC: Final = b"\x93NUMPY"
_CHANNELS: Final = (1, 3, 4)


def array_pixels(
    array: npt.NDArray[Any], layout: Layout | None, window: Window | None, limits: LoadLimits
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Convert an array.

    Args:
        array: `(H, W)`, `(H, W, C)`, or with `layout="chw"` `(C, H, W)`; C is 1 (grey), 3 (RGB) or
            4 (RGBA). bool, any integer or any float; see `gadet.media.scale.to_bytes`.
        layout: Where the channels are; None is the same as `"hwc"`.
        window: Values shown as black and white.
        limits: `max_pixels` is checked before anything is copied.

    Returns:
        `(H, W, 3)` uint8 RGB, read-only, never the caller's memory, and notes on what was done.

    Raises:
        InputError: Wrong shape or type, no pixels or too many, values that cannot be shown.
    """
    array, notes = _as_plain(array), []
    if layout == "chw" and array.ndim == 3:
        array = np.moveaxis(array, 0, -1)
        notes.append("channels first, as given")
    _check_shape(array, layout)
    check_pixels((array.shape[1], array.shape[0]), limits, "the array's shape")
    channels = array.shape[2] if array.ndim == 3 else 1
    if channels == 4:
        alpha, _ = to_bytes(array[:, :, 3], _alpha_window(array.dtype))
        values, scaled = to_bytes(array[:, :, :3], window, colour=True)
        pixels, laid = _on_white(values, alpha)
        notes += scaled + laid
    else:
        pixels, scaled = to_bytes(array, window, colour=channels == 3)
        notes += scaled
        if channels == 1:
            pixels = np.repeat(pixels.reshape(*pixels.shape[:2], 1), 3, axis=2)
    pixels = np.ascontiguousarray(pixels)
    pixels.flags.writeable = False
    return pixels, notes


def is_tensor(item: Any) -> bool:
    """Whether the item behaves like a torch tensor; torch is not imported to find out."""
    return all(callable(getattr(item, name, None)) for name in ("detach", "cpu", "numpy"))


def tensor_array(
    tensor: Any, layout: Layout | None
) -> tuple[npt.NDArray[Any], Layout | None, list[str]]:
    """Bring a tensor to host memory.

    A tensor of three dimensions is taken as `(C, H, W)`, the convention of torchvision, when its
    first axis can be the channels and no layout was given.

    Returns:
        The array, its layout, and notes on what was done.

    Raises:
        InputError: It cannot be converted.
    """
    try:
        host = tensor.detach().cpu()
        try:
            array = np.asarray(host.numpy())
        except TypeError:
            # NumPy has no bfloat16 and no float8.
            array = np.asarray(host.float().numpy())
    except Exception as error:
        raise InputError(
            f"expected a dense tensor that converts to a NumPy array; {type(tensor).__name__} "
            f"does not ({type(error).__name__}): give tensor.numpy() yourself"
        ) from error
    if layout is None and array.ndim == 3 and array.shape[0] in _CHANNELS:
        return array, "chw", ["tensor taken as channels first, the convention of torchvision"]
    return array, layout, []


def npy_array(data: bytes, limits: LoadLimits) -> npt.NDArray[Any]:
    """Read the bytes of an `.npy` file; pickled objects are refused.

    Raises:
        InputError: Pickled objects, a size that the data does not have, or a broken file.
    """
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        header = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = header(stream)
        count, rest = math.prod(shape), len(data) - stream.tell()
        # Before the array is allocated, so that a header cannot ask for more than the file holds.
        if not dtype.hasobject and count * dtype.itemsize > rest:
            raise InputError(
                f"expected a whole .npy file; its header says {shape} of {dtype}, "
                f"{count * dtype.itemsize:,} bytes, and {rest:,} follow: it is truncated"
            )
        if count > 4 * limits.max_pixels:
            check_pixels((count, 1), limits, "the .npy header")
        return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))
    except InputError:
        raise
    except Exception as error:
        # NumPy evaluates the header as Python text, which can fail in any of Python's ways.
        reason = " ".join(str(error).split())[:150]
        raise InputError(
            f"expected an .npy file of numbers; this one cannot be read: {reason}"
        ) from error


def _as_plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if isinstance(array, np.ma.MaskedArray) and np.ma.is_masked(array):
        raise InputError(
            "expected an array without masked values; got some: fill them first with "
            "array.filled(value)"
        )
    return np.asarray(array)


def _check_shape(array: npt.NDArray[Any], layout: Layout | None) -> None:
    shape = array.shape
    wanted = "expected an array (H, W) or (H, W, C) with 1, 3 or 4 channels"
    if array.ndim == 2:
        return
    if array.ndim == 3 and shape[2] in _CHANNELS:
        return
    if array.ndim == 3 and layout == "chw":
        came = (shape[2], *shape[:2])
        raise InputError(
            "expected an array (C, H, W) with 1, 3 or 4 channels, as layout='chw' says; got shape "
            f"{came}"
        )
    if array.ndim == 3 and shape[0] in _CHANNELS:
        raise InputError(
            f"{wanted}; got shape {shape}, which looks like channels first: say so with "
            "ImageInput(item, layout='chw')"
        )
    if array.ndim == 4:
        raise InputError(
            f"{wanted}; got shape {shape}, which looks like a batch: give one picture, item[0], "
            "pass the pictures to detect_many, or take them as a video with VideoInput(item)"
        )
    raise InputError(f"{wanted}; got shape {shape}")


def _alpha_window(dtype: np.dtype[Any]) -> Window | None:
    """Opaque is the largest value of an integer type, and 1 for floats."""
    if dtype.kind == "u":
        return (0.0, float(np.iinfo(dtype).max))
    return (0.0, 1.0) if dtype.kind == "f" else None


def _on_white(
    colours: npt.NDArray[np.uint8], alpha: npt.NDArray[np.uint8]
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    share = float(np.mean(alpha < 255))
    if share == 0.0:
        return colours, []
    white = Image.new("RGB", (alpha.shape[1], alpha.shape[0]), "white")
    laid = Image.composite(Image.fromarray(colours), white, Image.fromarray(alpha))
    return np.array(laid), [f"transparency ({share:.1%} of the pixels) laid on white"]
