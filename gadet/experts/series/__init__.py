"""The series expert: measures time series without a language model and without training."""

from gadet.experts.series.evidence import SeriesEvidence, SpanCandidate
from gadet.experts.series.expert import SeriesExpert
from gadet.experts.series.stream import SeriesStream

__all__ = ["SeriesEvidence", "SeriesExpert", "SeriesStream", "SpanCandidate"]
