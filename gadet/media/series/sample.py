"""A `SeriesSample`: a loaded time series, and plots of it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet._lazy import lazy
from gadet.errors import InputError
from gadet.media.series.clock import Clock
from gadet.media.series.layout import room_for
from gadet.media.series.plot import EXTRAS, Drawing, Extra, Kind, Role, Span, check_spans, draw
from gadet.media.series.view import SeriesView
from gadet.report import ItemInfo
from gadet.view import ViewLimits

__all__ = ["SeriesSample"]

Floats = npt.NDArray[np.float64]
_NAMED: Final = 4
_LOOKED_AT: Final = 2000
_FEW_LEVELS: Final = 8


@dataclass(frozen=True, eq=False)
class SeriesSample:
    """A loaded time series.

    Native coordinates are rows and channels: row `i` covers `i <= x < i + 1`, channel `c` covers
    `c <= y < c + 1`.

    Attributes:
        info: What it is and what was done to read it.
        values: float64 `(T, C)`, read-only, in the order of time; NaN is missing.
        clock: When each row is.
        channels: Names of the channels.
        units: Units of the channels, an empty text where none is known.
        normal_until: The first rows, known to be normal; None when none are.
    """

    info: ItemInfo
    values: Floats = field(repr=False)
    clock: Clock
    channels: tuple[str, ...]
    units: tuple[str, ...]
    normal_until: int | None = None

    @property
    def times(self) -> npt.NDArray[np.int64] | None:
        """int64 `(T,)` nanoseconds since 1970 in UTC, increasing; None when rows are counted.

        Timestamps without a time zone count as though they were in UTC; time elapsed counts from
        the series' own zero.
        """
        return self.clock.times

    @property
    def timezone(self) -> str | None:
        """Name or offset of the time zone; None for times without one."""
        return self.clock.zone

    def __len__(self) -> int:
        """Number of rows, T."""
        return len(self.values)

    def label(self, index: int) -> str:
        """The timestamp of a row as the caller would write it, or its position; see `Clock`."""
        return self.clock.label(index)

    def index_of(self, value: Any) -> int:
        """The row nearest to a timestamp or position, also as text; see `Clock`.

        Raises:
            InputError: It can be read as neither.
        """
        return self.clock.index_of(value)

    @lazy
    def overview(self) -> SeriesView:
        """The plot of the whole series at the default size."""
        return self.plot()

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The overview as `(H, W, 3)` uint8 RGB."""
        return np.asarray(self.overview.picture)

    def views(self, limits: ViewLimits, *, role: Role = "item") -> tuple[SeriesView, ...]:
        """The plot of the whole series; `windows` and `plot` make those of its parts."""
        return (self.plot(limits=limits, role=role),)

    def preview(self, max_side: int = 1024) -> bytes:
        """A JPEG file of the overview of at most `max_side` pixels for people to look at."""
        buffer = io.BytesIO()
        limits = ViewLimits(max_side=max_side, max_pixels=max_side**2)
        self.plot(limits=limits).picture.save(buffer, format="JPEG", quality=90, subsampling=0)
        return buffer.getvalue()

    def plot(
        self,
        window: tuple[int, int] | None = None,
        limits: ViewLimits | None = None,
        *,
        role: Role = "item",
        kind: Kind | None = None,
        channels: Sequence[int | str] | None = None,
        spans: Sequence[Span] = (),
        scores: npt.NDArray[Any] | None = None,
        reference: SeriesSample | npt.NDArray[Any] | None = None,
        beside: SeriesSample | npt.NDArray[Any] | None = None,
        grid: bool = False,
        extras: Sequence[Extra] = (),
        period: int | None = None,
    ) -> SeriesView:
        """Plot a window of the series at the size that a model takes.

        No single value that stands out is lost, however many rows there are: of each column of
        pixels the lowest and the highest are drawn. The same arguments give the same picture.

        Args:
            window: Rows `(start, stop)`, half-open; None shows all.
            limits: What the model takes; None takes the defaults.
            role: `item` for what is inspected, `reference` for a normal sample.
            kind: What the view is; None tells by the other arguments: `marked` with spans, `zoom`
                of a part, else `clean`.
            channels: Numbers or names of the channels from the top. What has no room is left out
                from the end, and the caption says so. None shows all where they have room, else
                those first whose scores, or whose extremes in standard deviations, are largest.
            spans: Stretches to mark with numbers from 1: `(start, stop)` or `(start, stop,
                channels)`.
            scores: How suspicious each row is, in [0, 1]: `(T,)` for a panel of its own, or
                `(T, C)`, which also orders the channels and shows the highest of each row.
            reference: A normal series with the same channels, drawn behind: as a line when it has
                as many rows, otherwise as the range of its values.
            beside: A series whose own plot stands beside this one: both get room for both.
            grid: Whether columns A, B, C … are drawn, for models that point by naming a cell.
            extras: Further panels about the first channel: `rolling`, `spectrogram`.
            period: Rows of a cycle, for the further panels.

        Raises:
            InputError: A window, span, channel or array that does not fit the series.
            MissingDependencyError: matplotlib is not installed.
        """
        limits = limits or ViewLimits()
        window = self._window(window)
        for extra in extras:
            if extra not in EXTRAS:
                known = ", ".join(map(repr, EXTRAS))
                raise InputError(f"expected extras to be of {known}; got {extra!r}")
        marked = check_spans(spans, (len(self.values), len(self.channels)))
        per_row, per_channel = self._scores(scores)
        drawing = Drawing(
            values=self.values,
            clock=self.clock,
            titles=tuple(map(_title, self.channels, self.units)),
            window=window,
            spans=marked,
            scores=per_row,
            reference=self._alike(reference, "reference"),
            beside=self._alike(beside, "beside"),
            grid=grid,
            extras=tuple(extras),
            period=period,
            normal_until=self.normal_until,
        )
        beyond = len(extras) + (per_row is not None)
        shown = self._shown(channels, room_for(limits, drawing.header, beyond), window, per_channel)
        whole = window == (0, len(self.values))
        told = kind or ("marked" if marked else "clean" if whole else "zoom")
        drawing = drawing.showing(shown)
        return draw(drawing, limits, role=role, kind=told, caption=self._caption(window, shown))

    def _window(self, window: tuple[int, int] | None) -> tuple[int, int]:
        if window is None:
            return 0, len(self.values)
        start, stop = window
        if not 0 <= start < stop <= len(self.values):
            raise InputError(
                f"expected a window (start, stop) within {len(self.values):,} rows; got {window!r}"
            )
        return int(start), int(stop)

    def _scores(self, scores: Any) -> tuple[Floats | None, Floats | None]:
        """The score of each row, and the highest of each channel when they are told apart."""
        if scores is None:
            return None, None
        array = np.asarray(scores, np.float64)
        if array.shape not in ((len(self.values),), self.values.shape):
            raise InputError(
                f"expected scores of shape {(len(self.values),)} or {self.values.shape}; got "
                f"{array.shape}"
            )
        if array.ndim == 1:
            return array, None
        return np.fmax.reduce(array, axis=1), np.fmax.reduce(array, axis=0)

    def _alike(self, other: Any, name: str) -> Floats | None:
        if other is None:
            return None
        values = other.values if isinstance(other, SeriesSample) else np.asarray(other, np.float64)
        if values.ndim != 2 or values.shape[1] != len(self.channels):
            raise InputError(
                f"expected {name} to have the {len(self.channels)} channels of the series, an "
                f"array (T, {len(self.channels)}); got shape {values.shape}"
            )
        return np.asarray(values)

    def _shown(
        self,
        channels: Sequence[int | str] | None,
        room: int,
        window: tuple[int, int],
        scores: Floats | None,
    ) -> tuple[int, ...]:
        if channels is not None:
            if not channels:
                raise InputError("expected at least one channel to plot; got none")
            return tuple(self._number(channel) for channel in channels)[:room]
        if len(self.channels) <= room:
            return tuple(range(len(self.channels)))
        rank = _extremes(self.values[window[0] : window[1]]) if scores is None else scores
        return tuple(np.argsort(-np.nan_to_num(rank, nan=-1.0), kind="stable")[:room].tolist())

    def _number(self, channel: int | str) -> int:
        if isinstance(channel, str) and channel in self.channels:
            return self.channels.index(channel)
        if not isinstance(channel, str) and 0 <= channel < len(self.channels):
            return int(channel)
        raise InputError(
            f"expected channels by name or number from 0 to {len(self.channels) - 1}; got "
            f"{channel!r}"
        )

    def _caption(self, window: tuple[int, int], shown: tuple[int, ...]) -> str:
        """What the plot shows, without its source; names of channels are quoted as data."""
        last = self.label(window[1] - 1)
        text = f"{window[1] - window[0]:,} samples, {self.label(window[0])} to {last}"
        left = [name for number, name in enumerate(self.channels) if number not in shown]
        if left:
            named = ", ".join(f'"{name[:24]}"' for name in left[:_NAMED])
            more = f" and {len(left) - _NAMED} more" if len(left) > _NAMED else ""
            text += f"; {len(shown)} of {len(self.channels)} channels, left out: {named}{more}"
        return text


def _title(name: str, unit: str) -> str:
    return name if not unit or unit in name else f"{name} [{unit}]"


def _extremes(values: Floats) -> Floats:
    """How far the most extreme value of each channel is from its mean, in standard deviations.

    Channels that only switch between a few levels come after all others, in their own order: a
    rare command would otherwise always come first.
    """
    ranks = np.full(values.shape[1], -1.0)
    for number in range(values.shape[1]):
        channel = values[:, number]
        known = channel[np.isfinite(channel)]
        largest = float(np.abs(known).max(initial=0.0)) or 1.0
        scaled = known / largest
        deviation = float(scaled.std()) if len(scaled) else 0.0
        if deviation > 0:
            extreme = float(np.abs(scaled - scaled.mean()).max()) / deviation
            levels = len(np.unique(scaled[:: -(-len(scaled) // _LOOKED_AT)]))
            ranks[number] = extreme if levels > _FEW_LEVELS else 1.0 - number / values.shape[1]
    return ranks
