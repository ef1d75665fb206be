"""Few-shot image AUROC of the image expert beside plain patch-nearest-neighbour, one configuration.

    python -m tests.benchmarks.image_auroc [--out out/benchmarks/image_auroc.json] [--seeds 0 1 2]

magnetic_tile with 16 references (its six exposures covered evenly), brain_mri with 4, hazelnut_toy
with 1, and the pairs of the paper's own cases. References and test pictures never mix. The scores
of a picture depend on the picture and the references only, never on the other test pictures.

The peer: the same weights, blocks 6 and 14 (strides 8 and 16) joined as in PatchCore, each scaled
to unit length, twice the input contrast, aspect ratio kept; the Euclidean distance of the most
unusual patch to its nearest neighbour among all patches of the references. It is the best plain
nearest-neighbour we found over both sets; other blocks and gains lose more on one of them.
"""

from __future__ import annotations

import argparse
import builtins
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.experts.image import ImageExpert
from tests.benchmarks.deeppcb import brighter, data_root, jpeg, load, shifted

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Split:
    """References, test pictures, and which of these are anomalous."""

    references: list[Path]
    tests: list[Path]
    truth: list[int]


def magnetic_tile(root: Path, count: int, seed: int) -> Split:
    """`count` references that cover the exposures evenly, in an order drawn by the seed."""
    folder = root / "image/industrial/magnetic_tile"
    rng = np.random.default_rng(seed)
    pool = sorted((folder / "train/good").iterdir())
    by_exposure: dict[str, list[Path]] = {}
    for index in rng.permutation(len(pool)):
        found = re.match(r"exp\d", pool[index].name)
        by_exposure.setdefault(found.group() if found else "", []).append(pool[index])
    names = sorted(by_exposure)
    order = [names[index] for index in rng.permutation(len(names))]
    references = [by_exposure[order[i % len(order)]][i // len(order)] for i in range(count)]
    tests = sorted((folder / "test").glob("*/*"))
    return Split(references, tests, [int(path.parent.name != "good") for path in tests])


def brain_mri(root: Path, count: int, seed: int) -> Split:
    """16 normals are the pool, the other 8 and all abnormal pictures are the test."""
    folder = root / "image/medical/brain_mri"
    normal = sorted((folder / "no").iterdir())
    order = np.random.default_rng(seed).permutation(len(normal))
    abnormal = sorted((folder / "yes").iterdir())
    held = [normal[index] for index in order[16:]]
    tests = held + abnormal
    truth = [0] * len(held) + [1] * len(abnormal)
    return Split([normal[index] for index in order[:16]][:count], tests, truth)


def hazelnut_toy(root: Path, count: int, seed: int) -> Split:
    """References drawn from the training pictures."""
    folder = root / "image/industrial/hazelnut_toy"
    pool = sorted((folder / "train/good").iterdir())
    order = np.random.default_rng(seed).permutation(len(pool))[:count]
    tests = sorted((folder / "test").glob("*/*"))
    return Split([pool[i] for i in order], tests, [int(p.parent.name != "good") for p in tests])


TASKS = {
    "magnetic_tile k=16": (magnetic_tile, 16),
    "magnetic_tile k=1": (magnetic_tile, 1),
    "brain_mri k=4": (brain_mri, 4),
    "brain_mri k=1": (brain_mri, 1),
    "hazelnut_toy k=1": (hazelnut_toy, 1),
}


class PlainPatches:
    """The peer: nearest neighbour among the patches of the references, nothing else."""

    def __init__(self) -> None:
        self._cache: dict[Path, Floats] = {}

    def patches(self, path: Path) -> Floats:
        """Patches `(n, C)` of a picture."""
        from gadet.experts.backbone import SHARP_GAIN, load_backbone
        from gadet.experts.cues import working_copy
        from gadet.experts.patches import join_stages

        if path not in self._cache:
            stages = load_backbone().features(working_copy(load(path)), (6, 14), SHARP_GAIN)
            grid = join_stages(stages, (6, 14))
            self._cache[path] = grid.reshape(-1, grid.shape[2])
        return self._cache[path]

    def scores(self, split: Split) -> list[float]:
        """The largest distance to the references for each test picture."""
        from gadet.experts.patches import nearest

        bank = np.concatenate([self.patches(path) for path in split.references])
        return [float(nearest(self.patches(path), bank).max()) for path in split.tests]


@contextmanager
def without_torch() -> Iterator[None]:
    """Make `import torch` fail, as on a core install."""
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "torch":
            raise ImportError("torch is hidden")
        return real(name, *rest, **more)

    builtins.__import__ = refuse
    try:
        yield
    finally:
        builtins.__import__ = real


def expert_scores(expert: ImageExpert, split: Split) -> list[float]:
    """The expert's score of each test picture."""
    references = [load(path) for path in split.references]
    return [expert.measure(load(path), references).score for path in split.tests]


def figures(split: Split, scores: list[float]) -> dict[str, float]:
    """AUROC, and how the expert's own decision boundary does."""
    from sklearn.metrics import roc_auc_score

    called = np.array(scores) >= 0.5
    truth = np.array(split.truth, dtype=bool)
    return {
        "auroc": float(roc_auc_score(split.truth, scores)),
        "recall": float(called[truth].mean()),
        "false_alarms": float(called[~truth].mean()),
    }


def augmented(pixels: Pixels) -> list[Pixels]:
    """Five harmless changes of a normal picture."""
    height, width = pixels.shape[:2]
    # The border is repeated outwards first: black corners would be no harmless change.
    margin = max(height, width) // 20 + 1
    padded = Image.fromarray(np.pad(pixels, ((margin,) * 2, (margin,) * 2, (0, 0)), mode="edge"))
    turned = padded.rotate(1, Image.Resampling.BICUBIC)
    size = (round(turned.width * 1.01), round(turned.height * 1.01))
    grown = turned.resize(size, Image.Resampling.BICUBIC)
    left, top = (grown.width - width) // 2, (grown.height - height) // 2
    return [
        shifted(pixels, max(1, round(width / 100)), max(1, round(height / 100))),
        brighter(pixels, 1.1),
        brighter(pixels, 0.9),
        jpeg(pixels, 50),
        np.array(grown.crop((left, top, left + width, top + height))),
    ]


def paper_pairs(root: Path, expert: ImageExpert) -> list[dict[str, Any]]:
    """Does the abnormal picture score above five augmentations of the normal one?"""
    rows = []
    for path in sorted((root / "image").glob("*/paper_cases/*_normal.*")):
        other = path.with_name(path.name.replace("_normal", "_abnormal"))
        normal, abnormal = load(path), load(other)
        found = expert.measure(abnormal, [normal])
        scores = [expert.measure(one, [normal]).score for one in augmented(normal)]
        rows.append(
            {
                "case": f"{path.parts[-3]}/{path.stem}",
                "expert": found.expert,
                "abnormal": found.score,
                "highest_augmented": max(scores),
                "win": found.score > max(scores),
                "regions": sum(one.score >= 0.5 for one in found.candidates),
            }
        )
    return rows


COST = """
import json, resource, sys, time
import numpy as np
from gadet.experts.image import ImageExpert
rng = np.random.default_rng(0)
def picture():
    base = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    return np.clip(base * 0.5 + rng.normal(60, 8, base.shape), 0, 255).astype(np.uint8)
reference = picture()
if "same" in sys.argv:
    tests = [np.clip(reference + rng.normal(0, 4, reference.shape), 0, 255).astype(np.uint8)
             for _ in range(6)]
else:
    tests = [picture() for _ in range(6)]
expert = ImageExpert()
expert.measure(tests[0], [reference])
times = []
for one in tests[1:]:
    start = time.perf_counter()
    name = expert.measure(one, [reference]).expert
    times.append(time.perf_counter() - start)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"expert": name, "seconds": sorted(times)[2], "peak_mb": peak}))
"""


def cost(kind: str, threads: int) -> dict[str, Any]:
    """Seconds per 512 x 512 picture after warm-up, and peak memory, in a fresh process."""
    # With glibc's defaults, repeated tensors of 10 MB can make the heap grow; these limits stop it.
    limits = {
        "MALLOC_ARENA_MAX": "1",
        "MALLOC_TRIM_THRESHOLD_": "1000000000",
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
    }
    done = subprocess.run(
        [sys.executable, "-c", COST, kind],
        env=os.environ | limits,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result | {"threads": threads}


def main() -> None:
    """Print the tables and write them as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/image_auroc.json"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tasks", nargs="+", choices=list(TASKS), default=list(TASKS))
    arguments = parser.parse_args()
    root = data_root()
    if not (root / "image").is_dir():
        raise SystemExit(f"no data under {root}; set GADET_DATA")
    result: dict[str, Any] = {"seeds": arguments.seeds, "tasks": {}}
    peer = PlainPatches()
    print(f"{'image AUROC, mean over seeds':28}{'gadet':>8}{'patch-NN':>10}{'no torch':>10}"
          f"{'zero-shot':>11}{'recall':>8}{'false':>7}{'s/image':>9}")  # fmt: skip
    alone: dict[Path, float] = {}
    expert, plain_expert = ImageExpert(512), ImageExpert(512)
    for name in arguments.tasks:
        make, count = TASKS[name]
        rows = []
        for seed in arguments.seeds:
            split = make(root, count, seed)
            start = time.perf_counter()
            ours = figures(split, expert_scores(expert, split))
            seconds = (time.perf_counter() - start) / len(split.tests)
            with without_torch():
                plain = figures(split, expert_scores(plain_expert, split))
            for path in split.tests:
                if path not in alone:
                    alone[path] = expert.measure(load(path)).score
            zero = figures(split, [alone[path] for path in split.tests])
            rows.append(
                {
                    "seed": seed,
                    "gadet": ours,
                    "patch_nn": figures(split, peer.scores(split))["auroc"],
                    "no_torch": plain["auroc"],
                    "zero_shot": zero["auroc"],
                    "seconds_per_image": seconds,
                }
            )
        result["tasks"][name] = rows
        means = {key: np.mean([row[key] for row in rows]) for key in
                 ("patch_nn", "no_torch", "zero_shot", "seconds_per_image")}  # fmt: skip
        own = {key: np.mean([row["gadet"][key] for row in rows]) for key in rows[0]["gadet"]}
        print(
            f"{name:28}{own['auroc']:8.3f}{means['patch_nn']:10.3f}{means['no_torch']:10.3f}"
            f"{means['zero_shot']:11.3f}{own['recall']:8.2f}{own['false_alarms']:7.2f}"
            f"{means['seconds_per_image']:9.2f}",
            flush=True,
        )
    result["paper_pairs"] = paper_pairs(root, expert)
    print("\npaper pairs, the normal picture as reference")
    for row in result["paper_pairs"]:
        print(
            f"{row['case']:34}{row['expert']:18}{row['abnormal']:7.3f} against "
            f"{row['highest_augmented']:.3f}  {'win' if row['win'] else 'lost'}"
        )
    result["cost"] = [cost(kind, threads) for kind in ("same", "other") for threads in (1, 2)]
    print("\none reference, 512 x 512 pixels, fresh process")
    for row in result["cost"]:
        print(
            f"{row['expert']:18} {row['threads']} thread(s): {row['seconds']:.2f} s per image, "
            f"peak {row['peak_mb']:.0f} MB"
        )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
