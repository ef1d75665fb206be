"""Spans worth a number: the expert's, and the next peaks of its scores."""

from __future__ import annotations

import numpy as np

from gadet.experts.base import Evidence
from gadet.experts.series import SpanCandidate

__all__ = ["propose_spans"]

WANTED = 3
PEAK_WINDOW = 1 / 24
LEAST_ROWS = 4
LOWEST_PEAK = 0.15
BOUNDARY = 0.5


def propose_spans(evidence: Evidence, channels: int, *, most: int) -> tuple[SpanCandidate, ...]:
    """Choose at most `most` spans that deserve a number.

    The expert's own spans come first. When fewer than three remain, the highest remaining peaks of
    its scores are added, so that a model which looks again can also point at something the expert
    thought harmless.

    Args:
        evidence: What the expert measured, with scores `(T,)`.
        channels: How many channels the series has; a peak is one of all of them.
        most: Largest number of spans.

    Returns:
        Spans, the highest score first.
    """
    own = [one for one in evidence.candidates if isinstance(one, SpanCandidate)][:most]
    wanted = min(most, WANTED) - len(own)
    return (*own, *_peaks(evidence, own, channels, wanted)) if wanted > 0 else tuple(own)


def _peaks(
    evidence: Evidence, taken: list[SpanCandidate], channels: int, count: int
) -> list[SpanCandidate]:
    """The highest peaks of the scores that no chosen span covers, as short windows.

    What reaches the boundary belongs to a span already, and its flanks have no peak of their own.
    """
    scores = evidence.score_map
    around = np.concatenate(([0.0], scores, [0.0]))
    peaks = (scores >= around[:-2]) & (scores >= around[2:]) & (scores < BOUNDARY)
    remaining = np.where(peaks, scores, 0.0)
    rows = max(LEAST_ROWS, round(PEAK_WINDOW * len(scores)))
    for span in taken:
        remaining[max(span.start - rows // 2, 0) : span.stop + rows // 2] = 0
    found: list[SpanCandidate] = []
    while len(found) < count:
        row = int(np.argmax(remaining))
        score = float(remaining[row])
        if score < LOWEST_PEAK:
            break
        first, last = max(row - rows // 2, 0), min(row + rows // 2 + 1, len(scores))
        near = np.flatnonzero(scores[first:last] >= score / 2)
        found.append(
            SpanCandidate(
                start=first + int(near[0]),
                stop=first + int(near[-1]) + 1,
                channels=tuple(range(channels)),
                score=score,
                label="unremarkable stretch",
                fact=f"The next highest place of the anomaly scores, {score:.2f} of 1.",
            )
        )
        remaining[max(row - rows, 0) : row + rows] = 0
    return found
