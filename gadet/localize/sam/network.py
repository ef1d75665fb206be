"""What a network of the Segment Anything family does, whichever package computes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from gadet.localize.sam.fit import Fit

if TYPE_CHECKING:
    import torch

__all__ = ["Network", "Prompts"]


@dataclass(frozen=True, eq=False)
class Prompts:
    """Several prompts of one kind, in pixels of what is looked at.

    Attributes:
        points: `(n, k, 2)` float64, k points `(x, y)` for each prompt; None for boxes.
        labels: `(n, k)` int32, 1 inside and 0 outside the region.
        boxes: `(n, 4)` float64, `x0, y0, x1, y1`; None for points.
    """

    points: npt.NDArray[np.float64] | None = None
    labels: npt.NDArray[np.int32] | None = None
    boxes: npt.NDArray[np.float64] | None = None


class Network(Protocol):
    """An image encoder and a mask decoder; use it from one thread at a time."""

    @property
    def name(self) -> str:
        """The engine and the model, for example `segment-anything:vit_b`."""

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights' bytes."""

    @property
    def fit(self) -> Fit:
        """How pictures come into its square."""

    @property
    def embedding_bytes(self) -> int:
        """Size of what `encode` returns."""

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Any:
        """What the encoder makes of pixels `(h, w, 3)` uint8 RGB; for `decode` alone to read."""

    def decode(
        self, embedding: Any, prompts: Prompts, size: tuple[int, int], *, several: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for prompts.

        Args:
            embedding: What `encode` returned.
            prompts: n of them.
            size: `(width, height)` of the pixels that were encoded.
            several: Whether three masks are wanted for each prompt, since one point may mean a
                part or the whole, or one.

        Returns:
            Logits `(n, m, h, w)` in the cells of the decoder, above 0 inside; and the network's
            own estimate of their IoU, `(n, m)`.
        """
