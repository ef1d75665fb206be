"""What a picture of 12,000 × 12,000 pixels takes from file to report, offline, and what it finds.

    python -m tests.benchmarks.large_picture [--side 12000] [--out PATH]

A made board (prints of many sizes on uneven ground, noise, JPEG) with four defects: a spot of
12 × 12 pixels, a scratch of 5 × 60, a square of 60, and one of 0.1 % of the picture. The reference
is another photograph of it, five pixels aside and a little darker. Each line is a process of its
own: memory is its highest resident set beyond what it held when gadet and the expert's weights were
loaded and a small picture had gone through. Both pictures, the map and the report are in it.

Fits are those of the best finding, or, where there is no reference, of the best of the numbered
regions, by boxes: without a reference nothing is known to be a defect.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.benchmarks.results import write

NAME = "large_picture"
ALLOWED = 2000.0  # megabytes of 10⁶ bytes
BLOCK = 1000
SHIFT = (3, 4)
DEFECTS = {"spot": (12, 12), "scratch": (60, 5), "square": (60, 60)}
PLACES = {
    "spot": (0.83, 0.27),
    "scratch": (0.31, 0.72),
    "square": (0.62, 0.55),
    "0.1 %": (0.2, 0.4),
}


def defects(side: int) -> dict[str, tuple[int, int, int, int]]:
    """The boxes `x0, y0, x1, y1` of the defects by name."""
    sizes = DEFECTS | {"0.1 %": (round(side * 0.001**0.5),) * 2}
    corners = {name: (int(x * side), int(y * side)) for name, (y, x) in PLACES.items()}
    return {
        name: (x, y, x + sizes[name][1], y + sizes[name][0]) for name, (x, y) in corners.items()
    }


def write_pictures(folder: Path, side: int) -> None:
    """Write `item.jpg` and `reference.jpg`."""
    board = _board(side + max(SHIFT))
    noise = np.random.default_rng(7).normal(0, 3, (2, BLOCK, BLOCK, 3))
    down, across = SHIFT
    _save(board[:side, :side], noise[0], 0.97, folder / "reference.jpg")
    item = board[down : down + side, across : across + side]
    for x0, y0, x1, y1 in defects(side).values():
        patch = item[y0:y1, x0:x1]
        patch[...] = np.where(patch > 128, patch - 70, patch + 70)
    _save(item, noise[1], 1.0, folder / "item.jpg")


def _board(side: int) -> npt.NDArray[np.uint8]:
    rng = np.random.default_rng(3)
    ground = Image.fromarray(rng.integers(70, 150, (12, 12, 3), dtype=np.uint8))
    board = np.array(ground.resize((side, side), Image.Resampling.BICUBIC))
    for _ in range(4000):
        height, width = (int(20 * 20 ** rng.random()) for _ in range(2))
        y, x = rng.integers(0, side, 2)
        board[y : y + height, x : x + width] = rng.integers(40, 220, 3)
    return board


def _save(board: npt.NDArray[np.uint8], noise: npt.NDArray[Any], gain: float, path: Path) -> None:
    shot = board.copy()
    for y in range(0, len(board), BLOCK):
        for x in range(0, len(board), BLOCK):
            part = shot[y : y + BLOCK, x : x + BLOCK]
            here = gain * part + noise[: part.shape[0], : part.shape[1]]
            part[...] = np.clip(here, 0, 255).astype(np.uint8)
    Image.fromarray(shot).save(path, quality=90)


def measure(folder: Path, count: int, marks: int) -> dict[str, Any]:
    """One inspection in this process."""
    import resource

    from gadet import AnomalyDetector, Box, ImageRegion
    from gadet.backends.facts.profile import Profile
    from gadet.backends.offline import OfflineBackend

    class Marked(OfflineBackend):
        """The offline engine as a model with eyes is asked: with numbered marks in a picture."""

        profile = OfflineBackend.profile.model_copy(
            update={"images": True, "max_marks": marks, "views": Profile().views}
        )

    detector = AnomalyDetector(Marked()) if marks else AnomalyDetector()
    small = np.random.default_rng(0).integers(0, 256, (600, 600, 3), dtype=np.uint8)
    detector.detect(small, references=[small[::-1]])
    base = _resident()
    started = time.process_time()
    references = [folder / "reference.jpg"] if count else []
    report = detector.detect(folder / "item.jpg", references=references)
    report.to_coco()
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    side = report.item.size[0] if report.item.size else 0
    regions = [one.region for one in report.findings if isinstance(one.region, ImageRegion)]
    boxes = [one.box for one in regions]
    if not count and report.evidence is not None:
        boxes = [one.box for one in report.evidence.candidates]
    truths = {name: Box.of(*corners) for name, corners in defects(side).items()}
    found = {
        name: max((truth.iou(box) for box in boxes), default=0.0) for name, truth in truths.items()
    }
    false = sum(not any(box.intersection(one) for one in truths.values()) for box in boxes)
    return {
        "references": count,
        "marks": marks,
        "base MB": round(base),
        "beyond it MB": round(peak - base),
        "seconds": round(seconds, 1),
        "findings": len(report.findings),
        "false": false if count else "",
        **{f"IoU {name}": round(fit, 2) for name, fit in found.items()},
    }


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--side", type=int, default=12_000)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks") / f"{NAME}.json")
    parser.add_argument("--in-process", nargs=3, metavar=("FOLDER", "REFERENCES", "MARKS"))
    options = parser.parse_args()
    if options.in_process:
        folder, count, marks = options.in_process
        print(json.dumps(measure(Path(folder), int(count), int(marks))))
        return 0
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        write_pictures(Path(folder), options.side)
        for count, marks in ((0, 12), (1, 0), (1, 12)):
            command = [sys.executable, "-m", f"tests.benchmarks.{NAME}", "--in-process"]
            done = subprocess.run(
                [*command, folder, str(count), str(marks)],
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            print(rows[-1], flush=True)
    passed = all(row["beyond it MB"] <= ALLOWED for row in rows)
    write(
        options.out,
        f"A picture of {options.side:,} × {options.side:,} pixels, offline",
        rows,
        allowed_megabytes=ALLOWED,
        passed=passed,
    )
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
