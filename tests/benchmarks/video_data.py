"""The clips of the video benchmark: frames, labels, masks, and which frames are normal."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from gadet.media.video import VideoAdapter, VideoInput, VideoSample

__all__ = ["RATE", "Case", "cctv", "pedestrians"]

RATE = 5.0
"""Frames per second that folders are read with: Ped2 has ten, of which every second is here; the
rate of the CCTV clips is not published, and nothing depends on it but the sentences."""
REFERENCE = 5
"""Frames of the first normal run of a CCTV clip that are its reference, at most."""

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Case:
    """A clip to be judged.

    Attributes:
        name: Of the clip.
        item: The clip.
        references: Normal clips.
        labels: `(T,)`, True where a frame is anomalous.
        skipped: Frames from the front that are not scored.
        masks: `(T, H, W)` where pixels are labelled.
    """

    name: str
    item: VideoSample = field(repr=False)
    references: tuple[VideoSample, ...] = field(repr=False)
    labels: Bools = field(repr=False)
    skipped: int = 0
    masks: Bools | None = field(default=None, repr=False)


def _clip(folder: Path, **options: float) -> VideoSample:
    return VideoAdapter().load(VideoInput(str(folder), rate=RATE, **options))


def _labels(folder: Path) -> Bools:
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as lines:
        return np.array([row["label"] == "1" for row in csv.DictReader(lines)])


def _masks(folder: Path, count: int, size: tuple[int, int]) -> Bools:
    masks = np.zeros((count, size[1], size[0]), np.bool_)
    for path in sorted((folder / "masks").glob("*.png")):
        masks[int(path.stem)] = np.asarray(Image.open(path)) > 0
    return masks


def pedestrians(root: Path, given: bool) -> Iterator[Case]:
    """The three test clips of UCSD Ped2, with the two train clips or with nothing."""
    place = root / "video/pedestrian/ucsd_ped2"
    normal = tuple(_clip(place / "train" / name) for name in ("01", "02")) if given else ()
    for name in ("01", "02", "12"):
        folder = place / "test" / name
        item = _clip(folder / "frames")
        masks = _masks(folder, len(item.clip), item.clip.size)
        yield Case(name, item, normal, _labels(folder), masks=masks)


def cctv(root: Path, given: bool) -> Iterator[Case]:
    """The six CCTV clips, with their first normal frames as a reference or with nothing.

    The same frames are scored in both: those after the reference.
    """
    for folder in sorted((root / "video/traffic/cctv_accident").iterdir()):
        labels = _labels(folder)
        first = min(REFERENCE, int(np.argmax(labels)))
        frames = folder / "frames"
        if given:
            reference = _clip(frames, end=first / RATE)
            item = _clip(frames, start=first / RATE)
            yield Case(folder.name, item, (reference,), labels[first:])
        else:
            yield Case(folder.name, _clip(frames), (), labels, skipped=first)
