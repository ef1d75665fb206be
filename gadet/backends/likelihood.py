"""How probable a model found `anomalous`, from the probabilities of its answer's tokens.

A model that writes `"verdict": "anomalous"` chose the first token of that word among others. The
probability of everything that it could have begun there is a score with finer steps than the number
it writes, and it can be ranked:

    P(anomalous) = (p_anomalous + p_uncertain / 2) / (p_anomalous + p_normal + p_uncertain)

Only the first token counts. The three words differ from their first letter on, so it decides alone
between them; the later pieces of a word are nearly certain once it is begun, and multiplying them
in would only favour the words that a tokenizer cuts into fewer pieces.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from gadet.backends.base import Completion, TokenLogprob
from gadet.report import Verdict

__all__ = ["LEAST_MASS", "begun_verdict", "likelihood_of", "probability_of_anomaly", "verdict_mass"]

# Less than this on the three words together, and the model was about to write something else: what
# is left is noise, and the tail that no server lists would decide.
LEAST_MASS = 0.1

_WORDS: tuple[Verdict, ...] = ("anomalous", "normal", "uncertain")
# How tokenizers spell a leading space and a line break when they show raw tokens.
_MARKERS = str.maketrans({"Ġ": " ", "▁": " ", "Ċ": "\n"})
_AROUND = " \t\r\n\"'`:"
_END_OF_THOUGHT = "</think>"
# How a field is spelt, surest first: double quotes inside a JSON string are escaped, the other two
# spellings may stand in a sentence.
_FIELDS = tuple(
    re.compile(spelling + r"""\s*:\s*["']?\s*""", re.IGNORECASE)
    for spelling in (r'(?<!\\)"verdict"', r"(?<!\\)'verdict'", r"""(?<![\\\w"'])verdict""")
)


def likelihood_of(completion: Completion, verdict: Verdict) -> float | None:
    """P(anomalous) of an answer whose tokens came with probabilities.

    Args:
        completion: The answer.
        verdict: What was read from it.

    Returns:
        In [0, 1]; None when no token begins the value of the answer's one field `verdict`, when
        that value is not the word that was read, or when the three words have less than
        `LEAST_MASS` of the probability there.
    """
    place = _place_of(verdict, completion.logprobs)
    return None if place is None else probability_of_anomaly(verdict_mass(*place))


def probability_of_anomaly(mass: Mapping[Verdict, float]) -> float | None:
    """P(anomalous) from the probability of each verdict; None when there is too little of it."""
    total = sum(mass.values())
    if not total >= LEAST_MASS:
        return None
    doubt = mass.get("uncertain", 0.0) / 2
    return min(max((mass.get("anomalous", 0.0) + doubt) / total, 0.0), 1.0)


def verdict_mass(token: TokenLogprob, before: str = "") -> dict[Verdict, float]:
    """The probability that each verdict is begun at a token's place.

    Args:
        token: The token, with the alternatives to it.
        before: What of the token's text stands before the verdict, such as a quote.
    """
    weighed = dict((*token.alternatives, (token.token, token.logprob)))
    mass: dict[Verdict, float] = {}
    for text, logprob in weighed.items():
        piece = _plain(text)
        verdict = begun_verdict(piece[len(before) :] if piece.startswith(before) else piece)
        if verdict is not None and not math.isnan(logprob):
            mass[verdict] = mass.get(verdict, 0.0) + math.exp(min(logprob, 0.0))
    return mass


def begun_verdict(piece: str) -> Verdict | None:
    """The one verdict that a piece of text begins, if any: `an`, ` "normal`, `UNCERTAIN",`.

    Case, and quotes and white space before the word, do not count. A piece that could begin more
    than one word, like a lone quote, begins none.
    """
    word = piece.translate(_MARKERS).lstrip(_AROUND).casefold()
    begun = [verdict for verdict in _WORDS if _begins(word, verdict)]
    return begun[0] if len(begun) == 1 else None


def _begins(piece: str, word: str) -> bool:
    if len(piece) <= len(word):
        return bool(piece) and word.startswith(piece)
    return piece.startswith(word) and not piece[len(word)].isalnum()


def _place_of(verdict: Verdict, tokens: Sequence[TokenLogprob]) -> tuple[TokenLogprob, str] | None:
    """The token in which the value of the field begins, and what of it stands before the value."""
    # Offsets are those of the joined tokens: servers replace broken characters, and may leave
    # thoughts out of the text, so that it need not be the same.
    text = "".join(_plain(token.token) for token in tokens)
    values = _values(text)
    if not values or any(not _is_word(text, start, verdict) for start in values):
        return None
    position = 0
    for token in tokens:
        end = position + len(token.token)
        if values[-1] < end:
            return token, _plain(token.token)[: values[-1] - position]
        position = end
    return None


def _values(text: str) -> list[int]:
    """Where values of a field `verdict` begin."""
    start = text.rfind(_END_OF_THOUGHT) + 1
    for spelling in _FIELDS:
        found = [match.end() for match in spelling.finditer(text, start)]
        if found:
            return found
    return []


def _is_word(text: str, start: int, verdict: Verdict) -> bool:
    rest = text[start : start + len(verdict) + 1].casefold()
    return len(rest) >= len(verdict) and _begins(rest, verdict)


def _plain(token: str) -> str:
    """A token's text with a raw tokenizer's marks read; no character more or less."""
    return token.translate(_MARKERS)
