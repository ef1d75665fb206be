"""TIFF files that are no pictures: their three channels are the coordinates of points."""

from __future__ import annotations

from typing import Final

from PIL import TiffImagePlugin

__all__ = ["is_xyz_tiff"]

_SIGNATURES: Final = (b"II*\0", b"MM\0*")
_WIDTH, _SAMPLES, _SAMPLE_FORMAT = 256, 277, 339
_FLOAT: Final = 3


def is_xyz_tiff(path: str) -> bool:
    """Whether the file is a TIFF of three channels of floats; read from its header alone.

    Three columns are taken for three channels: an array `(H, W, 3)` may be kept as H pages.
    """
    try:
        with open(path, "rb") as file:
            head = file.read(8)
            if not head.startswith(_SIGNATURES):
                return False
            tags = TiffImagePlugin.ImageFileDirectory_v2(head)
            file.seek(tags.next)
            tags.load(file)
        floats = set(tags.get(_SAMPLE_FORMAT, ())) == {_FLOAT}
        return floats and 3 in (tags.get(_SAMPLES), tags.get(_WIDTH))
    except Exception:
        # A broken header leads Pillow into errors of any kind; it is no cloud then.
        return False
