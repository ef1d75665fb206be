"""Frames drawn to show change: what is different, how things move, where they went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from gadet.media.video.clip import Clip
from gadet.media.video.flow import flow_between
from gadet.media.video.still import Pixels, Still

__all__ = ["LOOKS", "Look", "difference_picture", "drawn_as", "flow_picture", "trail_of"]

Look = Literal["plain", "difference", "flow"]
Floats = npt.NDArray[np.float32]

LOOKS: Final[dict[str, str]] = {
    "plain": "",
    "difference": "what changed since the frame before on this picture, brighter is more, over "
    "the frame in dark grey: ",
    "flow": "movement at each moment, the colour is its direction (red right, green-yellow down, "
    "cyan left, violet up), stronger is faster, over the frame in dark grey: ",
}
"""The looks, and how a caption begins with each."""

_GREY: Final = np.array([0.299, 0.587, 0.114], np.float32)
_NOISE: Final = 6.0  # grey levels below which a difference is not drawn
_FULL: Final = 60.0  # and above which it is drawn fully
_DIM: Final = 0.35  # how bright what stands still remains
_HOT: Final = np.array([[0, 0, 0], [200, 40, 0], [255, 190, 0], [255, 255, 220]], np.float32)
# Blue, cyan, green, yellow, red: early to late.
_TIME: Final = np.array(
    [[40, 80, 255], [0, 200, 230], [40, 210, 60], [250, 220, 0], [255, 40, 30]], np.float32
)
_FLOW_SIDE: Final = 480  # flow is measured at this size at most: it is smooth
_STILL: Final = 0.12  # of the full speed: what is slower is not drawn
_STEP: Final = 0.12  # seconds over which movement is measured
_TRAIL_FULL: Final = 40.0


def drawn_as(look: Look, clip: Clip, frames: Sequence[int], size: tuple[int, int]) -> list[Still]:
    """Frames in a look.

    Args:
        look: `plain`, `difference` or `flow`.
        clip: Where they are from.
        frames: Their numbers, increasing.
        size: `(width, height)` to draw them in.
    """
    if look == "plain":
        return clip.frames(frames, size)
    others = _before(clip, frames) if look == "flow" else [*_first(clip, frames), *frames[:-1]]
    found = {still.index: still for still in clip.frames([*others, *frames], size)}
    draw = difference_picture if look == "difference" else _moving
    return [
        replace(found[frame], pixels=draw(found[other].pixels, found[frame].pixels))
        for frame, other in zip(frames, others, strict=True)
    ]


def difference_picture(before: Pixels, after: Pixels) -> Pixels:
    """The absolute difference of two frames of one size in the colours of heat."""
    difference = np.abs(after.astype(np.float32) - before.astype(np.float32)).max(axis=2)
    strength = np.clip((difference - _NOISE) / (_FULL - _NOISE), 0, 1)
    return _over(after, _ramp(_HOT, strength), np.clip(strength * 3, 0, 1))


def flow_picture(flow: Floats, under: Pixels, full: float) -> Pixels:
    """A movement in the colours of its direction.

    Args:
        flow: float32 `(H, W, 2)`: pixels to the right and down.
        under: `(H, W, 3)`: the frame, drawn in dark grey beneath.
        full: The speed in pixels that is drawn fully.
    """
    speed = np.hypot(flow[:, :, 0], flow[:, :, 1])
    hue = np.arctan2(flow[:, :, 1], flow[:, :, 0]) / (2 * np.pi) % 1.0
    # Hue to red, green and blue as in HSV with full saturation and value.
    channels = [np.clip(np.abs((hue * 6 + shift) % 6 - 3) - 1, 0, 1) for shift in (0, 4, 2)]
    strength = np.clip((speed / full - _STILL) / (1 - _STILL), 0, 1)
    return _over(under, np.stack(channels, axis=2) * 255, np.sqrt(strength))


def trail_of(frames: Sequence[Pixels]) -> tuple[Pixels, npt.NDArray[np.intp]]:
    """Frames of one size joined: what moved is coloured by when it was there.

    What is usual of a pixel is its median over the frames. Each pixel shows the frame that departs
    most from it.

    Returns:
        The picture, and int `(H, W)`: which of the frames each pixel is from.
    """
    stack = np.stack(frames)
    usual = np.median(stack, axis=0).astype(np.float32)
    most = np.zeros(usual.shape[:2], np.float32)
    latest = np.zeros(usual.shape[:2], np.intp)
    for number, frame in enumerate(stack):
        departs = np.abs(frame.astype(np.float32) - usual).max(axis=2)
        more = departs > most
        most[more], latest[more] = departs[more], number
    strength = np.clip((most - 2 * _NOISE) / (_TRAIL_FULL - 2 * _NOISE), 0, 1)
    shade = np.take_along_axis(stack, latest[None, :, :, None], axis=0)[0].astype(np.float32)
    colours = _ramp(_TIME, latest.astype(np.float32) / max(len(stack) - 1, 1))
    # Shapes stay to be seen: the light and dark of what moved goes into its colour.
    light = 0.55 + 0.45 * (shade @ _GREY)[:, :, None] / 255
    return _over(usual, colours * light, strength, dim=0.75), latest


def _moving(before: Pixels, after: Pixels) -> Pixels:
    height, width = after.shape[:2]
    flow = flow_between(before, after, most_side=_FLOW_SIDE)
    return flow_picture(flow, after, full=max(2.0, 0.02 * max(width, height)))


def _first(clip: Clip, frames: Sequence[int]) -> list[int]:
    """What the first frame is compared with: as long before it as the second one is after."""
    gap = frames[1] - frames[0] if len(frames) > 1 else max(1, round(_STEP * clip.rate))
    return [max(frames[0] - gap, 0)]


def _before(clip: Clip, frames: Sequence[int]) -> list[int]:
    """A frame shortly before each; of the first one itself."""
    step = max(1, round(_STEP * clip.rate))
    return [max(frame - step, 0) for frame in frames]


def _ramp(stops: Floats, level: npt.NDArray[np.floating]) -> Floats:
    """Levels in [0, 1] as colours `(H, W, 3)` between stops."""
    places = np.linspace(0.0, 1.0, len(stops))
    channels = [np.interp(level, places, stops[:, number]) for number in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def _over(
    under: npt.NDArray[np.generic],
    colours: npt.NDArray[np.floating],
    strength: npt.NDArray[np.floating],
    dim: float = _DIM,
) -> Pixels:
    """Colours laid over a frame in grey, as strongly as said."""
    grey = (under.astype(np.float32) @ _GREY)[:, :, None] * dim
    mixed = grey + (colours - grey) * strength[:, :, None]
    drawn: Pixels = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    return drawn
