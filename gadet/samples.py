"""Sample data that ships: pictures, series, clips and scans made by a program, with defects or not.

    from gadet import AnomalyDetector, samples

    case = samples.load("circuit-board")
    report = AnomalyDetector().detect(case.item, references=case.references)

Every case has an item, normal references where they are needed, the true mask and a description of
what is normal. The data are the same on every machine up to rounding. They show how the library is
used; they are not a benchmark.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

from gadet.errors import ConfigurationError
from gadet.films import Film, road, walkway
from gadet.geometry import Box
from gadet.media.pointcloud import PointCloudInput
from gadet.media.series import SeriesInput
from gadet.media.video import VideoInput
from gadet.report import Modality
from gadet.request import Normality
from gadet.scenes import (
    FINE,
    Defects,
    Sheet,
    bottle_top,
    brushed_metal,
    circuit_board,
    parts_tray,
    woven_fabric,
)
from gadet.signals import Record, cold_store, server_load, vibration
from gadet.solids import Scan, bearing_block

__all__ = ["SampleCase", "load", "names", "write"]

_MARGIN: Final = 8
"""Pixels around the drawing, so that it can be moved without showing an edge."""


Item = Image.Image | SeriesInput | VideoInput | PointCloudInput


@dataclass(frozen=True, eq=False)
class SampleCase:
    """One item with everything that is known about it.

    Attributes:
        name: The name that `load` takes.
        title: What it shows, for people.
        modality: What kind of data the item is.
        item: What to inspect: an RGB picture, a series, a clip or a point cloud.
        references: Normal ones of the same thing.
        mask: The truth, bool, all False when it is normal: `(H, W)` in pixels of a picture, `(T,)`
            of a series by rows and of a clip by frames, `(N,)` of a cloud by points.
        anomalous: The true verdict.
        domain: Name of the domain pack that fits.
        normality: What is normal, in words.
        boxes: Of each frame of a clip the true box, native pixels; None where nothing is unusual.
    """

    name: str
    title: str
    item: Item = field(repr=False)
    references: tuple[Item, ...] = field(repr=False)
    mask: npt.NDArray[np.bool_] = field(repr=False)
    anomalous: bool
    domain: str
    normality: Normality
    modality: Modality = "image"
    boxes: tuple[Box | None, ...] = field(default=(), repr=False)

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The true spans of a series or clip, rows or frames `(start, stop)`, half-open."""
        if self.modality not in ("series", "video"):
            return ()
        edges = np.flatnonzero(np.diff(self.mask.astype(np.int8), prepend=0, append=0))
        return tuple(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


@dataclass(frozen=True)
class _Signal:
    """What can be recorded of one kind of machine.

    Attributes:
        draw: Makes a series, with defects.
        references: How many normal series are given beside it.
        normality: What is normal, in words.
    """

    draw: Callable[[np.random.Generator, Defects], Record]
    references: int
    normality: Normality


@dataclass(frozen=True)
class _Place:
    """What can be filmed at one place.

    Attributes:
        film: Makes a clip, with what is unusual.
        references: How many normal clips are given beside it.
        domain: Name of the domain pack.
        normality: What is normal, in words.
    """

    film: Callable[[np.random.Generator, Defects], Film]
    references: int
    domain: str
    normality: Normality


@dataclass(frozen=True)
class _Part:
    """What can be scanned of one kind of part.

    Attributes:
        scan: Makes a cloud, with defects, as it lies or in a pose of its own.
        references: How many normal clouds are given beside it.
        normality: What is normal, in words.
    """

    scan: Callable[..., Scan]
    references: int
    normality: Normality


@dataclass(frozen=True)
class _Scene:
    """What can be drawn of one kind of thing.

    Attributes:
        draw: Draws it, with defects.
        side: Length of the finished picture's sides in pixels.
        domain: Name of the domain pack.
        normality: What is normal, in words.
    """

    draw: Callable[[Sheet, Defects], None]
    side: int
    domain: str
    normality: Normality


_SCENES: Final = {
    "circuit-board": _Scene(
        circuit_board,
        384,
        "industrial",
        Normality(
            subject="printed circuit board",
            standards="Every light green trace runs unbroken from pad to pad and keeps its width "
            "and its distance from the others. Pads, chip and parts are where they are in the "
            "reference.",
            defects=("open trace", "short between traces", "spur on a trace"),
        ),
    ),
    "brushed-metal": _Scene(
        brushed_metal,
        384,
        "industrial",
        Normality(
            subject="brushed metal plate with a round hole",
            standards="The grain runs from left to right over the whole plate. The bevel around "
            "the hole is even.",
            defects=("scratch", "dent"),
        ),
    ),
    "bottle-top": _Scene(
        bottle_top,
        320,
        "industrial",
        Normality(
            subject="mouth of a brown glass bottle, seen from above",
            standards="The lip is a closed circle with even reflections. Inside it is dark and "
            "empty.",
            defects=("contamination", "chipped lip"),
        ),
    ),
    "parts-tray": _Scene(
        parts_tray,
        384,
        "logical",
        Normality(
            subject="tray with six compartments",
            standards="Nuts and washers lie in turn, one in each compartment.",
            rules=(
                "Each of the six compartments holds exactly one part.",
                "Upper row from left to right: nut, washer, nut.",
                "Lower row from left to right: washer, nut, washer.",
            ),
        ),
    ),
    "woven-fabric": _Scene(
        woven_fabric,
        320,
        "industrial",
        Normality(
            subject="plain woven fabric",
            standards="An even beige weave of one colour without spots.",
            defects=("stain", "broken thread", "hole"),
        ),
    ),
}

_SIGNALS: Final = {
    "server-load": _Signal(
        server_load,
        2,
        Normality(
            subject="load of a server in percent, every ten minutes",
            standards="Working days are busy from 8 to 18 o'clock with a dip at noon, nights and "
            "weekends are quiet. A backup runs every night at 2:30.",
        ),
    ),
    "vibration": _Signal(
        vibration,
        1,
        Normality(
            subject="vibration of a shaft at its two bearings",
            standards="Both rise and fall together with the torque, the free end a little later.",
        ),
    ),
    "cold-store": _Signal(
        cold_store,
        0,
        Normality(
            subject="temperature of a cold store, every ten minutes",
            standards="The compressor makes a tooth every 90 minutes between 2.5 and 5 °C; days "
            "are a little warmer than nights.",
            defects=("drift", "sensor that is stuck"),
        ),
    ),
}

_PLACES: Final = {
    "walkway": _Place(
        walkway,
        1,
        "pedestrian",
        Normality(
            subject="path across a lawn, filmed by a fixed camera",
            standards="People walk along the path in both directions, alone, at an ordinary pace.",
        ),
    ),
    "road": _Place(
        road,
        1,
        "traffic",
        Normality(
            subject="road with a lane for each direction, filmed by a fixed camera from the side",
            standards="In the far lane cars drive to the left, in the near lane to the right, all "
            "about equally fast.",
        ),
    ),
}

_PARTS: Final = {
    "bearing-block": _Part(
        bearing_block,
        3,
        Normality(
            subject="bearing block: a plate with a bored boss and two pins, in millimetres",
            standards="All faces are flat or round and smooth. Both pins are there and equal.",
            defects=("dent", "missing pin"),
        ),
    ),
}

# name: (scene, signal or place, kind of defect as a folder name, defects that are drawn, title)
_CASES: Final[dict[str, tuple[str, str, Defects, str]]] = {
    "circuit-board": (
        "circuit-board",
        "traces",
        ("open", "short", "spur"),
        "Circuit board with an open trace, a short and a spur",
    ),
    "circuit-board-normal": ("circuit-board", "good", (), "Circuit board without a defect"),
    "brushed-metal": ("brushed-metal", "scratch", ("scratch",), "Brushed plate with a scratch"),
    "brushed-metal-normal": ("brushed-metal", "good", (), "Brushed plate without a defect"),
    "bottle-top": ("bottle-top", "contamination", ("contamination",), "Contaminated bottle"),
    "bottle-top-chipped": ("bottle-top", "chip", ("chip",), "Bottle with a chipped lip"),
    "bottle-top-normal": ("bottle-top", "good", (), "Bottle without a defect"),
    "parts-tray": ("parts-tray", "missing", ("missing",), "Tray with a missing nut"),
    "parts-tray-swapped": ("parts-tray", "swapped", ("swapped",), "Tray with a washer for a nut"),
    "parts-tray-normal": ("parts-tray", "good", (), "Complete tray"),
    "woven-fabric": ("woven-fabric", "stain", ("stain",), "Fabric with a stain"),
    "woven-fabric-normal": ("woven-fabric", "good", (), "Fabric without a defect"),
    "server-load": (
        "server-load",
        "restless",
        ("restless night", "level shift"),
        "Server with a restless night and a busy day",
    ),
    "server-load-normal": ("server-load", "good", (), "Server without an incident"),
    "vibration": ("vibration", "loose", ("loose bearing",), "Shaft with a loose bearing"),
    "cold-store": (
        "cold-store",
        "sensor",
        ("drift", "stuck"),
        "Cold store whose sensor drifts and gets stuck",
    ),
    "walkway": ("walkway", "cyclist", ("cyclist",), "Path with a cyclist among people who walk"),
    "road": ("road", "wrong-way", ("wrong way",), "Road with a car that races up the wrong lane"),
    "bearing-block": ("bearing-block", "dent", ("dent",), "Bearing block with a dent"),
    "bearing-block-pin": (
        "bearing-block",
        "pin",
        ("missing pin",),
        "Block without one of its pins",
    ),
    "bearing-block-normal": ("bearing-block", "good", (), "Bearing block without a defect"),
}
_REFERENCES: Final = 3


def names() -> tuple[str, ...]:
    """The names of the cases; those that end in `-normal` show no defect."""
    return tuple(_CASES)


def load(name: str) -> SampleCase:
    """Make a case.

    Raises:
        ConfigurationError: There is no case of this name.
    """
    if name not in _CASES:
        raise ConfigurationError(f"expected one of {', '.join(_CASES)}; got {name!r}")
    kind, _, defects, title = _CASES[name]
    seed = 100 + list(_CASES).index(name)
    if kind in _SIGNALS:
        signal = _SIGNALS[kind]
        record = _record(signal, defects, seed)
        return SampleCase(
            name=name,
            title=title,
            item=record.item,
            references=tuple(_record(signal, (), n).item for n in range(signal.references)),
            mask=record.truth,
            anomalous=bool(defects),
            domain="series",
            normality=signal.normality,
            modality="series",
        )
    if kind in _PLACES:
        place = _PLACES[kind]
        film = place.film(np.random.default_rng(seed), defects)
        return SampleCase(
            name=name,
            title=title,
            item=film.item,
            references=tuple(
                place.film(np.random.default_rng(number), ()).item
                for number in range(place.references)
            ),
            mask=film.truth,
            anomalous=bool(defects),
            domain=place.domain,
            normality=place.normality,
            modality="video",
            boxes=film.boxes,
        )
    if kind in _PARTS:
        part = _PARTS[kind]
        scan = part.scan(np.random.default_rng(seed), defects, turned=True)
        normals = (np.random.default_rng(n) for n in range(part.references))
        return SampleCase(
            name=name,
            title=title,
            item=scan.item,
            references=tuple(part.scan(one, (), turned=False).item for one in normals),
            mask=scan.truth,
            anomalous=bool(defects),
            domain="pointcloud",
            normality=part.normality,
            modality="pointcloud",
        )
    scene = _SCENES[kind]
    item, mask = _picture(scene, defects, seed)
    # Copies, since a picture can be changed by whoever gets it.
    references = tuple(picture.copy() for picture in _references(kind))
    return SampleCase(
        name=name,
        title=title,
        item=item,
        references=references,
        mask=mask,
        anomalous=bool(defects),
        domain=scene.domain,
        normality=scene.normality,
    )


def write(folder: str | Path) -> list[Path]:
    """Write all cases in the layout of MVTec AD: pictures as PNG, series as CSV, clips as folders.

    `SCENE/train/good/*.png`, `SCENE/test/KIND/*.png`, `SCENE/ground_truth/KIND/*_mask.png`; the
    truth of a series or clip is `*_spans.csv`, with the rows or frames `start` and `stop`
    (half-open) of each defect. A clip is a folder of numbered frames, ten for each second; a cloud
    is a text, its truth `*_points.csv` with the numbers of the points of its defects.

    Args:
        folder: Where to write; made when it is missing.

    Returns:
        The files that were written, in order.
    """
    written: list[Path] = []
    trained: set[str] = set()

    def save(content: Item | str, *parts: str) -> None:
        path = Path(folder).joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, VideoInput):
            for number, frame in enumerate(content.item):
                save(Image.fromarray(frame), *parts, f"{number:04d}")
            return
        if isinstance(content, Image.Image):
            path = path.with_suffix(".png")
            content.save(path, format="PNG")
        elif isinstance(content, PointCloudInput):
            path = path.with_suffix(".xyz")
            axes = ",".join(f"{axis} [{content.units}]" for axis in "xyz")
            np.savetxt(path, content.item, "%.4f", ",", header=axes, comments="")
        else:
            path = path.with_suffix(".csv")
            text = content if isinstance(content, str) else _csv(content.item)
            path.write_text(text, encoding="utf-8", newline="")
        written.append(path)

    for name, (scene, kind, defects, _) in _CASES.items():
        case = load(name)
        save(case.item, scene, "test", kind, "000")
        if defects and case.modality == "pointcloud":
            rows = "".join(f"{row}\n" for row in np.flatnonzero(case.mask))
            save(f"point\n{rows}", scene, "ground_truth", kind, "000_points")
        elif defects and case.modality != "image":
            spans = "".join(f"{start},{stop}\n" for start, stop in case.spans)
            save(f"start,stop\n{spans}", scene, "ground_truth", kind, "000_spans")
        elif defects:
            save(Image.fromarray(case.mask), scene, "ground_truth", kind, "000_mask")
        if scene not in trained:
            trained.add(scene)
            for number, reference in enumerate(case.references):
                save(reference, scene, "train", "good", f"{number:03d}")
    return written


def _csv(columns: dict[str, npt.NDArray[Any]]) -> str:
    """A table as text."""
    rows = (
        ",".join(f"{v:.3f}" if isinstance(v, float) else str(v) for v in row)
        for row in zip(*columns.values(), strict=True)
    )
    return "\n".join([",".join(columns), *rows, ""])


def _record(signal: _Signal, defects: Defects, seed: int) -> Record:
    """Record a machine."""
    return signal.draw(np.random.default_rng(seed), defects)


@cache
def _references(kind: str) -> tuple[Image.Image, ...]:
    """The normal pictures of a scene, which all its cases share."""
    return tuple(_picture(_SCENES[kind], (), seed)[0] for seed in range(_REFERENCES))


def _picture(
    scene: _Scene, defects: Defects, seed: int
) -> tuple[Image.Image, npt.NDArray[np.bool_]]:
    """Draw a scene as a camera would take it: moved a little, with its own light and noise."""
    random = np.random.default_rng(seed)
    sheet = Sheet(scene.side + 2 * _MARGIN, random)
    scene.draw(sheet, defects)
    x, y = random.uniform(-2, 2, 2) + _MARGIN
    box = (x * FINE, y * FINE, (x + scene.side) * FINE, (y + scene.side) * FINE)
    size = (scene.side, scene.side)
    picture = sheet.picture.resize(size, Image.Resampling.BICUBIC, box)
    taken = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.35)), dtype=np.float64)
    taken = taken * random.uniform(0.96, 1.04) + random.normal(0, 2.2, taken.shape)
    item = Image.fromarray(np.clip(np.rint(taken), 0, 255).astype(np.uint8))
    truth = np.asarray(sheet.truth.resize(size, Image.Resampling.BILINEAR, box))
    return item, truth >= 128
