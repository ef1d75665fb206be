"""Where a network runs and how exactly it computes."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gadet.errors import ConfigurationError, MissingDependencyError

if TYPE_CHECKING:
    import torch

__all__ = ["PRECISIONS", "Placement", "place"]

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Placement:
    """Where a network runs.

    Attributes:
        device: The device.
        encoder: Floating type of the image encoder; the decoder always computes in float32, since
            it is small, and its output is compared with thresholds.
    """

    device: torch.device
    encoder: torch.dtype

    def encoding(self) -> AbstractContextManager[object]:
        """The context that the encoder runs in."""
        import torch

        if self.encoder == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.encoder)


def place(device: str, precision: str, *, extra: str) -> Placement:
    """Choose where and how exactly to compute.

    Args:
        device: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for the fastest there is.
        precision: `float32`, `bfloat16` or `float16` for the image encoder; `auto` is `bfloat16`
            on a CUDA card that computes in it, and `float32` everywhere else. `float16` can
            overflow and is never chosen unasked.
        extra: The extra of gadet that brings torch, for the error.

    Raises:
        ConfigurationError: There is no such device or precision, or half precision was asked for
            on a device where it is not safe.
        MissingDependencyError: torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise MissingDependencyError("Segment Anything", package="torch", extra=extra) from error
    chosen = _device(device)
    if precision not in PRECISIONS:
        raise ConfigurationError(
            f"precision must be one of {', '.join(PRECISIONS)}; got {precision!r}"
        )
    cuda = chosen.type == "cuda"
    if precision == "auto":
        half = cuda and torch.cuda.is_bf16_supported(including_emulation=False)
        return Placement(chosen, torch.bfloat16 if half else torch.float32)
    if precision != "float32" and not cuda:
        raise ConfigurationError(
            f"half precision is used on CUDA alone; got precision={precision!r} on {chosen.type}: "
            "leave precision out"
        )
    return Placement(chosen, getattr(torch, precision))


def _device(name: str) -> torch.device:
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ConfigurationError(
            f"device must be auto, cpu, cuda, cuda:0 … or mps; got {name!r}"
        ) from error
    there = {
        "cpu": 1,
        "cuda": torch.cuda.device_count() if torch.cuda.is_available() else 0,
        "mps": int(torch.backends.mps.is_available()),
    }
    if (device.index or 0) >= there.get(device.type, 0):
        raise ConfigurationError(
            f"device {name!r} is not here: torch sees {there['cuda']} CUDA and {there['mps']} MPS "
            "devices; use device='auto'"
        )
    return device
