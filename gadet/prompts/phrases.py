"""The phrases and words of `phrases.toml`, compiled."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

__all__ = ["Phrases", "phrases", "word_key"]

_FRAGMENT = re.compile(r"<(\w+)>")
# Fragments stand inside fragments only this deep.
_NESTING = 4
_TABLES = ("words", "severity", "fragments")


@dataclass(frozen=True)
class Phrases:
    """What models say, in every language that is known.

    Attributes:
        words: From a word, as `word_key` gives it, to the verdict it stands for.
        nothing: Words for "no finding".
        severity: From a word to the severity it stands for.
        refusal: The model declines.
        diagnosis: The model declines a diagnosis, which is often a mere disclaimer.
        blind: The model says that it got no picture.
        unsure: The model says that it cannot decide.
        normal: A whole sentence says that nothing is wrong.
        alarms: Pairs per language: something is wrong; unless the sentence also holds the second.
        yes: The text begins with an affirmation.
    """

    words: Mapping[str, str]
    nothing: frozenset[str]
    severity: Mapping[str, str]
    refusal: re.Pattern[str]
    diagnosis: re.Pattern[str]
    blind: re.Pattern[str]
    unsure: re.Pattern[str]
    normal: re.Pattern[str]
    alarms: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...]
    yes: re.Pattern[str]

    def is_normal(self, sentence: str) -> bool:
        """Whether the whole sentence says that nothing is wrong."""
        return self.normal.fullmatch(sentence) is not None

    def is_alarm(self, sentence: str) -> bool:
        """Whether the sentence says that something is wrong, without negation or doubt."""
        return any(
            alarm.search(sentence) and not guard.search(sentence) for alarm, guard in self.alarms
        )


def word_key(text: str) -> str:
    """The form in which words are compared: lower case, bare of spaces and punctuation around."""
    return " ".join(text.casefold().replace("_", " ").split()).strip(" .,:;!*`'\"。！")


@cache
def phrases() -> Phrases:
    """Read and compile the data file, once."""
    text = (resources.files(__package__) / "phrases.toml").read_text(encoding="utf-8")
    data = tomllib.loads(text)
    languages = {name: table for name, table in data.items() if name not in _TABLES}
    verdicts = {key: value for key, value in data["words"].items() if key != "nothing"}
    collected = {
        kind: _any(
            _filled(pattern, data["fragments"] | table.get("fragments", {}))
            for table in languages.values()
            for pattern in table.get(kind, ())
        )
        for kind in ("refusal", "diagnosis", "blind", "unsure", "normal")
    }
    marks = sorted({mark for table in languages.values() for mark in table["marks"]}, reverse=True)
    return Phrases(
        words=_inverted(verdicts),
        nothing=frozenset(word_key(word) for word in data["words"]["nothing"]),
        severity=_inverted(data["severity"]),
        alarms=tuple(_alarm(table, data["fragments"]) for table in languages.values()),
        yes=re.compile("(?:" + "|".join(map(_affirmation, marks)) + ")"),
        **collected,
    )


def _inverted(table: Mapping[str, list[str]]) -> dict[str, str]:
    return {word_key(word): value for value, words in table.items() for word in words}


def _any(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _alarm(
    table: Mapping[str, Any], fragments: Mapping[str, str]
) -> tuple[re.Pattern[str], re.Pattern[str]]:
    filled = (_filled(pattern, fragments) for pattern in table["alarm"])
    return _any(filled), re.compile(table["guard"])


def _affirmation(mark: str) -> str:
    # Languages without spaces have no word boundary either.
    return re.escape(mark) + (r"(?![\w'])" if mark[-1].isascii() or mark in ("sì", "sí") else "")


def _filled(pattern: str, fragments: Mapping[str, str]) -> str:
    for _ in range(_NESTING):
        pattern = _FRAGMENT.sub(lambda match: fragments[match[1]], pattern)
    return pattern
