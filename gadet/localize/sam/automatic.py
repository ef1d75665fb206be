"""Every region of a picture, by asking the network at a grid of points."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError
from gadet.geometry import Frame
from gadet.localize.sam.looks import Look, look_at, tiles
from gadet.localize.sam.network import Prompts
from gadet.localize.sam.segmenter import SegmentedMask

if TYPE_CHECKING:
    import torch

__all__ = [
    "Answer",
    "Automatic",
    "Enlarge",
    "find_regions",
    "grid",
    "layers_for",
    "stability_of",
    "suppress",
]

Answer = Callable[[Prompts], "tuple[torch.Tensor, torch.Tensor]"]
"""Logits `(n, m, h, w)` and quality `(n, m)` for prompts in pixels of one look."""
Enlarge = Callable[["torch.Tensor", tuple[int, int]], "torch.Tensor"]
"""Logits `(n, h, w)` brought to `(width, height)`."""

CUT_SHIFT = 1.0
"""How much higher and lower a mask is cut to see whether it is stable, in logits."""
SEEN_WHOLE = 1536
"""Longest side of a picture that is not looked at in tiles too: what the network sees is 1024."""
EDGE = 20
"""A region this near to the edge of a tile, in pixels of it, is taken to be cut off there."""
_SMALLEST_TILE = 64
_MOST_LAYERS = 3
_ENLARGED_BYTES = 64 << 20
# A mask passes through the square that the network sees, however small the picture is.
_SQUARE = 1024 * 1024
_HELD = 4


@dataclass(frozen=True)
class Automatic:
    """How all regions of a picture are looked for.

    Attributes:
        smallest: The share of the picture that a region must have to be found for sure: the points
            stand so close that a square of this area holds one. 0.001 is the grid of 32 × 32 that
            SAM was published with. Masks down to a quarter of it are kept: a patch of the encoder.
        largest: Masks with more than this share of what is looked at are no regions but ground.
        quality: Least IoU that the network itself expects of a mask.
        stability: Least IoU of a mask with itself when it is cut higher and lower.
        overlap: Of two masks whose boxes have a higher IoU, the better one is kept.
        layers: Layers of tiles that a picture is looked at in besides the whole: 2 × 2, 4 × 4 …;
            None takes as many as its size asks for.
        most: Most masks that are returned.
        batch: Points that are asked at once.

    Raises:
        ConfigurationError: A value is out of its range.

    Source: Kirillov et al., "Segment Anything", ICCV 2023, arXiv:2304.02643, appendix B. The
    bounds of quality and stability are those of the authors' notebook
    `automatic_mask_generator_example`, lower than their package's 0.88 and 0.95: faint regions
    score lower, and are wanted here.
    """

    smallest: float = 0.001
    largest: float = 0.9
    quality: float = 0.86
    stability: float = 0.92
    overlap: float = 0.7
    layers: int | None = None
    most: int = 256
    batch: int = 64

    def __post_init__(self) -> None:
        """Check the ranges."""
        ranges = {
            "smallest": (0.0001, 0.25),
            "largest": (0.01, 1),
            "quality": (0, 1),
            "stability": (0, 1),
            "overlap": (0, 1),
            "layers": (0, _MOST_LAYERS),
            "most": (1, 4096),
            "batch": (1, 1024),
        }
        for name, (low, high) in ranges.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise ConfigurationError(f"{name} must be from {low:g} to {high}; got {value!r}")


@dataclass(frozen=True, eq=False)
class _Found:
    """A mask with what it is ordered by.

    Attributes:
        mask: The mask.
        quality: What the network expects of it, as it came: that may lie a little above 1.
        seen: Area of what was looked at, in native pixels.
    """

    mask: SegmentedMask
    quality: float
    seen: float


def find_regions(
    pixels: npt.NDArray[np.uint8],
    settings: Automatic,
    see: Callable[[Look], Answer],
    enlarge: Enlarge,
) -> tuple[SegmentedMask, ...]:
    """Every region of a picture, the best quality first.

    The same picture and settings give the same masks on a processor. Memory is bounded by
    `settings.most`, by the size of a look, and by the batch, whatever the network answers.

    Args:
        pixels: `(H, W, 3)` uint8 RGB.
        settings: What is looked for.
        see: Shows a look to the network; what it gives answers prompts about it.
        enlarge: Brings an answer to the pixels of a look.
    """
    size = pixels.shape[1], pixels.shape[0]
    layers = layers_for(size) if settings.layers is None else settings.layers
    layers = min(layers, max(0, int(math.log2(max(min(size) / _SMALLEST_TILE, 1)))))
    spacing = math.sqrt(settings.smallest * size[0] * size[1])
    found: list[_Found] = []
    for part in tiles(size, layers):
        look = look_at(pixels, part)
        found += _regions_of(look, spacing, settings, see(look), enlarge)
    if layers:
        # A region is seen best where it is seen largest: tiles go before the whole.
        found = _without_doubles(found, [-item.seen for item in found], settings.overlap)
    return tuple(item.mask for item in _best(found, settings.most))


def layers_for(size: tuple[int, int]) -> int:
    """Layers of tiles for a picture of `(width, height)`: none, 2 × 2, or 4 × 4 as well."""
    longest = max(size)
    return int(longest > SEEN_WHOLE) + int(longest > 2 * SEEN_WHOLE)


def grid(look: Look, spacing: float) -> npt.NDArray[np.float64]:
    """Points `(n, 2)` in pixels of a look, no farther apart than `spacing` native pixels.

    Rows from the top, each from the left; never closer than two pixels.
    """
    counts = [
        max(1, min(math.ceil(native / spacing), seen // 2))
        for native, seen in zip(
            (look.frame.source.width, look.frame.source.height), look.size, strict=True
        )
    ]
    across, down = (
        (np.arange(count) + 0.5) / count * side
        for count, side in zip(counts, look.size, strict=True)
    )
    return np.stack(np.meshgrid(across, down), axis=-1).reshape(-1, 2)


def suppress(
    boxes: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], overlap: float
) -> list[int]:
    """Which boxes to keep so that no two overlap by an IoU above `overlap`.

    Args:
        boxes: `(n, 4)` as `x0, y0, x1, y1`, half-open.
        scores: `(n,)`; of two boxes the one with the higher score stays, of equal ones the first.
        overlap: In [0, 1].

    Returns:
        Indices, the highest score first.
    """
    if len(boxes) == 0:
        return []
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    order = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while order.size:
        first, order = int(order[0]), order[1:]
        kept.append(first)
        corners = np.minimum(boxes[order, 2:], boxes[first, 2:])
        sides = np.maximum(corners - np.maximum(boxes[order, :2], boxes[first, :2]), 0)
        shared = sides.prod(axis=1)
        order = order[shared <= overlap * (areas[order] + areas[first] - shared)]
    return kept


def _regions_of(
    look: Look, spacing: float, settings: Automatic, answer: Answer, enlarge: Enlarge
) -> list[_Found]:
    """The regions of one look, without those that its edges cut off."""
    found: list[_Found] = []
    points = grid(look, spacing)
    for start in range(0, len(points), settings.batch):
        asked = points[start : start + settings.batch, None]
        prompts = Prompts(points=asked, labels=np.ones(asked.shape[:2], dtype=np.int32))
        logits, quality = answer(prompts)
        # Quality is known before the masks are enlarged, which is what costs.
        good = quality.flatten() > settings.quality
        logits, scores = logits.flatten(0, 1)[good], quality.flatten()[good]
        for some, their in _chunks(logits, scores, look.size):
            found += _good_masks(look, enlarge(some, look.size), their, settings)
        if len(found) > _HELD * settings.most:
            found = _best(found, _HELD * settings.most)
    found = _without_doubles(found, [item.quality for item in found], settings.overlap)
    return _best(found, settings.most)


def _best(found: list[_Found], most: int) -> list[_Found]:
    return sorted(found, key=lambda item: -item.quality)[:most]


def _without_doubles(found: list[_Found], scores: list[float], overlap: float) -> list[_Found]:
    boxes = np.array([item.mask.box.as_tuple() for item in found])
    return [found[i] for i in suppress(boxes, np.array(scores), overlap)]


def _chunks(logits: Any, scores: Any, size: tuple[int, int]) -> Iterator[tuple[Any, Any]]:
    """As many masks at once as may be held enlarged."""
    count = max(1, _ENLARGED_BYTES // (4 * max(size[0] * size[1], _SQUARE)))
    for start in range(0, len(logits), count):
        yield logits[start : start + count], scores[start : start + count]


def _good_masks(
    look: Look, logits: torch.Tensor, quality: torch.Tensor, settings: Automatic
) -> list[_Found]:
    """The stable masks of a sensible size among enlarged logits `(n, H, W)`."""
    seen = look.size[0] * look.size[1]
    areas = (logits > 0).sum(dim=(1, 2))
    stable = stability_of(logits)
    good = (stable >= settings.stability) & (areas <= settings.largest * seen)
    good &= areas >= max(settings.smallest / 4 * seen, 1)
    arrays = (logits[good] > 0).cpu().numpy()
    expected, steady = quality[good].tolist(), stable[good].tolist()
    made = [
        _Found(
            SegmentedMask.from_array(
                array, frame=look.frame, quality=min(max(share, 0.0), 1.0), stability=firm
            ),
            share,
            look.frame.source.area,
        )
        for array, share, firm in zip(arrays, expected, steady, strict=True)
    ]
    return [item for item in made if not _is_cut_off(item.mask, look.frame)]


def stability_of(logits: torch.Tensor) -> torch.Tensor:
    """IoU of each of the masks `(n, H, W)` cut a little higher and a little lower; 0 if empty."""
    high = (logits > CUT_SHIFT).sum(dim=(1, 2))
    low = (logits > -CUT_SHIFT).sum(dim=(1, 2))
    return high / low.clamp(min=1)


def _is_cut_off(mask: SegmentedMask, frame: Frame) -> bool:
    """Whether a mask reaches an edge of what was looked at that is no edge of the picture."""
    margin = EDGE * max(frame.scale)
    box, seen = mask.box.as_tuple(), frame.source.as_tuple()
    ends = (0, 0, frame.native_width, frame.native_height)
    return any(
        abs(side - edge) <= margin < abs(side - end)
        for side, edge, end in zip(box, seen, ends, strict=True)
    )
