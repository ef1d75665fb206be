"""Cues: ways to look for what is unusual, and the descriptors of one picture they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.experts.backbone import LOW_GAIN, SHARP_GAIN, Backbone, Gain
from gadet.experts.filters import FloatArray, luminance
from gadet.experts.patches import join_stages
from gadet.experts.texture import texture_grid
from gadet.media.shrink import resized

__all__ = ["PATCH_CUES", "TEXTURE_CUES", "Cue", "Described", "describe_picture", "working_copy"]

SIDE = 256
"""A picture is resized, its aspect ratio kept, to about as many pixels as a square of this side."""
STEP = 32
"""Sides of the resized picture are multiples of the backbone's largest stride."""
LONGEST = 4096
"""Longest side after resizing; pictures that are more extreme strips lose their aspect ratio."""


@dataclass(frozen=True)
class Cue:
    """One way to look: which descriptors, compared with what, and how much of the map counts.

    Attributes:
        name: For measures and messages.
        kind: `nearest` compares a patch with all patches of the references, `mirror` with the
            patches around its mirrored place in the same picture.
        gain: Gain of the backbone's input; None for the texture descriptors, which need none.
        stages: Blocks of the backbone that are joined; empty for the texture descriptors.
        top: Share of the patches, the most unusual ones, whose mean is the picture's score.
    """

    name: str
    kind: Literal["nearest", "mirror"]
    gain: Gain | None
    stages: tuple[int, ...]
    top: float

    @property
    def grid(self) -> tuple[str, tuple[int, ...]]:
        """Which descriptors the cue needs; cues that agree here share them."""
        return (self.gain.name if self.gain else "texture", self.stages)


# Two gains, because the gain of the input decides more than the architecture: the constants that
# the weights were trained with suit strong textures, twice the contrast suits faint grey values.
# Deeper stages see the structure of textures; with the sharper gain shallower ones keep detail.
PATCH_CUES = (
    Cue("nearest, deep", "nearest", LOW_GAIN, (14, 19), 0.02),
    Cue("nearest, fine", "nearest", SHARP_GAIN, (6, 14), 0.05),
    Cue("mirror, deep", "mirror", LOW_GAIN, (14, 19), 0.2),
    Cue("mirror, fine", "mirror", SHARP_GAIN, (6,), 0.2),
)
TEXTURE_CUES = (
    Cue("nearest, colour and texture", "nearest", None, (), 0.05),
    Cue("mirror, colour and texture", "mirror", None, (), 0.2),
)


@dataclass(frozen=True, eq=False)
class Described:
    """The descriptors of one picture.

    Attributes:
        grids: `(h, w, C)` float32 by `Cue.grid`.
        brightness: Mean luminance in levels.
        spread: Standard deviation of the luminance of the cells, in levels.
    """

    grids: dict[tuple[str, tuple[int, ...]], FloatArray]
    brightness: float
    spread: float


def working_copy(pixels: npt.NDArray[np.uint8], side: int = SIDE) -> npt.NDArray[np.uint8]:
    """Resize `(H, W, 3)` to about `side` × `side` pixels, the aspect ratio kept."""
    height, width = pixels.shape[:2]
    scale = side / (height * width) ** 0.5
    size = tuple(
        min(max(STEP, round(length * scale / STEP) * STEP), LONGEST) for length in (width, height)
    )
    return np.array(resized(pixels, (size[0], size[1]), Image.Resampling.BICUBIC))


def describe_picture(
    pixels: npt.NDArray[np.uint8], cues: tuple[Cue, ...], backbone: Backbone | None
) -> Described:
    """Compute the descriptors that some cues need.

    Args:
        pixels: `(H, W, 3)` uint8 RGB of any size.
        cues: What will be looked for.
        backbone: Needed by cues with a gain.
    """
    small = working_copy(pixels)
    grids: dict[tuple[str, tuple[int, ...]], FloatArray] = {}
    for gain in dict.fromkeys(cue.gain for cue in cues):
        mine = [cue for cue in cues if cue.gain == gain]
        if gain is None:
            grids[mine[0].grid] = texture_grid(small)
            continue
        if backbone is None:
            raise ValueError("cues with a gain need a backbone; none was given")
        wanted = tuple(sorted({stage for cue in mine for stage in cue.stages}))
        stages = backbone.features(small, wanted, gain)
        for cue in mine:
            if cue.grid not in grids:
                grids[cue.grid] = join_stages(stages, cue.stages)
    cells = luminance(working_copy(pixels, SIDE // 8))
    return Described(grids, float(cells.mean()), float(cells.std()))
