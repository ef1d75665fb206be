"""Series made for the tests and for choosing between ways of combining: every base, every kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

__all__ = ["BASES", "KINDS", "made"]

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Random = np.random.Generator


def _daily(rows: Floats, rng: Random) -> Floats:
    """A day of 144 steps, weaker at the end of the week."""
    day = np.exp(-(((rows % 144) - 90) ** 2) / 900) + 0.4 * np.sin(2 * np.pi * rows / 144)
    week = np.where((rows // 144) % 7 >= 5, 0.6, 1.0)
    return np.asarray(10 * day * week + rng.normal(0, 0.5, rows.size))


def _beats(rows: Floats, rng: Random) -> Floats:
    """Sharp pulses about every 90 steps."""
    phase = np.cumsum(1 / (90 + rng.normal(0, 0.4, rows.size)))
    turn = phase % 1
    pulse = np.exp(-((turn - 0.3) ** 2) / 0.0008) - 0.3 * np.exp(-((turn - 0.36) ** 2) / 0.001)
    return np.asarray(pulse + 0.2 * np.exp(-((turn - 0.6) ** 2) / 0.005)
                      + rng.normal(0, 0.02, rows.size))  # fmt: skip


def _switch(rows: Floats, rng: Random) -> Floats:
    """Two states that hold for irregular times."""
    holds = rng.integers(15, 60, rows.size)
    states = np.repeat(np.arange(rows.size) % 2, holds)[: rows.size]
    return states.astype(np.float64) * 2 - 1


def _square(rows: Floats, rng: Random) -> Floats:
    """A regular square wave with slow corners."""
    return np.asarray(np.tanh(8 * np.sin(2 * np.pi * rows / 80)) + rng.normal(0, 0.03, rows.size))


def _noise(rows: Floats, rng: Random) -> Floats:
    """Noise with a short memory."""
    return _remember(rng.normal(0, 1, rows.size), 0.6)


def _wander(rows: Floats, rng: Random) -> Floats:
    """Noise on a slowly wandering level."""
    return _remember(rng.normal(0, 0.1, rows.size), 0.995) + rng.normal(0, 0.3, rows.size)


def _bursts(rows: Floats, rng: Random) -> Floats:
    """Skewed counts."""
    return np.floor(20 * np.exp(_remember(rng.normal(0, 0.5, rows.size), 0.7)))


def _waves(rows: Floats, rng: Random) -> Floats:
    """Two sines."""
    return np.asarray(np.sin(2 * np.pi * rows / 120) + 0.5 * np.sin(2 * np.pi * rows / 40 + 1)
                      + rng.normal(0, 0.1, rows.size))  # fmt: skip


def _remember(shocks: Floats, share: float) -> Floats:
    out = np.empty_like(shocks)
    level = 0.0
    for row, shock in enumerate(shocks):
        level = share * level + shock
        out[row] = level
    return out


BASES: dict[str, Callable[[Floats, Random], Floats]] = {
    "daily": _daily, "beats": _beats, "switch": _switch, "square": _square,
    "noise": _noise, "wander": _wander, "bursts": _bursts, "waves": _waves,
}  # fmt: skip

KINDS = ("spike", "level", "flat", "gone", "louder", "quieter", "faster", "bent", "drift", "buzz")


def _changed(piece: Floats, kind: str, spread: float, rng: Random, middle: float) -> Floats:
    """The piece with an anomaly of a kind; its length stays."""
    size = piece.size
    steps = np.arange(size)
    if kind == "spike":
        return piece + spread * np.where(np.abs(steps - size // 2) < 2, 6.0, 0.0)
    if kind == "level":
        return piece + 2.5 * spread
    if kind == "flat":
        return np.full(size, piece[0])
    if kind == "gone":
        return middle + (piece - middle) * 0.15
    if kind == "louder":
        return piece + rng.normal(0, spread, size)
    if kind == "quieter":
        return np.convolve(np.pad(piece, 7, mode="edge"), np.ones(15) / 15, mode="valid")
    if kind == "faster":
        return np.interp((steps * 1.8) % (size - 1), steps, piece)
    if kind == "bent":
        return np.asarray(piece[::-1])
    if kind == "drift":
        return np.asarray(piece + 3 * spread * steps / size)
    return np.asarray(piece + 0.5 * spread * np.where(steps % 4 < 2, 1.0, -1.0))


def made(
    base: str, kind: str | None, *, seed: int = 0, length: int = 4000, lasts: int | None = None
) -> tuple[Floats, Bools]:
    """A series `(T,)` and its labels `(T,)`; without a kind it is normal throughout."""
    rng = np.random.default_rng([seed, list(BASES).index(base)])
    values = BASES[base](np.arange(length, dtype=np.float64), rng)
    labels = np.zeros(length, dtype=bool)
    if kind is not None:
        size = int(rng.integers(40, 300)) if lasts is None else lasts
        start = int(rng.integers(length // 4, length - size))
        spread, middle = float(values.std()), float(np.median(values))
        piece = values[start : start + size]
        values[start : start + size] = _changed(piece, kind, spread, rng, middle)
        labels[start : start + size] = True
    return values, labels
