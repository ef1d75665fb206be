"""What Segment Anything costs: seconds and memory of each step, with random weights of vit_b.

python -m tests.benchmarks.sam_speed [--out PATH]

The layout is the true one and so is the work, but the masks mean nothing, and how many pass the
bounds of `propose` is chance: each that passes is enlarged to the picture, which comes on top.
`propose` asks at 64 points here, a sixteenth of what it does by default. A fresh process for each
engine; one thread.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from tests.benchmarks.results import arguments, write

CODE = """
import json, resource, sys, time
from pathlib import Path

import torch
from gadet.geometry import Box
from gadet.localize.sam import Automatic, load_segmenter
from tests.localize.sam.support import VIT_B, picture, save_sam

engine, folder = sys.argv[1], Path(sys.argv[2])
torch.set_num_threads(1)
if engine == "segment-anything vit_b":
    path = save_sam(folder, VIT_B)
else:
    import transformers
    kinds = {
        "transformers SAM base": (transformers.SamModel, transformers.SamConfig),
        "transformers SAM 2 tiny": (transformers.Sam2Model, transformers.Sam2Config),
    }
    model, config = kinds[engine]
    torch.manual_seed(0)
    path = folder / "model"
    model(config()).save_pretrained(path)
    del model

COARSE = Automatic(smallest=1 / 64)

def seconds(work):
    started = time.perf_counter()
    found = work()
    return round(time.perf_counter() - started, 2), found

row = {"engine": engine}
row["load"], segmenter = seconds(lambda: load_segmenter(path, device="cpu", automatic=COARSE))
pixels, box = picture(1024, 1024), Box.of(100, 80, 400, 300)
segmenter.in_box(picture(1024, 1024, seed=1), box)
row["first box"], _ = seconds(lambda: segmenter.in_box(pixels, box))
row["next box"], _ = seconds(lambda: segmenter.in_box(pixels, box))
row["64 points"], masks = seconds(lambda: segmenter.propose(pixels))
row["masks"] = len(masks)
row["peak megabytes"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(json.dumps(row))
"""
ENGINES = ("transformers SAM 2 tiny", "segment-anything vit_b", "transformers SAM base")


def measure(engine: str, folder: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", CODE, engine, folder],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    options = arguments(__doc__, "sam_speed")
    rows = []
    for engine in ENGINES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(engine, folder))
        # One engine takes minutes: show it when it is there.
        print(rows[-1], flush=True)
    write(options.out, "Segment Anything on 1024 × 1024 pixels, seconds, one thread", rows)


if __name__ == "__main__":
    main()
