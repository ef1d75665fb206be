"""What an adapter is: accept an item, load it into a `Sample`, show it as views."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from gadet.report import ItemInfo, Modality
from gadet.view import View, ViewLimits

__all__ = ["Adapter", "LoadLimits", "Sample"]


class LoadLimits(BaseModel):
    """Bounds that are checked before and while anything is decoded.

    Attributes:
        max_bytes: Largest file, download or buffer. A video file on disk is read a part at a time
            and may be larger.
        max_pixels: Most pixels of one picture or frame, or values (rows times channels) of one
            series, or points of one cloud.
        max_frames: Most frames of one video.
        timeout: Seconds for a whole download.
        allow_private_addresses: Whether a URL may lead to this machine or a private network.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_bytes: int = Field(default=256 * 1024**2, gt=0)
    max_pixels: int = Field(default=200_000_000, gt=0)
    max_frames: int = Field(default=2_000_000, gt=0)
    timeout: float = Field(default=30.0, gt=0)
    allow_private_addresses: bool = False


class Sample(Protocol):
    """A loaded item of any modality."""

    @property
    def info(self) -> ItemInfo:
        """What it is and what was done to read it."""

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The picture `(H, W, 3)` uint8 RGB in native pixels (of an image; others show a frame)."""

    @property
    def moments(self) -> str | None:
        """How moments are written in an answer, to stand behind "as"; None without time."""

    @property
    def words(self) -> str | None:
        """What a model is told of the item in text, besides its pictures; None tells nothing."""

    def views(
        self, limits: ViewLimits, *, role: Literal["item", "reference"] = "item"
    ) -> tuple[View, ...]:
        """Clean pictures for a model, resized to its limits."""

    def preview(self, max_side: int = 1024) -> bytes:
        """A JPEG file of at most `max_side` pixels for people to look at."""


class Adapter(Protocol):
    """Reads one modality.

    Attributes:
        modality: Which one.
    """

    modality: Modality

    def accepts(self, item: Any) -> bool:
        """Whether the item looks like this modality, without reading it whole."""

    def load(self, item: Any, limits: LoadLimits) -> Sample:
        """Read the item.

        Raises:
            InputError: It cannot be read, or is over the limits.
        """
