"""Run every benchmark, each in a process of its own: `python -m tests.benchmarks`."""

from __future__ import annotations

import subprocess
import sys

# Run by hand: serve_transformers, which starts a server of another package, and sam_speed.
NAMES = (
    "cache_latency",
    "cold_import",
    "deeppcb",
    "image_auroc",
    "large_picture",
    "local_batching",
    "memory_run",
    "pointcloud",
    "prompt_tokens",
    "regions",
    "series",
    "series_plot",
    "speed",
    "throughput",
    "throughput_sdks",
    "video_decode",
    "video_memory",
)


def main() -> None:
    failed = [
        name
        for name in NAMES
        if subprocess.run(
            [sys.executable, "-m", f"tests.benchmarks.{name}"], check=False
        ).returncode
    ]
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
