"""Inspect a folder at the lowest cost: forecast, screen briefly, escalate, stay within a budget.

A function stands in for the models, so that this runs without a key; put "ollama:qwen3-vl:8b" and
"openai:gpt-5.6-sol" in its place.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from gadet import (
    AnomalyDetector,
    Completion,
    Failure,
    Limits,
    Prices,
    Profile,
    Prompt,
    Route,
    ScriptedBackend,
    Usage,
    count_tokens,
    samples,
)

PRICES = Prices(input=2.0, output=8.0, as_of="2026-11-01")


def stand_in(prompt: Prompt) -> Completion:
    """Answer as a model would, from what the expert measured."""
    score = prompt.evidence.score if prompt.evidence else 0.5
    verdict = "anomalous" if score >= 0.5 else "normal"
    fields = {"observations": [], "findings": [], "explanation": f"It looks {verdict}."}
    text = json.dumps({**fields, "verdict": verdict, "score": round(score, 2)})
    sent = count_tokens(prompt).text_tokens + 300 * len(prompt.views)
    return Completion(text, usage=Usage(requests=1, input_tokens=sent, output_tokens=60))


cases = [samples.load(name) for name in ("circuit-board", "brushed-metal", "bottle-top")]
folder = Path(tempfile.mkdtemp())
cheap = ScriptedBackend(stand_in, name="cheap", profile=Profile(prices=PRICES))
better = ScriptedBackend(stand_in, name="better", profile=Profile(prices=PRICES))
route = Route(cheap, better, escalate=("uncertain", "refused", "unparsed"), doubt=(0.4, 0.6))
detector = AnomalyDetector(route, cache=folder / "answers.sqlite3")
budget = Limits(max_cost=0.50, deadline=600)

for case in cases:
    items = [case.item, *case.references]
    about = {"references": case.references, "domain": case.domain}
    print(f"\n{case.title}")
    print(str(detector.forecast(items, **about, brief=True)).splitlines()[1])
    screened = detector.detect_many(items, **about, brief=True, on_error="record", budget=budget)
    for item, first in zip(items, screened, strict=True):
        if isinstance(first, Failure) or first.verdict == "normal":
            continue
        report = detector.detect(item, **about)
        cost = f"{report.cost.amount:.4f} {report.cost.currency}" if report.cost else "no price"
        print(f"  {report.verdict} {report.score}: {report.explanation} ({cost})")
