"""How much of the speed of a bare HTTP client a batch keeps.

    python -m tests.benchmarks.throughput [--items N] [--rounds N] [--encoding source|jpeg|png]

Small JPEG files on disk are inspected by `AnomalyDetector(backend, expert=None).detect_many`, with
everything that belongs to it: read the file, make the view, encode it, build the prompt, send it,
read the answer, make the report. A bare `httpx.AsyncClient` sends the same bodies, made beforehand,
to the same server, and reads the JSON. The server stands in a process of its own and answers after
50 ms. Required at 1, 16 and 64 requests at once: at least 0.8 of the bare client's requests per
second. The two take turns, and the median of the rounds counts. `--encoding jpeg` and `png` have
every picture compressed anew, which the figure does not ask for and costs what Pillow costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image
from pydantic_core import to_json

from gadet import AnomalyDetector
from gadet.backends.codecs.base import Asking
from gadet.backends.codecs.openai_chat import encode
from gadet.backends.facts.profile import Profile
from gadet.backends.hosted import HttpBackend
from gadet.prompts.prompt import Prompt
from gadet.report import Report
from gadet.view import ImageType, ViewLimits

DELAY = 0.05
CONCURRENCY = (1, 16, 64)
REQUIRED = 0.8
# `source` leaves the choice to the library, as a caller does who sets nothing.
ENCODINGS: dict[str, ImageType | None] = {
    "source": None,
    "jpeg": "image/jpeg",
    "png": "image/png",
}
SIDE = 128


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=1200, help="items at the highest concurrency")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--encoding", default="source", choices=ENCODINGS, help="of the views")
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served() as base_url:
        items = write_items(Path(folder), arguments.items)
        profile = Profile(views=ViewLimits(encoding=ENCODINGS[arguments.encoding]))
        backend = HttpBackend("loopback", base_url=base_url, max_retries=0, profile=profile)
        rows = [
            compare(base_url, backend, items[: count_for(c, arguments.items)], c, arguments.rounds)
            for c in CONCURRENCY
        ]
        backend.close()
    found = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "httpx": httpx.__version__,
        "encoding": arguments.encoding,
        "delay_seconds": DELAY,
        "required": REQUIRED,
        "passed": all(row["ratio"] >= REQUIRED for row in rows),
        "rows": rows,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    target = arguments.out / f"throughput-{arguments.encoding}.json"
    target.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    for row in rows:
        print(", ".join(f"{key} {value}" for key, value in row.items()))
    return 0 if found["passed"] else 1


def count_for(concurrency: int, most: int) -> int:
    """Enough items for a run of some seconds."""
    return max(1, most * concurrency // max(CONCURRENCY))


@contextmanager
def served(delay: float = DELAY) -> Iterator[str]:
    """Run the server for the length of a `with` block, and yield its base URL."""
    script = Path(__file__).with_name("loopback_model.py")
    line = [sys.executable, str(script), str(delay)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
        finally:
            process.terminate()


def write_items(folder: Path, count: int) -> list[Path]:
    """Pictures of a disc on a soft ground, each a little different."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE - 0.5
    paths = []
    for number in range(count):
        ground = 200 + 30 * x + rng.normal(0, 2, (SIDE, SIDE))
        disc = np.hypot(x - rng.normal(0, 0.02), y) < 0.3
        grey = np.where(disc, ground - 90, ground).clip(0, 255).astype(np.uint8)
        path = folder / f"item-{number:05}.jpg"
        Image.fromarray(grey).convert("RGB").save(path, quality=90)
        paths.append(path)
    return paths


def compare(
    base_url: str, backend: HttpBackend, items: Sequence[Path], concurrency: int, rounds: int
) -> dict[str, Any]:
    detector = AnomalyDetector(backend, expert=None)
    prompts = [detector.prompt(item) for item in items]
    bodies = [to_json(encode(prompt, Asking(backend.model, backend.profile))) for prompt in prompts]
    url = f"{base_url}/chat/completions"
    runs: dict[str, Callable[[], int]] = {
        "bare": lambda: asyncio.run(bare(url, bodies, concurrency)),
        "detect_many": lambda: detect_many(detector, items, concurrency),
        "complete": lambda: complete(backend, prompts, concurrency),
        "acomplete": lambda: asyncio.run(acomplete(backend, prompts, concurrency)),
    }
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            requests = run()
            rates[name].append(requests / (time.perf_counter() - started))
    median = {name: round(statistics.median(values), 1) for name, values in rates.items()}
    return {
        "concurrency": concurrency,
        "items": len(items),
        "body_kilobytes": round(statistics.mean(map(len, bodies)) / 1000, 1),
        **{f"{name}_per_second": rate for name, rate in median.items()},
        "ratio": round(median["detect_many"] / median["bare"], 3),
    }


async def bare(url: str, bodies: Sequence[bytes], concurrency: int) -> int:
    """What one would write by hand: one client, as many tasks as may run at once."""
    waiting = iter(bodies)
    async with httpx.AsyncClient(timeout=60.0) as client:

        async def work() -> None:
            for body in waiting:
                answer = await client.post(
                    url, content=body, headers={"content-type": "application/json"}
                )
                answer.raise_for_status().json()

        await asyncio.gather(*[work() for _ in range(concurrency)])
    return len(bodies)


def detect_many(detector: AnomalyDetector, items: Sequence[Path], concurrency: int) -> int:
    results = detector.detect_many(items, concurrency=concurrency, progress=False)
    reports = [result for result in results if isinstance(result, Report)]
    assert len(reports) == len(items)
    assert all(report.verdict == "normal" for report in reports)
    return sum(report.usage.requests for report in reports)


def complete(backend: HttpBackend, prompts: Sequence[Prompt], concurrency: int) -> int:
    with ThreadPoolExecutor(concurrency) as pool:
        return sum(answer.usage.requests for answer in pool.map(backend.complete, prompts))


async def acomplete(backend: HttpBackend, prompts: Sequence[Prompt], concurrency: int) -> int:
    waiting = iter(prompts)

    async def work() -> int:
        return sum([(await backend.acomplete(prompt)).usage.requests for prompt in waiting])

    return sum(await asyncio.gather(*[work() for _ in range(concurrency)]))


if __name__ == "__main__":
    raise SystemExit(main())
