"""Where the picture of a report comes from, and how it goes into a page."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from gadet.errors import InputError, MissingDependencyError
from gadet.localize.base import Illustrator
from gadet.media.base import LoadLimits
from gadet.media.image import ImageAdapter
from gadet.report import ItemInfo, Report
from gadet.toolkit import default_toolkits

__all__ = ["Found", "PictureLoader", "data_url", "find_picture", "jpeg", "png"]

PictureLoader = Callable[[Report], Image.Image | None]
"""Returns the picture of a report in native orientation, of any size, or None."""


@dataclass(frozen=True, eq=False)
class Found:
    """A picture, or why there is none.

    Attributes:
        picture: RGB, the whole native picture in any size; None when it cannot be had.
        why: A sentence for people when there is none.
    """

    picture: Image.Image | None
    why: str = ""


def find_picture(report: Report, loader: PictureLoader | None = None) -> Found:
    """Find the picture that a report is about: its preview, the loader, or the file it came from.

    A file is read again only when it is local and still what was inspected: of the same size when
    it is an image, and with the same values when it is anything else, which is then drawn anew.

    Args:
        report: What to draw.
        loader: How to read an item again; None reads local files.
    """
    try:
        if report.preview is not None:
            with Image.open(io.BytesIO(report.preview)) as opened:
                return Found(opened.convert("RGB"))
        if loader is not None:
            loaded = loader(report)
            if loaded is not None:
                return Found(loaded.convert("RGB"))
            return Found(None, "The picture could not be read again.")
        return _reopen(report)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        return Found(None, f"The picture could not be read ({type(error).__name__}).")


def _reopen(report: Report) -> Found:
    item = report.item
    if item.source is None:
        return Found(None, "The item was in memory; its picture is not part of a saved report.")
    if "://" in item.source or not os.path.isfile(item.source):
        return Found(None, "The file is not there any more, or not on this machine.")
    try:
        return _loaded(item) if item.modality == "image" else _drawn(report)
    except (InputError, MissingDependencyError) as error:
        return Found(None, f"The file could not be read again: {error}.")


def _loaded(item: ItemInfo) -> Found:
    sample = ImageAdapter().load(item.source)
    if item.size is not None and sample.info.size != item.size:
        return Found(None, "The file has changed since it was inspected: its size is another one.")
    return Found(Image.fromarray(sample.pixels))


def _drawn(report: Report) -> Found:
    """The picture of an item that is none, drawn anew with what was found."""
    kit = default_toolkits()[report.item.modality]
    sample = kit.adapter.load(report.item.source, LoadLimits())
    if sample.info.sha256 != report.item.sha256:
        why = "The file has changed since it was inspected, or was read with options of its own."
        return Found(None, why)
    if isinstance(kit.localizer, Illustrator):
        drawn = kit.localizer.illustrate(sample, report.findings, None)
    else:
        drawn = sample.preview()
    with Image.open(io.BytesIO(drawn)) as opened:
        return Found(opened.convert("RGB"))


def jpeg(picture: Image.Image, *, max_side: int, quality: int) -> bytes:
    """A JPEG file of at most `max_side` pixels."""
    small = picture.convert("RGB")
    small.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    small.save(buffer, format="JPEG", quality=quality, optimize=True, progressive=True)
    return buffer.getvalue()


def png(picture: Image.Image) -> bytes:
    """A PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


def data_url(content: bytes, media_type: str) -> str:
    """A `data:` URL that holds a whole file."""
    return f"data:{media_type};base64,{base64.b64encode(content).decode('ascii')}"
