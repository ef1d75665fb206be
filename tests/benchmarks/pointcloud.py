"""Synthetic defects on real shapes: gadet's point-cloud expert beside other detectors, in one run.

    python -m tests.benchmarks.pointcloud [--out PATH] [--fast] [--only TEXT] [--shapes A,B]
        [--draw N]

Follows the protocol of tests/benchmarks/pointcloud_defects.py with one and with four references.
Points are drawn from meshes; point sets are cut into halves, one for the references, one for what
is judged. A defect that would hold fewer than ten points of the cloud is left out. The shapes come
from GADET_DATA, else `../shared/data` beside the repository. `--fast` takes two shapes and four
good clouds each, `--shapes` those that are named, `--draw 1` and on makes other clouds, with
defects in other places, on which constants may be set.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gadet.experts.pointcloud import PointCloudExpert, register
from gadet.experts.pointcloud.registration import moved
from gadet.media.pointcloud import Cloud, PointCloudAdapter, PointCloudInput, PointCloudSample
from tests.benchmarks.pointcloud_defects import KINDS, SIZES, Query, query, reference, spacing_of
from tests.benchmarks.pointcloud_metrics import (
    auroc,
    average_precision,
    object_score,
    region_score,
)
from tests.benchmarks.pointcloud_peers import PEERS
from tests.benchmarks.pointcloud_shapes import SHAPES, Shape, shape_of
from tests.benchmarks.results import write

Floats = npt.NDArray[np.float64]
Judge = Callable[[Floats], Floats]
Row = dict[str, float | str]
GOOD = 8
REFERENCES = (1, 4)
FAST = ("spot", "milk")
LEAST = 10
"""Points that a defect holds at least."""
WRONG = 0.01
"""Mean distance of points from where they belong, in diagonals, at which a pose is wrong."""
GADET = "gadet"
MAIN = ("detector", "references", "shapes", "object_auroc", "point_auroc", "point_ap", "pro",
        "cpu_seconds", "cpu_to_prepare")  # fmt: skip


def loaded(points: Floats) -> PointCloudSample:
    """Points as a sample."""
    return PointCloudAdapter().load(PointCloudInput(points, columns=("x", "y", "z")))


class Gadet:
    """The expert, made of references, as a function of points."""

    def __init__(self, references: Sequence[Floats]) -> None:
        self.expert = PointCloudExpert()
        self.references = [loaded(one) for one in references]
        self.expert.assess(self.references[0], self.references)

    def __call__(self, points: Floats) -> Floats:
        return self.expert.assess(loaded(points), self.references).score_map.astype(np.float64)


def queries(shape: Shape, good: int, draw: int) -> list[Query]:
    """All clouds of a shape that are judged."""
    spacing = spacing_of(reference(shape, 0))
    seen = [size for size in SIZES if math.pi * (size / spacing) ** 2 >= LEAST]
    first = draw * GOOD
    return [query(shape, "good", 0, index) for index in range(first, first + good)] + [
        query(shape, kind, size, draw) for kind in KINDS for size in seen
    ]


def judged(shape: Shape, clouds: Sequence[Query], judge: Judge) -> Row:
    """The metrics of a detector on a shape."""
    started = time.process_time()
    scores = [judge(one.points) for one in clouds]
    seconds = (time.process_time() - started) / len(clouds)
    bad = [(one, mine) for one, mine in zip(clouds, scores, strict=True) if one.labels.any()]
    normal = np.concatenate([mine[~one.labels] for one, mine in zip(clouds, scores, strict=True)])
    wrong = np.array([one.kind != "good" for one in clouds])
    row: Row = {
        "shape": shape.name,
        "object_auroc": auroc(wrong, np.array([object_score(mine) for mine in scores])),
        "point_auroc": float(np.mean([auroc(one.labels, mine) for one, mine in bad])),
        "point_ap": float(np.mean([average_precision(one.labels, mine) for one, mine in bad])),
        "pro": region_score([mine[one.labels] for one, mine in bad], normal),
        "cpu_seconds": seconds,
    }
    for kind in KINDS:
        mine_of = [(one, mine) for one, mine in bad if one.kind == kind]
        row[f"ap {kind}"] = float(
            np.mean([average_precision(one.labels, mine) for one, mine in mine_of])
        )
        row[f"pro {kind}"] = region_score([mine[one.labels] for one, mine in mine_of], normal)
    return row


def wrong_poses(shape: Shape, clouds: Sequence[Query]) -> float:
    """Share of clouds whose pose is found wrongly."""
    normal = reference(shape, 0)
    first = Cloud(normal.copy())
    few = normal[:: max(1, len(normal) // 1000)]
    apart = [
        np.linalg.norm(
            moved(moved(few, one.pose), register(Cloud(one.points.copy()), first).transform) - few,
            axis=1,
        ).mean()
        for one in clouds
    ]
    return float(np.mean(np.array(apart) > WRONG))


def summary(name: str, references: int, rows: Sequence[Row], group: str) -> Row:
    """The mean over shapes."""
    line: Row = {"detector": name, "references": str(references), "shapes": group}
    for key in rows[0]:
        if key not in ("detector", "references", "shape"):
            line[key] = float(np.mean([float(row[key]) for row in rows]))
    return line


def grouped(name: str, references: int, rows: Sequence[Row]) -> list[Row]:
    """A line for the meshes, one for the point sets, one for all."""
    meshes = [row for row in rows if shape_of(str(row["shape"])).faces is not None]
    sets = [row for row in rows if row not in meshes]
    parts = {"meshes": meshes, "point sets": sets, "all": list(rows)}
    return [summary(name, references, part, group) for group, part in parts.items() if part]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out/benchmarks/pointcloud.json"))
    parser.add_argument("--fast", action="store_true", help="two shapes, four good clouds each")
    parser.add_argument("--only", default="", help="only detectors whose name holds this text")
    parser.add_argument("--shapes", default="", help="only these shapes, joined by commas")
    parser.add_argument("--draw", type=int, default=0, help="which clouds are made")
    given = parser.parse_args()
    names = FAST if given.fast else tuple(SHAPES)
    names = tuple(given.shapes.split(",")) if given.shapes else names
    makers = {name: make for name, make in {GADET: Gadet, **PEERS}.items() if given.only in name}
    each: list[Row] = []
    wrong: list[float] = []
    for name in names:
        shape = shape_of(name)
        clouds = queries(shape, GOOD // 2 if given.fast else GOOD, given.draw)
        wrong.append(wrong_poses(shape, clouds))
        for count in REFERENCES:
            normals = [reference(shape, index) for index in range(count)]
            for detector, make in makers.items():
                started = time.process_time()
                judge = make(normals)
                ready = time.process_time() - started
                row = judged(shape, clouds, judge) | {"cpu_to_prepare": ready}
                each.append({"detector": detector, "references": str(count)} | row)
                print(name, detector, count, {k: round(float(row[k]), 3) for k in (
                    "object_auroc", "point_ap", "pro", "cpu_seconds")}, flush=True)  # fmt: skip
    lines = [
        line
        for count in REFERENCES
        for detector in makers
        for line in grouped(
            detector,
            count,
            [row for row in each if (row["detector"], row["references"]) == (detector, str(count))],
        )
    ]
    facts = {"wrong_registrations": float(np.mean(wrong))}
    write(given.out, "Synthetic defects on point clouds", [chosen(one, MAIN) for one in lines],
          **facts)  # fmt: skip
    kinds = [f"{metric} {kind}" for metric in ("ap", "pro") for kind in KINDS]
    write(
        given.out.with_stem(f"{given.out.stem}_kinds"),
        "By kind of defect, all shapes",
        [chosen(one, [*MAIN[:2], *kinds]) for one in lines if one["shapes"] == "all"],
    )
    write(
        given.out.with_stem(f"{given.out.stem}_each"),
        "By shape",
        [chosen(one, [*MAIN[:2], "shape", *MAIN[3:]]) for one in each],
    )


def chosen(row: Row, keys: Sequence[str]) -> Row:
    """Some columns of a row."""
    return {key: row[key] for key in keys}


if __name__ == "__main__":
    main()
