"""A `VideoSample`: a loaded video, and pictures of it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet._lazy import lazy
from gadet.geometry import Box, Frame
from gadet.media.video.clip import Clip
from gadet.report import ItemInfo
from gadet.view import View, ViewLimits

__all__ = ["VideoSample"]


@dataclass(frozen=True, eq=False)
class VideoSample:
    """A loaded video.

    Native coordinates of a place are pixels of a frame; those of a moment are frames from 0 and
    seconds on the clip's own clock.

    Attributes:
        info: What it is and what was done to read it.
        clip: Its frames.
    """

    info: ItemInfo
    clip: Clip = field(repr=False)

    @property
    def moments(self) -> str:
        """How moments are written in an answer."""
        return "seconds like 12.3 or times like 0:12.3"

    @property
    def words(self) -> str:
        """How long the video is, which its pictures do not say."""
        clip = self.clip
        return (
            f"The video lasts {clip.duration:.1f} s, from {clip.stamp(0)} to "
            f"{clip.stamp(len(clip) - 1)}: {len(clip)} frames, {clip.rate:.3g} per second."
        )

    @lazy
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The frame in the middle, `(H, W, 3)` uint8 RGB."""
        return self.clip.frames([len(self.clip) // 2])[0].pixels

    def views(
        self, limits: ViewLimits, *, role: Literal["item", "reference"] = "item"
    ) -> tuple[View, ...]:
        """The frame in the middle."""
        size = limits.fit(*self.clip.size)
        picture = Image.fromarray(self.pixels).resize(size, Image.Resampling.LANCZOS)
        return (View(picture, Frame.whole(self.clip.size, size), role=role),)

    def zoom(self, box: Box, limits: ViewLimits) -> View | None:
        """None: a place without a moment cannot be shown; see `still_view`."""
        return None

    def preview(self, max_side: int = 1024) -> bytes:
        """A JPEG file of at most `max_side` pixels for people to look at."""
        size = ViewLimits(max_side=max_side, max_pixels=max_side**2).fit(*self.clip.size)
        buffer = io.BytesIO()
        picture = Image.fromarray(self.pixels).resize(size, Image.Resampling.LANCZOS)
        picture.save(buffer, format="JPEG", quality=85)
        return buffer.getvalue()
