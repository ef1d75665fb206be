"""A segmenter over one network: what it looks at, what it keeps, and who may use it when."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError, InputError
from gadet.experts.cache import Cache
from gadet.geometry import Box
from gadet.localize.sam.automatic import Answer, Automatic, find_regions, stability_of
from gadet.localize.sam.checkpoint import read_checkpoint
from gadet.localize.sam.device import place
from gadet.localize.sam.hub import HubNetwork
from gadet.localize.sam.looks import Look, checked_pixels, look_around
from gadet.localize.sam.network import Network, Prompts
from gadet.localize.sam.original import OriginalNetwork
from gadet.localize.sam.segmenter import SegmentedMask

if TYPE_CHECKING:
    import torch

__all__ = ["CACHE_BYTES", "SamSegmenter", "load_segmenter"]

CACHE_BYTES = 256 << 20
"""Embeddings that are kept: 64 of SAM, 16 of SAM 2."""
_MOST_POINTS = 64


class SamSegmenter:
    """Segment Anything as a `Segmenter`.

    It may be called from many threads at once: they take turns at the network, one encoder or
    decoder pass at a time, and share the embeddings. Pictures are told apart by their pixels; one
    that two threads ask for is encoded once.

    Args:
        network: What encodes and decodes.
        automatic: How `propose` looks for regions.
        cache_bytes: Largest size of all embeddings that are kept; they lie on the network's device.

    Attributes:
        automatic: How `propose` looks for regions.

    Raises:
        ConfigurationError: `cache_bytes` is below zero.
    """

    def __init__(
        self,
        network: Network,
        *,
        automatic: Automatic | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        """Keep the network; nothing is computed yet."""
        if cache_bytes < 0:
            raise ConfigurationError(f"cache_bytes must be zero or more; got {cache_bytes}")
        self.automatic = automatic or Automatic()
        self._network = network
        self._turn = threading.Lock()
        # All embeddings of a network have one size.
        self._embeddings: Cache[Any] = Cache(cache_bytes // network.embedding_bytes)

    @property
    def name(self) -> str:
        """The engine and the model."""
        return self._network.name

    @property
    def weights_sha256(self) -> str:
        """Hash of the weights."""
        return self._network.weights_sha256

    def propose(self, pixels: npt.NDArray[np.uint8]) -> tuple[SegmentedMask, ...]:
        """Every region that the network sees, the best quality first.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.

        Raises:
            InputError: The pixels are no such array.
        """
        return find_regions(
            checked_pixels(pixels),
            self.automatic,
            lambda look: self._seen(look, several=True),
            self._network.fit.enlarge,
        )

    def in_box(self, pixels: npt.NDArray[np.uint8], box: Box) -> SegmentedMask | None:
        """The region that a box means.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
            box: In native pixels, half-open; what lies outside the picture is cut away.

        Returns:
            The mask, or None when the box lies outside the picture or the network sees no region.

        Raises:
            InputError: The pixels are no such array.
        """
        height, width = checked_pixels(pixels).shape[:2]
        inside = box.clipped(width, height)
        if inside is None:
            return None
        look = look_around(pixels, inside)
        seen = look.frame.to_view(inside)
        return self._best(look, Prompts(boxes=np.array([seen.as_tuple()])), several=False)

    def at_points(
        self,
        pixels: npt.NDArray[np.uint8],
        points: Sequence[tuple[float, float]],
        labels: Sequence[int],
    ) -> SegmentedMask | None:
        """The region that points mean.

        One point may mean a part or the whole: of three masks the one with the best quality is
        taken. Several points mean one region.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
            points: `(x, y)` each, in native pixels, inside the picture; at most 64.
            labels: 1 for a point in the region, 0 for one outside; at least one is 1.

        Returns:
            The mask, or None when the network sees no region.

        Raises:
            InputError: The pixels, points or labels are not as said.
        """
        height, width = checked_pixels(pixels).shape[:2]
        places, marks = _checked_points(points, labels, (width, height))
        low, high = np.floor(places.min(axis=0)), np.floor(places.max(axis=0)) + 1
        look = look_around(pixels, Box.of(*low, *high))
        source, scale = look.frame.source, np.array(look.frame.scale)
        seen = (places - (source.x0, source.y0)) / scale
        prompts = Prompts(points=seen[None], labels=marks[None])
        return self._best(look, prompts, several=len(places) == 1)

    def _best(self, look: Look, prompts: Prompts, *, several: bool) -> SegmentedMask | None:
        """The mask of best quality for one prompt, None when it is empty."""
        logits, quality = self._seen(look, several=several)(prompts)
        quality = quality.nan_to_num(0.0)
        best = int(quality[0].argmax())
        large = self._network.fit.enlarge(logits[0, best][None], look.size)
        array = (large[0] > 0).cpu().numpy()
        if not array.any():
            return None
        return SegmentedMask.from_array(
            array,
            frame=look.frame,
            quality=float(quality[0, best].clamp(0, 1)),
            stability=float(stability_of(large)[0]),
        )

    def _seen(self, look: Look, *, several: bool) -> Answer:
        """What answers prompts about a look; the embedding lives at least as long."""
        embedding = self._embeddings.get(look.key, lambda: self._encoded(look))

        def answer(prompts: Prompts) -> tuple[torch.Tensor, torch.Tensor]:
            with self._turn:
                return self._network.decode(embedding, prompts, look.size, several=several)

        return answer

    def _encoded(self, look: Look) -> Any:
        with self._turn:
            return self._network.encode(look.pixels)


def load_segmenter(
    path: str | Path,
    *,
    device: str = "auto",
    precision: str = "auto",
    sha256: str | None = None,
    automatic: Automatic | None = None,
    cache_bytes: int = CACHE_BYTES,
) -> SamSegmenter:
    """Load weights that lie on this machine; `fetch_weights` brings them here.

    Args:
        path: A checkpoint of SAM or MobileSAM, or a folder with a SAM or SAM 2 of transformers.
        device: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for the fastest there is.
        precision: `float32`, `bfloat16`, `float16` of the encoder, or `auto`.
        sha256: The hash that the weights must have. Published files are known by name.
        automatic: How `propose` looks for regions.
        cache_bytes: Largest size of all embeddings that are kept.

    Raises:
        ConfigurationError: The weights are damaged, or those of something else, or cannot run
            there.
        MissingDependencyError: The package that the weights need is not installed.
    """
    path = Path(path).expanduser()
    network: Network
    if path.is_dir():
        placement = place(device, precision, extra="transformers")
        network = HubNetwork(path, placement, sha256=sha256)
    else:
        placement = place(device, precision, extra="sam")
        network = OriginalNetwork(read_checkpoint(path, sha256=sha256), placement)
    return SamSegmenter(network, automatic=automatic, cache_bytes=cache_bytes)


def _checked_points(
    points: Sequence[tuple[float, float]], labels: Sequence[int], size: tuple[int, int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int32]]:
    """Points `(k, 2)` and labels `(k,)` as arrays.

    Raises:
        InputError: There are none, too many, or one of them is no point or label.
    """
    try:
        places, marks = np.array(points, dtype=np.float64), np.array(labels, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"points are (x, y) and labels 0 or 1; got others: {error}") from error
    count = len(marks) if marks.ndim == 1 else 0
    if not 1 <= count <= _MOST_POINTS or places.shape != (count, 2):
        raise InputError(
            f"1 to {_MOST_POINTS} points (x, y) with a label each are needed; got arrays of the "
            f"shapes {places.shape} and {marks.shape}"
        )
    if not np.isin(marks, (0, 1)).all() or not marks.any():
        raise InputError(
            "labels are 1 (in the region) or 0 (outside), at least one of them 1; got "
            f"{marks.tolist()}"
        )
    # A comparison with a number that is not finite is false.
    if not ((places >= 0) & (places <= size)).all():
        raise InputError(
            f"points lie inside the picture of {size[0]} × {size[1]} pixels; got {places.tolist()}"
        )
    return places, marks.astype(np.int32)
