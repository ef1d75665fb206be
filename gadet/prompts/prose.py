"""Reads an answer that is plain sentences.

The rule leans to one side on purpose. *Normal* needs every sentence to say so, in words that are
known; *anomalous* needs one clear statement that no other sentence contradicts; anything else stays
unread, and the model is asked again.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from gadet.prompts.phrases import Phrases, phrases

__all__ = ["Prose", "read_prose"]

_MOST_SENTENCES = 40
_LONGEST_SENTENCE = 600
_READ = 8000
_DECORATION = re.compile(r"[*_`\"“”„«»]+|^[ \t]*[-•#>]+[ \t]+", re.MULTILINE)
_OPENING_NO = re.compile(r"\A(?:no|nope|nein|non|não)[,.:;!]+ ")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])\s*|\s*\n+\s*")
# "Yes, it looks normal" and "Yes, I can help" affirm something else than an anomaly.
_YES_OF_OTHER_KIND = re.compile(
    r"\b(?:normal\w*|ok|okay|fine|good|correct|help|assist|understand|understood|certainly|course"
    r"|free|fehlerfrei|unauffällig|perfect\w*)\b|正常|\?"
    r"|\b(?:no|not|without|any|keine?|aucune?|ninguna?|ningún|nenhuma?|nessuna?|nessun|sin|sans"
    r"|ohne|sem|senza)\b.{0,40}(?:anomal|defe|défaut|difett|fehler|damage|abnorm|problem|issue)"
    r"|n't .{0,40}(?:anomal|defect|damage|abnorm)|没有|無|ありません"
)


@dataclass(frozen=True)
class Prose:
    """What sentences say.

    Attributes:
        verdict: Their verdict; `refused` for a refusal, None when nothing certain is said.
        contradictory: Whether they say both that something is and that nothing is wrong.
        blind: Whether the model says that it got no picture.
        disclaimer: Whether the model declines only a diagnosis.
        phrase: The words that were decisive for a refusal or for `blind`.
    """

    verdict: Literal["anomalous", "normal", "uncertain", "refused"] | None
    contradictory: bool = False
    blind: bool = False
    disclaimer: bool = False
    phrase: str = ""


def read_prose(text: str) -> Prose:
    """Read plain sentences; only the first 8000 characters are looked at.

    A longer text is never `normal`, because what follows was not read.
    """
    known = phrases()
    flat = _flattened(text[:_READ])
    sentences = [sentence for sentence in _SENTENCE.split(flat) if sentence.strip(" .!。！-:")]
    sentences = [" ".join(sentence.split()) for sentence in sentences]
    longest = max(map(len, sentences), default=0)
    whole = (
        len(text) <= _READ and len(sentences) <= _MOST_SENTENCES and longest <= _LONGEST_SENTENCE
    )
    sentences = [sentence[:_LONGEST_SENTENCE] for sentence in sentences[:_MOST_SENTENCES]]
    if not sentences:
        return Prose(None)
    line = " ".join(sentences)
    # Opening with "no" denies nothing of the sentence that follows, but it contradicts an alarm.
    opening = _OPENING_NO.match(sentences[0] + " ")
    stated = [_OPENING_NO.sub("", sentences[0]), *sentences[1:]]
    alarm = _affirms(sentences[0], known) or any(map(known.is_alarm, stated))
    clear = [known.is_normal(sentence) for sentence in _with_bare_no_joined(sentences)]
    if alarm:
        both = any(clear) or opening is not None
        return Prose(None, contradictory=True) if both else Prose("anomalous")
    if blind := known.blind.search(line):
        return Prose(None, blind=True, phrase=blind.group())
    if refusal := known.refusal.search(line):
        disclaimer = known.diagnosis.search(line) is not None
        return Prose("refused", disclaimer=disclaimer, phrase=refusal.group())
    if all(clear) and whole:
        return Prose("normal")
    if known.unsure.search(line) and not any(clear):
        return Prose("uncertain")
    return Prose(None)


def _flattened(text: str) -> str:
    """Lower case, composed letters, plain apostrophes, no markup."""
    composed = unicodedata.normalize("NFC", text).replace("’", "'").replace("‘", "'")
    return _DECORATION.sub("", composed).casefold().strip()


def _affirms(sentence: str, known: Phrases) -> bool:
    return known.yes.match(sentence) is not None and not _YES_OF_OTHER_KIND.search(sentence)


def _with_bare_no_joined(sentences: list[str]) -> list[str]:
    """Read "No. The image is normal." as one sentence, as if it had a comma."""
    if len(sentences) > 1 and sentences[0].strip(" .!") in ("no", "nein", "non", "não"):
        return [f"{sentences[0].strip(' .!')}, {sentences[1]}", *sentences[2:]]
    return sentences
