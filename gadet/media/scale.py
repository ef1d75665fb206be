"""From values of any numeric type to 8 bits, and a note that says how."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError

__all__ = ["Window", "to_bytes"]

Window = tuple[float, float]

PERCENTILES: Final = (0.1, 99.9)
_ENOUGH = 4_000_000
# Interpolation and float16 leave values this far outside of [0, 1].
_SLACK = 1e-3


def to_bytes(
    values: npt.NDArray[Any], window: Window | None, *, colour: bool = False
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Bring numbers to 0 … 255.

    | values | become |
    |---|---|
    | bool | 0 and 255 |
    | uint8 | as they are |
    | float in [0, 1] | times 255 |
    | other integers within 0 … 255, except 16-bit unsigned | as they are |
    | everything else with one channel | windowed between two percentiles |
    | integers of more than 8 bits with colours | windowed, one window for all channels |
    | float colours outside of [0, 1] | an error: their scale is not known |

    With `window` given, it is used for everything but bool.

    Args:
        values: Numbers of any shape.
        window: Values that become 0 and 255.
        colour: Whether the numbers are colours rather than one measured quantity.

    Returns:
        uint8 of the same shape, a fresh array, and notes on what was done.

    Raises:
        InputError: Not numbers, not finite, or colours on an unknown scale.
    """
    kind = values.dtype.kind
    if kind == "b":
        return values.astype(np.uint8) * np.uint8(255), []
    if kind not in "uif":
        raise InputError(
            f"expected an array of bool, integers or floats; got dtype {values.dtype}: convert it "
            "with astype"
        )
    if kind == "f":
        _check_finite(values)
    if window is not None:
        note = f"values shown from {window[0]:g} to {window[1]:g} as given"
        return _apply(values, window), [note]
    if values.dtype == np.uint8:
        return np.array(values, order="C"), []
    low, high = values.min().item(), values.max().item()
    if kind == "f" and low >= -_SLACK and high <= 1 + _SLACK:
        return _apply(values, (0.0, 1.0)), ["float values in [0, 1] taken as black to white"]
    if kind == "f" and colour:
        raise InputError(
            f"expected float colours in [0, 1]; got values from {low:g} to {high:g}: divide by "
            "255, undo the normalisation, or say what is black and white with "
            "ImageInput(item, window=(low, high))"
        )
    if kind != "f" and values.dtype != np.uint16 and low >= 0 and high <= 255:
        return values.astype(np.uint8), [f"{values.dtype} values within 0 to 255 taken as 8-bit"]
    window, how = _percentiles(values, low, high)
    note = (
        f"{_words(values.dtype)} values {low:g} to {high:g} shown from {window[0]:g} to "
        f"{window[1]:g} ({how}); fix it with ImageInput(item, window=(low, high))"
    )
    return _apply(values, window), [note]


def _words(dtype: np.dtype[Any]) -> str:
    return "float" if dtype.kind == "f" else f"{dtype.itemsize * 8}-bit"


def _check_finite(values: npt.NDArray[Any]) -> None:
    finite = np.isfinite(values)
    if not finite.all():
        bad = int(values.size - np.count_nonzero(finite))
        nan = int(np.count_nonzero(np.isnan(values)))
        raise InputError(
            f"expected finite values; got {nan:,} NaN and {bad - nan:,} infinite of "
            f"{values.size:,}: fill them first, for example with numpy.nan_to_num"
        )


def _percentiles(values: npt.NDArray[Any], low: float, high: float) -> tuple[Window, str]:
    if values.dtype.kind == "u" and values.dtype.itemsize == 2:
        # Counting is exact and far faster than sorting.
        counts = np.bincount(values.reshape(-1), minlength=1)
        share = np.cumsum(counts) / values.size * 100
        start, end = (int(np.searchsorted(share, percentile)) for percentile in PERCENTILES)
    else:
        flat = values.reshape(-1)
        sample = flat[:: math.ceil(flat.size / _ENOUGH)].astype(np.float64)
        with np.errstate(all="ignore"):
            start, end = np.percentile(sample, PERCENTILES).tolist()
    if end > start:
        return (start, end), "the {:g} and {:g} percentiles".format(*PERCENTILES)
    if high > low:
        return (low, high), "the smallest and largest value"
    # A flat picture has no contrast to show; mid grey says nothing in either direction.
    return (low - 1, low + 1), "all values are equal"


def _apply(values: npt.NDArray[Any], window: Window) -> npt.NDArray[np.uint8]:
    low, high = window
    exact = np.float32 if values.dtype.itemsize <= 2 or values.dtype == np.float32 else np.float64
    with np.errstate(all="ignore"):
        factor = 255.0 / (high - low)
        if not math.isfinite(factor) or factor <= 0.0:
            raise InputError(
                f"expected a range of values that float64 can hold; got {low:g} to {high:g}: "
                "rescale the values first"
            )
        scaled: npt.NDArray[np.floating[Any]] = values.astype(exact)
        np.subtract(scaled, exact(low), out=scaled)
        np.multiply(scaled, exact(factor), out=scaled)
        np.rint(scaled, out=scaled)
        np.clip(scaled, 0, 255, out=scaled)
    return scaled.astype(np.uint8)
