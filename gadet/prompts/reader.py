"""Reads a model's answer, whatever it looks like, and never mistakes silence for an all-clear.

`normal` comes out only when a complete, readable answer says so: an answer that was cut off,
refused, damaged, or that contradicts itself is something else. Reading never raises.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from gadet.prompts.answer import Answer, AnswerFinding
from gadet.prompts.json_reading import JsonReading, read_json
from gadet.prompts.mending import (
    BOUNDARY,
    DERIVED_SCORE,
    MOST_FINDINGS,
    Unreadable,
    mend_answer,
)
from gadet.prompts.phrases import phrases
from gadet.prompts.points import tagged_points, untagged
from gadet.prompts.prose import read_prose
from gadet.prompts.reading import Reading
from gadet.report import Stop

__all__ = ["Reading", "read_answer"]

# Far beyond any answer that was asked for; bounds the time that reading may take.
_LONGEST = 200_000
_MOST_WRAPPERS = 3
_CONTROL = re.compile(r"<\|[A-Za-z_]{1,30}\|>")
_CUT_OFF = "it was cut off before it was complete: write less"


def read_answer(
    text: str, *, stop: Stop = "complete", asked: Collection[str] = tuple(Answer.model_fields)
) -> Reading:
    """Read what a model answered.

    Args:
        text: The text, in any form.
        stop: Why the model stopped; `refused` and `blocked` decide alone, and after `truncated`
            the outcome is never `normal`.
        asked: The fields that were asked for; the absence of others is not noted.
    """
    if stop in ("refused", "blocked"):
        return Reading.refused((f"the provider reported that the answer was {stop}",))
    if len(text) > _LONGEST:
        return Reading.unparsed(f"it is longer than {_LONGEST} characters")
    text = text.encode("utf-8", "replace").decode("utf-8")
    text, notes = _unwrapped(text)
    if not text:
        thought = " after the model's thoughts" if notes else ""
        return Reading.unparsed(f"it is empty{thought}", notes)
    found = read_json(text)
    reading = _from_json(found, asked) if found.found else _from_prose(text)
    reading = _noted(reading, (*notes, *found.notes))
    if stop != "truncated":
        return reading
    if reading.verdict == "normal":
        return Reading.unparsed(_CUT_OFF, (*reading.notes, "the verdict normal was not relied on"))
    return _noted(reading, ("the model was stopped at its limit of tokens",))


def _unwrapped(text: str) -> tuple[str, tuple[str, ...]]:
    """Take off what local servers and thinking models put around an answer."""
    notes: list[str] = []
    bare = text.strip().lstrip("\ufeff")
    _, end, after = bare.rpartition("</think>")
    if end:
        notes.append("the model's thoughts before the answer were removed")
        bare = after
    elif bare.startswith("<think>"):
        # The thoughts never ended, so no answer was begun.
        return "", ("the model's thoughts were removed",)
    without = _CONTROL.sub("", bare)
    if without != bare:
        notes.append("control tokens were removed")
    bare = without.strip()
    if bare.startswith('"') and bare.endswith('"') and "{" in bare:
        try:
            inner = json.loads(bare, strict=False)
        except ValueError:
            return bare, tuple(notes)
        notes.append("JSON inside a JSON text was unpacked")
        bare = inner.encode("utf-8", "replace").decode("utf-8").strip()
    return bare, tuple(notes)


def _from_json(found: JsonReading, asked: Collection[str]) -> Reading:
    answers = [fields for fields in map(_answer_in, found.objects) if fields is not None]
    if found.damage is not None:
        return _refusal_or(found, found.damage)
    if found.cut is not None:
        return _from_cut(found, answers)
    if not answers:
        return _refusal_or(found, "the field `verdict` is missing")
    notes: list[str] = []
    read: list[Answer] = []
    try:
        for fields in answers:
            answer, mended = mend_answer(fields, asked=asked)
            read.append(answer)
            notes += mended
    except Unreadable as problem:
        return Reading.unparsed(str(problem), tuple(notes))
    verdicts = {answer.verdict for answer in read}
    if len(verdicts) > 1:
        return Reading.unparsed(
            f"it holds {len(read)} JSON objects with the verdicts {', '.join(sorted(verdicts))}: "
            "write one",
            tuple(notes),
        )
    if len(read) > 1:
        notes.append(f"of {len(read)} JSON objects with the same verdict, the last was read")
    if found.outside:
        notes.append("text around the JSON was left out")
    loose = len(found.objects) > len(answers)
    if loose:
        notes.append("JSON objects without a verdict were left out")
    return _doubted(Reading.of(read[-1], tuple(notes)), found.outside, loose)


def _answer_in(fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The object that holds the verdict: this one, or the only one inside it."""
    for _ in range(_MOST_WRAPPERS):
        if any(str(name).strip().casefold() == "verdict" for name in fields):
            return fields
        values = list(fields.values())
        if len(values) != 1 or not isinstance(values[0], dict):
            return None
        fields = values[0]
    return None


def _from_cut(found: JsonReading, complete: Sequence[Mapping[str, Any]]) -> Reading:
    """Read an answer that ends inside an object: `anomalous` may come of it, `normal` never."""
    cut = found.cut or {}
    findings = cut.get("findings")
    count = len(findings) if isinstance(findings, list) else 0
    notes = (f"the JSON was cut off: {count} findings were recovered",)
    if complete or _answer_in(cut) is None:
        return Reading.unparsed(_CUT_OFF, notes)
    try:
        answer, mended = mend_answer(_answer_in(cut) or {}, cut=True)
    except Unreadable:
        return Reading.unparsed(_CUT_OFF, notes)
    if answer.verdict == "normal":
        return Reading.unparsed(_CUT_OFF, (*notes, "the verdict normal was not relied on"))
    return Reading.of(answer, (*notes, *mended))


def _refusal_or(found: JsonReading, problem: str) -> Reading:
    """A refusal wrapped in JSON or beside it, or else an unreadable answer."""
    texts = [found.outside]
    for fields in found.objects:
        texts += [value for value in fields.values() if isinstance(value, str)]
    for text in texts:
        prose = read_prose(text)
        if prose.verdict == "refused":
            return Reading.refused((f"refusal recognised by {prose.phrase!r}",))
    return Reading.unparsed(problem)


def _doubted(reading: Reading, outside: str, loose: bool) -> Reading:
    """Take `normal` back when other words of the same answer speak against it."""
    answer = reading.answer
    if answer is None or answer.verdict != "normal":
        return reading
    doubt = ""
    own_words = " ".join((*answer.observations, answer.explanation, outside)).casefold()
    beside = read_prose(outside)
    said = read_prose(own_words)
    if blind := phrases().blind.search(own_words.replace("’", "'")):
        doubt = f"the model says that it saw no picture ({blind.group()!r})"
    elif (beside.verdict == "refused" or said.verdict == "refused") and not said.disclaimer:
        doubt = f"the model also declines ({(beside.phrase or said.phrase)!r})"
    elif beside.verdict == "anomalous":
        doubt = "the text around the JSON reports an anomaly"
    elif loose:
        doubt = "further JSON objects stand beside the answer"
    if not doubt:
        return reading
    doubted = answer.model_copy(update={"verdict": "uncertain", "score": BOUNDARY})
    note = f"the verdict was normal but {doubt}: it was read as uncertain, with the score 0.5"
    return Reading.of(doubted, (*reading.notes, note))


def _from_prose(text: str) -> Reading:
    prose = read_prose(untagged(text))
    if prose.verdict == "refused":
        return Reading.refused((f"refusal recognised by {prose.phrase!r}",))
    if prose.verdict is None:
        problem = "it is not a JSON object with the field `verdict`"
        if prose.blind:
            problem = f"it says that no picture was seen ({prose.phrase!r}): look at the pictures"
        elif prose.contradictory:
            problem = "it says both yes and no: write a JSON object with one `verdict`"
        return Reading.unparsed(problem)
    pointed = _pointed(text) if prose.verdict == "anomalous" else ()
    read = "its verdict and the points in it were" if pointed else "only its verdict was"
    unplaced = "" if pointed else ", and findings in it have no place"
    score = DERIVED_SCORE[prose.verdict]
    answer = Answer(
        observations=(),
        findings=pointed,
        explanation=text[:4000],
        verdict=prose.verdict,
        score=score,
    )
    return Reading.of(
        answer,
        (
            f"the answer was plain text instead of JSON: {read} read{unplaced}",
            f"the score was missing: {score} was derived from the verdict",
        ),
    )


def _pointed(text: str) -> tuple[AnswerFinding, ...]:
    """A finding for each point in the text, as models write them that were trained to point."""
    return tuple(
        AnswerFinding(
            mark=None,
            box=None,
            named_point=point.values,
            label=point.words[:80] or "anomaly",
            description=point.words,
            severity=None,
            confidence=None,
        )
        for point in tagged_points(text)[:MOST_FINDINGS]
    )


def _noted(reading: Reading, notes: tuple[str, ...]) -> Reading:
    return reading.model_copy(update={"notes": (*notes, *reading.notes)}) if notes else reading
