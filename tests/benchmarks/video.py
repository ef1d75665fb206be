"""The video expert on UCSD Ped2 and on CCTV clips of accidents, beside simple detectors.

    python -m tests.benchmarks.video [--out DIR/NAME.json] [--only TEXT]

Prints a table for each data set, with what is normal given and without, and writes JSON files. One
configuration serves all. Frame AUROC is pooled (micro: raw, and scaled from 0 to 1 within each
clip) and the mean of the clips (macro), each also smoothed over time; pixels where masks exist;
overlap is that of the frames of told events with the labelled ones (for the other detectors: of
frames above their highest score on normal frames). Seconds are CPU seconds per frame, with
decoding and with learning what is normal.

In all these clips the event is what comes last: the control that scores a frame by its number
shows what that alone is worth.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.experts.video import EventCandidate, VideoExpert
from gadet.media.video import VideoSample
from tests.benchmarks.results import write
from tests.benchmarks.video_data import Case, cctv, pedestrians
from tests.benchmarks.video_metrics import (
    auroc,
    average_precision,
    frame_figures,
    overlap,
    per_region,
)
from tests.benchmarks.video_peers import PEERS, Peer, absent, frame_scores

SMOOTHING = {"ped2": 2.5, "cctv": 1.5}
"""Standard deviation of the smoothing in frames, as the protocol says."""
THIN = 2
"""Every how many pixels, down and across, the pixel figures are taken."""

Row = dict[str, Any]
Bools = npt.NDArray[np.bool_]


class Outcome:
    """What a detector gave for one clip: scores, flagged frames, maps."""

    def __init__(self, case: Case, scores: Any, flagged: Bools | None, maps: Any) -> None:
        """Leave out the frames that are not scored."""
        self.labels = case.labels[case.skipped :]
        self.scores = np.asarray(scores, dtype=np.float64)[case.skipped :]
        self.flagged = None if flagged is None else flagged[case.skipped :]
        self.masks = self.maps = None
        if case.masks is not None and maps is not None:
            tall, wide = case.masks.shape[1:]
            self.masks = case.masks[:, ::THIN, ::THIN]
            self.maps = np.array(
                [_native(one, (wide, tall))[::THIN, ::THIN] for one in maps], dtype=np.float32
            )


def _native(one: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    picture = Image.fromarray(np.ascontiguousarray(one, dtype=np.float32))
    return np.asarray(picture.resize(size, Image.Resampling.BILINEAR))


def by_expert(expert: VideoExpert, case: Case) -> Outcome:
    """Scores, events and maps of the expert."""
    evidence = expert.assess(case.item, case.references)
    flagged = np.zeros(len(case.labels), np.bool_)
    for event in evidence.candidates:
        assert isinstance(event, EventCandidate)
        flagged[event.start : event.stop] = True
    maps = None
    if case.masks is not None:
        maps = [one.score_map for one in expert.frames(case.item, case.references)]
    return Outcome(case, evidence.score_map, flagged, maps)


def by_peer(peer: Peer, case: Case) -> Outcome:
    """Scores and maps of another detector."""
    clip = _pixels(case.item)
    normals = [_pixels(one) for one in case.references]
    maps = peer(clip, normals)
    scores = frame_scores(maps)
    flagged = None
    if normals:
        usual = max(float(frame_scores(peer(one, normals)).max()) for one in normals)
        flagged = scores > usual
    return Outcome(case, scores, flagged, maps)


def _pixels(sample: VideoSample) -> npt.NDArray[np.uint8]:
    return np.array([still.pixels for still in sample.clip.scan()])


def summary(name: str, outcomes: Sequence[Outcome], sigma: float, seconds: float) -> Row:
    """One line of the table."""
    labels = [one.labels for one in outcomes]
    line: Row = {"detector": name}
    line |= frame_figures(labels, [one.scores for one in outcomes], sigma)
    if outcomes[0].masks is not None and outcomes[0].maps is not None:
        masks = np.concatenate([one.masks for one in outcomes if one.masks is not None])
        maps = np.concatenate([one.maps for one in outcomes if one.maps is not None])
        line["pixel AUROC"] = auroc(masks.ravel(), maps.ravel())
        line["pixel AP"] = average_precision(masks.ravel(), maps.ravel())
        line["AU-PRO"] = per_region(masks, maps)
    flagged = [(one.labels, one.flagged) for one in outcomes if one.flagged is not None]
    if flagged:
        line["overlap"] = float(np.mean([overlap(one, its) for one, its in flagged]))
        false = [its[~one] for one, its in flagged]
        line["flagged where normal"] = float(np.concatenate(false).mean())
    line["seconds"] = seconds
    return line


def detectors(only: str) -> Iterator[tuple[str, Callable[[Case], Outcome]]]:
    """Every detector whose name holds a text."""
    found: dict[str, Callable[[Case], Outcome]] = {
        "gadet": lambda case: by_expert(VideoExpert(), case),
        "gadet without torch": lambda case: by_expert(VideoExpert(features=False), case),
    }
    for name, peer in PEERS.items():
        if name not in absent():
            found[name] = lambda case, peer=peer: by_peer(peer, case)
    yield from ((name, detect) for name, detect in found.items() if only in name)


def rows_of(cases: Sequence[Case], sigma: float, only: str) -> list[Row]:
    """The table of one data set."""
    rows = []
    for name, detect in detectors(only):
        started = time.process_time()
        outcomes = [detect(case) for case in cases]
        spent = time.process_time() - started
        rows.append(summary(name, outcomes, sigma, spent / sum(len(one.labels) for one in cases)))
    return rows


def speed(cases: Sequence[Case]) -> dict[str, float]:
    """CPU seconds per frame of the expert with everything, and frames per second of one core."""
    case = cases[0]
    expert = VideoExpert()
    expert.assess(case.item, case.references)  # weights are read and what is normal is learned
    started = time.process_time()
    expert.assess(case.item, case.references)
    seconds = (time.process_time() - started) / len(case.item.clip)
    return {"frames_per_cpu_second_360x240": round(1 / seconds, 1)}


def data_root() -> Path:
    """Where the data sets lie."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "data"
    return Path(os.environ.get("GADET_DATA", beside))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/video.json"))
    parser.add_argument("--only", default="", help="only detectors whose name holds this text")
    given = parser.parse_args()
    for name, load in (("ped2", pedestrians), ("cctv", cctv)):
        for mode, with_normals in (("ref", True), ("noref", False)):
            cases = list(load(data_root(), with_normals))
            facts = speed(cases) if name == "ped2" and with_normals else {}
            write(
                given.out.with_stem(f"{given.out.stem}_{name}_{mode}"),
                f"{name}, {mode}",
                rows_of(cases, SMOOTHING[name], given.only),
                missing_peers=absent(),
                **facts,
            )


if __name__ == "__main__":
    main()
