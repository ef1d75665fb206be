"""Segment Anything: every region of a picture, and the region that a box or points mean.

Importing this loads no torch; the weights' package is imported when they are loaded.
"""

from gadet.localize.sam.automatic import Automatic
from gadet.localize.sam.segmenter import SegmentedMask, Segmenter
from gadet.localize.sam.session import SamSegmenter, load_segmenter
from gadet.localize.sam.weights import PUBLISHED, WeightsFile, fetch_weights

__all__ = [
    "PUBLISHED",
    "Automatic",
    "SamSegmenter",
    "SegmentedMask",
    "Segmenter",
    "WeightsFile",
    "fetch_weights",
    "load_segmenter",
]
