"""The colours of a rendering: one function per mode, from the surface in each pixel to RGB."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.errors import ConfigurationError
from gadet.media.pointcloud.render.camera import Camera
from gadet.media.pointcloud.render.fill import Filled
from gadet.media.pointcloud.render.scene import Scene

__all__ = ["MODES", "Mode", "shade"]

Ids = npt.NDArray[np.int64]
Singles = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]
Mode = Literal["shaded", "depth", "normal", "curvature", "height", "rgb"]

MODES: Final[tuple[Mode, ...]] = get_args(Mode)
"""What a picture can show.

`shaded`: light from the upper left · `depth`: distance, near is light · `normal`: direction of the
surface as red (right), green (up), blue (towards the viewer) · `curvature`: convex red, concave
blue · `height`: along the scene's up axis · `rgb`: the cloud's own colours.
"""

BACKGROUND: Final = 250
"""The level of grey where nothing is."""

# Anchors of viridis, equally spaced. Source: https://github.com/BIDS/colormap (CC0).
_VIRIDIS = ((68, 1, 84), (72, 40, 120), (62, 74, 137), (49, 104, 142), (38, 130, 142),
            (31, 158, 137), (53, 183, 121), (110, 206, 88), (181, 222, 43),
            (253, 231, 37))  # fmt: skip
# Blue over grey to red, of equal steps in lightness on both sides.
_DIVERGING = ((40, 70, 170), (95, 135, 215), (165, 190, 232), (216, 216, 216), (236, 176, 150),
              (214, 104, 82), (168, 24, 44))  # fmt: skip
_STEEL = ((22, 27, 38), (74, 82, 96), (136, 143, 152), (190, 194, 198), (232, 233, 234))
_NIGHT = ((18, 30, 70), (38, 78, 130), (62, 132, 168), (118, 184, 190), (206, 226, 206))

_LIGHT = np.array([-0.45, -0.62, -0.64])  # towards the light: left, up and towards the viewer
_CAVITY = 0.10
_NOWHERE = np.float32(1e30)  # the depth of what is not there
# A normal at an outline may point away a little by its error; a sheet seen from behind, much.
_BEHIND = np.float32(-0.4)


def shade(scene: Scene, camera: Camera, filled: Filled, mode: Mode) -> Pixels:
    """Colour each pixel.

    Returns:
        uint8 `(H, W, 3)` RGB on a light ground.

    Raises:
        ConfigurationError: The mode is unknown, or the cloud has no colours to show.
    """
    if mode not in MODES:
        raise ConfigurationError(f"expected a mode of {', '.join(MODES)}; got {mode!r}")
    seen = filled.ids >= 0
    ends = np.flatnonzero(seen)
    height, width = filled.ids.shape
    canvas = np.full((height, width), _packed(np.array([BACKGROUND] * 3, np.uint8)), np.uint32)
    if len(ends) == 0:
        return _unpacked(canvas)
    right = np.flatnonzero(seen.any(axis=0))
    window = slice(ends[0] // width, ends[-1] // width + 1), slice(right[0], right[-1] + 1)
    ids, slack = filled.ids[window], filled.slack[window]
    inside = ids >= 0
    depth = np.where(inside, filled.depth[window], _NOWHERE)
    shown = filled.ids.reshape(-1).take(ends).astype(np.int64)
    near = filled.depth.reshape(-1).take(ends)
    values = _values(scene, camera, shown, near, mode)
    smooth, order = _smoothed(values, inside, near, slack[inside], _blur(filled.reach))
    levels = np.clip(smooth, 0, 255).astype(np.uint8)
    table = _TABLES.get(mode)
    colours = _packed(levels.T) if table is None else table.take(levels[0])
    canvas.reshape(-1)[ends.take(order)] = colours
    _soften(canvas, window, depth, slack)
    return _unpacked(canvas)


def _values(scene: Scene, camera: Camera, shown: Ids, depth: Singles, mode: Mode) -> Singles:
    """What a mode shows of each pixel; computed for each point where those are fewer."""
    if mode == "depth" or len(shown) < len(scene):
        return _VALUES[mode](scene, camera, shown, depth)
    return _VALUES[mode](scene, camera, None, depth).take(shown, axis=1)


def _of(values: Singles, ids: Ids | None) -> Singles:
    """The values of some points, or of all, along the last axis."""
    return values if ids is None else values.take(ids, axis=-1)


def _blur(reach: int) -> int:
    """Pixels to smooth over: few where points are dense, half a gap where they are sparse."""
    return max(min(reach, 2), reach // 2)


def _packed(colours: Pixels) -> npt.NDArray[np.uint32]:
    """RGB `(…, 3)` as one number each, which is copied around faster than three."""
    red, green, blue = np.moveaxis(colours.astype(np.uint32), -1, 0)
    return np.asarray(red | green << np.uint32(8) | blue << np.uint32(16))


def _unpacked(canvas: npt.NDArray[np.uint32]) -> Pixels:
    # Pillow drops the fourth byte several times faster than a copy of three in four.
    packed = np.ascontiguousarray(canvas.astype("<u4", copy=False))
    size = canvas.shape[1], canvas.shape[0]
    return np.array(Image.frombuffer("RGBX", size, packed, "raw", "RGBX", 0, 1).convert("RGB"))


def _light(scene: Scene, camera: Camera, ids: Ids | None, depth: Singles) -> Singles:
    """Levels of grey under a light from the upper left; hollows a little darker."""
    along = (_LIGHT / np.linalg.norm(_LIGHT)) @ camera.rotation
    sides = np.stack([along, -camera.rotation[2]]).astype(np.float32)
    lit, facing = sides @ _of(scene.normals, ids)
    # A sheet that is seen from behind is lit as if it were the front.
    lit = np.where(facing < _BEHIND, -lit, lit)
    shine = np.float32(0.5) + np.float32(0.5) * lit
    hollow = np.clip(
        _of(scene.curvature, ids) * np.float32(_CAVITY * scene.radius / 4), -0.12, 0.12
    )
    level = np.float32(0.22) + np.float32(0.62) * shine * shine + hollow
    return np.asarray(level * np.float32(255))[None]


def _distance(scene: Scene, camera: Camera, ids: Ids | None, depth: Singles) -> Singles:
    """Depth over what is seen, near is high."""
    low, high = float(depth.min()), float(depth.max())
    return ((high - depth) * np.float32(255 / max(high - low, 1e-30)))[None]


def _direction(scene: Scene, camera: Camera, ids: Ids | None, depth: Singles) -> Singles:
    """Normals in the viewer's frame: right, up, towards the viewer."""
    axes = camera.rotation * np.array([[1.0], [-1.0], [-1.0]])
    seen = axes.astype(np.float32) @ _of(scene.normals, ids)
    seen *= np.where(seen[2] < _BEHIND, np.float32(-1), np.float32(1))
    np.maximum(seen[2], 0, out=seen[2])
    return np.asarray((seen + np.float32(1)) * np.float32(127.5))


def _bend(scene: Scene, camera: Camera, ids: Ids | None, depth: Singles) -> Singles:
    """Mean curvature on a scale that belongs to the scene: equal colours in all its views."""
    return ((_of(scene.curvature, ids) / np.float32(scene.bend) + 1) * np.float32(127.5))[None]


def _height(scene: Scene, camera: Camera, ids: Ids | None, depth: Singles) -> Singles:
    """Height along the scene's up axis, from its lowest to its highest point."""
    low, high = scene.heights
    level = scene.up.astype(np.float32) @ _of(scene.points, ids)
    return ((level - np.float32(low)) * np.float32(255 / max(high - low, 1e-30)))[None]


def _own(scene: Scene, camera: Camera, ids: Ids | None, depth: Singles) -> Singles:
    """The colours of the cloud."""
    if scene.planes is None:
        raise ConfigurationError(
            "expected a cloud with colours for the mode rgb; this one has none: choose another of "
            + ", ".join(MODES[:-1])
        )
    return _of(scene.planes, ids)


_VALUES: Final[dict[Mode, Callable[[Scene, Camera, Ids | None, Singles], Singles]]] = {
    "shaded": _light,
    "depth": _distance,
    "normal": _direction,
    "curvature": _bend,
    "height": _height,
    "rgb": _own,
}


def _table(anchors: tuple[tuple[int, int, int], ...]) -> npt.NDArray[np.uint32]:
    """256 packed colours between anchors that are equally far apart."""
    at = np.linspace(0, 255, len(anchors))
    channels = [np.interp(np.arange(256), at, channel) for channel in zip(*anchors, strict=True)]
    return _packed(np.stack(channels, axis=1).round().astype(np.uint8))


_TABLES: Final[dict[Mode, npt.NDArray[np.uint32]]] = {
    "shaded": _table(_STEEL),
    "depth": _table(_NIGHT),
    "curvature": _table(_DIVERGING),
    "height": _table(_VIRIDIS),
}


def _smoothed(
    values: Singles, inside: npt.NDArray[np.bool_], depth: Singles, slack: Singles, reach: int
) -> tuple[Singles, Ids]:
    """Means over the pixels within `reach` along rows, then columns, on one surface alone.

    Only what is seen takes part: rows of pixels, and then columns, one behind the other.

    Args:
        values: `(C, P)` of the P pixels that are seen, row by row.
        inside: `(H, W)` which those are.
        depth: `(P,)`.
        slack: `(P,)` the largest step in depth within one surface.
        reach: Pixels to either side.

    Returns:
        The means, column by column, and the order `(P,)` that brings rows into that.
    """
    rank = np.empty(inside.shape, np.int64)
    rank[inside] = np.arange(len(depth))
    order = rank.T[inside.T]
    rows = _along(values, _spread(inside, reach), depth, slack, reach)
    turned = _spread(inside.T, reach)
    means = _along(rows.take(order, axis=1), turned, depth.take(order), slack.take(order), reach)
    return means, order


def _spread(inside: npt.NDArray[np.bool_], gap: int) -> npt.NDArray[np.int64]:
    """The places of pixels, row behind row, with so much between two rows that none is beside."""
    place = np.flatnonzero(inside)
    return np.asarray(place + place // inside.shape[1] * (gap + 1))


def _along(
    values: Singles, place: npt.NDArray[np.int64], depth: Singles, slack: Singles, reach: int
) -> Singles:
    """Means over neighbours on one surface in a sequence of pixels, nearer ones count more."""
    total, weight = values.copy(), np.ones_like(depth)
    for step in range(1, min(reach, len(depth) - 1) + 1):
        ahead, back = slice(step, None), slice(None, -step)
        beside = np.abs(depth[ahead] - depth[back]) <= slack[ahead]
        beside &= place[ahead] - place[back] == step
        one = beside.astype(np.float32)
        one *= np.float32(1 - step / (reach + 1))
        weight[ahead] += one
        weight[back] += one
        for channel, out in zip(values, total, strict=True):
            out[ahead] += one * channel[back]
            out[back] += one * channel[ahead]
    total /= weight
    return total


def _edges(depth: Singles, slack: Singles) -> npt.NDArray[np.bool_]:
    """The pixels beside which the surface ends."""
    ends = np.zeros(depth.shape, bool)
    for axis in (0, 1):
        ahead = (slice(1, None), slice(None))[:: 1 if axis == 0 else -1]
        back = (slice(None, -1), slice(None))[:: 1 if axis == 0 else -1]
        broken = np.abs(depth[ahead] - depth[back]) > 2 * np.maximum(slack[ahead], slack[back])
        ends[ahead] |= broken
        ends[back] |= broken
    return ends


def _soften(
    canvas: npt.NDArray[np.uint32], window: tuple[slice, slice], depth: Singles, slack: Singles
) -> None:
    """Blend the pixels along edges with their neighbours, in place, by binomial weights."""
    height, width = canvas.shape
    # Flat places first: NumPy finds them several times faster than rows and columns.
    down, right = np.divmod(np.flatnonzero(_edges(depth, slack)), depth.shape[1])
    down, right = down + window[0].start, right + window[1].start
    inside = (down > 0) & (down < height - 1) & (right > 0) & (right < width - 1)
    places = (down * width + right)[inside]
    flat = canvas.reshape(-1)
    # Red and blue in one sum, green in another: sixteen times a byte needs twelve bits.
    outer, inner = np.uint32(0xFF00FF), np.uint32(0xFF00)
    red_blue = np.full(len(places), 8 * 0x10001, np.uint32)
    green = np.full(len(places), 8 * 0x100, np.uint32)
    for down_by, wide in ((-1, 1), (0, 2), (1, 1)):
        for right_by, share in ((-1, 1), (0, 2), (1, 1)):
            beside = flat.take(places + (down_by * width + right_by))
            weight = np.uint32(wide * share)
            red_blue += (beside & outer) * weight
            green += (beside & inner) * weight
    flat[places] = (red_blue >> np.uint32(4)) & outer | (green >> np.uint32(4)) & inner
