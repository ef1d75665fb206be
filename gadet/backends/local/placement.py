"""Where and how a model runs."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Placement"]


@dataclass(frozen=True)
class Placement:
    """Where and how a model runs.

    Attributes:
        device: `cpu`, `cuda`, `cuda:1`, `mps`, or `auto` for the fastest there is.
        dtype: Name of a floating type of torch, or `auto` for the checkpoint's own on an
            accelerator, and `float32` on a processor, where half precision is slow.
        attn_implementation: Name of an attention of transformers; None leaves the choice to it.
        trust_remote_code: Whether code that lies beside the weights may be run.
    """

    device: str = "auto"
    dtype: str = "auto"
    attn_implementation: str | None = None
    trust_remote_code: bool = False
