"""How a picture is brought to the square that a network sees, and its masks back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

if TYPE_CHECKING:
    import torch

__all__ = ["Fit"]

Size = tuple[int, int]
"""`(width, height)` in pixels."""

# ImageNet's, which all of these networks were trained with, in levels of 0 to 255.
_MEAN = (123.675, 116.28, 103.53)
_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Fit:
    """The way into the square of one network and back.

    Attributes:
        side: Side of the square in pixels.
        stretched: Whether both axes are stretched to fill it (SAM 2), or the longer one is brought
            to its side and the rest stays empty at the right and at the bottom (SAM).
    """

    side: int
    stretched: bool = False

    def inner(self, size: Size) -> Size:
        """The part of the square that a picture of `size` fills."""
        if self.stretched:
            return self.side, self.side
        scale = self.side / max(size)
        return max(1, int(size[0] * scale + 0.5)), max(1, int(size[1] * scale + 0.5))

    def scale(self, size: Size) -> tuple[float, float]:
        """Pixels of the square per pixel of a picture of `size`, along x and y."""
        inner = self.inner(size)
        return inner[0] / size[0], inner[1] / size[1]

    def prepare(self, pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
        """The network's input `(1, 3, side, side)`, float32, for pixels `(h, w, 3)` uint8."""
        import torch

        inner = self.inner((pixels.shape[1], pixels.shape[0]))
        small = Image.fromarray(pixels).resize(inner, Image.Resampling.BILINEAR)
        levels = torch.from_numpy(np.array(small)).permute(2, 0, 1).float()
        mean, std = torch.tensor(_MEAN).view(3, 1, 1), torch.tensor(_STD).view(3, 1, 1)
        square = torch.zeros(1, 3, self.side, self.side)
        square[0, :, : inner[1], : inner[0]] = (levels - mean) / std
        return square

    def enlarge(self, logits: torch.Tensor, size: Size) -> torch.Tensor:
        """Bring logits `(n, h, w)` of the square to a picture of `size`: `(n, height, width)`."""
        from torch.nn.functional import interpolate

        whole = logits[:, None]
        if not self.stretched:
            inner = self.inner(size)
            whole = interpolate(whole, (self.side, self.side), mode="bilinear")
            whole = whole[..., : inner[1], : inner[0]]
        return interpolate(whole, (size[1], size[0]), mode="bilinear")[:, 0]
