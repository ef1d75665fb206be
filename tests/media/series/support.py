"""Loading and refusing, and what a person could do by hand to check it."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from gadet.errors import InputError
from gadet.media.base import LoadLimits
from gadet.media.series import SeriesAdapter, SeriesInput, SeriesSample

ADAPTER = SeriesAdapter()
NAN = float("nan")


def load(item: Any, **options: Any) -> SeriesSample:
    return ADAPTER.load(SeriesInput(item, **options) if options else item)


def text(*lines: str, **options: Any) -> SeriesSample:
    """Load lines of delimited text."""
    return ADAPTER.load(SeriesInput("\n".join(lines).encode(), **options))


def refused(item: Any, match: str, options: dict[str, Any] | None = None, **limits: Any) -> str:
    with pytest.raises(InputError, match=match) as caught:
        ADAPTER.load(SeriesInput(item, **options) if options else item, LoadLimits(**limits))
    message = str(caught.value)
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args
    assert len(message) < 600
    return message


def notes(sample: SeriesSample) -> str:
    return "; ".join(sample.info.notes)


def ns(*stamps: str) -> list[int]:
    return np.array(stamps, "M8[ns]").astype(np.int64).tolist()


def ink(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Where the curve is drawn `(H, W)`: blue, and darker than anything else that is blue."""
    red, green, blue = (pixels[:, :, number].astype(int) for number in range(3))
    return (blue - red > 60) & (blue >= green)
