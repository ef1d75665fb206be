"""Puts a span into words and numbers, in the units of the series."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gadet.experts.series.channel import RELATION
from gadet.experts.series.lenses import LENSES
from gadet.experts.series.rolling import Floats
from gadet.experts.series.track import Scale, filled

__all__ = [
    "Description",
    "clock_words",
    "describe",
    "duration_words",
    "held_rows",
    "spike_rows",
    "when_words",
]

STEEP = 2.0
"""Spreads of shift from which a span without a clearer name is a level shift."""
CLEAR = 1.5
"""Factor of strength from which a span without a clearer name is a change of variance."""
OUTSTANDING = 1.5
"""How many times farther from the middle than anything else a spike stands."""
STRAIGHT = 0.5
"""Share of the variance of a shifted span that a straight line explains when it is a trend."""
FAINT = 0.4
"""Share of the usual cycle below which it counts as missing."""
QUIET = 0.7
"""A missing cycle leaves less than this share of its spread."""
BRIEF = 5
"""Rows that a spike lasts at most, or the span has another name."""
AROUND = 200_000
"""Rows to both sides that a span is compared with at most."""
STUCK = 2.0
"""How many times longer than usual a value must stay to be a flat line."""

LABELS = {lens.name: lens.label for lens in LENSES} | {RELATION: "broken relation"}
UNITS = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))


@dataclass(frozen=True)
class Description:
    """How a span differs: a short label, half a sentence, the numbers behind it."""

    label: str
    fact: str
    measures: dict[str, float]


def duration_words(nanoseconds: float) -> str:
    """A stretch of time in the largest unit that fits: "6 hours"."""
    seconds = nanoseconds / 1e9
    for size, name in UNITS:
        if seconds >= size:
            amount = f"{seconds / size:.1f}".removesuffix(".0")
            return f"{amount} {name}{'' if amount == '1' else 's'}"
    return f"{seconds:.3g} seconds"


def clock_words(nanoseconds: int) -> str:
    """A moment: "2014-04-10 02:00", with seconds where there are any."""
    moment = np.datetime64(int(nanoseconds), "ns").astype("datetime64[s]")
    return str(moment).replace("T", " ").removesuffix(":00")


def when_words(start: int, stop: int, times: npt.NDArray[np.int64] | None) -> str:
    """Where a span lies: "from 2014-04-10 02:00 for 6 hours", or in rows without times."""
    if times is None:
        return f"at row {start}" if stop - start == 1 else f"from row {start} to {stop - 1}"
    if stop - start == 1:
        return f"at {clock_words(times[start])}"
    end = times[stop] if stop < times.size else 2 * times[-1] - times[-2]
    return f"from {clock_words(times[start])} for {duration_words(float(end - times[start]))}"


def held_rows(values: Floats, start: int, stop: int) -> tuple[int, int]:
    """The longest stretch of one value that reaches into a span, itself as a span."""
    first = max(0, start - AROUND)
    near = filled(values[first : stop + AROUND])
    edges = np.flatnonzero(np.concatenate(([True], np.diff(near) != 0, [True])))
    begins, ends = edges[:-1] + first, edges[1:] + first
    lengths = np.where((begins < stop) & (ends > start), ends - begins, 0)
    longest = int(np.argmax(lengths))
    return int(begins[longest]), int(ends[longest])


def _typical_hold(values: Floats) -> float:
    """Rows of the stretch of one value that the typical row stands in."""
    edges = np.flatnonzero(np.concatenate(([True], np.diff(values) != 0, [True])))
    lengths = np.diff(edges)
    return float(np.median(np.repeat(lengths, lengths)))


def _slope_share(values: Floats) -> float:
    """Share of the variance that a straight line explains."""
    ramp = np.arange(values.size) - (values.size - 1) / 2
    around = values - values.mean()
    there = float(around @ around) * float(ramp @ ramp)
    return float(ramp @ around) ** 2 / there if there > 0 else 0.0


def _measured(here: Floats, rest: Floats, scale: Scale, season: Floats) -> dict[str, float]:
    """The numbers of a span `here`, against those of the other rows."""

    def busy(values: Floats) -> float:
        return float(np.sqrt(np.mean(np.diff(values) ** 2))) if values.size > 1 else 0.0

    apart = np.abs(here - scale.middle)
    farthest = float(np.quantile(np.abs(rest - scale.middle), 0.999))
    plain = here - season
    measures = {
        "mean": float(here.mean()),
        "usual_mean": float(rest.mean()),
        "level_sigma": (float(plain.mean()) - scale.middle) / scale.spread,
        "slope_share": _slope_share(plain),
        "peak": float(here[np.argmax(apart)]),
        "peak_rows": float(np.count_nonzero(apart >= 0.5 * apart.max())),
        "peak_share": float(apart.max()) / max(farthest, 1e-12),
        "spread": float(here.std()),
        "usual_spread": float(rest.std()),
        "steps": busy(here),
        "usual_steps": busy(rest),
        "usual_held_rows": _typical_hold(rest),
    }
    measures["peak_sigma"] = (measures["peak"] - scale.middle) / scale.spread
    around = season - season.mean()
    there = float(around @ around)
    if there > 0.05 * here.size * scale.spread**2:
        measures["cycle_share"] = float(around @ (here - here.mean())) / there
        measures["cycle_spread"] = float(here.std() / season.std())
    return measures


def spike_rows(values: Floats, start: int, stop: int, scale: Scale) -> tuple[int, int]:
    """The rows of a span that stand at least half as far out as its peak."""
    apart = np.abs(filled(values[start:stop]) - scale.middle)
    high = np.flatnonzero(apart >= 0.5 * apart.max())
    return start + int(high[0]), start + int(high[-1]) + 1


def _chosen(label: str, rows: int, of: dict[str, float]) -> str:
    """The name that the numbers give a span, else the one its leading lens gives it.

    The clearest names are tried first; a window sees more than it can name.
    """
    changed = [
        not 1 / CLEAR < (of[name] + 1e-12) / (of[f"usual_{name}"] + 1e-12) < CLEAR
        for name in ("steps", "spread")
    ]
    if of["held_rows"] >= max(0.5 * rows, STUCK * of["usual_held_rows"], BRIEF):
        return "flat line"
    if of["peak_rows"] <= BRIEF and of["peak_share"] >= OUTSTANDING:
        return "spike"
    if label in ("broken relation", "change of frequency"):
        return label
    # A cycle that is there, but out of step, is an unusual shape.
    if of.get("cycle_share", 1.0) < FAINT and of["cycle_spread"] < QUIET:
        return "missing cycle"
    if abs(of["level_sigma"]) >= STEEP and not (label == "change of variance" and any(changed)):
        return "trend break" if of["slope_share"] >= STRAIGHT else "level shift"
    if any(changed):
        return "change of variance"
    return "trend break" if label == "trend break" else "unusual shape"


def _times_words(here: float, usual: float) -> str:
    """A ratio in words: "3.2 times"."""
    return f"{here / usual:.2g} times" if usual > 0 else "infinitely many times"


PHRASES: dict[str, Callable[[dict[str, float]], str]] = {
    "spike": lambda m: f"value {m['peak']:.4g}, {m['peak_sigma']:+.1f} σ from the middle",
    "level shift": lambda m: (
        f"level {m['level_sigma']:+.1f} σ (mean {m['mean']:.4g}, elsewhere {m['usual_mean']:.4g})"
    ),
    "trend break": lambda m: (
        f"a slope not seen elsewhere; level {m['level_sigma']:+.1f} σ, mean {m['mean']:.4g}"
    ),
    "change of variance": lambda m: (
        f"steps from row to row {_times_words(m['steps'], m['usual_steps'])} the usual, "
        f"spread {m['spread']:.3g} against {m['usual_spread']:.3g}"
    ),
    "change of frequency": lambda m: (
        f"its frequencies differ; spread {m['spread']:.3g} against {m['usual_spread']:.3g}"
    ),
    "missing cycle": lambda m: (
        f"the usual cycle shows at {100 * m.get('cycle_share', 0.0):.0f} % of its size"
    ),
    "flat line": lambda m: (
        f"one value for {m['held_rows']:.0f} rows (mean {m['mean']:.4g}); "
        f"usually it changes after {m['usual_held_rows']:.0f}"
    ),
    "unusual shape": lambda m: (
        f"a shape not found elsewhere; mean {m['mean']:.4g} against {m['usual_mean']:.4g}"
    ),
    "broken relation": lambda m: (
        "it does not follow the channels that it follows elsewhere; "
        f"level {m['level_sigma']:+.1f} σ"
    ),
}


def describe(
    values: Floats,
    start: int,
    stop: int,
    *,
    lens: str,
    scale: Scale,
    season: Floats,
    times: npt.NDArray[np.int64] | None,
    channel: str,
) -> Description:
    """Describe a span of a channel against its other rows.

    Args:
        values: `(T,)` in the units of the channel, NaN where missing.
        start: First row.
        stop: Row after the last.
        lens: The lens that leads.
        scale: Middle and spread of the channel without its season; σ is this spread.
        season: The repeating part of the rows of the span, `(stop - start,)`, in those units, with
            mean 0 over a cycle.
        times: `(T,)` nanoseconds, or None.
        channel: What to call the channel, empty when there is only one.

    Returns:
        Label, sentence and numbers.
    """
    first = max(0, start - AROUND)
    near = filled(values[first : stop + AROUND])
    here = near[start - first : stop - first]
    rest = np.concatenate((near[: start - first], near[stop - first :]))
    measures = _measured(here, rest if rest.size else here, scale, season)
    begin, end = held_rows(values, start, stop)
    measures["held_rows"] = float(end - begin)
    label = _chosen(LABELS[lens], stop - start, measures)
    place = f"; {channel}" if channel else ""
    told = f"{PHRASES[label](measures)}, {when_words(start, stop, times)}{place}."
    return Description(label, told[0].upper() + told[1:], measures)
