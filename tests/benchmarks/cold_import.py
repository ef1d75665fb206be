"""What `import gadet` costs in a fresh process, beside its own dependencies.

python -m tests.benchmarks.cold_import [--out PATH]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from tests.benchmarks.results import arguments, write

RUNS = 9
STATEMENTS = {
    "python alone": "pass",
    "pydantic, numpy, PIL": "import pydantic, numpy, PIL.Image",
    "gadet": "import gadet",
    "httpx (not imported by gadet)": "import httpx",
}


def seconds(statement: str) -> float:
    """Median wall time of a process that runs the statement."""
    times = []
    for _ in range(RUNS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", statement], check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def main() -> None:
    out = arguments(__doc__, "cold_import").out
    rows = [{"what": name, "seconds": round(seconds(code), 3)} for name, code in STATEMENTS.items()]
    write(out, f"Whole process, median of {RUNS}", rows, limit="gadet under 0.5 s")


if __name__ == "__main__":
    main()
