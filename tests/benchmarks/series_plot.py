"""From numbers in memory to a PNG for a model, beside matplotlib drawing every point.

    python -m tests.benchmarks.series_plot [--out out/benchmarks/series_plot.json]

A sine with noise and one spike of a single sample, at 1568 px. Each length in a process of its own,
so that the peak of memory is its own; imports are not counted. The peer draws the same values with
`Axes.plot` on a figure of the same width, with matplotlib's own simplification of paths. Whether
the spike is there is looked up in the picture: ink must stand above the sine near its column.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any

import numpy as np

from tests.benchmarks.results import arguments, write

LENGTHS = (100_000, 1_000_000, 10_000_000)
WHO = ("gadet", "matplotlib")


def main() -> None:
    """Run every length in a fresh process, print the table, write the JSON."""
    if len(sys.argv) == 4 and sys.argv[1] == "--one":
        print(json.dumps(one(sys.argv[2], int(sys.argv[3]))))
        return
    options = arguments(__doc__, "series_plot")
    rows = []
    for length in LENGTHS:
        for who in WHO:
            command = [sys.executable, "-m", "tests.benchmarks.series_plot", "--one", who]
            done = subprocess.run(
                [*command, str(length)], capture_output=True, text=True, check=True
            )
            rows.append(json.loads(done.stdout))
    write(options.out, "a series as a PNG of 1568 px", rows)


def one(who: str, length: int) -> dict[str, Any]:
    """Seconds for the first and the second picture, and the peak of memory."""
    rng = np.random.default_rng(0)
    values = np.sin(np.arange(length) * (200 / length)) + rng.normal(0, 0.05, length)
    values[length // 3] = 4.0
    draw = {"gadet": by_gadet, "matplotlib": by_matplotlib}[who]
    draw(values[:1000])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(2):
        started = time.perf_counter()
        picture = draw(values)
        seconds.append(time.perf_counter() - started)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {
        "who": who,
        "points": length,
        "first s": seconds[0],
        "second s": seconds[1],
        "more MB": round((peak - before) / 1024),
        "spike": "seen" if spike_seen(picture) else "lost",
    }


def by_gadet(values: np.ndarray) -> bytes:
    """The whole way: the adapter, the plot, the PNG."""
    from gadet import LoadLimits
    from gadet.media.series import SeriesAdapter

    return SeriesAdapter().load(values, LoadLimits()).plot().data


def by_matplotlib(values: np.ndarray) -> bytes:
    """`Axes.plot` of every point."""
    import io

    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15.68, 5), dpi=100)
    FigureCanvasAgg(figure)
    figure.add_subplot().plot(values, linewidth=1)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def spike_seen(png: bytes) -> bool:
    """Whether ink stands in the upper third of the plotted area near a third of its width."""
    import io

    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(png)).convert("L"))
    height, width = pixels.shape
    part = pixels[int(height * 0.15) : int(height * 0.4), int(width * 0.3) : int(width * 0.42)]
    return bool((part < 140).any(axis=0).any())


if __name__ == "__main__":
    main()
