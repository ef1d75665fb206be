"""How much memory a long video takes: the peak of a fresh process, for five minutes and an hour.

    python -m tests.benchmarks.video_memory [--out PATH]

The videos are 640 × 360 at 25 frames per second: one minute of noise that drifts and something that
moves, repeated. Each job runs in a process of its own: loading it, reading 16 exact frames, reading
all frames at 5 per second, and drawing the contact sheets of a first look. Flat means that an hour
takes at most 20 MB more than five minutes; the times and timestamps of its 90,000 frames are among
that.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.benchmarks.results import arguments, write

NAME = "video_memory"
MINUTES = (5, 60)
ALLOWED = 20.0  # megabytes
JOBS = ("load", "16 frames", "scan at 5 fps", "first look")


def film(path: Path, minutes: int) -> Path:
    """A minute is encoded, and its packets are written again and again."""
    import av

    from tests.benchmarks.video_decode import film as encoded

    minute = encoded(path.with_name("minute.mp4"), seconds=60)
    with av.open(str(minute)) as source, av.open(str(path), "w") as target:
        stream = source.streams.video[0]
        copied = target.add_stream_from_template(stream)
        packets = [packet for packet in source.demux(stream) if packet.size]
        length = round(60 / stream.time_base)
        times = [(packet.pts, packet.dts) for packet in packets]
        for number in range(minutes):
            for packet, (shown, decoded) in zip(packets, times, strict=True):
                packet.pts, packet.dts = shown + number * length, decoded + number * length
                packet.stream, packet.time_base = copied, stream.time_base
                target.mux(packet)
    return path


def job(name: str, path: str) -> None:
    """Do one thing and print the peak of memory in MB and the CPU seconds."""
    from gadet.media.video.adapter import VideoAdapter
    from gadet.media.video.sampling import uniform
    from gadet.view import ViewLimits

    started = time.process_time()
    sample = VideoAdapter().load(path)
    work: dict[str, Callable[[], Any]] = {
        "load": lambda: None,
        "16 frames": lambda: sample.clip.frames(uniform(sample.clip, 16)),
        "scan at 5 fps": lambda: sum(1 for _ in sample.clip.scan(rate=5)),
        "first look": lambda: sample.views(ViewLimits()),
    }
    work[name]()
    print(peak(), time.process_time() - started, len(sample.clip))


def peak() -> float:
    """The most memory that this process had, in MB.

    Not by `getrusage`, whose figure is at least that of the process that started this one.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> int:
    if len(sys.argv) == 4 and sys.argv[1] == "--job":
        job(*sys.argv[2:])
        return 0
    options = arguments(__doc__, NAME)
    rows, flat = [], True
    with tempfile.TemporaryDirectory() as folder:
        paths = [film(Path(folder, f"{minutes}.mp4"), minutes) for minutes in MINUTES]
        for name in JOBS:
            row: dict[str, Any] = {"job": name}
            peaks = []
            for minutes, path in zip(MINUTES, paths, strict=True):
                command = [sys.executable, "-m", f"tests.benchmarks.{NAME}", "--job", name]
                done = subprocess.run(
                    [*command, str(path)], capture_output=True, text=True, check=True
                )
                peak, took, frames = map(float, done.stdout.split())
                peaks.append(peak)
                row |= {
                    f"{minutes} min, MB": round(peak, 1),
                    f"{minutes} min, CPU s": round(took, 2),
                    f"{minutes} min, frames": int(frames),
                }
            flat &= peaks[1] - peaks[0] <= ALLOWED
            rows.append(row)
    write(options.out, "Peak memory of a process on a long video", rows, flat=flat)
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
