"""`Sizing`: the sizes of pictures that a model leaves as they are, and the best one for a picture.

A model that finds a picture too large, or not a multiple of its patches, resizes it, and pixels
that it names are then pixels of another picture. A picture that already has a size within these
bounds is seen as it was sent.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["LONGEST", "Sizing", "patches"]

# No file format that a model takes holds a longer side: JPEG counts in 16 bits.
LONGEST = 65_535

Positive = Annotated[int, Field(gt=0)]


def patches(width: int, height: int, side: int) -> int:
    """How many squares of `side` pixels cover a picture; a cut one counts as whole."""
    return math.ceil(width / side) * math.ceil(height / side)


class Sizing(BaseModel):
    """Bounds on the size of one picture.

    Attributes:
        max_side: Longest side in pixels.
        max_short_side: The shorter side at most, in pixels.
        max_pixels: Most pixels in one picture.
        min_pixels: Fewest pixels; a smaller picture is enlarged, even past the other bounds,
            because the model would do so itself.
        patch: Side in pixels of the squares that `max_patches` counts.
        max_patches: Most squares that cover the picture; a cut one counts as whole.
        multiple: Both sides are multiples of this, and at least this long.
        max_aspect: The longer side over the shorter one at most; a longer strip is squeezed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    max_side: Positive = LONGEST
    max_short_side: Positive = LONGEST
    max_pixels: Positive = LONGEST**2
    min_pixels: Positive = 1
    patch: Positive = 1
    max_patches: Positive = LONGEST**2
    multiple: Positive = 1
    max_aspect: Annotated[float, Field(ge=1, le=LONGEST)] = LONGEST

    def fit(self, width: int, height: int) -> tuple[int, int]:
        """The size `(width, height)` that a picture is resized to.

        It is the largest within the bounds that keeps the aspect ratio to whole pixels, and never
        larger than the picture but for rounding to `multiple` and for `min_pixels`. Where nothing
        is within the bounds, it is the smallest size that there is.
        """
        longer, shorter = max(width, height), min(width, height)
        narrow = max(shorter, longer / self.max_aspect)

        def size(side: int) -> tuple[int, int]:
            return self._rounded(side), self._rounded(side * narrow / longer)

        # Both sides grow with the longer one, so everything up to some length is within bounds.
        sides = range(1, longer + 1)
        allowed = bisect_left(sides, True, key=lambda side: not self._holds(*size(side)))
        side = max(allowed, 1)
        if math.prod(size(side)) < self.min_pixels:
            side = bisect_left(
                range(self.min_pixels), self.min_pixels, key=lambda side: math.prod(size(side))
            )
        longer, shorter = size(side)
        return (longer, shorter) if width >= height else (shorter, longer)

    def within(self, other: Sizing) -> Self:
        """These bounds, made as narrow as the `other` ones.

        Patches of another size cannot be compared: those of the `other` take the place of these.
        """
        counted: Sizing = self if other.patch == 1 else other
        most = counted.max_patches
        if self.patch == other.patch:
            most = min(self.max_patches, other.max_patches)
        return self.model_copy(
            update={
                "max_side": min(self.max_side, other.max_side),
                "max_short_side": min(self.max_short_side, other.max_short_side),
                "max_pixels": min(self.max_pixels, other.max_pixels),
                "min_pixels": max(self.min_pixels, other.min_pixels),
                "patch": counted.patch,
                "max_patches": most,
                "multiple": math.lcm(self.multiple, other.multiple),
                "max_aspect": min(self.max_aspect, other.max_aspect),
            }
        )

    def _holds(self, longer: int, shorter: int) -> bool:
        return (
            longer <= self.max_side
            and shorter <= self.max_short_side
            and longer * shorter <= self.max_pixels
            and patches(longer, shorter, self.patch) <= self.max_patches
        )

    def _rounded(self, side: float) -> int:
        return max(1, round(side / self.multiple)) * self.multiple
