"""Watching what arrives: a cheap look at every row or frame, a whole one on suspicion."""

from gadet.watch.event import Event
from gadet.watch.series import Watch, watch_series
from gadet.watch.source import shows_frames
from gadet.watch.video import VideoWatch, watch_video

__all__ = ["Event", "VideoWatch", "Watch", "shows_frames", "watch_series", "watch_video"]
