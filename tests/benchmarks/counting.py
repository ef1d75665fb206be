"""Whether counts can be trusted: alike objects counted in pictures that differ, and that do not.

    python -m tests.benchmarks.counting [--out out/benchmarks/counting.json]

Three questions: are differences reported where nothing is missing (normal pictures of real sets
against normal references; the normal samples in other light, blurred, noisy, turned, scaled and
shifted), are they found where something is missing (the trays of the samples, likewise), and is
anything reported in the real logical cases, where all numbers are right.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageEnhance, ImageFilter

from gadet import samples
from gadet.localize.counting import Counted, counted, tally
from tests.benchmarks.deeppcb import data_root
from tests.benchmarks.results import arguments, write

Pixels = npt.NDArray[np.uint8]
VERSIONS = 30
MOST = 20


def main() -> None:
    """Count, print the table, write the JSON."""
    options = arguments(__doc__, "counting")
    rows = [*of_samples(), *of_normals(data_root() / "image"), *of_cases(data_root() / "image")]
    write(options.out, "differing counts", rows)


def of_samples() -> list[dict[str, Any]]:
    """The samples in other light and position, against two references as they are."""
    rows = []
    for name in ("parts-tray-normal", "circuit-board-normal", "parts-tray", "parts-tray-swapped"):
        case, rng = samples.load(name), np.random.default_rng(0)
        references = [counted(np.asarray(one.convert("RGB"))) for one in case.references[:2]]
        items = [altered(case.item.convert("RGB"), rng) for _ in range(VERSIONS)]
        rows.append(row(f"{name}, altered", items, references))
    return rows


def of_normals(root: Path) -> list[dict[str, Any]]:
    """Normal pictures of real sets against three others of the same set."""
    rows = []
    for name in ("hazelnut_toy", "magnetic_tile"):
        paths = sorted(
            path
            for path in (root / "industrial" / name / "train").rglob("*")
            if path.suffix.lower() in (".jpg", ".png")
        )
        pictures = [opened(path) for path in paths[: MOST + 3]]
        rows.append(row(f"{name}, normal", pictures[3:], [counted(one) for one in pictures[:3]]))
    boards = sorted((root / "industrial" / "deeppcb").glob("*_test.jpg"))
    pairs = [(board, Path(str(board).replace("_test", "_temp"))) for board in boards]
    results = [row("", [opened(item)], [counted(opened(good))]) for item, good in pairs]
    total = {key: sum(one[key] for one in results) for key in ("pictures", "told", "differing")}
    certain = sum(one["with a place"] for one in results)
    seconds = float(np.mean([one["seconds"] for one in results]))
    label = "deeppcb, defects but no missing part"
    rows.append({"set": label, **total, "with a place": certain, "seconds": round(seconds, 2)})
    return rows


def of_cases(root: Path) -> list[dict[str, Any]]:
    """The real logical cases: the arrangement is wrong, every number is right."""
    folder = root / "logical" / "paper_cases"
    return [
        row(name, [opened(folder / f"{name}_abnormal.jpg")],
            [counted(opened(folder / f"{name}_normal.jpg"))])
        for name in ("case1", "case4")
    ]  # fmt: skip


def row(name: str, items: Sequence[Pixels], references: Sequence[Counted]) -> dict[str, Any]:
    """How many pictures had a count told, one that differs, and one with a changed place."""
    started = time.process_time()
    found = [tally(counted(item), references) for item in items]
    seconds = (time.process_time() - started) / len(items)
    return {
        "set": name,
        "pictures": len(items),
        "told": sum(bool(one.kinds) for one in found),
        "differing": sum(any(kind.differs for kind in one.kinds) for one in found),
        "with a place": sum(bool(one.candidates) for one in found),
        "seconds": round(seconds, 2),
    }


def altered(picture: Image.Image, rng: np.random.Generator) -> Pixels:
    """The picture turned up to 3 degrees, scaled 5 %, shifted, in other light, blurred, noisy."""
    turn, scale = rng.uniform(-0.05, 0.05), rng.uniform(0.95, 1.05)
    across, down = rng.uniform(-12, 12, 2)
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    motion = (cos, sin, across, -sin, cos, down)
    picture = picture.transform(
        picture.size, Image.Transform.AFFINE, motion, Image.Resampling.BICUBIC
    )
    picture = ImageEnhance.Brightness(picture).enhance(rng.uniform(0.7, 1.3))
    picture = ImageEnhance.Color(picture).enhance(rng.uniform(0.7, 1.3))
    picture = picture.filter(ImageFilter.GaussianBlur(rng.uniform(0, 2)))
    noise = rng.normal(0, rng.uniform(0, 10), (picture.height, picture.width, 3))
    return np.asarray((np.asarray(picture) + noise).clip(0, 255), dtype=np.uint8)


def opened(path: Path) -> Pixels:
    """The pixels of a file."""
    return np.asarray(Image.open(path).convert("RGB"))


if __name__ == "__main__":
    main()
