"""The video expert: measures videos without a language model and without training."""

from gadet.experts.video.events import EventCandidate, Sight
from gadet.experts.video.expert import FrameEvidence, VideoExpert
from gadet.experts.video.stream import VideoStream

__all__ = ["EventCandidate", "FrameEvidence", "Sight", "VideoExpert", "VideoStream"]
