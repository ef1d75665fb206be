"""A `View`: a picture that a model can see, and the frame that leads back to the input."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field, replace
from typing import Literal, Self

from PIL import Image
from pydantic import Field

from gadet._lazy import lazy
from gadet.geometry import Frame
from gadet.sizing import Sizing

__all__ = ["ImageType", "View", "ViewLimits", "hash_of_pixels"]

ImageType = Literal["image/png", "image/jpeg"]


class ViewLimits(Sizing):
    """What a model is sent as one picture; the profile of the model provides it.

    Of the bounds of `Sizing`, `max_side` and `max_pixels` are for the caller to choose, because
    they decide what a picture costs; a profile narrows the others to what its model leaves as is.

    Attributes:
        max_side: Longest side in pixels.
        max_pixels: Most pixels in one picture.
        encoding: File format to send; None sends JPEG what came as JPEG, WEBP or AVIF, and PNG
            what came without loss. A JPEG that needs no change is then not compressed anew.
        quality: JPEG quality of what is compressed, 1 to 95; PNG ignores it.
    """

    max_side: int = Field(default=1568, gt=0)
    max_pixels: int = Field(default=1568 * 1568, gt=0)
    encoding: ImageType | None = None
    quality: int = Field(default=92, ge=1, le=95)


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
        quality: JPEG quality of `data`, when it is compressed here.
        compressed: A file of this format, free of metadata, that decodes to the picture; it becomes
            `data` as it is. None encodes the picture.
        pixel_hash: `hash_of_pixels` of the picture, when it is known; None computes it on demand.
    """

    picture: Image.Image = field(repr=False)
    frame: Frame
    role: Literal["item", "reference"] = "item"
    kind: Literal["clean", "marked", "zoom"] = "clean"
    caption: str = ""
    marks: tuple[int, ...] = ()
    encoding: ImageType = "image/png"
    quality: int = 92
    compressed: bytes | None = field(default=None, repr=False)
    pixel_hash: str | None = field(default=None, repr=False)

    def redrawn(
        self,
        picture: Image.Image,
        frame: Frame,
        *,
        kind: Literal["marked", "zoom"],
        marks: tuple[int, ...] = (),
    ) -> Self:
        """A view like this one of another picture, which takes over nothing of its pixels."""
        return replace(
            self,
            picture=picture,
            frame=frame,
            kind=kind,
            marks=marks,
            compressed=None,
            pixel_hash=None,
        )

    @lazy
    def data(self) -> bytes:
        """The picture as a PNG or JPEG file without metadata."""
        if self.compressed is not None:
            return self.compressed
        buffer = io.BytesIO()
        if self.encoding == "image/jpeg":
            self.picture.save(buffer, format="JPEG", quality=self.quality, subsampling=0)
        else:
            # Level 1 is several times faster than the default and hardly larger on photographs.
            self.picture.save(buffer, format="PNG", compress_level=1)
        return buffer.getvalue()

    @lazy
    def sha256(self) -> str:
        """SHA-256 over the size, the pixels and how they are encoded, in hexadecimal.

        It does not need `data`, so a backend that sends nothing never encodes a picture.
        """
        pixels = self.pixel_hash or hash_of_pixels(*self.picture.size, self.picture.tobytes())
        encoder = f"quality {self.quality}" if self.compressed is None else "as it came"
        return hashlib.sha256(f"{pixels} {self.encoding} {encoder}".encode()).hexdigest()


def hash_of_pixels(width: int, height: int, pixels: bytes | memoryview) -> str:
    """SHA-256 over a size and the RGB pixels, row by row, in hexadecimal."""
    # The size goes first: the same bytes are another picture at another width.
    digest = hashlib.sha256(b"%d x %d\n" % (width, height))
    digest.update(pixels)
    return digest.hexdigest()
