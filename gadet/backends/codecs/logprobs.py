"""Reading log-probabilities as most formats list them."""

from __future__ import annotations

import math
from typing import Any

from gadet.backends.base import TokenLogprob
from gadet.backends.codecs.fields import mapping, sequence

__all__ = ["token_in", "tokens_in"]


def tokens_in(content: Any) -> tuple[TokenLogprob, ...]:
    """The tokens of a list of `{token, logprob, top_logprobs}`; what cannot be read is left out."""
    read = ((token_in(entry), entry) for entry in sequence(content))
    return tuple(
        TokenLogprob(
            *token, tuple(filter(None, map(token_in, sequence(entry.get("top_logprobs")))))
        )
        for token, entry in read
        if token is not None
    )


def token_in(entry: Any, field: str = "logprob") -> tuple[str, float] | None:
    """The token and its log-probability, which stands in a `field`; None when there is none."""
    token, logprob = mapping(entry).get("token"), mapping(entry).get(field)
    if not isinstance(token, str) or not isinstance(logprob, int | float):
        return None
    return (token, float(logprob)) if math.isfinite(logprob) else None
