"""A network that needs no weights: a region is what has the colour of the prompt.

It thinks little of a mask with more than half of what it sees, so that the ground is no region.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from gadet.localize.sam.fit import Fit
from gadet.localize.sam.network import Prompts

torch = pytest.importorskip("torch")


class ColourNetwork:
    """Answers in cells of four pixels, as SAM does; counts its work and who does it at once."""

    name = "fake:colour"
    weights_sha256 = "0" * 64

    def __init__(self, side: int = 256, *, quality: float = 0.95) -> None:
        self.fit = Fit(side)
        self.quality = quality
        self.encoded = 0
        self.decoded = 0
        self.crowd = 0
        self._busy = threading.Lock()

    @property
    def embedding_bytes(self) -> int:
        return 3 * (self.fit.side // 4) ** 2 * 4

    def encode(self, pixels: np.ndarray) -> Any:
        with self._alone():
            self.encoded += 1
            return self.fit.prepare(pixels)[..., 2::4, 2::4]

    def decode(
        self, embedding: Any, prompts: Prompts, size: tuple[int, int], *, several: bool
    ) -> tuple[Any, Any]:
        with self._alone():
            self.decoded += 1
            scale = np.array(self.fit.scale(size))
            if prompts.boxes is not None:
                corners = prompts.boxes.reshape(-1, 2, 2)
                points, labels = corners.mean(axis=1, keepdims=True), None
            else:
                points, labels = prompts.points, prompts.labels
            del labels  # the first point decides
            last = self.fit.side // 4 - 1
            cells = torch.as_tensor(np.minimum(points[:, 0] * scale // 4, last).astype(int))
            colours = embedding[0][:, cells[:, 1], cells[:, 0]].T
            same = (embedding - colours[:, :, None, None]).abs().sum(dim=1) < 0.05
            logits = torch.where(same, 20.0, -20.0)[:, None]
            if several:
                nothing = torch.full_like(logits, -20.0)
                logits = torch.cat([nothing, logits, nothing], dim=1)
            share = (logits > 0).float().mean(dim=(2, 3))
            quality = torch.where((share > 0) & (share < 0.5), self.quality, 0.1)
            return logits, quality

    def _alone(self) -> Any:
        return _Alone(self)


class _Alone:
    """Notes when two threads are in the network at once."""

    def __init__(self, network: ColourNetwork) -> None:
        self._network = network

    def __enter__(self) -> None:
        self._free = self._network._busy.acquire(blocking=False)
        self._network.crowd += not self._free

    def __exit__(self, *_: object) -> None:
        if self._free:
            self._network._busy.release()
