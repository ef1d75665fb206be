"""The shape of a SAM network, read from its weights, so that a file's name need not be trusted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gadet.errors import ConfigurationError

if TYPE_CHECKING:
    import torch

__all__ = ["Layout", "family_of", "read_layout"]

_NAMES = {(768, 12): "vit_b", (1024, 24): "vit_l", (1280, 32): "vit_h"}
_LARGEST_SIDE = 4096
_MOST_CELLS = 128

# How each family of checkpoints is told, by one name that only it has; the first that fits.
_FAMILIES = (
    ("image_encoder.trunk.", "SAM 2"),
    ("mask_decoder.hf_token.", "HQ-SAM"),
    ("image_encoder.patch_embed.seq.", "MobileSAM"),
    ("image_encoder.blocks.0.attn.rel_pos_h", "SAM"),
    ("image_encoder.blocks.0.attn.qkv.", "EfficientSAM"),
    ("vision_encoder.", "transformers"),
)


@dataclass(frozen=True)
class Layout:
    """The measures of a SAM network with a plain vision transformer.

    Attributes:
        side: Side of the square that it sees, in pixels.
        patch: Side of a patch in pixels.
        width: Channels of the encoder.
        depth: Blocks of the encoder.
        heads: Attention heads of the encoder.
        hidden: Channels between the two layers of a block's perceptron.
        window: Side of an attention window in patches.
        whole: Blocks that attend to the whole square.
        channels: Channels of the embedding and of the decoder.
        mask_channels: Channels that a mask prompt is brought to first.
        decoder_depth: Blocks of the decoder.
        decoder_hidden: Channels between the two layers of a decoder block's perceptron.
        masks: Masks for an ambiguous prompt.
        quality_depth: Layers of the head that estimates quality.
        quality_hidden: Channels between them.
    """

    side: int
    patch: int
    width: int
    depth: int
    heads: int
    hidden: int
    window: int
    whole: tuple[int, ...]
    channels: int
    mask_channels: int
    decoder_depth: int
    decoder_hidden: int
    masks: int
    quality_depth: int
    quality_hidden: int

    @property
    def name(self) -> str:
        """`vit_b`, `vit_l`, `vit_h`, or the measures of another encoder."""
        return _NAMES.get((self.width, self.depth), f"vit_{self.width}x{self.depth}")


def family_of(weights: Mapping[str, torch.Tensor]) -> str | None:
    """The family that the names of weights tell, None when it is none that is known."""
    for start, family in _FAMILIES:
        if any(name.startswith(start) for name in weights):
            return family
    return None


def read_layout(weights: Mapping[str, torch.Tensor]) -> Layout:
    """Read the measures of a network of the family `SAM`.

    The number of heads of the decoder and how far its attention narrows cannot be told from the
    weights: they are 8 and 2 in every one that was published.

    Raises:
        ConfigurationError: A weight is missing or has an impossible shape.
    """
    try:
        return _measured({name: tuple(value.shape) for name, value in weights.items()})
    except (KeyError, IndexError, ValueError, ZeroDivisionError) as error:
        raise ConfigurationError(
            f"a checkpoint of SAM has every weight of its network; this one does not fit: {error}"
        ) from error


def _measured(shapes: Mapping[str, tuple[int, ...]]) -> Layout:
    encoder, decoder = "image_encoder", "mask_decoder"
    width, _, patch, _ = shapes[f"{encoder}.patch_embed.proj.weight"]
    _, grid, _, _ = shapes[f"{encoder}.pos_embed"]
    depth = _count(shapes, rf"{encoder}\.blocks\.(\d+)\.")
    reaches = [shapes[f"{encoder}.blocks.{n}.attn.rel_pos_h"] for n in range(depth)]
    sides = [(length + 1) // 2 for length, _ in reaches]
    whole = tuple(n for n, side in enumerate(sides) if side == grid)
    windows = {side for side in sides if side != grid}
    if len(windows) > 1:
        raise ValueError(f"its attention windows have several sizes, {sorted(windows)}")
    if grid * patch > _LARGEST_SIDE or grid > _MOST_CELLS:
        raise ValueError(f"it would see squares of {grid * patch} pixels in {grid} × {grid} cells")
    heads, rest = divmod(width, reaches[0][1])
    if rest:
        raise ValueError(f"{width} channels do not part into heads of {reaches[0][1]}")
    quality = f"{decoder}.iou_prediction_head.layers"
    return Layout(
        side=grid * patch,
        patch=patch,
        width=width,
        depth=depth,
        heads=heads,
        hidden=shapes[f"{encoder}.blocks.0.mlp.lin1.weight"][0],
        window=windows.pop() if windows else 0,
        whole=whole,
        channels=shapes[f"{encoder}.neck.0.weight"][0],
        mask_channels=shapes["prompt_encoder.mask_downscaling.3.weight"][0],
        decoder_depth=_count(shapes, rf"{decoder}\.transformer\.layers\.(\d+)\."),
        decoder_hidden=shapes[f"{decoder}.transformer.layers.0.mlp.lin1.weight"][0],
        masks=shapes[f"{decoder}.mask_tokens.weight"][0] - 1,
        quality_depth=_count(shapes, rf"{decoder}\.iou_prediction_head\.layers\.(\d+)\."),
        quality_hidden=shapes[f"{quality}.0.weight"][0],
    )


def _count(shapes: Mapping[str, tuple[int, ...]], pattern: str) -> int:
    """How many numbered parts there are."""
    found = {match[1] for name in shapes if (match := re.match(pattern, name))}
    if not found:
        raise ValueError(f"nothing is named {pattern!r}")
    return len(found)
