"""16 frames of a video: how long they take, and whether they are the frames that were asked for.

    python -m tests.benchmarks.video_decode [--out PATH]

Every mp4 of `GADET_DATA/video`, else of `../shared/data/video` beside the repository, and a film of
five minutes that is made for it. The frames are spread evenly, drawn at random, or follow each
other. CPU milliseconds, best of several rounds, of opening the file and reading the frames as RGB.
Beside it: PyAV going to the key frame before each frame; PyAV decoding everything and converting
only what is wanted; OpenCV, where installed, set to each frame's number. A frame is exact when
every pixel is that of decoding everything with PyAV. Finding out when each frame is shown is done
once for a video, whatever is read later, and has a column of its own (`load`).
"""

from __future__ import annotations

import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from gadet.media.base import LoadLimits
from gadet.media.video.adapter import VideoAdapter
from gadet.media.video.loading import load_tape
from gadet.media.video.opening import Tape
from gadet.media.video.sampling import uniform
from tests.benchmarks.results import arguments, write

NAME = "video_decode"
FRAMES = 16
ROUNDS = 3
Pixels = npt.NDArray[np.uint8]
Reader = Callable[[Path, Sequence[int]], list[Pixels]]


def files(folder: Path) -> list[Path]:
    """The videos of the data set, and one of five minutes."""
    given = os.environ.get("GADET_DATA")
    data = Path(given) if given else Path(__file__).resolve().parents[3] / "shared" / "data"
    return [*sorted((data / "video").rglob("*.mp4")), film(folder / "five minutes.mp4")]


def film(path: Path, seconds: int = 300, rate: int = 25) -> Path:
    """Noise that drifts slowly, with an encoder's usual key frames every ten seconds."""
    noise = np.random.default_rng(0).integers(0, 256, (360, 640 + seconds, 3), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for number in range(seconds * rate):
            pixels = noise[:, number // rate : number // rate + 640] // 4
            pixels[100:200, number % 500 : number % 500 + 100] = 250
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def decoding_everything(path: Path, wanted: Sequence[int]) -> list[Pixels]:
    """PyAV from the first frame to the last, converting what is wanted."""
    due = set(wanted)
    with av.open(str(path)) as container:
        decoded = enumerate(container.decode(video=0))
        found = {n: frame.to_ndarray(format="rgb24") for n, frame in decoded if n in due}
    return [found[number] for number in wanted]


def seeking(path: Path, wanted: Sequence[int]) -> list[Pixels]:
    """PyAV to the key frame before each frame, and on to its time at a constant rate."""
    found = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        step = 1 / (stream.average_rate * stream.time_base)
        for number in wanted:
            goal = round(number * step) + (stream.start_time or 0)
            container.seek(goal, stream=stream)
            for frame in container.decode(stream):
                if frame.pts is not None and frame.pts + step / 2 > goal:
                    found.append(frame.to_ndarray(format="rgb24"))
                    break
    return found


def opencv(path: Path, wanted: Sequence[int]) -> list[Pixels]:
    """OpenCV set to each frame's number."""
    import cv2

    capture, found = cv2.VideoCapture(str(path)), []
    for number in wanted:
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        found.append(capture.read()[1][:, :, ::-1])
    capture.release()
    return found


def measured(read: Callable[[], Any]) -> tuple[float, Any]:
    """CPU milliseconds, the best of several rounds, and what was read."""
    best, found = float("inf"), None
    for _ in range(ROUNDS):
        started = time.process_time()
        found = read()
        best = min(best, time.process_time() - started)
    return 1000 * best, found


def main() -> None:
    options = arguments(__doc__, NAME)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path in files(Path(folder)):
            clip = VideoAdapter().load(path).clip
            tape = Tape.at(path, LoadLimits())
            loading, _ = measured(lambda tape=tape: load_tape(tape, LoadLimits()))

            def gadet(path: Path, wanted: Sequence[int], clip: Any = clip) -> list[Pixels]:
                return [still.pixels for still in clip.frames(wanted)]

            readers: dict[str, Reader] = {
                "gadet": gadet,
                "seek": seeking,
                "everything": decoding_everything,
            }
            if importlib.util.find_spec("cv2"):
                readers["OpenCV"] = opencv
            drawn = np.sort(np.random.default_rng(0).choice(len(clip), FRAMES, replace=False))
            for spread, wanted in (
                ("evenly", uniform(clip, FRAMES)),
                ("at random", drawn.tolist()),
                ("in a row", list(range(len(clip) // 2, len(clip) // 2 + FRAMES))),
            ):
                truth = decoding_everything(path, wanted)
                row: dict[str, Any] = {
                    "video": path.name,
                    "frames": len(clip),
                    "key frames": len(clip.keys),
                    "16 of them": spread,
                }
                for name, read in readers.items():
                    took, found = measured(lambda r=read, p=path, w=wanted: r(p, w))
                    same = [np.array_equal(a, b) for a, b in zip(found, truth, strict=False)]
                    row |= {f"{name} ms": round(took, 1), f"{name} exact": sum(same)}
                rows.append(row | {"load ms": round(loading, 1)})
    write(options.out, "16 frames of a video, CPU milliseconds and how many are exact", rows)


if __name__ == "__main__":
    main()
