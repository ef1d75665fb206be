"""Networks of the package `segment-anything`, and of `mobile_sam`, which has the same parts.

Only the modules of these packages are used. What their predictors add is done here once for every
engine, without their state, so that threads can share a network and embeddings can be kept.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError, MissingDependencyError
from gadet.localize.sam.checkpoint import Checkpoint
from gadet.localize.sam.device import Placement
from gadet.localize.sam.fit import Fit
from gadet.localize.sam.layout import Layout, family_of, read_layout
from gadet.localize.sam.network import Prompts

if TYPE_CHECKING:
    import torch

__all__ = ["OriginalNetwork"]

_LONGEST_PROBLEM = 300
_DECODER_HEADS = 8
_ELSEWHERE = {
    "SAM 2": "SAM 2 is run by transformers: give the folder of such a model, as "
    "`hf download facebook/sam2.1-hiera-tiny --local-dir …` makes it",
    "transformers": "it is a file of transformers: give the folder that it lies in",
    "HQ-SAM": "HQ-SAM has parts that segment-anything lacks: use a checkpoint of SAM",
    "EfficientSAM": "EfficientSAM has an encoder that neither segment-anything nor transformers "
    "has: use a checkpoint of SAM or MobileSAM",
}


class OriginalNetwork:
    """SAM as its authors published it, or MobileSAM.

    Args:
        checkpoint: The weights; their shapes tell the network.
        placement: Where it runs.

    Raises:
        ConfigurationError: The weights are those of another network.
        MissingDependencyError: The package is not installed.

    Source: Kirillov et al., "Segment Anything", ICCV 2023, arXiv:2304.02643; Zhang et al.,
    "Faster Segment Anything", arXiv:2306.14289.
    """

    def __init__(self, checkpoint: Checkpoint, placement: Placement) -> None:
        """Build the network around the weights."""
        family = family_of(checkpoint.weights)
        if family == "SAM":
            layout = read_layout(checkpoint.weights)
            modeling = _package("segment_anything").modeling
            try:
                parts = _built(layout, modeling)
            except Exception as error:  # impossible measures can break the modules in any way
                raise _misfit(checkpoint, error) from error
            self.name = f"segment-anything:{layout.name}"
            self.fit = Fit(layout.side)
        elif family == "MobileSAM":
            parts = _package("mobile_sam").sam_model_registry["vit_t"]()
            self.name = "mobile-sam:vit_t"
            self.fit = Fit(int(parts.image_encoder.img_size))
        else:
            what = f"a checkpoint of {family}" if family else "no checkpoint of this family"
            fix = _ELSEWHERE.get(family or "", "give a checkpoint of SAM")
            raise ConfigurationError(f"{checkpoint.path.name} is {what}: {fix}")
        _fill(parts, checkpoint)
        self.weights_sha256 = checkpoint.sha256
        self._placement = placement
        self._encoder = parts.image_encoder.to(placement.device)
        self._prompts = parts.prompt_encoder.to(placement.device)
        self._decoder = parts.mask_decoder.to(placement.device)

    @property
    def embedding_bytes(self) -> int:
        """Size of what `encode` returns."""
        rows, columns = self._prompts.image_embedding_size
        return int(self._prompts.embed_dim * rows * columns * 4)

    def encode(self, pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
        """The embedding `(1, C, h, w)` float32 of pixels `(h, w, 3)` uint8 RGB."""
        import torch

        with torch.inference_mode(), self._placement.encoding():
            square = self.fit.prepare(pixels).to(self._placement.device)
            embedding: torch.Tensor = self._encoder(square)
            return embedding.float()

    def decode(
        self, embedding: torch.Tensor, prompts: Prompts, size: tuple[int, int], *, several: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for prompts; see `Network.decode`."""
        import torch

        device, scale = self._placement.device, np.array(self.fit.scale(size))
        points = boxes = None
        if prompts.points is not None:
            scaled = (prompts.points * scale).astype(np.float32)
            labels = torch.as_tensor(prompts.labels, device=device)
            points = torch.from_numpy(scaled).to(device), labels
        if prompts.boxes is not None:
            scaled = (prompts.boxes * np.tile(scale, 2)).astype(np.float32)
            boxes = torch.from_numpy(scaled).to(device)
        with torch.inference_mode():
            sparse, dense = self._prompts(points=points, boxes=boxes, masks=None)
            logits, quality = self._decoder(
                image_embeddings=embedding,
                image_pe=self._prompts.get_dense_pe(),
                sparse_prompt_embeddings=sparse,
                dense_prompt_embeddings=dense,
                multimask_output=several,
            )
        return logits, quality


def _package(name: str) -> Any:
    """One of the packages.

    Raises:
        MissingDependencyError: It, or one that it needs, is not installed.
        ConfigurationError: Its torchvision does not fit torch, or it is not part of any extra.
    """
    try:
        return import_module(name)
    except ImportError as error:
        if name == "mobile_sam":
            raise ConfigurationError(
                f"MobileSAM's checkpoint needs the packages mobile_sam and timm ({error}): pip "
                "install timm git+https://github.com/ChaoningZhang/MobileSAM.git"
            ) from error
        missing = (error.name or name).partition(".")[0].replace("_", "-")
        raise MissingDependencyError(
            "A checkpoint of Segment Anything", package=missing, extra="sam"
        ) from error
    except RuntimeError as error:
        # A torchvision that was built for another torch fails with this, not with ImportError.
        raise ConfigurationError(
            f"{name} cannot be imported ({error}): install the torchvision that belongs to the "
            "installed torch, or use a folder of transformers"
        ) from error


def _built(layout: Layout, modeling: Any) -> Any:
    """The modules of SAM without memory for their weights."""
    import torch

    cells = layout.side // layout.patch
    with torch.device("meta"):
        return torch.nn.ModuleDict(
            {
                "image_encoder": modeling.ImageEncoderViT(
                    img_size=layout.side,
                    patch_size=layout.patch,
                    embed_dim=layout.width,
                    depth=layout.depth,
                    num_heads=layout.heads,
                    mlp_ratio=layout.hidden / layout.width,
                    out_chans=layout.channels,
                    norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
                    use_rel_pos=True,
                    window_size=layout.window,
                    global_attn_indexes=layout.whole,
                ),
                "prompt_encoder": modeling.PromptEncoder(
                    embed_dim=layout.channels,
                    image_embedding_size=(cells, cells),
                    input_image_size=(layout.side, layout.side),
                    mask_in_chans=layout.mask_channels,
                ),
                "mask_decoder": modeling.MaskDecoder(
                    num_multimask_outputs=layout.masks,
                    transformer=modeling.TwoWayTransformer(
                        depth=layout.decoder_depth,
                        embedding_dim=layout.channels,
                        mlp_dim=layout.decoder_hidden,
                        num_heads=_DECODER_HEADS,
                    ),
                    transformer_dim=layout.channels,
                    iou_head_depth=layout.quality_depth,
                    iou_head_hidden_dim=layout.quality_hidden,
                ),
            }
        )


def _fill(parts: Any, checkpoint: Checkpoint) -> None:
    """Put the weights into the network and freeze it.

    Raises:
        ConfigurationError: Names or shapes differ.
    """
    try:
        parts.load_state_dict(dict(checkpoint.weights), strict=True, assign=True)
    except RuntimeError as error:
        raise _misfit(checkpoint, error) from error
    parts.requires_grad_(False)
    parts.eval()


def _misfit(checkpoint: Checkpoint, error: Exception) -> ConfigurationError:
    problem = " ".join((str(error) or repr(error)).split())[:_LONGEST_PROBLEM]
    return ConfigurationError(
        f"{checkpoint.path.name} has not the weights of one whole network: {problem}"
    )
