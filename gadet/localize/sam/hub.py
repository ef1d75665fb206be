"""Networks that transformers computes: SAM and SAM 2, from a folder with `*.safetensors`."""

from __future__ import annotations

import hashlib
import json
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError, GadetError, MissingDependencyError
from gadet.localize.sam.device import Placement
from gadet.localize.sam.fit import Fit
from gadet.localize.sam.network import Prompts
from gadet.localize.sam.weights import check_hash, hash_of

if TYPE_CHECKING:
    import torch

__all__ = ["HubNetwork"]

_LARGEST_SETTINGS = 4_000_000
_LONGEST_PROBLEM = 300
# By `model_type`; the folder of a video model holds all of an image model.
_KINDS = ("sam", "sam2", "sam2_video")


class HubNetwork:
    """SAM or SAM 2 as transformers computes it.

    Args:
        folder: A folder with `config.json` and `*.safetensors`.
        placement: Where it runs.
        sha256: The hash that its weights must have.

    Raises:
        ConfigurationError: The folder holds no such model, or not all of its weights.
        MissingDependencyError: transformers is not installed.

    Source: Ravi et al., "SAM 2: Segment Anything in Images and Videos", arXiv:2408.00714.
    """

    def __init__(self, folder: Path, placement: Placement, *, sha256: str | None = None) -> None:
        """Read settings and weights."""
        kind = _kind_of(folder)
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise ConfigurationError(
                f"a folder of transformers needs its weights as *.safetensors, the one format "
                f"that cannot hold code; {folder} has none: fetch the whole model"
            )
        self.weights_sha256 = _hash_of_all(files)
        if sha256 is not None:
            check_hash(folder, self.weights_sha256, sha256)
        self.name = f"transformers:{folder.resolve().name}"
        self._placement = placement
        self._model = _loaded(folder).to(placement.device)
        config = self._model.config
        self.fit = Fit(int(config.prompt_encoder_config.image_size), stretched=kind != "sam")
        self.embedding_bytes = _embedding_bytes(config, kind)

    def encode(self, pixels: npt.NDArray[np.uint8]) -> Any:
        """The embedding of pixels `(h, w, 3)` uint8 RGB: one float32 tensor, three for SAM 2."""
        import torch

        with torch.inference_mode(), self._placement.encoding():
            square = self.fit.prepare(pixels).to(self._placement.device)
            embedding = self._model.get_image_embeddings(square)
            if isinstance(embedding, torch.Tensor):
                return embedding.float()
            return [part.float() for part in embedding]

    def decode(
        self, embedding: Any, prompts: Prompts, size: tuple[int, int], *, several: bool
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Masks for prompts; see `Network.decode`."""
        import torch

        device, scale = self._placement.device, np.array(self.fit.scale(size))
        asked: dict[str, torch.Tensor] = {}
        if prompts.points is not None:
            scaled = (prompts.points * scale).astype(np.float32)
            asked["input_points"] = torch.from_numpy(scaled).to(device)[None]
            asked["input_labels"] = torch.as_tensor(prompts.labels, device=device)[None]
        if prompts.boxes is not None:
            scaled = (prompts.boxes * np.tile(scale, 2)).astype(np.float32)
            asked["input_boxes"] = torch.from_numpy(scaled).to(device)[None]
        with torch.inference_mode():
            answer = self._model(image_embeddings=embedding, multimask_output=several, **asked)
        return answer.pred_masks[0], answer.iou_scores[0]


def _kind_of(folder: Path) -> str:
    """The `model_type` of a folder.

    Raises:
        ConfigurationError: It is none that can be used.
    """
    file = folder / "config.json"
    try:
        if file.stat().st_size > _LARGEST_SETTINGS:
            raise ConfigurationError(f"{file} should hold settings, but it is larger than 4 MB")
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(
            f"a folder of transformers holds config.json; {folder} has none that can be read "
            f"({error}): give the folder into which the model was saved, or a checkpoint's file"
        ) from error
    kind = content.get("model_type") if isinstance(content, dict) else None
    if kind not in _KINDS:
        raise ConfigurationError(
            f"a model of the kind {', '.join(_KINDS)} is needed; {folder} holds {kind!r}"
        )
    return str(kind)


def _loaded(folder: Path) -> Any:
    """The model, with every weight from its files.

    Raises:
        ConfigurationError: It cannot be loaded, or its files lack weights.
        MissingDependencyError: transformers is not installed, or too old for the model.
    """
    import torch

    try:
        kind = import_module("transformers").AutoModelForMaskGeneration
    except (ImportError, AttributeError) as error:
        raise MissingDependencyError(
            "Segment Anything from a folder", package="transformers", extra="transformers"
        ) from error
    try:
        model, told = kind.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            output_loading_info=True,
        )
        # transformers fills what is missing or misshapen with random numbers, and only warns.
        lacking = sorted(str(name) for name in {*told["missing_keys"], *told["mismatched_keys"]})
        if lacking:
            raise ConfigurationError(
                f"{folder} should hold every weight of the model; {len(lacking)} are missing, "
                f"such as {lacking[0]}: fetch it again"
            )
        for weight_name, weight in model.named_parameters():
            if not bool(torch.isfinite(weight).all()):
                raise ConfigurationError(
                    f"{folder} is damaged: {weight_name} holds numbers that are not finite"
                )
    except GadetError:
        raise
    except Exception as error:  # a model's files can break their reader in any way
        problem = " ".join(str(error).split())[:_LONGEST_PROBLEM]
        raise ConfigurationError(f"{folder} could not be loaded: {problem}") from error
    return model.requires_grad_(False).eval()


def _hash_of_all(files: list[Path]) -> str:
    """The hash of one file, or of the hashes of several in the order of their names."""
    hashes = [hash_of(file) for file in files]
    if len(hashes) == 1:
        return hashes[0]
    return hashlib.sha256("".join(hashes).encode()).hexdigest()


def _embedding_bytes(config: Any, kind: str) -> int:
    channels = int(config.mask_decoder_config.hidden_size)
    if kind == "sam":
        return channels * int(config.prompt_encoder_config.image_embedding_size) ** 2 * 4
    # The two finer maps come with an eighth and a quarter of the channels.
    sizes = config.vision_config.backbone_feature_sizes
    parts = zip((channels // 8, channels // 4, channels), sizes, strict=True)
    return sum(part * rows * columns * 4 for part, (rows, columns) in parts)
