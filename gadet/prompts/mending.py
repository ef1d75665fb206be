"""From the fields that a model wrote to an `Answer`, noting everything that had to be mended.

The rules, which `docs/prompts.md` states for users:

- A verdict word is looked up in `phrases.toml`; an unknown word makes the answer unreadable.
- A score that is missing, or cannot be read, is derived from the verdict: the middle of its half of
  the scale. The scale of a score is never guessed. Beside `normal`, a score that is present but
  unreadable makes the answer unreadable, because it may contradict the verdict.
- A verdict that its own score, findings or checked rules contradict becomes `uncertain`, with the
  score 0.5.
- A part of a finding that cannot be read is dropped; the finding stays.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from gadet.prompts.answer import Answer, AnswerFinding
from gadet.prompts.phrases import phrases, word_key
from gadet.prompts.points import StatedPoint, read_points
from gadet.prompts.wording import RULE_BROKEN, RULE_UNSEEN

__all__ = ["Unreadable", "mend_answer"]

DERIVED_SCORE = {"anomalous": 0.75, "uncertain": 0.5, "normal": 0.25}
BOUNDARY = 0.5
MOST_FINDINGS = 100
_MOST_OBSERVATIONS = 200
_LONGEST_TEXT = 4000
_BOX_NAMES = ("box", "box_2d", "bbox_2d", "bbox", "bounding_box")
_POINT_NAMES = ("point", "point_2d", "points", "points_2d", "coordinates")
_RULE_NOT_HELD = re.compile(
    rf"\W*rule\s+\d+\b.*\b(?:{RULE_BROKEN}|{RULE_UNSEEN})\W*\Z", re.IGNORECASE | re.DOTALL
)
_NUMBER_IN_MARK = re.compile(r"\D{0,12}(\d{1,4})\D{0,3}")

Severity = Literal["low", "medium", "high", "critical"]


class Unreadable(Exception):
    """The fields are no answer; the message says why, for the model that is asked again."""


def mend_answer(
    fields: Mapping[str, Any],
    *,
    cut: bool = False,
    asked: Collection[str] = tuple(Answer.model_fields),
) -> tuple[Answer, tuple[str, ...]]:
    """Make an answer of a parsed JSON object.

    Args:
        fields: The object.
        cut: Whether it was recovered from a text that broke off, so that fields may be missing.
        asked: The fields that were asked for; the absence of others is not noted.

    Raises:
        Unreadable: There is no verdict, or it cannot be relied on.
    """
    mender = _Mender()
    by_name = _folded(fields)
    verdict = mender.verdict(by_name)
    findings, reported = mender.findings(by_name.get("findings"))
    score = mender.score(by_name.get("score"), verdict)
    if not cut:
        for name in ("observations", "findings", "explanation"):
            if name in asked and name not in by_name:
                mender.note(f"the field `{name}` was missing")
    observations = mender.observations(by_name.get("observations"))
    doubt = _contradiction(verdict, score, reported, observations)
    if doubt:
        mender.note(f"{doubt}: the verdict was read as uncertain, with the score 0.5")
        verdict, score = "uncertain", BOUNDARY
    answer = Answer(
        observations=observations,
        findings=findings,
        explanation=mender.text(by_name.get("explanation"), "explanation"),
        verdict=verdict,
        score=score,
    )
    return answer, tuple(mender.notes)


def _folded(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields by their names in lower case; two spellings of one name must agree."""
    folded: dict[str, Any] = {}
    for name, value in fields.items():
        key = name.strip().casefold()
        if key in folded and folded[key] != value:
            raise Unreadable(f"the field `{key[:40]}` occurs twice with different values")
        folded[key] = value
    return folded


def _contradiction(verdict: str, score: float, reported: int, observations: Sequence[str]) -> str:
    if verdict == "normal" and reported:
        return f"the verdict was normal but {reported} findings were reported"
    if verdict == "normal" and any(map(_RULE_NOT_HELD.match, observations)):
        return "the verdict was normal but a rule was found broken or could not be seen"
    if (verdict == "normal" and score > BOUNDARY) or (verdict == "anomalous" and score < BOUNDARY):
        return f"the verdict was {verdict} but the score {score:g}"
    return ""


class _Mender:
    """Reads one field after the other and keeps the notes."""

    def __init__(self) -> None:
        self.notes: dict[str, None] = {}

    def note(self, text: str) -> None:
        self.notes.setdefault(text)

    def verdict(self, fields: Mapping[str, Any]) -> Literal["anomalous", "normal", "uncertain"]:
        if "verdict" not in fields:
            raise Unreadable("the field `verdict` is missing")
        stated = fields["verdict"]
        if isinstance(stated, str):
            word = word_key(stated)
            for verdict in ("anomalous", "normal", "uncertain"):
                if phrases().words.get(word) == verdict:
                    if stated != verdict:
                        self.note(f"the verdict {_shown(stated)} was read as {verdict}")
                    return verdict
        raise Unreadable(
            "the field `verdict` must be `anomalous`, `normal` or `uncertain`; it was "
            f"{_shown(stated)}"
        )

    def score(self, stated: Any, verdict: str) -> float:
        if stated is None:
            self.note(
                f"the score was missing: {DERIVED_SCORE[verdict]} was derived from the verdict"
            )
            return DERIVED_SCORE[verdict]
        number = self.number(stated, "score")
        if number is not None and 0.0 <= number <= 1.0:
            return number
        if verdict == "normal":
            raise Unreadable(
                f"the field `score` must be a number from 0 to 1; it was {_shown(stated)}"
            )
        self.note(
            f"the score {_shown(stated)} is not a number from 0 to 1: {DERIVED_SCORE[verdict]} was "
            "derived from the verdict"
        )
        return DERIVED_SCORE[verdict]

    def number(self, value: Any, name: str) -> float | None:
        """A finite number, also when it came as a text; None when it is none."""
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            return None
        if isinstance(value, str) and len(value) > 40:
            return None
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        if not math.isfinite(number):
            return None
        if isinstance(value, str):
            self.note(f"the {name} came as a text")
        return number

    def text(self, value: Any, name: str) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self.note(f"the field `{name}` was not a text")
            value = _shown(value) if not isinstance(value, int | float) else str(value)
        clean = _clean(value)
        if len(clean) > _LONGEST_TEXT:
            self.note(f"the field `{name}` was shortened to {_LONGEST_TEXT} characters")
            return clean[:_LONGEST_TEXT]
        return clean

    def observations(self, value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list):
            self.note("the field `observations` was not a list")
            value = [value]
        texts = [self.text(entry, "observations") for entry in value[:_MOST_OBSERVATIONS]]
        if len(value) > _MOST_OBSERVATIONS:
            self.note(f"only the first {_MOST_OBSERVATIONS} observations were kept")
        return tuple(text for text in texts if text)

    def findings(self, value: Any) -> tuple[tuple[AnswerFinding, ...], int]:
        """The findings that can be read, and how many were reported, readable or not."""
        if value is None:
            return (), 0
        if not isinstance(value, list):
            self.note("the field `findings` was not a list")
            value = [value]
        reported = [entry for entry in value if not _says_nothing(entry)]
        if len(reported) < len(value):
            self.note("entries of `findings` that say that there is none were dropped")
        if len(reported) > MOST_FINDINGS:
            self.note(f"only the first {MOST_FINDINGS} of {len(reported)} findings were kept")
        read = [self.finding(entry) for entry in reported[:MOST_FINDINGS]]
        return tuple(finding for finding in read if finding is not None), len(reported)

    def finding(self, value: Any) -> AnswerFinding | None:
        if isinstance(value, str):
            self.note("a finding came as a text")
            value = {"label": value[:80], "description": value}
        if not isinstance(value, dict):
            self.note(f"a finding was dropped: it was {_shown(value)}")
            return None
        fields = {name.strip().casefold(): entry for name, entry in value.items()}
        description = self.text(fields.get("description"), "description")
        label = self.text(fields.get("label"), "label")
        if not label:
            label = description[:80] or "anomaly"
            self.note("a finding had no label")
        point = self.point(fields)
        return AnswerFinding(
            mark=self.mark(fields.get("mark")),
            start=self.moment(fields.get("start"), "start"),
            end=self.moment(fields.get("end"), "end"),
            picture=self.picture(fields.get("picture")),
            box=self.box(fields),
            point=point.values if point and not point.named else None,
            named_point=point.values if point and point.named else None,
            place=self.place(fields.get("place")),
            label=label,
            description=description,
            severity=self.severity(fields.get("severity")),
            confidence=self.confidence(fields.get("confidence")),
        )

    def mark(self, stated: Any) -> int | None:
        value = stated
        if value is None:
            return None
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if isinstance(value, str):
            if word_key(value) in phrases().nothing:
                return None
            match = _NUMBER_IN_MARK.fullmatch(value.strip())
            value = int(match[1]) if match else None
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10_000:
            self.note(f"the mark {_shown(stated)} was dropped: it is not a number")
            return None
        if value is not stated:
            self.note(f"the mark {_shown(stated)} was read as {value}")
        return int(value)

    def moment(self, stated: Any, name: str) -> str | None:
        if stated is None or (isinstance(stated, str) and word_key(stated) in phrases().nothing):
            return None
        if isinstance(stated, bool) or not isinstance(stated, str | int | float):
            self.note(f"the {name} {_shown(stated)} was dropped: it is not a moment")
            return None
        return _clean(str(stated))[:80] or None

    def picture(self, stated: Any) -> int | None:
        if stated is None:
            return None
        number = self.number(stated, "picture")
        if number is None or number != int(number) or not 0 < number < 10_000:
            self.note(f"the picture {_shown(stated)} was dropped: it is not a number")
            return None
        return int(number)

    def box(self, fields: Mapping[str, Any]) -> tuple[float, float, float, float] | None:
        name = next((name for name in _BOX_NAMES if fields.get(name) is not None), None)
        if name is None:
            return None
        stated = value = fields[name]
        if name != "box":
            self.note(f"the field `{name}` was read as `box`")
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list):
            self.note("a box stood in a list of its own")
            value = value[0]
        if isinstance(value, list) and not value:
            return None
        if not isinstance(value, list) or len(value) != 4:
            self.note(f"the box {_shown(stated)} was dropped: it needs four numbers")
            return None
        numbers = [self.number(entry, "box") for entry in value]
        x0, y0, x1, y1 = numbers
        if x0 is None or y0 is None or x1 is None or y1 is None:
            self.note(f"the box {_shown(stated)} was dropped: it needs four finite numbers")
            return None
        return x0, y0, x1, y1

    def point(self, fields: Mapping[str, Any]) -> StatedPoint | None:
        name = next((name for name in _POINT_NAMES if fields.get(name) not in (None, [])), None)
        if name is None:
            return None
        stated = fields[name]
        if name != "point":
            self.note(f"the field `{name}` was read as `point`")
        if isinstance(stated, str) and word_key(stated) in phrases().nothing:
            return None
        points = read_points(stated)
        if not points:
            self.note(f"the point {_shown(stated)} was dropped: it needs two finite numbers")
            return None
        if len(points) > 1:
            self.note(f"of {len(points)} points of one finding, the first was read")
        return points[0]

    def place(self, stated: Any) -> str | None:
        if stated is None or (isinstance(stated, str) and word_key(stated) in phrases().nothing):
            return None
        if not isinstance(stated, str):
            self.note(f"the place {_shown(stated)} was dropped: it is not a text")
            return None
        return _clean(stated)[:80] or None

    def severity(self, value: Any) -> Severity | None:
        if value is None:
            return None
        known = phrases().severity.get(word_key(value)) if isinstance(value, str) else None
        for severity in ("low", "medium", "high", "critical"):
            if known == severity:
                if value != severity:
                    self.note(f"the severity {_shown(value)} was read as {severity}")
                return severity
        self.note(f"the severity {_shown(value)} was dropped: it is not known")
        return None

    def confidence(self, value: Any) -> float | None:
        if value is None:
            return None
        number = self.number(value, "confidence")
        if number is None or not 0.0 <= number <= 1.0:
            self.note(f"the confidence {_shown(value)} was dropped: it is not a number from 0 to 1")
            return None
        return number


def _says_nothing(entry: Any) -> bool:
    """Whether an entry of `findings` only says that there is none."""
    nothing = phrases().nothing
    if entry is None or entry in ({}, []):
        return True
    if isinstance(entry, str):
        return word_key(entry) in nothing
    if not isinstance(entry, dict):
        return False
    label, description = entry.get("label") or "", entry.get("description") or ""
    place = [
        entry.get(name) for name in ("mark", "start", "end", "place", *_BOX_NAMES, *_POINT_NAMES)
    ]
    return (
        isinstance(label, str)
        and isinstance(description, str)
        and word_key(label) in nothing
        and word_key(description) in nothing
        and not any(place)
    )


def _clean(text: str) -> str:
    """The text without lone surrogates, which JSON escapes may hold and UTF-8 may not."""
    return text.encode("utf-8", "replace").decode("utf-8").strip()


def _shown(value: Any) -> str:
    """A value for a note: short, and safe to print."""
    if isinstance(value, dict | list):
        return f"a {'JSON object' if isinstance(value, dict) else 'list'} of {len(value)}"
    if isinstance(value, int) and abs(value) >= 10**12:
        return "a huge number"
    return _clean(repr(value)[:60])
