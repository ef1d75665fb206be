"""What the series expert found: scores by row, spans, facts."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from gadet.geometry import Box

__all__ = ["SeriesEvidence", "SpanCandidate"]


@dataclass(frozen=True)
class SpanCandidate:
    """A stretch of rows that departs from normal: the `Suspect` of series.

    Attributes:
        start: First row.
        stop: Row after the last.
        channels: The channels it shows in, the clearest first.
        score: How suspicious, in [0.5, 1].
        label: A short noun: "spike", "level shift", "flat line", "missing cycle", "change of
            variance", "change of frequency", "unusual shape", "broken relation", "trend break".
        fact: When it is, and how it differs, in words and numbers.
        measures: The numbers behind the sentence, by name.
    """

    start: int
    stop: int
    channels: tuple[int, ...]
    score: float
    label: str
    fact: str
    measures: dict[str, float] = field(default_factory=dict)

    @property
    def box(self) -> Box:
        """Its rows across and, down, all channels from its first to its last."""
        return Box.of(self.start, min(self.channels), self.stop, max(self.channels) + 1)

    @property
    def sentence(self) -> str:
        """The fact, which says when and where."""
        return self.fact


@dataclass(frozen=True, eq=False)
class SeriesEvidence:
    """What the expert measured on one series.

    Attributes:
        scores: `(T,)` float32 in [0, 1]; 0.5 is the decision boundary; 0 where rows are missing.
        score: Of the whole series, in [0, 1]; at least 0.5 exactly when there are spans.
        channel_scores: `(T, C)` float32 like `scores`, or None where that would be too large.
        spans: Suspicious stretches, the highest score first.
        facts: What was measured about the series as a whole, a sentence each.
        period: Rows per cycle, or None.
        expert: Which expert ran.
        notes: What the reader should know about how it ran.
    """

    scores: npt.NDArray[np.float32] = field(repr=False)
    score: float
    channel_scores: npt.NDArray[np.float32] | None = field(default=None, repr=False)
    spans: tuple[SpanCandidate, ...] = ()
    facts: tuple[str, ...] = ()
    period: int | None = None
    expert: str = ""
    notes: tuple[str, ...] = ()
