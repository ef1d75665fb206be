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
from gadet.geometry import Box
from gadet.media.series.clock import Clock
from gadet.media.series.layout import room_for
from gadet.media.series.plot import EXTRAS, Drawing, Extra, Kind, Role, Span, check_spans, draw
from gadet.media.series.telling import tell
from gadet.media.series.view import SeriesView
from gadet.media.series.windows import STEPS, windows
from gadet.report import ItemInfo
from gadet.sizing import Sizing
from gadet.view import ViewLimits

__all__ = ["SeriesSample"]

Floats = npt.NDArray[np.float64]
_NAMED: Final = 4
_LOOKED_AT: Final = 2000
_FEW_LEVELS: Final = 8
_WIDEST: Final = Sizing(max_side=1568)  # a larger plot takes longer and shows no more
_MOST_WINDOWS: Final = 4
_AROUND: Final = 2.0  # of a span's length is shown on both sides of it
_LEAST_ZOOM: Final = 64  # rows
_WORTH: Final = 0.7  # a part larger than this share of the series shows nothing new


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
        lettered: Whether its plot for a model has lettered columns, by which an answer may point.
        as_text: About how many values are told to a model as text.
    """

    info: ItemInfo
    values: Floats = field(repr=False)
    clock: Clock
    channels: tuple[str, ...]
    units: tuple[str, ...]
    normal_until: int | None = None
    lettered: bool = False
    as_text: int = 0

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

    @property
    def moments(self) -> str:
        """How moments are written in an answer: as the axis and the captions write them."""
        if self.lettered:
            return "letters of the columns of the first picture"
        if self.clock.times is None:
            return f"positions from 0 to {len(self) - 1}"
        return f"{'seconds' if self.clock.elapsed else 'timestamps'} like {self.label(0)}"

    @property
    def words(self) -> str | None:
        """The values as lines of text, when the caller asked for that."""
        if not self.as_text:
            return None
        titles = tuple(map(_title, self.channels, self.units))
        return tell(self.values, self.clock, titles, self.as_text)

    def views(self, limits: ViewLimits, *, role: Role = "item") -> tuple[SeriesView, ...]:
        """The plot of the whole series, and of its windows where it has more rows than columns.

        References are shown whole only: they say what is usual, not where.
        """
        whole = self.plot(limits=limits, role=role, grid=self.lettered)
        if role == "reference" or len(self) <= limits.max_side:
            return (whole,)
        parts = windows(len(self), most=_MOST_WINDOWS, steps=min(STEPS, limits.max_side))
        if len(parts) == 1:
            return (whole,)
        return whole, *(self.plot(part, limits, role=role, kind="clean") for part in parts)

    def zoom(self, box: Box, limits: ViewLimits) -> SeriesView | None:
        """The rows of a box with those around it, the channels of the box first.

        Args:
            box: Rows across, channels down; it may reach beyond the series.
            limits: What the model takes.

        Returns:
            The view, or None when most of the series would be in it or nothing of it.
        """
        inside = box.clipped(*self.values.shape)
        if inside is None:
            return None
        first, top, last, bottom = inside.rounded_out()
        wanted = max(round((last - first) * (1 + 2 * _AROUND)), _LEAST_ZOOM)
        if wanted > _WORTH * len(self):
            return None
        start = min(max((first + last - wanted) // 2, 0), len(self) - wanted)
        return self.plot((start, start + wanted), limits, first=range(top, bottom))

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
        first: Sequence[int | str] = (),
        spans: Sequence[Span] = (),
        numbers: Sequence[int] | None = None,
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
            first: Channels that come before those where not all have room.
            spans: Stretches to mark with numbers: `(start, stop)` or `(start, stop, channels)`.
            numbers: The numbers of the spans; None counts from 1.
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
        limits = (limits or ViewLimits()).within(_WIDEST)
        window = self._window(window)
        for extra in extras:
            if extra not in EXTRAS:
                known = ", ".join(map(repr, EXTRAS))
                raise InputError(f"expected extras to be of {known}; got {extra!r}")
        marked = check_spans(spans, (len(self.values), len(self.channels)))
        if numbers is not None and len(numbers) != len(marked):
            raise InputError(
                f"expected a number for each of the {len(marked)} spans; got {len(numbers)}"
            )
        per_row, per_channel = self._scores(scores)
        drawing = Drawing(
            values=self.values,
            clock=self.clock,
            titles=tuple(map(_title, self.channels, self.units)),
            window=window,
            spans=marked,
            numbers=tuple(numbers or range(1, len(marked) + 1)),
            scores=per_row,
            reference=self._alike(reference, "reference"),
            beside=self._alike(beside, "beside"),
            grid=grid,
            extras=tuple(extras),
            period=period,
            normal_until=self.normal_until,
        )
        beyond = len(extras) + (per_row is not None)
        room = room_for(limits, drawing.header, beyond)
        shown = self._shown(channels, first, room, window, per_channel)
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
        first: Sequence[int | str],
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
        rest = np.argsort(-np.nan_to_num(rank, nan=-1.0), kind="stable").tolist()
        return tuple(dict.fromkeys((*map(self._number, first), *rest)))[:room]

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
