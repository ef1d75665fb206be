"""The series expert: what a series does usually, and where it does something else."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.experts.base import Evidence
from gadet.experts.series.channel import Views, look_at
from gadet.experts.series.channels import Pair, broken_relations
from gadet.experts.series.combine import BOUNDARY, across_channels, to_scores
from gadet.experts.series.evidence import SeriesEvidence, SpanCandidate
from gadet.experts.series.facts import Description, describe, duration_words, held_rows, spike_rows
from gadet.experts.series.given import Given, Table, check
from gadet.experts.series.lenses import Setting
from gadet.experts.series.loaded import channel_names, same_channels, series_of, wall_times
from gadet.experts.series.period import find_period
from gadet.experts.series.rolling import Floats
from gadet.experts.series.season import season
from gadet.experts.series.spans import Run, core, leading_lens, runs
from gadet.experts.series.track import Scale, filled, scale_of, track_of
from gadet.experts.series.window import window_for
from gadet.media.base import Sample

__all__ = ["SeriesExpert"]

LEAST_ROWS = 120
"""Shorter series are not judged: a window would hold fewer than four rows."""
LEAST_NORMAL = 100
"""Fewer bins of normal rows than this tell nothing of what is usual."""
BINS = 40_000
"""A channel is measured on this many bins at most; longer series are thinned."""
CELLS = 400_000
"""With many channels each gets fewer bins, so that all together stay about this many …"""
FEWEST = 2_000
"""… but never fewer than this."""
KEPT_VIEWS = 8
"""Views of this many channels are kept; those of others are taken anew when a span needs them."""
CHANNEL_CELLS = 5_000_000
"""Scores of every channel are returned up to this many of them."""
MOST_SPANS = 50
"""Spans that are told, the highest first."""
MOST_CHANNELS = 10
"""Channels that are named with a span, the clearest first."""
EXACT: dict[str, Callable[[Floats, int, int, Scale], tuple[int, int]]] = {
    "spike": spike_rows,
    "flat line": lambda values, start, stop, scale: held_rows(values, start, stop),
}
"""Spans of these labels get the exact rows of what they name."""
UNSURE = 0.49
"""The score of what cannot be judged: below the boundary, and said in a note."""


@dataclass(frozen=True, eq=False)
class _Plan:
    """How a series is looked at.

    Attributes:
        factor: Rows per bin.
        setting: Window and period in bins.
        scales: Of each channel; None for a channel that never moves.
        relations: Distances to what other channels tell, learned from the series and from normals.
    """

    factor: int
    setting: Setting
    scales: tuple[Scale | None, ...]
    relations: list[tuple[Pair | None, Pair | None]] = field(repr=False)


class SeriesExpert:
    """Measures series without a language model and without training.

    Fourteen lenses look at every channel: single values, level, slope, spread, steps, grain, highs,
    lows, frequencies, the usual cycle, and unlikeness to all other stretches in three ways, flat
    lines, and with several channels how they follow each other. Each lens says in nats how
    surprising a row is; the three loudest count. With normal rows the series is compared with them
    too. One configuration serves all series; whatever depends on the series is read from it.

    Safe to use from several threads; the same input gives the same evidence.

    Args:
        alone: Compare with the normal rows alone where there are any, as a detector would that
            must judge each row before it has seen the series. By default the series is also
            compared with itself, which finds more and raises fewer false alarms.
    """

    name = "series:lenses"

    def __init__(self, *, alone: bool = False) -> None:
        """Nothing is loaded and nothing is kept."""
        self._alone = alone

    def assess(self, sample: Sample, references: Sequence[Sample] = ()) -> Evidence:
        """Measure an item against normal samples; see `measure`.

        Raises:
            InputError: A sample is no series, or a reference has other channels.
        """
        item = series_of(sample, "the item")
        normals = [
            same_channels(series_of(one, f"reference {number}"), item.channels)
            for number, one in enumerate(references, start=1)
        ]
        found = self.measure(
            item.values,
            times=wall_times(item),
            channels=channel_names(item),
            references=normals,
            normal_until=item.normal_until,
        )
        return Evidence(
            score_map=found.scores,
            score=found.score,
            candidates=found.spans,
            facts=found.facts,
            expert=found.expert,
            notes=found.notes,
            compared=item.normal_until is not None,
        )

    def measure(
        self,
        values: npt.ArrayLike,
        *,
        times: npt.ArrayLike | None = None,
        channels: Sequence[str] = (),
        references: Sequence[npt.ArrayLike] = (),
        normal_until: int | None = None,
    ) -> SeriesEvidence:
        """Measure a series.

        Args:
            values: `(T, C)` float64; what is not finite is missing.
            times: `(T,)` int64 nanoseconds that do not fall, for the sentences.
            channels: A name for each channel.
            references: Normal series `(Ti, C)` of the same kind.
            normal_until: How many first rows are known to be normal.

        Returns:
            Scores, spans and facts.

        Raises:
            InputError: The arguments do not fit together.
        """
        given = check(values, times, channels, references, normal_until)
        notes = _remarks(given)
        if given.rows < LEAST_ROWS:
            return self._unsure(
                given, [*notes, f"{given.rows} rows are too few to judge: {LEAST_ROWS} are needed"]
            )
        factor = -(-given.rows // min(BINS, max(FEWEST, CELLS // given.width)))
        normal = given.normal
        if normal is not None and len(normal) < LEAST_NORMAL * factor:
            notes.append(
                f"{len(normal)} normal rows are too few to learn from ({LEAST_NORMAL * factor} are "
                "needed): the series was compared with itself"
            )
            normal = None
        plan = self._plan(given, normal, factor)
        if all(scale is None for scale in plan.scales):
            return self._unsure(given, [*notes, "no channel ever changes: there is no usual"])
        if plan.factor > 1:
            notes.append(f"measured on bins of {plan.factor} rows: shorter changes may blur")
        kept: dict[int, Views] = {}
        evidence = np.zeros((-(-given.rows // plan.factor), given.width))
        for channel, scale in enumerate(plan.scales):
            if scale is None:
                continue
            views = self._views(given, normal, plan, channel)
            evidence[:, channel] = views.evidence
            if len(kept) < KEPT_VIEWS:
                kept[channel] = views
        worst = across_channels(evidence)
        found = runs(worst, BOUNDARY, plan.setting.window / 2)
        if len(found) > MOST_SPANS:
            notes.append(f"the {MOST_SPANS} clearest of {len(found)} spans are told")
        spans = []
        for run in found[:MOST_SPANS]:
            guilty = _guilty(evidence, run)
            if guilty[0] not in kept:
                kept = dict(list(kept.items())[-KEPT_VIEWS + 1 :])
                kept[guilty[0]] = self._views(given, normal, plan, guilty[0])
            spans.append(_span(given, plan, kept[guilty[0]], run, guilty))
        return self._told(given, plan, evidence, worst, spans, notes)

    def _plan(self, given: Given, normal: Table | None, factor: int) -> _Plan:
        """Read from the series how it is to be looked at, in bins of `factor` rows."""
        learned = given.values if normal is None else normal
        scales = tuple(
            scale_of(learned[:, channel]) or scale_of(given.values[:, channel])
            for channel in range(given.width)
        )
        # Alone means that nothing is learned from the series itself, not even its period.
        seen = learned if self._alone else given.values
        period = _common_period(_binned(seen, factor), scales)
        window = window_for(given.rows // factor, period)
        if normal is not None:
            window = max(1, min(window, len(normal) // factor // 4))
        setting = Setting(window, period)
        return _Plan(factor, setting, scales, _relations(given, normal, factor, scales, window))

    def _views(self, given: Given, normal: Table | None, plan: _Plan, channel: int) -> Views:
        """Look at one channel."""
        scale = plan.scales[channel]
        assert scale is not None
        factor, period = plan.factor, plan.setting.period
        track = track_of(given.values[:, channel], scale, factor=factor, period=period)
        against = None
        if normal is not None:
            base = track_of(normal[:, channel], scale, factor=factor, period=period)
            learned = season(track.mean, period, base.mean)
            against = base, dataclasses.replace(track, season=learned)
        return look_at(
            track,
            plan.setting,
            normal=against,
            alone=self._alone,
            relations=plan.relations[channel],
        )

    def _told(
        self,
        given: Given,
        plan: _Plan,
        evidence: Table,
        worst: Floats,
        spans: list[SpanCandidate],
        notes: list[str],
    ) -> SeriesEvidence:
        """Bring everything to rows."""
        missing = np.isnan(given.values)
        scores = np.repeat(to_scores(worst), plan.factor)[: given.rows]
        scores[missing.all(axis=1)] = 0.0
        each = None
        if given.values.size <= CHANNEL_CELLS:
            fair = np.maximum(evidence - math.log(given.width), 0.0)
            each = np.repeat(to_scores(fair), plan.factor, axis=0)[: given.rows]
            each[missing] = 0.0
        period = plan.setting.period
        rows = None if period is None else period * plan.factor
        return SeriesEvidence(
            scores=scores,
            score=float(to_scores(worst).max()),
            channel_scores=each,
            spans=tuple(sorted(spans, key=lambda span: (-span.score, span.start))),
            facts=_whole_facts(given, rows, len(spans)),
            period=rows,
            expert=self.name,
            notes=tuple(notes),
        )

    def _unsure(self, given: Given, notes: list[str]) -> SeriesEvidence:
        """Evidence on what cannot be judged."""
        scores = np.full(given.rows, UNSURE, dtype=np.float32)
        return SeriesEvidence(scores=scores, score=UNSURE, expert=self.name, notes=tuple(notes))


def _remarks(given: Given) -> list[str]:
    """What the reader should know about the rows and channels."""
    notes = []
    missing = np.isnan(given.values)
    if missing.any():
        notes.append(
            f"{100 * missing.mean():.2g} % of the values are missing; they are not judged, and "
            "their neighbours were joined by straight lines"
        )
    still = [
        given.names[channel] or "the channel"
        for channel in range(given.width)
        if scale_of(given.values[:, channel]) is None
    ]
    if still:
        more = f" and {len(still) - 5} more" if len(still) > 5 else ""
        notes.append(f"never changing: {', '.join(still[:5])}{more}")
    return notes


def _binned(values: Table, factor: int) -> Table:
    """Means of `factor` rows of filled channels `(N, C)`."""
    kept = len(values) // factor * factor
    columns = [filled(values[:kept, channel]) for channel in range(values.shape[1])]
    return np.stack([one.reshape(-1, factor).mean(axis=1) for one in columns], axis=1)


def _common_period(values: Table, scales: Sequence[Scale | None]) -> int | None:
    """The period that most of the first channels that have one share."""
    moving = [channel for channel, scale in enumerate(scales) if scale is not None][:KEPT_VIEWS]
    found = [find_period(values[:, channel]) for channel in moving]
    periods = [period for period in found if period is not None]
    return max(sorted(set(periods)), key=periods.count) if periods else None


def _relations(
    given: Given,
    normal: Table | None,
    factor: int,
    scales: Sequence[Scale | None],
    window: int,
) -> list[tuple[Pair | None, Pair | None]]:
    """How each channel follows the others, learned from the series and from normal rows."""
    found: list[tuple[Pair | None, Pair | None]] = [(None, None)] * given.width
    moving = [channel for channel, scale in enumerate(scales) if scale is not None]
    if len(moving) < 2:
        return found

    def scaled(values: Table) -> Table:
        tracks = []
        for channel in moving:
            scale = scales[channel]
            assert scale is not None
            rows = (filled(values[:, channel]) - scale.middle) / scale.spread
            starts = np.arange(0, rows.size, factor)
            sizes = np.diff(np.append(starts, rows.size))
            tracks.append(np.clip(np.add.reduceat(rows, starts) / sizes, -50.0, 50.0))
        return np.stack(tracks, axis=1)

    here = scaled(given.values)
    own = broken_relations(here, None, window)
    by_normal = own if normal is None else broken_relations(here, scaled(normal), window)
    for place, channel in enumerate(moving):
        found[channel] = (own[place], by_normal[place])
    return found


def _guilty(evidence: Table, run: Run) -> tuple[int, ...]:
    """The channels that reach the boundary in a run, the clearest first; one at least."""
    peaks = evidence[run.start : run.stop].max(axis=0)
    order = np.argsort(-peaks, kind="stable")[:MOST_CHANNELS]
    least = BOUNDARY + math.log(evidence.shape[1])
    return tuple(int(channel) for channel in order if peaks[channel] >= least) or (int(order[0]),)


def _span(
    given: Given, plan: _Plan, views: Views, run: Run, channels: tuple[int, ...]
) -> SpanCandidate:
    """A run in rows, with its words."""
    channel = channels[0]
    lens = leading_lens(views, run)
    first, last = core(views, lens, run)
    start, stop = first * plan.factor, min(last * plan.factor, given.rows)
    values = given.values[:, channel]
    repeating, scale = _season_rows(plan, given, channel)

    def words() -> Description:
        return describe(
            values,
            start,
            stop,
            lens=views.names[lens],
            scale=scale,
            season=repeating[start:stop],
            times=given.times,
            channel=given.names[channel],
        )

    told = words()
    if told.label in EXACT:
        start, stop = EXACT[told.label](values, start, stop, scale)
        told = words()
    nats = {"nats": run.peak, "window_rows": float(plan.setting.window * plan.factor)}
    return SpanCandidate(
        start=start,
        stop=stop,
        channels=channels,
        score=float(to_scores(np.array([run.peak]))[0]),
        label=told.label,
        fact=told.fact,
        measures=told.measures | nats,
    )


def _season_rows(plan: _Plan, given: Given, channel: int) -> tuple[Floats, Scale]:
    """What repeats `(T,)`, in the units of the channel, around 0, and the scale of the rest."""
    scale = plan.scales[channel]
    assert scale is not None
    if plan.setting.period is None:
        return np.zeros(given.rows), scale
    track = track_of(
        given.values[:, channel], scale, factor=plan.factor, period=plan.setting.period
    )
    around = (track.season - float(np.median(track.season))) * scale.spread
    rows = np.repeat(around, plan.factor)[: given.rows]
    return rows, scale_of(filled(given.values[:, channel]) - rows) or scale


def _whole_facts(given: Given, period: int | None, spans: int) -> tuple[str, ...]:
    """What was measured about the series as a whole."""
    facts = []
    if period is None:
        facts.append("No period was found.")
    else:
        lasts = ""
        if given.times is not None and given.rows > 1:
            step = float(np.median(np.diff(given.times)))
            lasts = f", which is {duration_words(period * step)}"
        facts.append(f"It repeats about every {period} rows{lasts}.")
    count = {0: "No stretch departs", 1: "One stretch departs"}.get(
        spans, f"{spans} stretches depart"
    )
    facts.append(f"{count} from the rest.")
    return tuple(facts)
