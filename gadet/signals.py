"""Draws the series of the sample data: machines that are measured while they run.

Each function makes one kind of series with a seeded generator, with whatever defects are named, and
says in which rows they are.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from gadet.media.series import SeriesInput

__all__ = ["Record", "cold_store", "server_load", "vibration"]

Floats = npt.NDArray[np.float64]
Defects = tuple[str, ...]

_DAY: Final = 144  # rows of ten minutes


@dataclass(frozen=True, eq=False)
class Record:
    """A series, and where something is wrong with it.

    Attributes:
        columns: The columns of its table by name, all of one length.
        truth: `(T,)` bool, the rows of the defects.
        normal_until: The first rows, known to be normal; None when none are.
    """

    columns: dict[str, npt.NDArray[Any]] = field(repr=False)
    truth: npt.NDArray[np.bool_] = field(repr=False)
    normal_until: int | None = None

    @property
    def item(self) -> SeriesInput:
        """The series as it is given to a detector."""
        return SeriesInput(dict(self.columns), normal_until=self.normal_until)


def server_load(random: np.random.Generator, defects: Defects) -> Record:
    """Two weeks of a server's load every ten minutes: busy days, quiet nights and weekends."""
    rows = 14 * _DAY
    hour = np.arange(rows) % _DAY / 6
    weekday = np.arange(rows) // _DAY % 7 < 5
    busy = _step(hour, 8, 1.2) - _step(hour, 18.5, 1.6) - 0.18 * _bump(hour, 12.6, 0.5)
    load = 14 + busy * np.where(weekday, 42, 13) + 11 * _bump(hour, 2.5, 0.4)
    load = load + 1.6 * _wander(random, rows, 6) + random.normal(0, 1.1, rows)
    truth = np.zeros(rows, bool)
    if "restless night" in defects:
        night = slice(3 * _DAY + 108, 4 * _DAY + 51)  # 18:00 to 8:30
        load[night] = np.maximum(load[night], 46 + random.normal(0, 1.6, night.stop - night.start))
        truth[night] = True
    if "level shift" in defects:
        shift = slice(9 * _DAY + 60, 9 * _DAY + 126)  # 10:00 to 21:00
        load[shift] += 31
        truth[shift] = True
    start = np.datetime64("2024-03-04T00:00")
    columns = {"time": start + np.arange(rows) * np.timedelta64(10, "m")}
    return Record({**columns, "load [%]": np.clip(load, 0, 100)}, truth)


def vibration(random: np.random.Generator, defects: Defects) -> Record:
    """The vibration of a shaft at its two bearings, which follow the torque together."""
    rows = 2400
    torque = _wander(random, rows, 24)
    drive = 2.6 + 0.8 * torque + random.normal(0, 0.07, rows)
    follows = 1.9 + 0.62 * np.roll(torque, 2) + random.normal(0, 0.06, rows)
    truth = np.zeros(rows, bool)
    if "loose bearing" in defects:
        loose = slice(1510, 1640)
        # As strong as ever, but it goes its own way: no value of either channel is unusual.
        follows[loose] = 1.9 + 0.62 * _wander(random, 130, 24) + random.normal(0, 0.06, 130)
        truth[loose] = True
    return Record({"drive end [mm/s]": drive, "free end [mm/s]": follows}, truth)


def cold_store(random: np.random.Generator, defects: Defects) -> Record:
    """Ten days of a cold store's temperature every ten minutes."""
    rows = 10 * _DAY
    hour = np.arange(rows) / 6
    # The compressor switches on and off every hour and a half, and works more by day.
    saw = (hour / 1.5) % 1
    cycle = np.where(saw < 0.4, saw / 0.4, (1 - saw) / 0.6)
    temperature = 3.4 + 1.1 * cycle + 0.45 * np.sin((hour - 9) / 24 * 2 * np.pi)
    temperature = temperature + 0.06 * _wander(random, rows, 9) + random.normal(0, 0.06, rows)
    truth = np.zeros(rows, bool)
    if "drift" in defects:
        drift = slice(6 * _DAY + 30, 8 * _DAY + 30)
        temperature[drift] += np.linspace(0, 3.2, drift.stop - drift.start)
        truth[drift] = True
    if "stuck" in defects:
        stuck = slice(9 * _DAY + 20, 9 * _DAY + 56)
        temperature[stuck] = round(float(temperature[stuck.start]), 2)
        truth[stuck] = True
    start = np.datetime64("2024-06-10T00:00")
    columns = {"time": start + np.arange(rows) * np.timedelta64(10, "m")}
    normal_until = 5 * _DAY if defects else None
    return Record({**columns, "temperature [°C]": temperature}, truth, normal_until)


def _step(x: Floats, at: float, width: float) -> Floats:
    """From 0 to 1 around a place."""
    return 1 / (1 + np.exp(-4 * (x - at) / width))


def _bump(x: Floats, at: float, width: float) -> Floats:
    return np.exp(-(((x - at) / width) ** 2))


def _wander(random: np.random.Generator, rows: int, slowness: int) -> Floats:
    """Smooth noise of mean 0 and spread 1 that changes over some `slowness` rows."""
    window = np.hanning(4 * slowness + 2)[1:-1]
    noise = np.convolve(random.normal(size=rows + window.size), window, "same")[:rows]
    return np.asarray((noise - noise.mean()) / noise.std())
