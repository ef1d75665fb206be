"""From a Pillow picture in any mode to an opaque sRGB array `(H, W, 3)`."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import InputError
from gadet.media.scale import Window, to_bytes

if TYPE_CHECKING:
    from PIL.ImageCms import ImageCmsTransform

__all__ = ["rgb_pixels"]

Pixels = npt.NDArray[np.uint8]

# Modes whose values are measurements of more than 8 bits; they are windowed, not converted.
_DEEP: Final = ("I", "F")
# Profiles of printing presses reach three megabytes; what is larger is not worth keeping.
_LARGEST_PROFILE: Final = 4 * 1024**2
# Most pixels that are copied at a time: all at once, they would be in memory three times.
_BAND: Final = 2**22
# Colour space that an ICC profile must have to fit a picture of this mode.
_SPACES: Final = {"RGB": "RGB ", "L": "GRAY", "CMYK": "CMYK"}


def rgb_pixels(image: Image.Image, window: Window | None) -> tuple[Pixels, list[str]]:
    """Convert a loaded picture of any mode.

    Args:
        image: A loaded Pillow picture.
        window: Values shown as black and white, for pictures of more than 8 bits; None takes
            percentiles.

    Returns:
        `(H, W, 3)` uint8 RGB, read-only, and notes on what was done.

    Raises:
        InputError: Pillow knows no way from this mode to RGB.
    """
    if image.mode.startswith(_DEEP):
        grey, notes = to_bytes(np.asarray(image), window)
        pixels = np.repeat(grey[:, :, None], 3, axis=2)
        pixels.flags.writeable = False
        return pixels, notes
    if window is not None:
        raise InputError(
            f"expected a picture of more than 8 bits for window={window}; this one has 8-bit "
            f"values (mode {image.mode}): leave the window out"
        )
    try:
        return _eight_bits(image)
    except Exception as error:
        # A file can decode and still be inconsistent: a palette that is missing, for example.
        raise InputError(
            f"expected a picture that converts to RGB; this one of mode {image.mode!r} does not "
            f"({type(error).__name__}): convert it yourself and give the array"
        ) from error


def _eight_bits(image: Image.Image) -> tuple[Pixels, list[str]]:
    notes: list[str] = []
    picture, alpha = _split(image)
    profile = image.info.get("icc_profile")
    if profile:
        picture, note = _to_srgb(picture, profile)
        notes += [note] if note else []
    if picture.mode != "RGB":
        picture = picture.convert("RGB")
    if alpha is not None:
        share = float(np.mean(np.asarray(alpha) < 255))
        if share > 0.0:
            picture = Image.composite(picture, Image.new("RGB", picture.size, "white"), alpha)
            notes.append(f"transparency ({share:.1%} of the pixels) laid on white")
    return _read_only(picture), notes


def _split(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Separate the colours, in a mode that a profile can apply to, from the alpha channel."""
    mode = image.mode
    if image.has_transparency_data:
        grey = mode in ("LA", "La", "L", "1")
        if mode == "La":
            image = image.convert("LA")
        elif mode not in ("RGBA", "LA"):
            image = image.convert("RGBA")
        return image.convert("L" if grey else "RGB"), image.getchannel("A")
    if mode == "1":
        return image.convert("L"), None
    return (image if mode in _SPACES else image.convert("RGB")), None


def _to_srgb(picture: Image.Image, profile: bytes) -> tuple[Image.Image, str | None]:
    from PIL import ImageCms

    if len(profile) > _LARGEST_PROFILE:
        return picture, f"ICC profile of {len(profile):,} bytes left out: colours taken as sRGB"
    try:
        name, transform = _transform(profile, picture.mode)
        if transform is None:
            return picture, None
        turned = ImageCms.applyTransform(picture, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:100]
        return picture, f"ICC profile not usable ({reason}): colours taken as sRGB"
    assert turned is not None, "only a transform in place gives nothing back"
    return turned, f"colours converted from the ICC profile {name!r} to sRGB"


# Profiles repeat through a data set, and building a transform costs more than applying it.
@lru_cache(maxsize=8)
def _transform(profile: bytes, mode: str) -> tuple[str, ImageCmsTransform | None]:
    from PIL import ImageCms

    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    name = " ".join((source.profile.profile_description or "unnamed").split())[:60]
    if source.profile.xcolor_space != _SPACES[mode]:
        raise ValueError(
            f"it is made for {source.profile.xcolor_space.strip()}, the picture is {mode}"
        )
    if mode == "RGB" and "srgb" in name.lower():
        return name, None
    target = ImageCms.createProfile("sRGB")
    return name, ImageCms.buildTransform(source, target, mode, "RGB")


def _read_only(picture: Image.Image) -> Pixels:
    width, height = picture.size
    if width * height <= _BAND:
        # An array over an immutable bytes object is read-only without a copy.
        return np.frombuffer(picture.tobytes(), dtype=np.uint8).reshape(height, width, 3)
    pixels = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _BAND // width)
    for top in range(0, height, rows):
        bottom = min(top + rows, height)
        pixels[top:bottom] = np.asarray(picture.crop((0, top, width, bottom)))
    pixels.flags.writeable = False
    return pixels
