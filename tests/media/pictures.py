"""Small pictures and files that the tests of this folder share."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

Pixels = npt.NDArray[np.uint8]


def colours(height: int = 6, width: int = 9, seed: int = 0) -> Pixels:
    """Random RGB pixels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def blocks() -> Pixels:
    """Four flat quarters, 16 × 24, that lossy coding keeps apart: red, green, blue, white."""
    picture = np.zeros((16, 24, 3), np.uint8)
    picture[:8, :12] = (230, 20, 20)
    picture[:8, 12:] = (20, 200, 20)
    picture[8:, :12] = (20, 20, 220)
    picture[8:, 12:] = (255, 255, 255)
    return picture


def as_file(picture: Image.Image | Pixels, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of an image file."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def png(width: int, height: int, body: bytes = b"", *, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG file written by hand: its header may promise any size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def swapped_profile() -> bytes:
    """An ICC profile that is not sRGB: its red is the green of sRGB and the other way round."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    tags = {bytes(profile[p : p + 4]): p for p in range(132, 132 + 12 * profile[131], 12)}
    red, green = tags[b"rXYZ"], tags[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    return (
        bytes(profile)
        .replace(b"sRGB built-in", b"swap built-in")
        .replace("sRGB built-in".encode("utf-16-be"), "swap built-in".encode("utf-16-be"))
    )
