"""Sample data that ships: small pictures, drawn by a program, with and without defects.

    from gadet import AnomalyDetector, samples

    case = samples.load("circuit-board")
    report = AnomalyDetector().detect(case.item, references=case.references)

Every case has an item, normal references, the true mask and a description of what is normal. The
pictures are the same on every machine up to rounding. They show how the library is used; they are
not a benchmark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from gadet.errors import ConfigurationError
from gadet.report import Modality
from gadet.request import Normality
from gadet.scenes import (
    FINE,
    Defects,
    Sheet,
    bottle_top,
    brushed_metal,
    circuit_board,
    parts_tray,
    woven_fabric,
)

__all__ = ["SampleCase", "load", "names", "write"]

_MARGIN: Final = 8
"""Pixels around the drawing, so that it can be moved without showing an edge."""


@dataclass(frozen=True, eq=False)
class SampleCase:
    """One item with everything that is known about it.

    Attributes:
        name: The name that `load` takes.
        title: What it shows, for people.
        modality: What kind of data the item is.
        item: The picture to inspect, RGB.
        references: Normal pictures of the same thing, RGB.
        mask: The truth `(H, W)`, bool, in pixels of the item; all False when it is normal.
        anomalous: The true verdict.
        domain: Name of the domain pack that fits.
        normality: What is normal, in words.
    """

    name: str
    title: str
    item: Image.Image = field(repr=False)
    references: tuple[Image.Image, ...] = field(repr=False)
    mask: npt.NDArray[np.bool_] = field(repr=False)
    anomalous: bool
    domain: str
    normality: Normality
    modality: Modality = "image"


@dataclass(frozen=True)
class _Scene:
    """What can be drawn of one kind of thing.

    Attributes:
        draw: Draws it, with defects.
        side: Length of the finished picture's sides in pixels.
        domain: Name of the domain pack.
        normality: What is normal, in words.
    """

    draw: Callable[[Sheet, Defects], None]
    side: int
    domain: str
    normality: Normality


_SCENES: Final = {
    "circuit-board": _Scene(
        circuit_board,
        384,
        "industrial",
        Normality(
            subject="printed circuit board",
            standards="Every light green trace runs unbroken from pad to pad and keeps its width "
            "and its distance from the others. Pads, chip and parts are where they are in the "
            "reference.",
            defects=("open trace", "short between traces", "spur on a trace"),
        ),
    ),
    "brushed-metal": _Scene(
        brushed_metal,
        384,
        "industrial",
        Normality(
            subject="brushed metal plate with a round hole",
            standards="The grain runs from left to right over the whole plate. The bevel around "
            "the hole is even.",
            defects=("scratch", "dent"),
        ),
    ),
    "bottle-top": _Scene(
        bottle_top,
        320,
        "industrial",
        Normality(
            subject="mouth of a brown glass bottle, seen from above",
            standards="The lip is a closed circle with even reflections. Inside it is dark and "
            "empty.",
            defects=("contamination", "chipped lip"),
        ),
    ),
    "parts-tray": _Scene(
        parts_tray,
        384,
        "logical",
        Normality(
            subject="tray with six compartments",
            standards="Nuts and washers lie in turn, one in each compartment.",
            rules=(
                "Each of the six compartments holds exactly one part.",
                "Upper row from left to right: nut, washer, nut.",
                "Lower row from left to right: washer, nut, washer.",
            ),
        ),
    ),
    "woven-fabric": _Scene(
        woven_fabric,
        320,
        "industrial",
        Normality(
            subject="plain woven fabric",
            standards="An even beige weave of one colour without spots.",
            defects=("stain", "broken thread", "hole"),
        ),
    ),
}

# name: (scene, kind of defect as a folder name, defects that are drawn, title)
_CASES: Final[dict[str, tuple[str, str, Defects, str]]] = {
    "circuit-board": (
        "circuit-board",
        "traces",
        ("open", "short", "spur"),
        "Circuit board with an open trace, a short and a spur",
    ),
    "circuit-board-normal": ("circuit-board", "good", (), "Circuit board without a defect"),
    "brushed-metal": ("brushed-metal", "scratch", ("scratch",), "Brushed plate with a scratch"),
    "brushed-metal-normal": ("brushed-metal", "good", (), "Brushed plate without a defect"),
    "bottle-top": ("bottle-top", "contamination", ("contamination",), "Contaminated bottle"),
    "bottle-top-chipped": ("bottle-top", "chip", ("chip",), "Bottle with a chipped lip"),
    "bottle-top-normal": ("bottle-top", "good", (), "Bottle without a defect"),
    "parts-tray": ("parts-tray", "missing", ("missing",), "Tray with a missing nut"),
    "parts-tray-swapped": ("parts-tray", "swapped", ("swapped",), "Tray with a washer for a nut"),
    "parts-tray-normal": ("parts-tray", "good", (), "Complete tray"),
    "woven-fabric": ("woven-fabric", "stain", ("stain",), "Fabric with a stain"),
    "woven-fabric-normal": ("woven-fabric", "good", (), "Fabric without a defect"),
}
_REFERENCES: Final = 3


def names() -> tuple[str, ...]:
    """The names of the cases; those that end in `-normal` show no defect."""
    return tuple(_CASES)


def load(name: str) -> SampleCase:
    """Draw a case.

    Raises:
        ConfigurationError: There is no case of this name.
    """
    if name not in _CASES:
        raise ConfigurationError(f"expected one of {', '.join(_CASES)}; got {name!r}")
    kind, _, defects, title = _CASES[name]
    scene = _SCENES[kind]
    item, mask = _picture(scene, defects, seed=100 + list(_CASES).index(name))
    # Copies, since a picture can be changed by whoever gets it.
    references = tuple(picture.copy() for picture in _references(kind))
    return SampleCase(
        name=name,
        title=title,
        item=item,
        references=references,
        mask=mask,
        anomalous=bool(defects),
        domain=scene.domain,
        normality=scene.normality,
    )


def write(folder: str | Path) -> list[Path]:
    """Write all cases as PNG files in the layout of MVTec AD.

    `SCENE/train/good/*.png`, `SCENE/test/KIND/*.png`, `SCENE/ground_truth/KIND/*_mask.png`.

    Args:
        folder: Where to write; made when it is missing.

    Returns:
        The files that were written, in order.
    """
    written: list[Path] = []

    def save(picture: Image.Image, *parts: str) -> None:
        path = Path(folder).joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path, format="PNG")
        written.append(path)

    for name, (scene, kind, defects, _) in _CASES.items():
        case = load(name)
        save(case.item, scene, "test", kind, "000.png")
        if defects:
            save(Image.fromarray(case.mask), scene, "ground_truth", kind, "000_mask.png")
        else:
            for number, reference in enumerate(case.references):
                save(reference, scene, "train", "good", f"{number:03d}.png")
    return written


@cache
def _references(kind: str) -> tuple[Image.Image, ...]:
    """The normal pictures of a scene, which all its cases share."""
    return tuple(_picture(_SCENES[kind], (), seed)[0] for seed in range(_REFERENCES))


def _picture(
    scene: _Scene, defects: Defects, seed: int
) -> tuple[Image.Image, npt.NDArray[np.bool_]]:
    """Draw a scene as a camera would take it: moved a little, with its own light and noise."""
    random = np.random.default_rng(seed)
    sheet = Sheet(scene.side + 2 * _MARGIN, random)
    scene.draw(sheet, defects)
    x, y = random.uniform(-2, 2, 2) + _MARGIN
    box = (x * FINE, y * FINE, (x + scene.side) * FINE, (y + scene.side) * FINE)
    size = (scene.side, scene.side)
    picture = sheet.picture.resize(size, Image.Resampling.BICUBIC, box)
    taken = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.35)), dtype=np.float64)
    taken = taken * random.uniform(0.96, 1.04) + random.normal(0, 2.2, taken.shape)
    item = Image.fromarray(np.clip(np.rint(taken), 0, 255).astype(np.uint8))
    truth = np.asarray(sheet.truth.resize(size, Image.Resampling.BILINEAR, box))
    return item, truth >= 128
