"""Do the marks lie on the defects, and do the masks fit? Measured with a reader who never errs.

    python -m tests.benchmarks.regions [--out out/benchmarks/regions.json]

A perfect reader picks the best mark for each defect, so this measures the pipeline and no model.
Seconds are processor time. A source alone is ranked by its own strength; in rows that end in
"weighed" it is ranked as the fusion would, which asks the picture and the expert's map as well.

One configuration for all sets: magnetic_tile (16 references), hazelnut_toy (1), kvasir_seg (none)
by their masks, deeppcb (its template) by the boxes. A defect is an 8-connected part of a mask of
at least 0.03 % of the picture; parts closer than 0.8 % of the longest side are one.

No weights of Segment Anything are at hand. Its row is that of a small network of the true layout
with seeded random weights: it shows the path from a checkpoint to marks, not the quality.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageDraw

from gadet import AnomalyDetector, Box, Candidate, Evidence, ImageRegion
from gadet.experts.filters import local_max
from gadet.experts.image import ImageExpert
from gadet.experts.regions import bounding_box, label_components
from gadet.geometry import Frame
from gadet.localize.choice import choose, overlaps
from gadet.localize.fusion import _gathered, fuse, shrunk, working_shape
from gadet.localize.marks import _font, draw_marks, shape_of
from gadet.localize.proposal import Proposal
from gadet.localize.proposals import _on, expert_regions, propose_regions
from gadet.localize.refine import Refiner
from gadet.localize.sam import Automatic, load_segmenter
from gadet.localize.sam.segmenter import Segmenter
from tests.benchmarks.deeppcb import data_root, load, pairs
from tests.benchmarks.image_auroc import hazelnut_toy, magnetic_tile
from tests.benchmarks.results import arguments, table, write

Pixels = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Target = Callable[[Bools], float]

COUNTS = (10, 20, 40)
DEFAULT = 12
"""Marks that a model is shown when nothing else is known about it."""
LEAST_SHARE = 0.0003
SPLITS = (("magnetic_tile", magnetic_tile, 16), ("hazelnut_toy", hazelnut_toy, 1))
SINGLE = {
    "expert": ("expert",),
    "superpixels": ("superpixels",),
    "contrast": ("contrast",),
    "swellings": ("swellings",),
    "bands and grid": ("bands", "grid"),
    "sam, random weights": ("sam",),
}
RANDOM_POINTS = Automatic(smallest=1 / 64, quality=0.0, stability=0.0)
"""An eighth of the side between two points; random weights are sure of nothing."""


@dataclass(frozen=True, eq=False)
class Row:
    """A picture with its defects."""

    data: str
    pixels: Pixels
    evidence: Evidence
    masks: list[Bools]
    boxes: list[Box]
    seconds: float
    references: list[Pixels]

    def targets(self) -> list[Target]:
        """How well a mask fits each defect."""
        if self.masks:
            return [partial(iou, mask) for mask in self.masks]
        return [partial(box_iou, box) for box in self.boxes]


def iou(one: Bools, other: Bools) -> float:
    """Intersection over union."""
    return float(np.count_nonzero(one & other) / max(np.count_nonzero(one | other), 1))


def box_iou(box: Box, mask: Bools) -> float:
    """Intersection over union of a box with that around a mask."""
    return box.iou(Box.of(*bounding_box(mask))) if mask.any() else 0.0


def defects(mask: Bools) -> list[Bools]:
    """The parts of a mask that count as one defect each."""
    near = max(1, round(0.004 * max(mask.shape)))
    grown = local_max(mask.astype(np.float32), near) > 0
    labels = np.where(mask, label_components(grown), 0)
    sizes = np.bincount(labels.ravel())
    least = LEAST_SHARE * mask.size
    return [labels == name for name in range(1, len(sizes)) if sizes[name] >= least]


def rows(root: Path) -> Iterator[Row]:
    """All pictures with defects, measured by the expert once."""
    expert = ImageExpert(512)

    def row(data: str, pixels: Pixels, references: list[Pixels], **truth: Any) -> Row:
        started = time.process_time()
        evidence = expert.measure(pixels, references)
        seconds = time.process_time() - started
        masks, boxes = truth.get("masks", []), truth.get("boxes", [])
        return Row(data, pixels, evidence, masks, boxes, seconds, references)

    for data, make, count in SPLITS:
        split = make(root, count, 0)
        references = [load(path) for path in split.references]
        for path, anomalous in zip(split.tests, split.truth, strict=True):
            if anomalous:
                folder = path.parents[2] / "ground_truth" / path.parent.name
                (file,) = folder.glob(f"{path.stem}*")
                masks = defects(load(file)[..., 0] > 127)
                yield row(data, load(path), references, masks=masks)
    for file in sorted((root / "image/medical/kvasir_seg").glob("*_mask.png")):
        picture = load(file.with_name(file.name.replace("_mask.png", ".jpg")))
        yield row("kvasir_seg", picture, [], masks=defects(load(file)[..., 0] > 127))
    for pair in pairs(root):
        boxes = [Box.of(*box) for box in pair.boxes]
        yield row("deeppcb", pair.picture, [pair.template], boxes=boxes)


def proposals(all_rows: Sequence[Row], segmenter: Segmenter | None) -> list[dict[str, Any]]:
    """The best mark of each defect, for every source alone, and for all behind the expert's own."""
    best: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for row in all_rows:
        shape = working_shape(row.pixels.shape)
        small, score_map = shrunk(row.pixels, shape), _on(row.evidence.score_map, shape)
        exact = expert_regions(row.pixels, row.evidence, most=max(COUNTS))
        known = [Proposal.of("expert", one.score, one.mask).on(shape) for one in exact]
        found: dict[str, list[Proposal]] = {}
        for name, sources in SINGLE.items():
            started = time.process_time()
            segments = _segments(row.pixels, segmenter) if "sam" in sources else []
            own = _gathered(small, score_map, [one.on(shape) for one in segments], sources)
            found[name] = _strongest_alone(own)
            seconds[row.data, name].append(time.process_time() - started)
            if "sam" not in sources:
                weighed = fuse(small, score_map, [], most=max(COUNTS), sources=sources)
                found[f"{name}, weighed"] = [one for one, _ in weighed]
        started = time.process_time()
        found["fused"] = [one for one, _ in fuse(small, score_map, known, most=max(COUNTS))]
        seconds[row.data, "fused"].append(time.process_time() - started)
        for name, chosen in found.items():
            masks = [one.on(row.pixels.shape[:2]).whole() for one in chosen]
            for target in row.targets():
                fits = [target(mask) for mask in masks]
                for count in COUNTS:
                    best[row.data, name, count].append(max(fits[:count], default=0.0))
    lines = []
    for data, name in dict.fromkeys((data, name) for data, name, _ in best):
        line: dict[str, Any] = {"data": data, "source": name}
        for count in COUNTS:
            fits = best[data, name, count]
            line[f"iou@{count}"] = float(np.mean(fits))
            line[f"recall@{count}"] = float(np.mean(np.array(fits) >= 0.5))
        spent = seconds[data, name]
        lines.append(line | {"seconds": float(np.median(spent)) if spent else ""})
    return lines


def _strongest_alone(own: Sequence[Proposal]) -> list[Proposal]:
    """The regions of a source in its own order of strength, doubles left out."""
    weights = np.array([one.strength + 1e-3 for one in own])
    return [own[i] for i in choose(weights, overlaps(own), max(COUNTS))] if own else []


def _segments(pixels: Pixels, segmenter: Segmenter | None) -> list[Proposal]:
    masks = segmenter.propose(pixels) if segmenter else ()
    return [Proposal.of("sam", one.quality, one.mask) for one in masks if one.mask.any()]


def random_segmenter(folder: Path) -> Segmenter | None:
    """A small Segment Anything with seeded random weights; None where its package is missing."""
    try:
        from tests.localize.sam.support import TINY, save_sam

        return load_segmenter(save_sam(folder, TINY), device="cpu", automatic=RANDOM_POINTS)
    except pytest.skip.Exception as missing:
        print(f"no row of Segment Anything: {missing}")
        return None


def final_masks(all_rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What the offline engine reports from end to end, masks painted with their confidence."""
    detector = AnomalyDetector()
    lines = []
    for data in dict.fromkeys(row.data for row in all_rows):
        here = [row for row in all_rows if row.data == data]
        fits: dict[str, list[float]] = defaultdict(list)
        painted, both = [], []
        for row in here:
            started = time.process_time()
            report = detector.detect(row.pixels, references=list(row.references))
            fits["seconds"].append(time.process_time() - started)
            own = np.zeros(row.pixels.shape[:2], dtype=np.float32)
            found = []
            for finding in report.findings:
                if isinstance(finding.region, ImageRegion) and finding.region.mask is not None:
                    mask = finding.region.mask.to_array()
                    found.append(mask)
                    own[mask] = np.maximum(own[mask], finding.confidence or 0.0)
            painted.append(own)
            both.append(np.maximum(own, row.evidence.score_map))
            fits["found"].append(float(bool(found)))
            above = row.evidence.score_map >= 0.5
            if row.masks:
                truth = np.any(row.masks, axis=0)
                fits["masks"].append(iou(truth, own > 0))
                fits["map_at_0.5"].append(iou(truth, above))
                continue
            labels = label_components(above)
            parts = [labels == name for name in range(1, int(labels.max()) + 1)]
            for target in row.targets():
                fits["masks"].append(max((target(mask) for mask in found), default=0.0))
                fits["map_at_0.5"].append(max((target(part) for part in parts), default=0.0))
        line: dict[str, Any] = {"data": data}
        line |= {name: float(np.mean(values)) for name, values in fits.items()}
        if here[0].masks:
            line["au_pro_map"] = au_pro([row.evidence.score_map for row in here], here)
            line["au_pro_masks"] = au_pro(painted, here)
            line["au_pro_both"] = au_pro(both, here)
        lines.append(line)
    return sorted(lines, key=lambda line: "au_pro_map" not in line)


def default_marks(all_rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The marks that a model is shown by default, the expert's own regions first."""
    lines = []
    for data in dict.fromkeys(row.data for row in all_rows):
        fits, seconds, expert = [], [], []
        for row in all_rows:
            if row.data != data:
                continue
            started = time.process_time()
            marks = propose_regions(row.pixels, row.evidence, most=DEFAULT)
            seconds.append(time.process_time() - started)
            expert.append(row.seconds)
            fits += [max((fit(m.mask) for m in marks), default=0.0) for fit in row.targets()]
        lines.append(
            {
                "data": data,
                f"iou@{DEFAULT}": float(np.mean(fits)),
                f"recall@{DEFAULT}": float(np.mean(np.array(fits) >= 0.5)),
                "seconds": float(np.median(seconds)),
                "expert_seconds": float(np.median(expert)),
            }
        )
    return lines


def masks(all_rows: Sequence[Row]) -> list[dict[str, Any]]:
    """How well masks fit: the expert's regions, and what a box or a point of the truth gives."""
    lines = []
    for data in dict.fromkeys(row.data for row in all_rows):
        fits: dict[str, list[float]] = defaultdict(list)
        here = [row for row in all_rows if row.data == data]
        for row in here:
            started = time.process_time()
            exact = expert_regions(row.pixels, row.evidence, most=24)
            fits["seconds"].append(time.process_time() - started)
            raw = [one for one in row.evidence.candidates if isinstance(one, Candidate)]
            _regions(row, raw, list(exact), fits)
            _pointed(row, fits)
        line: dict[str, Any] = {"data": data}
        line |= {name: float(np.mean(values)) for name, values in fits.items()}
        lines.append(line)
    return lines


def _regions(
    row: Row, raw: list[Candidate], exact: list[Candidate], fits: dict[str, list[float]]
) -> None:
    """The union of the expert's regions against all defects, or the best box for each box."""
    if row.masks:
        truth = np.any(row.masks, axis=0)
        for name, found in (("regions_raw", raw), ("regions_refined", exact)):
            union = np.any([one.mask for one in found], axis=0) if found else np.zeros_like(truth)
            fits[name].append(iou(truth, union))
        fits["map_at_0.5"].append(iou(truth, row.evidence.score_map >= 0.5))
        return
    labels = label_components(row.evidence.score_map >= 0.5)
    parts = [labels == name for name in range(1, int(labels.max()) + 1)]
    for target in row.targets():
        fits["regions_raw"].append(max((target(one.mask) for one in raw), default=0.0))
        fits["regions_refined"].append(max((target(one.mask) for one in exact), default=0.0))
        fits["map_at_0.5"].append(max((target(part) for part in parts), default=0.0))


def _pointed(row: Row, fits: dict[str, list[float]]) -> None:
    """The box of each defect, as a reader would write it, made exact; by masks only."""
    refiner = Refiner(row.pixels, row.evidence.score_map)
    for truth in row.masks:
        box = Box.of(*bounding_box(truth))
        filled = np.zeros_like(truth)
        x0, y0, x1, y1 = box.rounded_out()
        filled[y0:y1, x0:x1] = True
        part = row.evidence.score_map[filled]
        fits["box_filled"].append(iou(truth, filled))
        middle = (float(part.min()) + float(part.max())) / 2
        fits["box_map"].append(iou(truth, filled & (row.evidence.score_map >= middle)))
        exact = refiner.box(box)
        fits["box_refined"].append(iou(truth, filled if exact is None else exact))
        ys, xs = np.nonzero(truth)
        middle_one = np.argmin(np.hypot(ys - np.median(ys), xs - np.median(xs)))
        at = refiner.point(float(xs[middle_one]) + 0.5, float(ys[middle_one]) + 0.5)
        fits["point_refined"].append(0.0 if at is None else iou(truth, at))


def au_pro(
    maps: Sequence[npt.NDArray[np.float32]], here: Sequence[Row], limit: float = 0.3
) -> float:
    """Area under the mean overlap of defects against the share of normal pixels hit, to `limit`.

    Pixels of one value are taken in together, and the curve is straight between two values.

    Source: Bergmann et al., https://doi.org/10.1007/s11263-020-01400-4
    """
    pairs = [(one, row) for one, row in zip(maps, here, strict=True) if row.masks]
    normal = np.concatenate([one[~np.any(row.masks, axis=0)] for one, row in pairs])
    inside = [np.sort(one[mask]) for one, row in pairs for mask in row.masks]
    cuts = np.unique(np.quantile(normal, np.linspace(0.5, 1, 1001)))
    cuts = np.unique(
        np.concatenate((cuts, *(np.quantile(values, (0, 0.5, 1)) for values in inside)))
    )
    normal.sort()
    hit = np.array([1 - np.searchsorted(normal, cut) / len(normal) for cut in cuts[::-1]])
    overlap = np.array(
        [
            np.mean([1 - np.searchsorted(values, cut) / len(values) for values in inside])
            for cut in cuts[::-1]
        ]
    )
    hit, overlap = np.append(np.insert(hit, 0, 0), 1), np.append(np.insert(overlap, 0, 0), 1)
    shares = np.linspace(0, limit, 3001)
    return float(np.trapezoid(np.interp(shares, hit, overlap), shares) / limit)


def legibility(all_rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The share of numbers that are read back from the picture as it is at 512 pixels."""
    lines = []
    for count in COUNTS:
        read = 0
        total = 0
        for row in all_rows[::4]:
            marks = propose_regions(row.pixels, row.evidence, most=count)
            height, width = row.pixels.shape[:2]
            scale = 512 / max(height, width)
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            frame = Frame.whole((width, height), size)
            shapes = [shape_of(n, frame, m.box, m.mask) for n, m in enumerate(marks, start=1)]
            base = Image.fromarray(row.pixels).resize(size, Image.Resampling.BICUBIC)
            drawn, labels = draw_marks(base, [shape for shape in shapes if shape is not None])
            grey = np.asarray(drawn.convert("L"), dtype=np.float64)
            for label in labels:
                x0, y0, x1, y1 = label.box
                read += _read(grey[y0:y1, x0:x1], len(marks)) == label.number
                total += 1
        lines.append({"marks": count, "drawn": total, "read_back": read / max(total, 1)})
    return lines


def _read(part: npt.NDArray[np.float64], most: int) -> int:
    """The number from 1 to `most` that a label is most like."""
    part = (part - part.mean()) / max(float(part.std()), 1e-6)

    def likeness(number: int) -> float:
        height, width = part.shape
        text = Image.new("L", (width, height), 255)
        font = _font(height)
        left, top, right, bottom = font.getbbox(str(number))
        at = ((width - left - right) / 2, (height - top - bottom) / 2)
        ImageDraw.Draw(text).text(at, str(number), fill=0, font=font)
        model = np.asarray(text, dtype=np.float64)
        return abs(float(((model - model.mean()) / max(float(model.std()), 1e-6) * part).mean()))

    return max(range(1, most + 1), key=likeness)


def main() -> None:
    """Print the tables and write them as JSON."""
    options = arguments(__doc__, "regions")
    root = data_root()
    if not (root / "image").is_dir():
        raise SystemExit(f"no data under {root}; set GADET_DATA")
    all_rows = list(rows(root))
    with tempfile.TemporaryDirectory() as folder:
        first = proposals(all_rows, random_segmenter(Path(folder)))
    print(f"\nproposals\n{table(first)}", flush=True)
    rest = {}
    for section in (final_masks, masks, default_marks, legibility):
        rest[section.__name__] = section(all_rows)
        # The whole takes minutes: show each part when it is there.
        print(f"\n{section.__name__}\n{table(rest[section.__name__])}", flush=True)
    write(options.out, "Best mark of each defect, a perfect reader", first, **rest)


if __name__ == "__main__":
    main()
