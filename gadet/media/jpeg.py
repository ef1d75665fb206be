"""The bare picture of a JPEG file: what its pixels are decoded from, and nothing else."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["bare_jpeg"]

_SOI: Final = b"\xff\xd8"
_EOI: Final = b"\xff\xd9"
# The colour space in its shortest form: JFIF 1.01, no density, no thumbnail.
_JFIF: Final = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
# Frames of 8 bits that every decoder reads: baseline and progressive.
_FRAMES: Final = (0xC0, 0xC2)
_TABLES: Final = (0xC4, 0xDB, 0xDD)
_SCAN: Final = 0xDA
_ADOBE: Final = 0xEE
_COMMENT: Final = 0xFE
# Luminance and two colours, as JFIF numbers them, or as some cameras do.
_COMPONENTS: Final = (b"\x01", b"\x01\x02\x03", b"\x00\x01\x02")
# In a scan, FF 00 stands for the byte FF, and FF D0 … FF D7 restart the decoder.
_END_OF_SCAN: Final = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")


def bare_jpeg(data: bytes) -> bytes | None:
    """Take a JPEG file's compressed picture out of it, without decoding and encoding it again.

    Kept are the tables, the frame and the scans, which decode to exactly the same pixels. EXIF,
    GPS, XMP, ICC profiles, comments, thumbnails and every other application segment are left
    out, and whatever follows the end of the picture: further pictures, or bytes of any kind.

    Args:
        data: A whole JPEG file.

    Returns:
        A JPEG file; None when the file is not of the plain kind: 8 bits, grey or YCbCr, baseline or
        progressive, complete and without errors in its structure.
    """
    if not data.startswith(_SOI):
        return None
    kept = [_SOI, _JFIF]
    position = len(_SOI)
    framed = scanned = False
    while (segment := _segment(data, position)) is not None:
        code, start, end = segment
        if code == _EOI[1]:
            return b"".join([*kept, _EOI]) if scanned else None
        content = data[start + 4 : end]
        if code in _FRAMES:
            if framed or not _is_plain(content):
                return None
            framed = True
        elif code == _SCAN:
            if not framed or (following := _END_OF_SCAN.search(data, end)) is None:
                return None
            scanned, end = True, following.start()
        elif code == _ADOBE and not _is_ycbcr(content):
            return None
        if code in _FRAMES or code in _TABLES or code == _SCAN:
            kept.append(data[start:end])
        elif not (0xE0 <= code <= 0xEF or code == _COMMENT):
            return None
        position = end
    return None


def _segment(data: bytes, position: int) -> tuple[int, int, int] | None:
    """The marker at a position, and where its segment starts and ends; None when there is none."""
    if data[position : position + 1] != b"\xff":
        return None
    # Before a marker, FF may be repeated.
    while data[position + 1 : position + 2] == b"\xff":
        position += 1
    marker = data[position : position + 2]
    if marker == _EOI:
        return marker[1], position, position + 2
    length = int.from_bytes(data[position + 2 : position + 4], "big")
    end = position + 2 + length
    return (marker[1], position, end) if length >= 2 and end <= len(data) else None


def _is_plain(frame: bytes) -> bool:
    """Whether a frame has 8 bits, a height, and components in grey or YCbCr."""
    if len(frame) < 6 or frame[0] != 8 or frame[1:3] == b"\x00\x00":
        return False
    return len(frame) == 6 + 3 * frame[5] and frame[6::3] in _COMPONENTS


def _is_ycbcr(adobe: bytes) -> bool:
    """Whether Adobe's segment names the colours that JFIF has; another APP14 says nothing."""
    return not adobe.startswith(b"Adobe") or adobe[11:12] == b"\x01"
