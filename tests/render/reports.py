"""Reports to draw, made by hand."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.findings import Finding, ImageRegion
from gadet.geometry import Box, Mask
from gadet.report import (
    CandidateSummary,
    Cost,
    EvidenceSummary,
    ItemInfo,
    Provenance,
    RawAnswer,
    Report,
    Usage,
)

SIZE = (640, 480)  # width, height


def ellipse(
    size: tuple[int, int] = SIZE, box: tuple[float, float, float, float] = (200, 150, 320, 250)
) -> npt.NDArray[np.bool_]:
    """An ellipse in a picture of `size = (width, height)`."""
    y, x = np.mgrid[: size[1], : size[0]] + 0.5
    x0, y0, x1, y1 = box
    return ((x - (x0 + x1) / 2) / ((x1 - x0) / 2)) ** 2 + (
        (y - (y0 + y1) / 2) / ((y1 - y0) / 2)
    ) ** 2 <= 1


def finding(mask: npt.NDArray[np.bool_] | None = None, **changes: Any) -> Finding:
    """A finding with a mask, or with a box when there is no mask."""
    region = ImageRegion(box=Box.of(400.5, 300, 460, 350.25))
    if mask is not None:
        encoded = Mask.from_array(mask)
        assert encoded.box is not None
        region = ImageRegion(box=encoded.box, mask=encoded, mark=1)
    values: dict[str, Any] = {"label": "scratch", "description": "A bright line.", "region": region}
    return Finding(**(values | changes))


def png_of(picture: Image.Image) -> bytes:
    """A PNG file."""
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def grey(size: tuple[int, int] = SIZE, level: int = 120) -> Image.Image:
    """A flat grey picture."""
    return Image.new("RGB", size, (level, level, level))


def report(
    *,
    picture: Image.Image | None = None,
    anomaly_map: npt.NDArray[np.float32] | None = None,
    preview: bool = True,
    **changes: Any,
) -> Report:
    """A report with something in every field; the changes replace fields."""
    judged = changes.get("verdict", "anomalous") in ("anomalous", "normal", "uncertain")
    values: dict[str, Any] = {
        "verdict": "anomalous",
        "score": 0.9 if judged else None,
        "score_source": "stated" if judged else None,
        "findings": (finding(ellipse(), severity="high", confidence=0.8), finding()),
        "explanation": "Two defects are seen.",
        "observations": ("The surface is grey.",),
        "item": ItemInfo(
            name="part.png", modality="image", sha256="ab" * 32, size=SIZE, notes=("rotated",)
        ),
        "evidence": EvidenceSummary(
            expert="image.reference",
            score=0.7,
            facts=("2 % of the area departs.",),
            candidates=(
                CandidateSummary(
                    mark=1, box=Box.of(1, 2, 3, 4), score=0.7, label="patch", fact="is dark"
                ),
            ),
            notes=("coarse outline",),
        ),
        "usage": Usage(requests=1, input_tokens=1200, output_tokens=80, cached_tokens=5),
        "cost": Cost(amount=0.0123, as_of="2026-11-01"),
        "timings": {"total": 1.5},
        "provenance": Provenance(
            gadet_version="1", backend="scripted", domain="industrial", level="class"
        ),
        "raw": (
            RawAnswer(
                prompt="[user]\nIs it normal?",
                text="the answer",
                stop="complete",
                verdict=changes.get("verdict", "anomalous"),
            ),
        ),
        "notes": ("a box was clipped",),
    }
    made = Report(**(values | changes))
    shown = picture or grey(made.item.size or SIZE)
    return made.with_pictures(png_of(shown) if preview else None, anomaly_map)
