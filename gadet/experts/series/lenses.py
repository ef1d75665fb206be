"""The ways of looking at a channel: each measures, row by row, how far one thing is from usual."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gadet.experts.series.neighbours import neighbour_distance
from gadet.experts.series.rolling import Floats, moving_mean, to_rows, windows
from gadet.experts.series.season import typical_cycle
from gadet.experts.series.track import Track

__all__ = ["LENSES", "Lens", "Setting"]

STRIDES = 16
"""Windows that are measured whole start this many times per width."""
FAINT = 0.05
"""Share of the usual strength below which a change of strength counts no more."""
BANDS = 8
"""Bands of the spectrum, each as wide in octaves as the others."""
SHARE = 0.1
"""A window is usual when a tenth of the series looks like it: weekends do, accidents do not."""
DETAIL = 4
"""Details are looked for in windows this many times shorter."""


@dataclass(frozen=True)
class Setting:
    """What a lens must know of the series: rows per window, rows per cycle (None without)."""

    window: int
    period: int | None = None

    @property
    def stride(self) -> int:
        """Rows between windows that are measured whole."""
        return max(1, self.window // STRIDES)


Look = Callable[[Track, Track | None, Setting], tuple[Floats, Floats]]


@dataclass(frozen=True)
class Lens:
    """A way of looking.

    Attributes:
        name: What it is called in the measures of a span.
        label: What it sees, as a short noun.
        look: From a track, and the normal one if there is one, to how odd the rows `(N,)` of the
            first are, and those of the normal one (of the first itself without).
    """

    name: str
    label: str
    look: Look


def _both(measure: Callable[[Track, Setting], Floats]) -> Look:
    """Measure a track and how far it lies from the middle of what is usual."""

    def look(track: Track, base: Track | None, setting: Setting) -> tuple[Floats, Floats]:
        here = measure(track, setting)
        usual = here if base is None else measure(base, setting)
        middle = float(np.median(usual))
        odd = np.abs(here - middle)
        return odd, odd if base is None else np.abs(usual - middle)

    return look


def _strength(power: Floats, faint: float) -> Floats:
    """Logarithm of a strength, so that half and double are equally far away."""
    return np.log(power + faint * float(np.median(power)) + 1e-6)


def _rows(measured: Floats, track: Track, setting: Setting) -> Floats:
    """What the windows of a setting measured, row by row."""
    return to_rows(measured, setting.window, setting.stride, track.mean.size)


def _spikes(track: Track, base: Track | None, setting: Setting) -> tuple[Floats, Floats]:
    """Single rows far from their neighbours; already a distance."""
    return track.spike, track.spike if base is None else base.spike


def _level(track: Track, setting: Setting) -> Floats:
    return moving_mean(track.rest, setting.window)


def _spread(track: Track, setting: Setting) -> Floats:
    within = windows(track.rest, setting.window, setting.stride)
    return _rows(_strength(within.std(axis=1), FAINT), track, setting)


def _steps(track: Track, setting: Setting) -> Floats:
    return _strength(np.sqrt(np.maximum(moving_mean(track.energy, setting.window), 0.0)), FAINT)


def _grain(track: Track, setting: Setting) -> Floats:
    within = windows(track.grain, setting.window, setting.stride)
    return _rows(_strength(np.median(within, axis=1), FAINT), track, setting)


def _high(track: Track, setting: Setting) -> Floats:
    within = windows(track.high, setting.window, setting.stride)
    return _rows(within.max(axis=1), track, setting)


def _low(track: Track, setting: Setting) -> Floats:
    within = windows(track.low, setting.window, setting.stride)
    return _rows(within.min(axis=1), track, setting)


def _trend(track: Track, setting: Setting) -> Floats:
    """How far the line through a window climbs from its first row to its last."""
    width = setting.window
    ramp = np.arange(width) - (width - 1) / 2
    weights = ramp / max(float(ramp @ ramp), 1.0) * width
    within = windows(track.rest, width, setting.stride)
    return _rows(within @ weights, track, setting)


def _spectra(track: Track, setting: Setting) -> Floats:
    """Logarithms `(windows, bands)` of the shares of the power in each band."""
    within = windows(track.mean, setting.window, setting.stride)
    bell = np.hanning(setting.window)
    bands = np.unique(np.geomspace(1, setting.window // 2 + 1, BANDS + 1).round().astype(int))
    shares = []
    for start in range(0, len(within), 1024):
        block = within[start : start + 1024]
        power = np.abs(np.fft.rfft((block - block.mean(axis=1, keepdims=True)) * bell)) ** 2
        shares.append(np.add.reduceat(power[:, : bands[-1]], bands[:-1], axis=1))
    power = np.concatenate(shares)
    total = power.sum(axis=1, keepdims=True)
    logs: Floats = np.log(power / (total + 1e-3 * float(np.median(total)) + 1e-12) + 1e-3)
    return logs


def _frequency(track: Track, base: Track | None, setting: Setting) -> tuple[Floats, Floats]:
    """Mean distance of the bands from their usual shares."""
    here = _spectra(track, setting)
    usual = here if base is None else _spectra(base, setting)
    middle = np.median(usual, axis=0)

    def odd(spectra: Floats, of: Track) -> Floats:
        return _rows(np.abs(spectra - middle).mean(axis=1), of, setting)

    found = odd(here, track)
    return found, found if base is None else odd(usual, base)


def _rhythm(track: Track, setting: Setting) -> Floats:
    """How much of the usual cycle a window shows: 1 for all of it, 0 for none, −1 upside down."""
    if setting.period is None or typical_cycle(track.mean, setting.period) is None:
        return np.zeros(track.mean.size)
    width = setting.period
    product = moving_mean(track.mean * track.season, width)
    there = moving_mean(track.season**2, width) - moving_mean(track.season, width) ** 2
    shown = product - moving_mean(track.mean, width) * moving_mean(track.season, width)
    share: Floats = shown / np.maximum(there, 1e-3)
    return share


def _neighbours(*, shape: bool, detail: bool) -> Look:
    """Distance to the nearest other windows, or to those of the normal track."""

    def look(track: Track, base: Track | None, setting: Setting) -> tuple[Floats, Floats]:
        width = max(16, setting.window // DETAIL) if detail else setting.window
        share = 0.0 if detail else SHARE

        def apart(values: Floats, within: Floats | None) -> Floats:
            return neighbour_distance(values, width, base=within, shape=shape, share=share)

        if base is None:
            found = apart(track.mean, None)
            return found, found
        return apart(track.mean, base.mean), apart(base.mean, None)

    return look


def _flat(track: Track, base: Track | None, setting: Setting) -> tuple[Floats, Floats]:
    """How many times longer than usual the value has not changed, as a logarithm."""
    here = np.log1p(track.run)
    usual = here if base is None else np.log1p(base.run)
    middle = float(np.median(usual))
    odd = np.maximum(here - middle, 0.0)
    return odd, odd if base is None else np.maximum(usual - middle, 0.0)


LENSES: tuple[Lens, ...] = (
    Lens("spike", "spike", _spikes),
    Lens("level", "level shift", _both(_level)),
    Lens("trend", "trend break", _both(_trend)),
    Lens("spread", "change of variance", _both(_spread)),
    Lens("steps", "change of variance", _both(_steps)),
    Lens("grain", "change of variance", _both(_grain)),
    Lens("high", "spike", _both(_high)),
    Lens("low", "spike", _both(_low)),
    Lens("frequency", "change of frequency", _frequency),
    Lens("rhythm", "missing cycle", _both(_rhythm)),
    Lens("shape", "unusual shape", _neighbours(shape=True, detail=False)),
    Lens("form", "unusual shape", _neighbours(shape=False, detail=False)),
    Lens("detail", "unusual shape", _neighbours(shape=False, detail=True)),
    Lens("flat", "flat line", _flat),
)
"""Every lens, in the order in which ties are told."""
