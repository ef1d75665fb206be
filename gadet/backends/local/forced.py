"""The forced choice: a model is given the beginning of an answer and asked for the verdict alone.

It works for models that are too small to write JSON, and costs one token instead of hundreds. The
answer is begun with its field `verdict`, although a model that writes freely comes to it last: an
empty list of findings before it would say `normal` in the model's name.

The three words are weighed as in a free answer (`gadet.backends.likelihood`). A question that asks
for yes or no was not chosen: it has no word for doubt, so a model that cannot tell would clear half
of all items, models lean towards yes whatever is shown (Li et al. 2023, POPE, arXiv 2305.10355),
and its score would not compare with that of a free answer.
"""

from __future__ import annotations

import json
import math

from gadet.backends.base import TokenLogprob
from gadet.backends.likelihood import LEAST_MASS, probability_of_anomaly, verdict_mass
from gadet.report import Verdict

__all__ = ["PREFIX", "WEIGHED", "forced_answer"]

PREFIX = '{"verdict": "'
# More than the beginnings of three words in all spellings; no vocabulary has so many.
WEIGHED = 200
# Stands for a probability of zero, because JSON has no logarithm of it.
_NOTHING = 1e-12
_WORDS: tuple[Verdict, ...] = ("anomalous", "uncertain", "normal")


def forced_answer(next_token: TokenLogprob) -> tuple[str, tuple[TokenLogprob, ...]]:
    """A well-formed answer by what a model would write behind `PREFIX`.

    The likeliest verdict is taken; of equally likely ones the one that clears least. A model that
    would rather write something else altogether gets `uncertain`.

    Args:
        next_token: The token behind `PREFIX`, with at least `WEIGHED` alternatives.

    Returns:
        The text, and its three tokens: what stood fast, the verdict with the probability of each,
        and what was filled in.
    """
    mass = verdict_mass(next_token)
    score = probability_of_anomaly(mass)
    shares = {word: mass.get(word, 0.0) for word in _WORDS}
    verdict = "uncertain" if score is None else max(_WORDS, key=shares.__getitem__)
    rest = {
        "score": round(0.5 if score is None else score, 4),
        "observations": [],
        "findings": [],
        "explanation": _explained(shares, score),
    }
    filled_in = '", ' + json.dumps(rest)[1:]
    weighed = {word: math.log(max(share, _NOTHING)) for word, share in shares.items()}
    tokens = (
        TokenLogprob(PREFIX, 0.0),
        TokenLogprob(verdict, weighed[verdict], tuple(weighed.items())),
        TokenLogprob(filled_in, 0.0),
    )
    return "".join(token.token for token in tokens), tokens


def _explained(shares: dict[Verdict, float], score: float | None) -> str:
    listed = ", ".join(f"{word} {share:.3f}" for word, share in shares.items())
    said = f"Only the verdict was asked for. The model's probabilities are {listed}."
    if score is None:
        return f"{said} Together they are below {LEAST_MASS}, so they mean nothing."
    return said
