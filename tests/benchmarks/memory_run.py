"""How much memory a long batch takes: the resident set after 1,000, 5,000 and 10,000 items.

    python -m tests.benchmarks.memory_run [--items N]

JPEG files on disk go through `detect_many` to the loopback model. What has to stay is the list of
results; copies of them are weighed afterwards, which share nothing and so weigh more than the
results themselves. What the run takes above that has to be flat: it may grow by no more than a
megabyte for each thousand items between the first mark and the last.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

from gadet import AnomalyDetector, Completion, Prompt, Report
from gadet.backends.hosted import HttpBackend
from tests.benchmarks.results import write
from tests.benchmarks.throughput import served, write_items

NAME = "memory_run"
FILES = 100
MARKS = (0.1, 0.5, 1.0)
ALLOWED = 1.0  # megabytes for each thousand items


class Weighed(HttpBackend):
    """Notes the memory of the process when so many answers have come."""

    marks: dict[int, float]
    answers = itertools.count(1)

    def complete(self, prompt: Prompt) -> Completion:
        completion = super().complete(prompt)
        number = next(self.answers)
        if number in self.marks:
            gc.collect()
            self.marks[number] = resident()
        return completion


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks") / f"{NAME}.json")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(0.0) as base_url:
        files = write_items(Path(folder), FILES)
        backend = Weighed("loopback", base_url=base_url)
        backend.marks = {int(arguments.items * mark): 0.0 for mark in MARKS}
        detector = AnomalyDetector(backend, expert=None)
        items = [files[number % FILES] for number in range(arguments.items)]
        results = detector.detect_many(items, concurrency=8, progress=False)
        backend.close()
    rows = rows_of(backend.marks, per_report(results))
    growth = (rows[-1]["above the results, MB"] - rows[0]["above the results, MB"]) / (
        (rows[-1]["items"] - rows[0]["items"]) / 1000
    )
    write(
        arguments.out,
        "Resident memory of a batch",
        rows,
        growth_megabytes_per_thousand=round(growth, 3),
        allowed=ALLOWED,
        passed=growth <= ALLOWED,
    )
    return 0 if growth <= ALLOWED else 1


def rows_of(marks: dict[int, float], report: float) -> list[dict[str, Any]]:
    return [
        {
            "items": items,
            "resident, MB": round(megabytes, 1),
            "results, MB": round(items * report, 1),
            "above the results, MB": round(megabytes - items * report, 1),
        }
        for items, megabytes in marks.items()
    ]


def per_report(results: list[Any]) -> float:
    """Megabytes that a result takes, by copying all of them."""
    reports = [result for result in results if isinstance(result, Report)]
    assert len(reports) == len(results)
    gc.collect()
    before = resident()
    copies = [pickle.loads(pickle.dumps(report)) for report in reports]
    return max(resident() - before, 0.0) / len(copies)


def resident() -> float:
    """Megabytes of this process in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main())
