"""From loaded samples to what the series expert measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.errors import InputError
from gadet.media.base import Sample
from gadet.media.series import SeriesSample

__all__ = ["channel_names", "same_channels", "series_of", "wall_times"]

_LOOKED_AT: Final = 200


def series_of(sample: Sample, what: str) -> SeriesSample:
    """The sample, if it is a series.

    Raises:
        InputError: It is of another kind.
    """
    if isinstance(sample, SeriesSample):
        return sample
    raise InputError(
        f"expected {what} to be a series, as the item is; got one of the kind "
        f"{sample.info.modality!r}"
    )


def channel_names(sample: SeriesSample) -> tuple[str, ...]:
    """The names of the channels for the sentences, none for the only one."""
    return sample.channels if len(sample.channels) > 1 else ()


def wall_times(sample: SeriesSample) -> npt.NDArray[np.int64] | None:
    """Nanoseconds as the clock on the wall shows them, for the sentences.

    None where there is no such clock, and where it is put forward or back within the series, since
    its times would then not rise.
    """
    clock = sample.clock
    if clock.times is None or clock.elapsed:
        return None
    if clock.zone is None:
        return clock.times
    looked = clock.times[:: -(-len(clock.times) // _LOOKED_AT)].tolist()
    offsets = {clock.local(time).utcoffset() for time in (*looked, int(clock.times[-1]))}
    offset = offsets.pop()
    if offsets or offset is None:
        return None
    return clock.times + round(offset.total_seconds()) * 1_000_000_000


def same_channels(reference: SeriesSample, names: Sequence[str]) -> npt.NDArray[np.float64]:
    """The values of a reference `(T, C)`; of the same channels in another order, in this one."""
    if set(reference.channels) != set(names):
        return reference.values
    return reference.values[:, [reference.channels.index(name) for name in names]]
