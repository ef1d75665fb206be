"""Videos: read from files, folders and arrays a frame at a time, and shown to a model."""

from gadet.media.video.adapter import VideoAdapter
from gadet.media.video.clip import Clip
from gadet.media.video.options import VideoInput
from gadet.media.video.sample import VideoSample
from gadet.media.video.still import Still

__all__ = ["Clip", "Still", "VideoAdapter", "VideoInput", "VideoSample"]
