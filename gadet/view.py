"""A `View`: a picture that a model can see, and the frame that leads back to the input."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field
from typing import Literal

from PIL import Image
from pydantic import BaseModel, ConfigDict, Field

from gadet._lazy import lazy
from gadet.geometry import Frame

__all__ = ["ImageType", "View", "ViewLimits"]

ImageType = Literal["image/png", "image/jpeg"]


class ViewLimits(BaseModel):
    """What a model takes in one picture; the profile of the model provides it.

    Attributes:
        max_side: Longest side in pixels.
        max_pixels: Most pixels in one picture.
        multiple: Both sides become multiples of this, for models that would round them anyway.
        encoding: File format to send; None sends JPEG what came as JPEG, WEBP or AVIF, and PNG
            what came without loss.
        quality: JPEG quality, 1 to 95; PNG ignores it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_side: int = Field(default=1568, gt=0)
    max_pixels: int = Field(default=1568 * 1568, gt=0)
    multiple: int = Field(default=1, gt=0)
    encoding: ImageType | None = None
    quality: int = Field(default=92, ge=1, le=95)

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The size `(width, height)` that a picture is resized to.

        Never zero, and never larger than the picture but for rounding to `multiple`.
        """
        scale = min(
            1.0,
            self.max_side / max(width, height),
            (self.max_pixels / (width * height)) ** 0.5,
        )
        if scale < 1.0:
            width, height = max(1, int(width * scale)), max(1, int(height * scale))
        return self._rounded(width), self._rounded(height)

    def _rounded(self, side: int) -> int:
        nearest = max(1, round(side / self.multiple)) * self.multiple
        return nearest if nearest <= self.max_side else max(side - side % self.multiple, 1)


@dataclass(frozen=True, eq=False)
class View:
    """A picture for a model, with its way back to the input.

    Attributes:
        picture: RGB picture, free of metadata.
        frame: How the picture's pixels lie in the native input.
        role: `item` for what is inspected, `reference` for a normal sample.
        kind: `clean`, `marked` (with numbered regions) or `zoom` (an enlarged part).
        caption: A short neutral label for the prompt; never a file name.
        marks: The numbers drawn on the picture, in the order of the regions they stand for.
        encoding: File format of `data`.
        quality: JPEG quality of `data`.
    """

    picture: Image.Image = field(repr=False)
    frame: Frame
    role: Literal["item", "reference"] = "item"
    kind: Literal["clean", "marked", "zoom"] = "clean"
    caption: str = ""
    marks: tuple[int, ...] = ()
    encoding: ImageType = "image/png"
    quality: int = 92

    @lazy
    def data(self) -> bytes:
        """The picture as a PNG or JPEG file without metadata."""
        buffer = io.BytesIO()
        if self.encoding == "image/jpeg":
            self.picture.save(buffer, format="JPEG", quality=self.quality, subsampling=0)
        else:
            # Level 1 is several times faster than the default and hardly larger on photographs.
            self.picture.save(buffer, format="PNG", compress_level=1)
        return buffer.getvalue()

    @lazy
    def sha256(self) -> str:
        """SHA-256 over the size, the encoding and the pixels, in hexadecimal.

        It does not need `data`, so a backend that sends nothing never encodes a picture.
        """
        width, height = self.picture.size
        head = f"{self.picture.mode} {width}x{height} {self.encoding} {self.quality}\n"
        return hashlib.sha256(head.encode() + self.picture.tobytes()).hexdigest()
