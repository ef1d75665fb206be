"""A sweep: what was judged of each window of a long item, and of the item as a whole.

The rules, which `docs/video.md` states for users:

- The score of a window is smoothed over its neighbours in time: the mean of all scores that could
  be read, weighted with `exp(-d²/2s²)`, where `d` is the distance of the centres and `s` half of
  the usual distance between neighbours. A direct neighbour weighs 0.14.
- The item is `anomalous` when a window was judged so and its smoothed score is not below 0.5. A
  window that was judged so all the same counts as uncertain, never as normal.
- The item is `normal` when every window was judged normal, so that one which was refused or could
  not be read never adds to an all-clear.
- The item's score is the highest smoothed one; not below 0.5 when the item is uncertain.

Source: scores refined by those of related snippets after Zanella et al., *Harnessing Large Language
Models for Training-free Video Anomaly Detection* (LAVAD, CVPR 2024, arXiv:2404.01014), and smoothed
with a Gaussian after Lim and Hur, *CoReVAD* (arXiv:2605.23116). Departing from both, snippets are
related by time alone, because no model of embeddings is at hand, and the verdict in words is kept
beside the score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from gadet.closer import Told
from gadet.localize.base import Window
from gadet.opening import Opening
from gadet.report import Stretch, Verdict
from gadet.verdict import Judgement

__all__ = ["Swept", "join_windows", "smoothed"]

BOUNDARY = 0.5
MOST_EXPLAINED = 4


@dataclass(frozen=True, eq=False)
class Swept:
    """An item as a whole.

    Attributes:
        judgement: What the windows say together.
        told: The findings of all windows, in the order of the judgement.
        stretches: What was judged of each window; empty when there was only one.
        speaker: Number of the window whose answer speaks for the verdict.
    """

    judgement: Judgement
    told: tuple[Told, ...]
    stretches: tuple[Stretch, ...] = ()
    speaker: int = 0

    @property
    def suspicious(self) -> tuple[int, ...]:
        """The windows that are not clear, by number, the highest smoothed score first."""
        numbers = [
            number
            for number, one in enumerate(self.stretches)
            if one.verdict in ("anomalous", "uncertain")
            or (one.smoothed is not None and one.smoothed >= BOUNDARY)
        ]
        return tuple(sorted(numbers, key=lambda number: -(self.stretches[number].smoothed or 0.0)))


def join_windows(openings: Sequence[Opening], judged: Sequence[Judgement]) -> Swept:
    """Join what was judged of the windows of an item, as the module describes.

    Args:
        openings: The openings, in the order of time.
        judged: What was judged of each.
    """
    told = tuple(
        Told(finding, opening.scene)
        for opening, judgement in zip(openings, judged, strict=True)
        for finding in judgement.findings
    )
    if len(judged) == 1:
        return Swept(judged[0], told)
    windows = [opening.window for opening in openings]
    scores = smoothed([one.score for one in judged], [_centre(window) for window in windows])
    stretches = tuple(
        Stretch(interval=window.interval, verdict=one.verdict, score=one.score, smoothed=score)
        for window, one, score in zip(windows, judged, scores, strict=True)
        if window.interval is not None
    )
    verdict = _verdict(judged, scores)
    if verdict in ("refused", "unparsed"):
        return Swept(replace(judged[0], verdict=verdict), told, stretches)
    highest = max(score for score in scores if score is not None)
    speaking = _speaking(judged, scores, verdict)
    judgement = Judgement(
        verdict,
        max(highest, BOUNDARY) if verdict == "uncertain" else highest,
        judged[speaking[0]].source,
        judged[speaking[0]].answer,
        tuple(entry.finding for entry in told),
        (*_notes(judged, windows, scores), *(note for one in judged for note in one.notes)),
    )
    return Swept(_explained(judgement, judged, windows, speaking), told, stretches, speaking[0])


def smoothed(scores: Sequence[float | None], centres: Sequence[float]) -> list[float | None]:
    """The scores of windows, each joined with those of its neighbours in time.

    Args:
        scores: In [0, 1]; None where nothing could be read, which stays None and is no neighbour.
        centres: The middle of each window, increasing, in any unit.
    """
    steps = [later - earlier for earlier, later in pairwise(centres)]
    spread = median(steps) / 2 if steps else 1.0
    return [
        None if score is None else _weighted(scores, centres, centre, spread)
        for score, centre in zip(scores, centres, strict=True)
    ]


def _weighted(
    scores: Sequence[float | None], centres: Sequence[float], centre: float, spread: float
) -> float:
    known = [
        (score, math.exp(-((other - centre) ** 2) / (2 * spread**2)))
        for score, other in zip(scores, centres, strict=True)
        if score is not None
    ]
    return sum(score * weight for score, weight in known) / sum(weight for _, weight in known)


def _centre(window: Window) -> float:
    interval = window.interval
    return 0.0 if interval is None else (interval.start + interval.end) / 2


def _verdict(judged: Sequence[Judgement], scores: Sequence[float | None]) -> Verdict:
    verdicts = [one.verdict for one in judged]
    if all(score is None for score in scores):
        return "refused" if "refused" in verdicts else "unparsed"
    if _stands(judged, scores):
        return "anomalous"
    return "normal" if set(verdicts) == {"normal"} else "uncertain"


def _stands(judged: Sequence[Judgement], scores: Sequence[float | None]) -> list[int]:
    """The windows that were judged anomalous and still are after smoothing."""
    return [
        number
        for number, (one, score) in enumerate(zip(judged, scores, strict=True))
        if one.verdict == "anomalous" and score is not None and score >= BOUNDARY
    ]


def _speaking(
    judged: Sequence[Judgement], scores: Sequence[float | None], verdict: Verdict
) -> list[int]:
    """The windows that speak for the verdict, the highest score first."""
    able = _stands(judged, scores) or [
        number for number, one in enumerate(judged) if one.answer and one.verdict == verdict
    ]
    able = able or [number for number, one in enumerate(judged) if one.answer]
    return sorted(able, key=lambda number: -(scores[number] or 0.0))


def _explained(
    judgement: Judgement,
    judged: Sequence[Judgement],
    windows: Sequence[Window],
    speaking: Sequence[int],
) -> Judgement:
    """The judgement with the explanations of the windows that speak, each with its time."""
    answer = judgement.answer
    if answer is None or judgement.verdict == "normal" or len(speaking) == 1:
        return judgement
    said = [
        f"{windows[number].words}: {one.explanation}"
        for number in sorted(speaking[:MOST_EXPLAINED])
        if (one := judged[number].answer) is not None
    ]
    return replace(judgement, answer=answer.model_copy(update={"explanation": " ".join(said)}))


def _notes(
    judged: Sequence[Judgement], windows: Sequence[Window], scores: Sequence[float | None]
) -> list[str]:
    verdicts = [one.verdict for one in judged]
    counts = ", ".join(f"{verdicts.count(name)} {name}" for name in dict.fromkeys(verdicts))
    notes = [f"looked at {len(judged)} stretches: {counts}"]
    notes += [
        f"the stretch {window.words} was {one.verdict}, so nothing is known of it"
        for one, window in zip(judged, windows, strict=True)
        if one.score is None
    ]
    stands = _stands(judged, scores)
    notes += [
        f"the stretch {windows[number].words} was judged anomalous, but its score smoothed over "
        f"its neighbours is {scores[number]:.2f}: it was taken as uncertain"
        for number, one in enumerate(judged)
        if one.verdict == "anomalous" and number not in stands
    ]
    return notes
