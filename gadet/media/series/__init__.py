"""Time series: read from tables, arrays and files, and plotted for a model to read."""

from gadet.media.series.adapter import SeriesAdapter
from gadet.media.series.options import SeriesInput
from gadet.media.series.sample import SeriesSample
from gadet.media.series.view import SeriesView
from gadet.media.series.windows import windows

__all__ = ["SeriesAdapter", "SeriesInput", "SeriesSample", "SeriesView", "windows"]
