"""Chooses each next token, and keeps what it was chosen from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

__all__ = ["Chooser", "Steps"]


@dataclass(frozen=True)
class Steps:
    """What was chosen at each step, indexed `[row][step]`.

    Attributes:
        chosen: Natural-log probability of the chosen token.
        others: Ids of the likeliest tokens, likeliest first.
        logprobs: Natural-log probabilities of `others`.
    """

    chosen: list[list[float]]
    others: list[list[list[int]]]
    logprobs: list[list[list[float]]]


class Chooser:
    """A logits processor of transformers: the token of the highest value it returns is taken.

    With a temperature it adds Gumbel noise, so that the highest value is a sample of the softmax.
    Each row has its own noise from its own seed: what is sampled for a prompt does not depend on
    the others in its batch, and comes out again. Keeping only the likeliest tokens of each step,
    while it is made, saves the memory of whole vocabularies.

    Args:
        temperature: 0 takes the likeliest token.
        seeds: One for each row.
        alternatives: How many tokens are kept of each step.

    Source: the Gumbel-max trick, Gumbel 1954; Maddison et al. 2014, arXiv 1411.0030.
    """

    def __init__(self, temperature: float, seeds: Sequence[int], *, alternatives: int) -> None:
        self._temperature = temperature
        self._noise = [torch.Generator().manual_seed(seed) for seed in seeds]
        self._most = alternatives
        self._kept: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Log-probabilities `(B, V)` float32, with noise when sampling, from logits `(B, V)`."""
        logprobs = scores.float().log_softmax(dim=-1)
        wanted = self._sampled(logprobs) if self._temperature else logprobs
        chosen = wanted.argmax(dim=-1, keepdim=True)
        top = logprobs.topk(min(self._most, logprobs.shape[-1]), dim=-1)
        self._kept.append((logprobs.gather(-1, chosen), top.values, top.indices))
        return wanted

    def steps(self) -> Steps:
        """What was chosen so far."""
        chosen, logprobs, others = (
            torch.stack(kept, dim=1) for kept in zip(*self._kept, strict=True)
        )
        return Steps(chosen.squeeze(-1).tolist(), others.tolist(), logprobs.tolist())

    def _sampled(self, logprobs: torch.Tensor) -> torch.Tensor:
        vocabulary = logprobs.shape[-1]
        uniform = torch.stack([torch.rand(vocabulary, generator=row) for row in self._noise])
        gumbel = -(-uniform.clamp(min=1e-20).log()).clamp(min=1e-20).log()
        return logprobs / self._temperature + gumbel.to(logprobs.device)
