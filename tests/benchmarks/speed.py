"""What one inspection costs offline: seconds after warm-up, peak memory; a fresh process each.

python -m tests.benchmarks.speed [--out PATH]
"""

from __future__ import annotations

import json
import subprocess
import sys

from tests.benchmarks.results import arguments, write

SIDE = 512
CODE = """
import json, resource, statistics, sys, time
import numpy as np
from gadet import AnomalyDetector

same_scene, side = sys.argv[1] == "same scene", int(sys.argv[2])
rng = np.random.default_rng(0)
ground = np.kron(rng.integers(60, 200, (side // 16, side // 16, 3)), np.ones((16, 16, 1)))

def picture(seed):
    noise = np.random.default_rng(seed)
    base = ground if same_scene else noise.permutation(ground.reshape(-1, 3)).reshape(ground.shape)
    return np.clip(base + noise.normal(0, 3, base.shape), 0, 255).astype(np.uint8)

detector, reference = AnomalyDetector(), picture(1)
detector.detect(picture(2), references=[reference])
seconds = []
for seed in range(3, 12):
    item = picture(seed)
    started = time.perf_counter()
    report = detector.detect(item, references=[reference])
    seconds.append(time.perf_counter() - started)
print(json.dumps({
    "expert": report.evidence.expert,
    "seconds": round(statistics.median(seconds), 3),
    "peak_megabytes": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
}))
"""


def measured(kind: str) -> dict[str, object]:
    """The figures of one kind of pair, from a process of its own."""
    line = [sys.executable, "-c", CODE, kind, str(SIDE)]
    done = subprocess.run(line, check=True, capture_output=True, text=True)
    return {"reference": kind, **json.loads(done.stdout)}


def main() -> None:
    out = arguments(__doc__, "speed").out
    rows = [measured("same scene"), measured("same kind")]
    write(out, f"One item of {SIDE} × {SIDE}, one reference", rows, limit="0.5 s per image")


if __name__ == "__main__":
    main()
