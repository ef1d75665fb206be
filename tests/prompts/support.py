"""What the tests of this room share: small views, a rich normality, evidence."""

from __future__ import annotations

import json
from typing import Any, Literal

from PIL import Image

from gadet.geometry import Box, BoxFormat, Frame
from gadet.prompts.builder import build_prompt
from gadet.prompts.domain import load_domain
from gadet.prompts.prompt import Prompt
from gadet.report import CandidateSummary, EvidenceSummary
from gadet.request import Normality
from gadet.view import View

NATIVE, SIZE = (128, 96), (64, 48)

KNOWN = Normality(
    subject="SUBJECT bottle",
    standards="STANDARDS round rim, even glass",
    defects=("DEFECT broken rim", "DEFECT contamination"),
    rules=("RULE one cap", "RULE label in front"),
)

EVIDENCE = EvidenceSummary(
    expert="patch",
    score=0.8,
    facts=("FACT 0.8 % of the area is darker.",),
    candidates=(
        CandidateSummary(
            mark=1, box=Box.of(0, 0, 64, 48), score=0.9, label="dark patch", fact="Upper left."
        ),
        CandidateSummary(box=Box.of(64, 48, 128, 96), score=0.6, label="edge", fact="Lower right."),
    ),
    notes=("EVIDENCE-NOTE",),
)


def view(
    role: Literal["item", "reference"] = "item",
    kind: Literal["clean", "marked", "zoom"] = "clean",
    *,
    marks: tuple[int, ...] = (),
    caption: str = "",
    source: Box | None = None,
) -> View:
    frame = Frame.whole(NATIVE, SIZE)
    if source is not None:
        frame = frame.model_copy(update={"source": source})
    return View(Image.new("RGB", SIZE), frame, role=role, kind=kind, marks=marks, caption=caption)


def prompt(**changes: Any) -> Prompt:
    """A prompt with everything in it, but for the `changes`."""
    arguments: dict[str, Any] = {
        "domain": load_domain("industrial"),
        "normality": KNOWN,
        "level": None,
        "item_views": (view(), view(kind="marked", marks=(1, 2))),
        "reference_views": (),
        "evidence": EVIDENCE,
        "boxes": BoxFormat(),
    }
    return build_prompt(**(arguments | changes))


FINDING = {
    "mark": 1,
    "box": [10, 20, 30, 40],
    "label": "crack",
    "description": "a dark, forked line",
    "severity": "high",
    "confidence": 0.9,
}


def fields(**changes: Any) -> dict[str, Any]:
    """The fields of a valid anomalous answer, but for the `changes`."""
    return {
        "observations": ["The rim shows a dark line."],
        "findings": [FINDING],
        "explanation": "The rim is cracked.",
        "verdict": "anomalous",
        "score": 0.93,
    } | changes


def answer(**changes: Any) -> str:
    return json.dumps(fields(**changes))


def normal(**changes: Any) -> str:
    """A valid normal answer as text, but for the `changes`."""
    clear = {
        "observations": ["The rim is even."],
        "findings": [],
        "explanation": "Nothing departs from normal.",
        "verdict": "normal",
        "score": 0.04,
    }
    return answer(**(clear | changes))
