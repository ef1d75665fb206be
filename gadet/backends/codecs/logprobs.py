"""Log-probabilities: how many are asked for, and how most formats list them."""

from __future__ import annotations

import math
from typing import Any

from gadet.backends.base import TokenLogprob
from gadet.backends.codecs.fields import mapping, sequence

__all__ = ["ALTERNATIVES", "read_logprobs", "read_token"]

# Alternatives asked for at each token.
ALTERNATIVES = 5


def read_logprobs(content: Any) -> tuple[TokenLogprob, ...]:
    """The tokens of a list of `{token, logprob, top_logprobs}`; what cannot be read is left out."""
    read = ((read_token(entry), entry) for entry in sequence(content))
    return tuple(
        TokenLogprob(
            *token, tuple(filter(None, map(read_token, sequence(entry.get("top_logprobs")))))
        )
        for token, entry in read
        if token is not None
    )


def read_token(entry: Any, field: str = "logprob") -> tuple[str, float] | None:
    """The token and its log-probability, which stands in a `field`; None when there is none."""
    token, logprob = mapping(entry).get("token"), mapping(entry).get(field)
    if not isinstance(token, str) or not isinstance(logprob, int | float):
        return None
    return (token, float(logprob)) if math.isfinite(logprob) else None
