"""A cloud as a PLY file, with the scores and the findings of its points."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from gadet.experts.base import Evidence
from gadet.findings import Finding, PointsRegion
from gadet.localize.heat import HEAT
from gadet.media.pointcloud import PointCloudSample

__all__ = ["write_scored"]

_PLAIN: Final = 190  # grey of what is below the boundary
_FIELDS: Final = (
    *(("x", "<f8"), ("y", "<f8"), ("z", "<f8")),
    *(("red", "u1"), ("green", "u1"), ("blue", "u1")),
    *(("score", "<f4"), ("finding", "<i4")),
)
_NAMES: Final = {"<f8": "double", "<f4": "float", "u1": "uchar", "<i4": "int"}


def write_scored(
    path: Path, sample: PointCloudSample, findings: Sequence[Finding], evidence: Evidence | None
) -> None:
    """Write a cloud as binary PLY.

    A vertex for each point of the input, in its order. Those that were left out when it was read
    stand as NaN, so that the n-th vertex is the n-th point. Beside its place each has a colour, its
    `score` in [0, 1] (NaN without an expert), and the number of its `finding` from 1, 0 for none;
    of several the first. The colour is that of the score on the scale of the reports, grey below
    the boundary; without an expert, the points of findings are red. The faces of a mesh are kept.

    Args:
        path: Where to write.
        sample: The cloud.
        findings: What was found.
        evidence: What an expert measured.
    """
    cloud = sample.cloud
    place = cloud.in_input(np.arange(len(cloud)))
    count = cloud.given
    table = np.zeros(count, np.dtype(list(_FIELDS)))
    for axis, name in enumerate("xyz"):
        table[name] = np.nan
        table[name][place] = cloud.points[:, axis]
    table["score"] = np.nan
    for number, finding in reversed(list(enumerate(findings, start=1))):
        if isinstance(finding.region, PointsRegion):
            table["finding"][np.asarray(finding.region.indices, np.int64)] = number
    if evidence is not None:
        table["score"][place] = evidence.score_map
        colours = _colours(table["score"])
    else:
        colours = np.where(table["finding"][:, None] > 0, HEAT[2], _PLAIN)
    for channel, name in enumerate(("red", "green", "blue")):
        table[name] = colours[:, channel]
    faces = np.empty((0, 3), np.int64) if cloud.faces is None else cloud.in_input(cloud.faces)
    corners = np.zeros(len(faces), np.dtype([("count", "u1"), ("corners", "<i4", 3)]))
    corners["count"], corners["corners"] = 3, faces
    head = ["ply", "format binary_little_endian 1.0", f"element vertex {count}"]
    head += [f"property {_NAMES[kind]} {name}" for name, kind in _FIELDS]
    if len(faces):
        head += [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    text = "\n".join([*head, "end_header", ""])
    path.write_bytes(text.encode("ascii") + table.tobytes() + corners.tobytes())


def _colours(scores: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Opaque colours: grey up to the boundary of 0.5, then the scale of the reports."""
    level = np.nan_to_num(scores.astype(np.float64), nan=0.0)
    stops = np.linspace(0.5, 1.0, len(HEAT))
    scale = np.array(HEAT, np.float64)
    found = np.stack([np.interp(level, stops, scale[:, c]) for c in range(3)], axis=1)
    return np.where(level[:, None] > 0.5, found.round(), _PLAIN).astype(np.uint8)
