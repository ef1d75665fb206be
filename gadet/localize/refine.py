"""From a rough place to a mask: a region of the map, a box or a point, made exact."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.experts.filters import FloatArray, gaussian, local_max, local_min, resize
from gadet.experts.lab import lab
from gadet.experts.regions import bounding_box, filled, label_components
from gadet.experts.tissue import Tissue, is_shown
from gadet.geometry import Box
from gadet.localize.fusion import SHARP, SOFT, region_at, shrunk, working_shape
from gadet.localize.walker import walk

__all__ = ["Refiner"]

BoolArray = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.uint8]
Window = tuple[slice, slice]

MARGIN = 0.5
"""Surroundings that are looked at, in sides of the place."""
LEAST_MARGIN = 16
LONGEST = 96
"""Longest side of the copy on which a place is made exact."""
INSIDE, OUTSIDE = 0.6, 0.05
"""What is believed of a pixel inside and outside the rough place before the picture is asked."""
SWOLLEN, AROUND = 0.8, 0.2
"""The same of tissue: what is suspicious there is the height of a swelling, which goes on."""
FOOT = 0.2
"""How far that goes on, in radii of a disc as large as the place. Set on two pictures of polyps."""
REFLECTION_BLUR = 1 / 24
"""Radius in sides of the copy from which reflections on tissue are painted over."""
REACH = 0.15
"""A region of a sharp map reaches down to this share of its peak."""
TINY = 64
"""Fewer pixels than this are left as they are."""
SAME_PLACE = 0.3
"""Overlap with the rough place that a refined one must keep; otherwise the rough one stays."""
POINT_RADIUS = 1 / 24
"""Half the side, as a share of the longest side, of what a point is around when nothing is."""


class Refiner:
    """Makes rough places of one picture exact.

    Only the surroundings of a place are touched, so the cost does not grow with the picture.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        score_map: `(H, W)` float32 in [0, 1], when an expert ran.
    """

    def __init__(self, pixels: Pixels, score_map: FloatArray | None = None) -> None:
        """Look once at how sharp the map is."""
        self._pixels, self._map = pixels, score_map
        self._sharp = score_map is not None and _is_sharp(score_map)
        self._tissue = Tissue.of(pixels).likely >= 0.5

    def region(self, mask: BoolArray) -> BoolArray:
        """A suspicious region of the map, `(H, W)` bool, with the borders it has in the picture.

        Where the map is sharp, the region is what rises to it. Where it is soft, the borders are
        those of the picture.
        """
        if np.count_nonzero(mask) < TINY:
            return mask
        window = _window(bounding_box(mask), self._pixels.shape)
        rough = mask[window]
        if self._sharp:
            found = self._risen(window, rough)
        else:
            inside, outside = (SWOLLEN, AROUND) if self._tissue else (INSIDE, OUTSIDE)
            grown = _with_foot(rough) if self._tissue else rough
            found = self._walked(window, grown, inside, outside)
            if _iou(found, rough) < SAME_PLACE:
                return mask
        return _placed(found, window, mask.shape)

    def box(self, box: Box) -> BoolArray | None:
        """What a box `(native pixels)` is around, `(H, W)` bool; None when it holds no pixel."""
        height, width = self._pixels.shape[:2]
        inside = box.clipped(width, height)
        if inside is None:
            return None
        x0, y0, x1, y1 = inside.rounded_out()
        window = _window((x0, y0, x1, y1), self._pixels.shape)
        rows, columns = window
        rough = np.zeros((rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
        rough[y0 - rows.start : y1 - rows.start, x0 - columns.start : x1 - columns.start] = True
        if rough.sum() < TINY:
            return _placed(rough, window, (height, width))
        found = self._above(window, rough) if self._sharp else None
        if found is None:
            found = self._walked(window, rough) & rough
            found = found if _iou(found, rough) >= SAME_PLACE / 2 else rough
        return _placed(found, window, (height, width))

    def point(self, x: float, y: float) -> BoolArray | None:
        """The region at a point in native pixels, `(H, W)` bool; None outside the picture.

        Of all regions of the picture that hold the point, that which stands out most.
        """
        height, width = self._pixels.shape[:2]
        if not (0 <= x < width and 0 <= y < height):
            return None
        shape = working_shape(self._pixels.shape)
        small = shrunk(self._pixels, shape)
        score_map = np.ones(shape, dtype=np.float32) if self._map is None else self._map
        row, column = int(y * shape[0] / height), int(x * shape[1] / width)
        found = region_at(small, resize(score_map, shape), row, column)
        if found is None:
            radius = max(1.0, POINT_RADIUS * max(height, width))
            return self.box(Box.of(x - radius, y - radius, x + radius, y + radius))
        lifted = found.on((height, width))
        mask = np.zeros((height, width), dtype=bool)
        mask[lifted.window] = lifted.mask
        return self.region(mask) if not self._sharp else mask

    def _walked(
        self, window: Window, rough: BoolArray, inside: float = INSIDE, outside: float = OUTSIDE
    ) -> BoolArray:
        belief = np.where(rough, inside, outside).astype(np.float32)
        crop = self._pixels[window]
        shape = working_shape(crop.shape, LONGEST)
        small = Image.fromarray(belief).resize(shape[::-1], Image.Resampling.BOX)
        seen = shrunk(crop, shape)
        if self._tissue:
            seen = _without_reflections(seen)
        likely = Image.fromarray(walk(seen, np.asarray(small)))
        size = (belief.shape[1], belief.shape[0])
        found = np.asarray(likely.resize(size, Image.Resampling.BILINEAR)) >= 0.5
        return filled(found) if self._tissue else found

    def _risen(self, window: Window, rough: BoolArray) -> BoolArray:
        """The parts of the map that hold the region, down to a share of its peak."""
        assert self._map is not None  # only a map is sharp
        part = self._map[window]
        labels = label_components(part >= REACH * float(part[rough].max()))
        names = np.unique(labels[rough])
        return np.isin(labels, names[names > 0]) | rough

    def _above(self, window: Window, rough: BoolArray) -> BoolArray | None:
        """The pixels of a box that rise on a sharp map; None when it is flat there."""
        assert self._map is not None
        part = self._map[window]
        inside = part[rough]
        if float(np.ptp(inside)) < 0.05:
            return None
        found = rough & (part >= inside.min() + REACH * float(np.ptp(inside)))
        return found if found.any() else None


def _with_foot(height: BoolArray) -> BoolArray:
    """The height of a swelling with the slope around it, to the edges of the window at most."""
    shape = working_shape(height.shape, LONGEST)
    small = np.asarray(Image.fromarray(height).resize(shape[::-1], Image.Resampling.NEAREST))
    reach = round(FOOT * float(np.sqrt(np.count_nonzero(small) / np.pi)))
    grown = Image.fromarray(local_max(small.astype(np.float32), reach) > 0)
    whole = grown.resize(height.shape[::-1], Image.Resampling.NEAREST)
    return np.asarray(height | np.asarray(whole))


def _without_reflections(pixels: Pixels) -> Pixels:
    """Reflections and rim as the mean of what is around them."""
    shown = local_min(is_shown(lab(pixels)).astype(np.float32), 1)
    radius = REFLECTION_BLUR * max(pixels.shape[:2])
    weight = np.maximum(gaussian(shown, radius), 1e-3)
    around = gaussian((pixels * shown[..., None]).astype(np.float32), radius) / weight[..., None]
    return np.where(shown[..., None] > 0, pixels, np.clip(around, 0, 255)).astype(np.uint8)


def _is_sharp(score_map: FloatArray) -> bool:
    shape = working_shape(score_map.shape)
    step = max(1, min(score_map.shape[0] // shape[0], score_map.shape[1] // shape[1]))
    small = score_map[::step, ::step]
    peak = max(float(small.max()), 1e-6)
    steps = [float(np.abs(np.diff(small, axis=axis)).max(initial=0.0)) for axis in (0, 1)]
    return max(steps) / peak >= (SOFT + SHARP) / 2


def _window(box: tuple[int, int, int, int], shape: tuple[int, ...]) -> Window:
    """The rows and columns of a box `x0, y0, x1, y1` with its surroundings."""
    margin = max(LEAST_MARGIN, round(MARGIN * max(box[2] - box[0], box[3] - box[1])))
    rows = slice(max(box[1] - margin, 0), min(box[3] + margin, shape[0]))
    return rows, slice(max(box[0] - margin, 0), min(box[2] + margin, shape[1]))


def _placed(found: BoolArray, window: Window, shape: tuple[int, ...]) -> BoolArray:
    """A window in an empty mask; the memory of untouched pages is never claimed."""
    mask = np.zeros(shape[:2], dtype=bool)
    mask[window] = found
    return mask


def _iou(one: BoolArray, other: BoolArray) -> float:
    return float(np.count_nonzero(one & other) / max(int(np.count_nonzero(one | other)), 1))
