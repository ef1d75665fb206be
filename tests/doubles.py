"""Doubles that tests share: an expert that knows the answer, pictures, and answers of a model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from gadet import Box, Candidate, Evidence


def picture(width: int = 64, height: int = 48, spot: bool = False, shade: int = 120) -> Image.Image:
    """A grey picture, with a white square at x 20-30, y 10-20 when `spot`."""
    image = Image.new("RGB", (width, height), (shade, shade, shade))
    if spot:
        ImageDraw.Draw(image).rectangle((20, 10, 29, 19), fill=(255, 255, 255))
    return image


class StubExpert:
    """Finds bright pixels: the square of `picture(spot=True)`."""

    def __init__(self) -> None:
        self.calls = 0

    def assess(self, sample: Any, references: Sequence[Any] = ()) -> Evidence:
        self.calls += 1
        bright = sample.pixels.min(axis=2) > 200
        score_map = np.where(bright, 0.9, 0.1).astype(np.float32)
        if not bright.any():
            return Evidence(score_map, 0.1, facts=("Nothing is bright.",), expert="stub")
        box = Box.of(20, 10, 30, 20)
        candidate = Candidate(bright, box, 0.9, "bright spot", "A bright square of 100 px.")
        return Evidence(score_map, 0.9, (candidate,), ("1 region is bright.",), "stub")


def answer(verdict: str = "anomalous", score: float = 0.9, **changes: Any) -> str:
    """The JSON text of a model's answer."""
    content: dict[str, Any] = {
        "observations": ["A white square stands out."],
        "findings": [
            {
                "mark": 1,
                "box": None,
                "label": "spot",
                "description": "A white square.",
                "severity": "medium",
                "confidence": 0.8,
            }
        ]
        if verdict == "anomalous"
        else [],
        "explanation": "There is a spot." if verdict == "anomalous" else "Nothing is wrong.",
        "verdict": verdict,
        "score": score,
    }
    return json.dumps({**content, **changes})
